package state

// expire ends the grace period of processes and of former programs whose time has come.
func (t *Tree) expire() {
	for r, ok := t.replaced.first(); ok && r.when+t.grace < t.now; r, ok = t.replaced.first() {
		t.forgetFormer()
	}
	for p := t.exited.head; p != nil && p.ExitTime+t.grace < t.now; p = t.exited.head {
		t.retire(p)
	}
}

// retire forgets an ended process, or keeps it for the sake of its descendants.
func (t *Tree) retire(p *Process) {
	if p.children > 0 {
		t.lingering.push(p)
		return
	}
	t.forget(p)
}

// forget removes a process, and the ancestors that were kept for it alone.
func (t *Tree) forget(p *Process) {
	for p != nil {
		orphaned := t.unlink(p)
		t.drop(p)
		p = orphaned
	}
}

func (t *Tree) drop(p *Process) {
	if t.byPID[p.Key.PID] == p {
		if p.older == nil {
			delete(t.byPID, p.Key.PID)
		} else {
			t.byPID[p.Key.PID] = p.older
		}
	} else {
		for newer := t.byPID[p.Key.PID]; newer != nil; newer = newer.older {
			if newer.older == p {
				newer.older = p.older
				break
			}
		}
	}
	p.list.remove(p)
	t.release(p.Program)
	t.releaseFormer(p)
	t.count--
	t.bytes -= processBytes
	*p = Process{}
	if len(t.freeProcess) < maxFree {
		t.freeProcess = append(t.freeProcess, p)
	}
}

// evict makes room when the tree has outgrown its bound. Former programs go before all else. Ended processes go first, then those kept for their descendants,
// then long arguments of the living, then the living without descendants, and at last whatever is oldest. It frees an
// eighth at once, so that its cost is spread over many events.
func (t *Tree) evict() {
	if t.bytes <= t.maxBytes {
		return
	}
	target := t.maxBytes - t.maxBytes/8
	for t.bytes > target && t.replaced.length() > 0 {
		t.forgetFormer()
	}
	for t.bytes > target && t.exited.head != nil {
		p := t.exited.head
		if p.children == 0 {
			t.stats.Evicted++
		}
		t.retire(p)
	}
	for t.bytes > target && t.lingering.head != nil {
		t.stats.Evicted++
		t.forget(t.lingering.head)
	}
	for p := t.living.head; p != nil && t.bytes > target; p = p.next {
		t.trim(p.Program)
	}
	for p := t.living.head; p != nil && t.bytes > target; {
		next := p.next
		if p.children == 0 {
			t.stats.Evicted++
			t.forget(p)
		}
		p = next
	}
	for t.bytes > target && t.living.head != nil {
		t.stats.Evicted++
		t.forget(t.living.head)
	}
}
