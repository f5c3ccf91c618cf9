package tally_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/tally"
	"github.com/vedette-edr/vedette/analyzer/wire"
	pb "github.com/vedette-edr/vedette/proto"
)

const (
	process = pb.Class_CLASS_PROCESS
	seeds   = 0xffffffff
)

func header(first, last uint64, losses ...wire.Loss) *wire.Batch {
	return &wire.Batch{Class: process, Ranges: []wire.Range{{CPU: 2, First: first, Last: last}}, Losses: losses}
}

func events(t *tally.Tally, cpu uint32, numbers ...uint64) {
	for _, n := range numbers {
		t.Event(process, cpu, n)
	}
}

func check(t *testing.T, what string, got *tally.Tally, want ...tally.Flow) {
	t.Helper()
	if diff := cmp.Diff(want, got.Flows(nil)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestEverythingArrived(t *testing.T) {
	n := tally.New(1, false)
	events(n, 0, 1, 2, 3)
	events(n, seeds, 1, 2)
	check(t, "two CPUs", n, tally.Flow{Class: process, Received: 5})
}

// Preemption lets two events of one CPU change places.
func TestOrderWithinACPUDoesNotMatter(t *testing.T) {
	n := tally.New(1, false)
	events(n, 0, 2, 1, 4, 3)
	check(t, "swapped", n, tally.Flow{Class: process, Received: 4})
}

func TestMissingNeedsACounter(t *testing.T) {
	n := tally.New(1, false)
	events(n, 2, 1, 2, 6)
	check(t, "nobody counted", n, tally.Flow{Class: process, Received: 3, Missing: 3, Unexplained: 3})
	n.Batch(header(7, 7, wire.Loss{Class: process, Cause: pb.LossCause_LOSS_CAUSE_RING_FULL, Count: 2}))
	events(n, 2, 7)
	check(t, "two counted", n, tally.Flow{Class: process, Received: 4, Missing: 3, Unexplained: 1})
	n.Lost(process, pb.LossCause_LOSS_CAUSE_DECODE, 1)
	check(t, "the third was found here", n, tally.Flow{Class: process, Received: 4, Missing: 3})
	if diff := cmp.Diff([]wire.Loss{{Class: process, Cause: pb.LossCause_LOSS_CAUSE_DECODE, Count: 1}}, n.Losses(nil)); diff != "" {
		t.Errorf("losses (-want +got):\n%s", diff)
	}
}

func TestWhatExplainsNothing(t *testing.T) {
	f := func(what string, l wire.Loss) {
		t.Helper()
		n := tally.New(1, false)
		n.Batch(header(1, 3, l))
		events(n, 2, 1, 3)
		check(t, what, n, tally.Flow{Class: process, Received: 2, Missing: 1, Unexplained: 1})
	}
	f("a part of an event", wire.Loss{Class: process, Cause: pb.LossCause_LOSS_CAUSE_ARGUMENTS, Count: 1})
	f("a program that never ran", wire.Loss{Class: process, Cause: pb.LossCause_LOSS_CAUSE_PROGRAM_MISSED, Count: 1})
	f("another class", wire.Loss{Class: pb.Class_CLASS_KERNEL, Cause: pb.LossCause_LOSS_CAUSE_RING_FULL, Count: 1})
	f("a cause out of range", wire.Loss{Class: process, Cause: -1, Count: 1})
}

// The last numbers of a shed batch are known from its ranges alone.
func TestShedBatchIsExplainedByItsCounter(t *testing.T) {
	n := tally.New(1, false)
	shed := header(1, 128, wire.Loss{Class: process, Cause: pb.LossCause_LOSS_CAUSE_SPOOL_FULL, Count: 128})
	shed.Shed = true
	n.Batch(shed)
	check(t, "tombstone", n, tally.Flow{Class: process, Missing: 128})
}

func TestCountersOfACollectorOnlyGrow(t *testing.T) {
	n := tally.New(1, false)
	n.Batch(header(1, 10, wire.Loss{Class: process, Cause: 1, Count: 9}))
	n.Batch(header(1, 10, wire.Loss{Class: process, Cause: 1, Count: 4}))
	check(t, "an older header after a newer one", n, tally.Flow{Class: process, Missing: 10, Unexplained: 1})
}

func TestLateJoinerMissesNothingBeforeItsTime(t *testing.T) {
	n := tally.New(1, true)
	n.Batch(header(501, 503))
	events(n, 2, 502, 501)
	check(t, "one of three", n, tally.Flow{Class: process, Received: 2, Missing: 1, Unexplained: 1})
	events(n, 2, 503)
	check(t, "all", n, tally.Flow{Class: process, Received: 3})
}

func TestStrangeNumbersDoNoHarm(t *testing.T) {
	n := tally.New(1, false)
	n.Event(-5, 0, 1)
	n.Event(1000, 0, 2)
	n.Event(process, 5000, 1)
	n.Event(process, 0, 0)
	n.Batch(&wire.Batch{Class: process, Ranges: []wire.Range{{CPU: 1, First: 0, Last: 9}, {CPU: 1, First: 5, Last: 4}}})
	check(t, "classes outside are class 0", n,
		tally.Flow{Class: 0, Received: 2}, tally.Flow{Class: process, Received: 1})
}

func TestRestoreGoesOnCounting(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	a, b := tally.New(77, false), tally.New(77, false)
	for i := range 5000 {
		cpu := uint32(rng.IntN(3))
		if cpu == 2 {
			cpu = seeds
		}
		class, seq := pb.Class(rng.IntN(4)+1), uint64(rng.IntN(10000)+1)
		a.Event(class, cpu, seq)
		b.Event(class, cpu, seq)
		if i%97 == 0 {
			a.Lost(class, pb.LossCause_LOSS_CAUSE_DECODE, 1)
			b.Lost(class, pb.LossCause_LOSS_CAUSE_DECODE, 1)
			restored, err := tally.Restore(b.Append(nil))
			if err != nil {
				t.Fatal(err)
			}
			b = restored
		}
	}
	if diff := cmp.Diff(a.Flows(nil), b.Flows(nil)); diff != "" {
		t.Errorf("flows differ (-want +got):\n%s", diff)
	}
	if b.Instance() != 77 {
		t.Errorf("instance %d, want 77", b.Instance())
	}
}

func FuzzRestore(f *testing.F) {
	n := tally.New(5, true)
	n.Batch(header(3, 9, wire.Loss{Class: process, Cause: 4, Count: 2}))
	events(n, seeds, 1)
	f.Add(n.Append(nil))
	f.Add([]byte{1, 1, 0, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := tally.Restore(data)
		if err != nil {
			if !errors.Is(err, tally.ErrEncoding) {
				t.Errorf("error %v is not ErrEncoding", err)
			}
			return
		}
		once := n.Append(nil)
		again, err := tally.Restore(once)
		if err != nil {
			t.Fatalf("cannot restore what Append wrote: %v", err)
		}
		if !bytes.Equal(once, again.Append(nil)) {
			t.Error("a second round trip changed the tally")
		}
	})
}

func BenchmarkEvent(b *testing.B) {
	n := tally.New(1, false)
	seq := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		seq++
		n.Event(process, 3, seq)
	}
}
