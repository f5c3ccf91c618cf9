package main

import (
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// contestant is something whose cost an event is measured.
type contestant struct {
	// events is how many one call of pass handles.
	events int
	// pass gives the CPU time of what is measured.
	pass func() (time.Duration, error)
}

// outcome is what measuring a contestant gave. Rates are events per second of CPU time in ascending order, one of each
// round; allocations and bytes are those of an event.
type outcome struct {
	rates              []float64
	allocations, bytes float64
}

func (o outcome) median() float64 { return o.rates[len(o.rates)/2] }

// compete measures every contestant in every round, so that a slow minute of the machine falls on all of them. Each has at
// least the given CPU time in a round, and one call of pass before the first: programs and automata are built on first use.
func compete(rounds int, atLeast time.Duration, contestants ...contestant) ([]outcome, error) {
	outcomes := make([]outcome, len(contestants))
	passes := make([]int, len(contestants))
	for i, c := range contestants {
		for range 2 {
			spent, err := c.pass()
			if err != nil {
				return nil, err
			}
			passes[i] = int(atLeast/max(spent, time.Microsecond)) + 1
		}
	}
	for range rounds {
		for i, c := range contestants {
			if err := outcomes[i].add(c, passes[i]); err != nil {
				return nil, err
			}
		}
	}
	for i := range outcomes {
		slices.Sort(outcomes[i].rates)
	}
	return outcomes, nil
}

// add measures one round.
func (o *outcome) add(c contestant, passes int) error {
	// The garbage of the one before is not this one's.
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var sum time.Duration
	for range passes {
		spent, err := c.pass()
		if err != nil {
			return err
		}
		sum += spent
	}
	runtime.ReadMemStats(&after)
	events := float64(passes * c.events)
	o.rates = append(o.rates, events/sum.Seconds())
	o.allocations = float64(after.Mallocs-before.Mallocs) / events
	o.bytes = float64(after.TotalAlloc-before.TotalAlloc) / events
	return nil
}

// cpuOf is the CPU time that the whole process used during a call, the garbage collector's among it.
func cpuOf(call func()) time.Duration {
	began := cpuNow()
	call()
	return cpuNow() - began
}

func cpuNow() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now); err != nil {
		panic("BUG: this process has no CPU time: " + err.Error())
	}
	return time.Duration(now.Nano())
}

// retained is how much live heap, in MiB, holds what build makes.
func retained[T any](build func() (T, error)) (float64, error) {
	before := liveHeap()
	kept, err := build()
	after := liveHeap()
	runtime.KeepAlive(kept)
	return (float64(after) - float64(before)) / (1 << 20), err
}

func liveHeap() uint64 {
	// Twice: what pools held is free after the second.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
