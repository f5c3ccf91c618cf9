package state

// list is a queue of processes, oldest first, linked through the processes themselves. A process is in one list at most.
type list struct {
	head, tail *Process
	length     int
}

func (l *list) push(p *Process) {
	if p.list != nil {
		p.list.remove(p)
	}
	p.list, p.prev, p.next = l, l.tail, nil
	if l.tail != nil {
		l.tail.next = p
	} else {
		l.head = p
	}
	l.tail = p
	l.length++
}

func (l *list) remove(p *Process) {
	if p.prev != nil {
		p.prev.next = p.next
	} else {
		l.head = p.next
	}
	if p.next != nil {
		p.next.prev = p.prev
	} else {
		l.tail = p.prev
	}
	p.list, p.prev, p.next = nil, nil, nil
	l.length--
}
