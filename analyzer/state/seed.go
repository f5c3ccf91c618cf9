package state

import (
	pb "github.com/vedette-edr/vedette/proto"
)

// seedRound is the list of the living that is being received.
type seedRound struct {
	number    uint64
	processes uint32
	// began is the earliest kernel time in the round, in nanoseconds since boot.
	began uint64
}

// seeded takes in a process that was running when the collector looked. The list is read while processes start, execute and
// end, so whatever an event said of a later moment stands.
func (t *Tree) seeded(ev *pb.Event, seed *pb.ProcessExec) *Process {
	if t.seed.processes == 0 {
		t.seed.number++
		t.seed.began = ev.KernelTimeNs
	}
	t.seed.processes++
	t.seed.began = min(t.seed.began, ev.KernelTimeNs)

	if ev.Actor == nil {
		return nil
	}
	key := keyOf(ev.Actor.Process)
	if !key.known() {
		return nil
	}
	p := t.Process(key)
	if p == nil {
		p = t.add(key)
	}
	p.seedRound = t.seed.number
	if p.Exited {
		if p.Program == nil {
			t.setProgram(p, seed, ev)
		}
		return p
	}
	// An actor without a parent is from procfs, which did not say as whom it runs.
	if p.Program == nil || ev.Actor.Parent != nil {
		t.actor(ev.Actor, ev.KernelTimeNs)
	}
	switch {
	case p.Program == nil:
		t.setProgram(p, seed, ev)
	case p.Program.KernelTimeNS > ev.KernelTimeNs || p.Program.same(seed):
	default:
		// The exec that put this program there was lost.
		t.setProgram(p, seed, ev)
		p.Generation++
	}
	return p
}

// seedEnd closes the list of the living. When it is complete, a process that is not on it and began before it has ended
// without anybody having seen the end.
func (t *Tree) seedEnd(end *pb.SeedEnd) {
	round := t.seed
	t.seed.processes = 0
	if round.processes == 0 || round.processes != end.Processes {
		return
	}
	for p := t.living.head; p != nil; {
		next := p.next
		if p.seedRound != round.number && p.Key.Start < round.began {
			t.stats.Swept++
			t.end(p, round.began)
		}
		p = next
	}
}
