package state_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
)

// runs gives the program that a process ran at a second.
func runs(p *state.Process, when int) string {
	if p == nil {
		return "-"
	}
	if program := p.ProgramAt(seconds(when)); program != nil {
		return program.Image
	}
	return "?"
}

func TestProgramAt(t *testing.T) {
	initial, shell, child := key(1, 0), key(100, 10), key(200, 20)
	f := func(what string, of state.Key, when int, want string, events func(w *world) []*pb.Event) {
		t.Helper()
		tree := state.New(state.Options{Grace: 10 * time.Second})
		apply(tree, events(newWorld())...)
		if got := runs(tree.Process(of), when); got != want {
			t.Errorf("%s: at second %d it ran %s, want %s", what, when, got, want)
		}
	}
	chain := func(w *world) []*pb.Event {
		return []*pb.Event{
			w.seed(initial, state.Key{}, 5, "init"), w.fork(initial, shell), w.exec(shell, 12, "env"), w.exec(shell, 14, "sh"),
			w.exec(shell, 16, "vi"),
		}
	}
	f("before its first exec", shell, 11, "init", chain)
	f("at the moment of an exec", shell, 12, "env", chain)
	f("between two", shell, 13, "env", chain)
	f("between two later ones", shell, 15, "sh", chain)
	f("after the last", shell, 99, "vi", chain)
	f("another process", initial, 99, "init", chain)
	f("more than are remembered", shell, 12, "sh", func(w *world) []*pb.Event {
		return append(chain(w), w.exec(shell, 18, "ed"), w.exec(shell, 19, "ex"))
	})
	f("before the list of the living was read", initial, 1, "init", chain)
	f("too long ago", shell, 13, "vi", func(w *world) []*pb.Event {
		return append(chain(w), w.event(initial, 27), w.event(initial, 27))
	})
	f("some of it too long ago", shell, 13, "sh", func(w *world) []*pb.Event {
		return append(chain(w), w.event(initial, 25), w.event(initial, 25))
	})
	f("nothing known", shell, 13, "?", func(w *world) []*pb.Event { return []*pb.Event{w.event(shell, 12)} })
	f("a fork that comes late", child, 20, "sh", func(w *world) []*pb.Event {
		late := w.fork(shell, child)
		return append(chain(w)[:4], w.exec(shell, 22, "vi"), late)
	})
	f("a process that ended", shell, 13, "env", func(w *world) []*pb.Event { return append(chain(w), w.exit(shell, 17)) })
}

// What is remembered of former programs is given back, however processes end, and however little memory there is.
func TestFormerProgramsAreGivenBack(t *testing.T) {
	for _, limit := range []int{0, 32 << 10} {
		tree, w := state.New(state.Options{Grace: time.Second, MaxBytes: limit}), newWorld()
		initial := key(1, 0)
		apply(tree, w.seed(initial, state.Key{}, 1, "init"), w.event(initial, 5), w.event(initial, 6))
		before := tree.Stats().Bytes
		for i := range 2000 {
			child := key(uint32(100+i%50), 10+i)
			apply(tree, w.fork(initial, child))
			for n := range i % 6 {
				apply(tree, w.exec(child, 10+i, "x", "x", fmt.Sprint(i, n)))
			}
			if i%3 > 0 {
				apply(tree, w.exit(child, 10+i))
			}
		}
		if s := tree.Stats(); limit > 0 && s.Bytes > limit+4<<10 {
			t.Errorf("the tree holds %d bytes of %d", s.Bytes, limit)
		}
		for i := range 50 {
			apply(tree, w.exit(key(uint32(100+i), 2010-50+i), 3000))
		}
		apply(tree, w.event(initial, 9999), w.event(initial, 9999))
		if after := tree.Stats(); after.Processes != 1 || after.Bytes != before {
			t.Errorf("limit %d: %d processes hold %d bytes, before there was one with %d", limit, after.Processes, after.Bytes, before)
		}
	}
}

// An event that comes late says nothing of how the process is now.
func TestLateEventsDoNotTurnBackTheUser(t *testing.T) {
	tree, w := state.New(state.Options{}), newWorld()
	who := key(7, 10)
	late, now := w.event(who, 12), w.event(who, 14)
	late.Actor.Uid, late.Actor.Comm = 0, []byte("old")
	apply(tree, w.exec(who, 11, "sh"), now, late)
	if p := tree.Process(who); p.UID != 1000 || p.Comm != "c7" {
		t.Errorf("user %d, name %q, want those of the later event", p.UID, p.Comm)
	}
}
