package state

// replaced is a process that executed another program at a time, in nanoseconds since boot.
type replaced struct {
	process *Process
	serial  uint64
	when    uint64
}

// replacedBytes stands for a replaced in a queue.
const replacedBytes = 24

// replacedQueue has its oldest entry at head.
type replacedQueue struct {
	entries []replaced
	head    int
}

func (q *replacedQueue) length() int { return len(q.entries) - q.head }

func (q *replacedQueue) first() (r replaced, ok bool) {
	if q.length() == 0 {
		return replaced{}, false
	}
	return q.entries[q.head], true
}

func (q *replacedQueue) push(r replaced) {
	if q.head > 64 && q.head > len(q.entries)/2 {
		kept := copy(q.entries, q.entries[q.head:])
		clear(q.entries[kept:])
		q.entries, q.head = q.entries[:kept], 0
	}
	q.entries = append(q.entries, r)
}

func (q *replacedQueue) pop() {
	q.entries[q.head] = replaced{}
	if q.head++; q.head == len(q.entries) {
		q.entries, q.head = q.entries[:0], 0
	}
}

// supersede puts the program of a process among the former ones.
func (t *Tree) supersede(p *Process, when uint64) {
	if p.Program == nil {
		return
	}
	t.release(p.former[mostFormer-1])
	copy(p.former[1:], p.former[:])
	p.former[0] = p.Program
	t.replaced.push(replaced{process: p, serial: p.serial, when: when})
	t.bytes += replacedBytes
}

// forgetFormer takes the oldest entry off the queue, and with it the program that was replaced then.
func (t *Tree) forgetFormer() {
	r, _ := t.replaced.first()
	t.replaced.pop()
	t.bytes -= replacedBytes
	p := r.process
	if p.serial != r.serial {
		// It has ended, and what describes it now describes another process or none.
		return
	}
	next := p.Program
	for i, former := range p.former {
		if former != nil && next.KernelTimeNS == r.when {
			t.release(former)
			copy(p.former[i:], p.former[i+1:])
			p.former[mostFormer-1] = nil
			return
		}
		next = former
		if next == nil {
			return
		}
	}
}

func (t *Tree) releaseFormer(p *Process) {
	for i, former := range p.former {
		t.release(former)
		p.former[i] = nil
	}
}
