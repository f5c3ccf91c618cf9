package state_test

import (
	"fmt"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
)

// lives gives the events of processes that are born, execute and end, one after the other, with process ids that come
// round. Only the keys differ from life to life, so renew can give the same events new keys without allocating.
type lives struct {
	fork, exec, exit *pb.Event
	born             uint64
}

func newLives() *lives {
	w := newWorld()
	parent, child := key(1, 0), key(2, 1)
	l := &lives{fork: w.fork(parent, child)}
	l.exec = w.exec(child, 1, "/usr/bin/true", "true", "--some", "argument", "https://example.org/a/b/c")
	l.exit = w.exit(child, 1)
	return l
}

func (l *lives) renew() {
	l.born += 1_000_000
	child := l.fork.GetFork().Child
	child.Pid, child.StartTimeNs = uint32(2+l.born/1_000_000%30000), l.born
	for _, ev := range []*pb.Event{l.exec, l.exit} {
		ev.Actor.Process.Pid, ev.Actor.Process.StartTimeNs = child.Pid, child.StartTimeNs
	}
	l.fork.KernelTimeNs, l.exec.KernelTimeNs, l.exit.KernelTimeNs = l.born, l.born+1, l.born+2
}

func TestForkAndExitDoNotAllocate(t *testing.T) {
	tree := state.New(state.Options{Grace: 1})
	l := newLives()
	live := func() {
		l.renew()
		tree.Apply(l.fork)
		tree.Apply(l.exit)
	}
	for range 100000 {
		live()
	}
	if n := testing.AllocsPerRun(1000, live); n > 0 {
		t.Errorf("a fork and an exit cost %v allocations, want 0", n)
	}
}

func TestExecAllocatesItsArgumentsAlone(t *testing.T) {
	tree := state.New(state.Options{Grace: 1})
	l := newLives()
	live := func() {
		l.renew()
		tree.Apply(l.fork)
		tree.Apply(l.exec)
		tree.Apply(l.exit)
	}
	for range 100000 {
		live()
	}
	if n := testing.AllocsPerRun(1000, live); n > 1 {
		t.Errorf("a life with an exec costs %v allocations, want 1", n)
	}
}

func BenchmarkApply(b *testing.B) {
	b.Run("fork and exit", func(b *testing.B) {
		tree, l := state.New(state.Options{}), newLives()
		b.ReportAllocs()
		for b.Loop() {
			l.renew()
			tree.Apply(l.fork)
			tree.Apply(l.exit)
		}
	})
	b.Run("fork, exec and exit", func(b *testing.B) {
		tree, l := state.New(state.Options{}), newLives()
		b.ReportAllocs()
		for b.Loop() {
			l.renew()
			tree.Apply(l.fork)
			tree.Apply(l.exec)
			tree.Apply(l.exit)
		}
	})
	b.Run("memory per process", func(b *testing.B) {
		tree, w := state.New(state.Options{MaxBytes: 1 << 30}), newWorld()
		parent := key(1, 0)
		i := 0
		b.ReportAllocs()
		for b.Loop() {
			i++
			child := key(uint32(i+1), i)
			tree.Apply(w.fork(parent, child))
			tree.Apply(w.exec(child, i, "/usr/bin/true", "true", fmt.Sprint(i)))
		}
		b.ReportMetric(float64(tree.Stats().Bytes)/float64(b.N), "counted-B/process")
	})
}
