// Package tally says whether everything that one collector instance numbered has arrived. Each CPU numbers the events of a
// class from 1 without holes; what is missing must be covered by losses that somebody counted, and the rest is
// unexplained.
package tally

import (
	"cmp"
	"slices"

	"github.com/vedette-edr/vedette/analyzer/wire"
	pb "github.com/vedette-edr/vedette/proto"
)

const (
	// maxClass bounds the classes that are told apart; a class outside is counted as class 0.
	maxClass = 32
	// densestCPU is the highest CPU kept by index; CPUs beyond it, such as the one of seeds, are kept in a map.
	densestCPU = 1023
	// firstPartial is the first cause that says an event was delivered in part; such events are not missing.
	firstPartial = 32
)

// Tally counts the events of one collector instance. It is not safe for concurrent use.
type Tally struct {
	instance uint64
	// joined says that the count did not begin with the instance: numbers before the first one seen are not missed.
	joined  bool
	classes [maxClass]class
}

type class struct {
	dense  []counter
	sparse map[uint32]*counter
	// counted holds the collector's own loss counters, local the losses found here.
	counted [firstPartial]uint64
	local   [firstPartial]uint64
}

// counter follows one CPU. base is the last number that is not counted here; a counter with max equal to base and nothing
// received has seen nothing.
type counter struct {
	base, max, received uint64
}

// New counts an instance from its first event on, or, when joined is set, from whatever comes first.
func New(instance uint64, joined bool) *Tally {
	return &Tally{instance: instance, joined: joined}
}

// Instance is the collector run that is counted.
func (t *Tally) Instance() uint64 { return t.instance }

// Batch takes in the ranges and loss counters of a batch's header.
func (t *Tally) Batch(b *wire.Batch) {
	for _, r := range b.Ranges {
		if r.First == 0 || r.Last < r.First {
			continue
		}
		c := t.counter(b.Class, r.CPU, r.First-1)
		c.max = max(c.max, r.Last)
	}
	for _, l := range b.Losses {
		if l.Cause > 0 && l.Cause < firstPartial {
			counted := &t.classes[index(l.Class)].counted[l.Cause]
			*counted = max(*counted, l.Count)
		}
	}
}

// Event takes in one event.
func (t *Tally) Event(class pb.Class, cpu uint32, sequence uint64) {
	if sequence == 0 {
		return
	}
	c := t.counter(class, cpu, sequence-1)
	c.max = max(c.max, sequence)
	c.received++
}

// Lost counts n events that arrived and could not be used.
func (t *Tally) Lost(class pb.Class, cause pb.LossCause, n uint64) {
	if cause > 0 && cause < firstPartial {
		t.classes[index(class)].local[cause] += n
	}
}

// Flow is the sum of one class.
type Flow struct {
	Class pb.Class
	// Received is what arrived since the count began, Missing what did not, Unexplained the part of Missing that no counter
	// of loss covers. Missing may be above 0 for a moment while a loss is not reported yet.
	Received, Missing, Unexplained uint64
}

// Flows appends to dst the sum of each class that has been heard of, by class number.
func (t *Tally) Flows(dst []Flow) []Flow {
	for i := range t.classes {
		c := &t.classes[i]
		f := Flow{Class: pb.Class(i)}
		heard := false
		c.each(func(_ uint32, n *counter) {
			heard = true
			f.Received += n.received
			// Received above the span means that numbers were used twice; that cannot make up for others that are missing.
			if span := n.max - n.base; span > n.received {
				f.Missing += span - n.received
			}
		})
		explained := uint64(0)
		for cause := range c.counted {
			// A program that the kernel did not run has numbered nothing.
			if pb.LossCause(cause) != pb.LossCause_LOSS_CAUSE_PROGRAM_MISSED {
				explained += c.counted[cause] + c.local[cause]
			}
		}
		if f.Missing > explained {
			f.Unexplained = f.Missing - explained
		}
		if heard {
			dst = append(dst, f)
		}
	}
	return dst
}

// Losses appends to dst the losses found here, by class and cause.
func (t *Tally) Losses(dst []wire.Loss) []wire.Loss {
	for i := range t.classes {
		for cause, n := range t.classes[i].local {
			if n > 0 {
				dst = append(dst, wire.Loss{Class: pb.Class(i), Cause: pb.LossCause(cause), Count: n})
			}
		}
	}
	return dst
}

func index(class pb.Class) int {
	if class < 0 || class >= maxClass {
		return 0
	}
	return int(class)
}

// counter finds the counter of a CPU; a new one begins after base where the count joined late, else at 0.
func (t *Tally) counter(class pb.Class, cpu uint32, base uint64) *counter {
	if !t.joined {
		base = 0
	}
	c := &t.classes[index(class)]
	if cpu <= densestCPU {
		for int(cpu) >= len(c.dense) {
			c.dense = append(c.dense, counter{})
		}
		n := &c.dense[cpu]
		if n.max == 0 {
			n.base, n.max = base, base
		}
		return n
	}
	n := c.sparse[cpu]
	if n == nil {
		if c.sparse == nil {
			c.sparse = map[uint32]*counter{}
		}
		n = &counter{base: base, max: base}
		c.sparse[cpu] = n
	}
	return n
}

// each visits the counters that have seen something, by CPU.
func (c *class) each(visit func(cpu uint32, n *counter)) {
	for cpu := range c.dense {
		if n := &c.dense[cpu]; n.max > 0 {
			visit(uint32(cpu), n)
		}
	}
	cpus := make([]uint32, 0, len(c.sparse))
	for cpu := range c.sparse {
		cpus = append(cpus, cpu)
	}
	slices.SortFunc(cpus, cmp.Compare)
	for _, cpu := range cpus {
		visit(cpu, c.sparse[cpu])
	}
}
