package state_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
)

// world makes events the way a collector does. Time is in seconds since boot.
type world struct {
	parents map[state.Key]state.Key
}

func newWorld() *world { return &world{parents: map[state.Key]state.Key{}} }

func seconds(s int) uint64 { return uint64(s) * uint64(time.Second) }

func key(pid uint32, start int) state.Key { return state.Key{PID: pid, Start: seconds(start)} }

func (w *world) event(who state.Key, when int) *pb.Event {
	parent := w.parents[who]
	return &pb.Event{
		Class: pb.Class_CLASS_PROCESS, KernelTimeNs: seconds(when),
		Actor: &pb.Actor{
			Process: &pb.ProcessKey{Pid: who.PID, StartTimeNs: who.Start},
			Parent:  &pb.ProcessKey{Pid: parent.PID, StartTimeNs: parent.Start},
			Tid:     who.PID, Comm: fmt.Appendf(nil, "c%d", who.PID), Uid: 1000, Euid: 1000,
		},
	}
}

func (w *world) fork(creator, child state.Key) *pb.Event {
	return w.forkFor(creator, creator, child)
}

func (w *world) forkFor(creator, parent, child state.Key) *pb.Event {
	w.parents[child] = parent
	ev := w.event(creator, int(child.Start/uint64(time.Second)))
	ev.Payload = &pb.Event_Fork{Fork: &pb.ProcessFork{
		Child:  &pb.ProcessKey{Pid: child.PID, StartTimeNs: child.Start},
		Parent: &pb.ProcessKey{Pid: parent.PID, StartTimeNs: parent.Start},
	}}
	return ev
}

func program(image string, args ...string) *pb.ProcessExec {
	joined := ""
	if len(args) > 0 {
		joined = strings.Join(args, "\x00") + "\x00"
	}
	inode := uint64(0)
	for _, b := range []byte(image) {
		inode = inode*31 + uint64(b)
	}
	return &pb.ProcessExec{
		Executable: &pb.File{Path: []byte(image), Inode: inode}, Filename: []byte(image), Arguments: []byte(joined),
		ArgumentsSize: uint64(len(joined)), ArgumentCount: uint32(len(args)),
	}
}

func (w *world) exec(who state.Key, when int, image string, args ...string) *pb.Event {
	ev := w.event(who, when)
	ev.Payload = &pb.Event_Exec{Exec: program(image, args...)}
	return ev
}

func (w *world) exit(who state.Key, when int) *pb.Event {
	ev := w.event(who, when)
	ev.Payload = &pb.Event_Exit{Exit: &pb.ProcessExit{}}
	return ev
}

func (w *world) seed(who, parent state.Key, when int, image string, args ...string) *pb.Event {
	w.parents[who] = parent
	ev := w.event(who, when)
	ev.Payload = &pb.Event_Seed{Seed: program(image, args...)}
	return ev
}

func seedEnd(processes uint32) *pb.Event {
	return &pb.Event{Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{Processes: processes}}}
}

func apply(tree *state.Tree, events ...*pb.Event) (last *state.Process) {
	for _, ev := range events {
		last = tree.Apply(ev)
	}
	return last
}

// lineage writes a process and its ancestors as "image<image<image", a process with an unknown program as "?", one that has
// ended with a cross.
func lineage(tree *state.Tree, k state.Key) string {
	p := tree.Process(k)
	if p == nil {
		return "-"
	}
	chain, _ := tree.Ancestors(p, []*state.Process{p}, 100)
	var parts []string
	for _, a := range chain {
		name := "?"
		if a.Program != nil {
			name = a.Program.Image
		}
		if a.Exited {
			name += "+"
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, "<")
}

func TestLineage(t *testing.T) {
	initial, shell, child, other := key(1, 0), key(100, 10), key(200, 20), key(300, 30)
	f := func(what string, of state.Key, want string, events func(w *world) []*pb.Event) {
		t.Helper()
		tree := state.New(state.Options{})
		apply(tree, events(newWorld())...)
		if got := lineage(tree, of); got != want {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
	start := func(w *world) []*pb.Event {
		return []*pb.Event{
			w.seed(initial, state.Key{}, 5, "init"), seedEnd(1), w.fork(initial, shell), w.exec(shell, 11, "sh"),
		}
	}
	f("fork shares the program", child, "sh<sh<init", func(w *world) []*pb.Event {
		return append(start(w), w.fork(shell, child))
	})
	f("exec changes it", child, "ls<sh<init", func(w *world) []*pb.Event {
		return append(start(w), w.fork(shell, child), w.exec(child, 21, "ls"))
	})
	f("the parent's later exec does not change the child", child, "sh<vi<init", func(w *world) []*pb.Event {
		return append(start(w), w.fork(shell, child), w.exec(shell, 22, "vi"))
	})
	f("a parent that ended stays", child, "ls<sh+<init", func(w *world) []*pb.Event {
		return append(start(w), w.fork(shell, child), w.exit(shell, 21), w.exec(child, 500, "ls"), w.event(child, 900))
	})
	f("CLONE_PARENT makes a sibling", child, "sh<init", func(w *world) []*pb.Event {
		return append(start(w), w.forkFor(shell, initial, child))
	})
	f("a lost fork is made up from the actor", child, "ls<sh<init", func(w *world) []*pb.Event {
		events := start(w)
		w.fork(shell, child)
		return append(events, w.exec(child, 21, "ls"))
	})
	f("a lost fork and no exec leave the program open", other, "?<?<sh<init", func(w *world) []*pb.Event {
		events := start(w)
		w.fork(shell, child)
		return append(events, w.fork(child, other))
	})
	f("a process nobody knows", child, "-", start)
	f("the child's exec overtakes its fork", child, "ls<sh<init", func(w *world) []*pb.Event {
		late := w.fork(shell, child)
		return append(start(w), w.exec(child, 21, "ls"), late)
	})
	f("the exit overtakes the exec", child, "ls+<sh<init", func(w *world) []*pb.Event {
		events := append(start(w), w.fork(shell, child))
		return append(events, w.exit(child, 22), w.exec(child, 21, "ls"))
	})
	f("an exit seen before the seed stands", shell, "sh+<init", func(w *world) []*pb.Event {
		w.parents[shell] = initial
		return []*pb.Event{w.exit(shell, 12), w.seed(shell, initial, 11, "sh"), w.seed(initial, state.Key{}, 11, "init")}
	})
	f("an exec seen before an older seed stands", shell, "vi<?", func(w *world) []*pb.Event {
		w.parents[shell] = initial
		return []*pb.Event{w.exec(shell, 12, "vi"), w.seed(shell, initial, 11, "sh")}
	})
	f("a newer seed heals a lost exec", shell, "vi<init", func(w *world) []*pb.Event {
		return append(start(w), w.seed(shell, initial, 40, "vi"))
	})
	f("children before parents in the seed", shell, "sh<init", func(w *world) []*pb.Event {
		return []*pb.Event{w.seed(shell, initial, 40, "sh"), w.seed(initial, state.Key{}, 40, "init")}
	})
	f("a process that is its own parent", shell, "sh", func(w *world) []*pb.Event {
		w.parents[shell] = shell
		return []*pb.Event{w.exec(shell, 12, "sh")}
	})
	f("two processes that are each other's parents", shell, "sh<ls", func(w *world) []*pb.Event {
		w.parents[shell], w.parents[child] = child, shell
		return []*pb.Event{w.exec(shell, 30, "sh"), w.exec(child, 31, "ls")}
	})
}

func TestReusedPID(t *testing.T) {
	tree, w := state.New(state.Options{Grace: time.Hour}), newWorld()
	parent, first, second := key(1, 0), key(100, 10), key(100, 50)
	apply(tree, w.seed(parent, state.Key{}, 5, "init"),
		w.fork(parent, first), w.exec(first, 11, "old"), w.exit(first, 12),
		w.fork(parent, second), w.exec(second, 51, "new"))
	if got, want := lineage(tree, first), "old+<init"; got != want {
		t.Errorf("the first process is %s, want %s", got, want)
	}
	if got, want := lineage(tree, second), "new<init"; got != want {
		t.Errorf("the second process is %s, want %s", got, want)
	}
	f := func(when int, want string) {
		t.Helper()
		got := "-"
		if p := tree.Current(100, seconds(when)); p != nil {
			got = p.Program.Image
		}
		if got != want {
			t.Errorf("process id 100 at second %d is %s, want %s", when, got, want)
		}
	}
	f(9, "-")
	f(11, "old")
	f(50, "new")
	f(99, "new")
}

// A process id that comes back says that the process before it is gone, though nobody saw it end.
func TestReusedPIDEndsTheOneBefore(t *testing.T) {
	tree, w := state.New(state.Options{}), newWorld()
	parent, first, second := key(1, 0), key(100, 10), key(100, 50)
	apply(tree, w.fork(parent, first), w.fork(parent, second))
	if p := tree.Process(first); p == nil || !p.Exited || p.ExitTime != second.Start {
		t.Errorf("the first process is %+v, want it ended at the start of the second", p)
	}
	if p := tree.Process(second); p == nil || p.Exited {
		t.Errorf("the second process is %+v, want it running", p)
	}
	if s := tree.Stats(); s.Superseded != 1 {
		t.Errorf("%d superseded, want 1", s.Superseded)
	}
}

// A list of the living may be asked for at any time. What an exec said of a program is more than the list can say.
func TestSeedOfAKnownProcessTakesNothingAway(t *testing.T) {
	full := func() *pb.ProcessExec {
		x := program("nginx", "nginx", "-g", "daemon off;")
		x.WorkingDirectory, x.Tty, x.Environment = []byte("/srv"), []byte("pts0"), [][]byte{[]byte("PATH=/bin")}
		return x
	}
	f := func(what string, seed *pb.ProcessExec, wantReplaced bool) {
		t.Helper()
		w, tree := newWorld(), state.New(state.Options{})
		initial, server := key(1, 0), key(7, 10)
		started := w.exec(server, 11, "")
		started.Payload = &pb.Event_Exec{Exec: full()}
		apply(tree, w.seed(initial, state.Key{}, 5, "init"), w.fork(initial, server), started)
		listed := w.event(server, 20)
		listed.Payload = &pb.Event_Seed{Seed: seed}
		for range 3 {
			apply(tree, w.seed(initial, state.Key{}, 20, "init"), listed, seedEnd(2))
		}
		p := tree.Process(server)
		replaced := p.Generation != 1 || p.Program.CommandLine != "nginx -g daemon off;" || p.Program.WorkingDirectory != "/srv" ||
			p.Program.TTY != "pts0" || p.Program.Environment() != "PATH=/bin"
		if replaced != wantReplaced {
			t.Errorf("%s: replaced is %v: generation %d, %q in %q", what, replaced, p.Generation, p.Program.CommandLine, p.Program.WorkingDirectory)
		}
		if p.Exited || tree.Stats().Processes != 2 || lineage(tree, server) != p.Program.Image+"<init" {
			t.Errorf("%s: %s, %+v", what, lineage(tree, server), tree.Stats())
		}
	}
	f("the same", program("nginx", "nginx", "-g", "daemon off;"), false)
	f("a title", program("nginx", "nginx: master process"), false)
	f("a longer title", program("nginx", "nginx: master process nginx -g daemon off;"), false)
	f("no arguments, it ended while it was read", program("nginx"), false)
	f("arguments cut", program("nginx", "nginx", "-g"), false)
	unlisted := program("nginx", "nginx", "-g", "daemon off;")
	unlisted.Executable.Inode = 0
	f("a file that procfs told", unlisted, false)
	f("no file at all", &pb.ProcessExec{}, false)
	f("another program", program("sh", "sh"), true)
	f("the same program with other arguments", program("nginx", "nginx", "-t"), true)
}

func TestSeedFromProcfsLeavesTheUserAlone(t *testing.T) {
	w, tree := newWorld(), state.New(state.Options{})
	who := key(7, 10)
	apply(tree, w.fork(key(1, 0), who), w.exec(who, 11, "sh"))
	listed := w.event(who, 20)
	listed.Actor = &pb.Actor{Process: listed.Actor.Process, Tid: 7, Comm: []byte("sh")}
	listed.Payload = &pb.Event_Seed{Seed: program("sh")}
	apply(tree, listed)
	if p := tree.Process(who); p.UID != 1000 || p.EUID != 1000 || p.Parent != key(1, 0) {
		t.Errorf("user %d, effective %d, parent %v", p.UID, p.EUID, p.Parent)
	}
}

func TestCompleteSeedSweeps(t *testing.T) {
	f := func(what string, claimed uint32, want bool) {
		t.Helper()
		tree, w := state.New(state.Options{}), newWorld()
		parent, gone, young := key(1, 0), key(100, 10), key(200, 60)
		apply(tree, w.fork(parent, gone), w.seed(parent, state.Key{}, 50, "init"), w.fork(parent, young), seedEnd(claimed))
		if p := tree.Process(gone); p.Exited != want {
			t.Errorf("%s: the process that the seed lacks has ended: %v, want %v", what, p.Exited, want)
		}
		if tree.Process(young).Exited || tree.Process(parent).Exited {
			t.Errorf("%s: a living process was swept", what)
		}
	}
	f("complete", 1, true)
	f("one seed is missing", 2, false)
}

func TestEndedProcessesAreForgottenAfterTheGracePeriod(t *testing.T) {
	tree, w := state.New(state.Options{Grace: 10 * time.Second}), newWorld()
	a, b, c := key(10, 1), key(11, 2), key(12, 3)
	apply(tree, w.fork(a, b), w.fork(b, c), w.exit(b, 4), w.exit(c, 5))
	f := func(when int, want string) {
		t.Helper()
		apply(tree, w.event(a, when), w.event(a, when))
		got := ""
		for _, k := range []state.Key{a, b, c} {
			if tree.Process(k) != nil {
				got += fmt.Sprint(k.PID, " ")
			}
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("at second %d there are %s, want %s", when, got, want)
		}
	}
	f(12, "10 11 12")
	f(15, "10 11 12")
	f(16, "10")
	if s := tree.Stats(); s.Processes != 1 || s.Evicted != 0 {
		t.Errorf("stats are %+v", s)
	}
}

func TestDeepChains(t *testing.T) {
	const depth = 3000
	tree, w := state.New(state.Options{Grace: time.Second}), newWorld()
	last := key(1, 0)
	for i := 1; i <= depth; i++ {
		next := key(uint32(i+1), 10*i)
		apply(tree, w.fork(last, next), w.exec(next, 10*i+1, fmt.Sprint("p", i)), w.exit(last, 10*i+2))
		last = next
	}
	p := tree.Process(last)
	chain, known := tree.Ancestors(p, nil, 16)
	if known != depth || len(chain) != 16 || chain[15].Program.Image != fmt.Sprint("p", depth-16) {
		t.Errorf("chain of %d with %d known, want 16 with %d", len(chain), known, depth)
	}
	apply(tree, w.exit(last, 10*depth+10), w.event(key(5000, 1), 10*depth+100), w.event(key(5000, 1), 10*depth+100))
	if s := tree.Stats(); s.Processes != 1 {
		t.Errorf("%d processes are left of the chain, want the actor alone", s.Processes)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const limit = 1 << 20
	tree, w := state.New(state.Options{MaxBytes: limit}), newWorld()
	initial := key(1, 0)
	long := strings.Repeat("x", 100<<10)
	apply(tree, w.seed(initial, state.Key{}, 1, "init"))
	for i := range 300 {
		child := key(uint32(100+i), 10+i)
		apply(tree, w.fork(initial, child), w.exec(child, 10+i, "hog", "hog", "short", long))
		if s := tree.Stats(); s.Bytes > limit+2*len(long) {
			t.Fatalf("after %d processes the tree has %d bytes of %d", i, s.Bytes, limit)
		}
	}
	s := tree.Stats()
	if s.Trimmed == 0 || s.Evicted != 0 || s.Processes != 301 {
		t.Errorf("stats are %+v, want long arguments cut and nobody forgotten", s)
	}
	p := tree.Process(key(100, 10))
	if !p.Program.Trimmed || p.Program.CommandLine != "hog short" || p.Program.Arguments() != 2 {
		t.Errorf("the oldest program is %q, want its short arguments", p.Program.CommandLine)
	}
	for i := range 5000 {
		child := key(uint32(1000+i), 1000+i)
		apply(tree, w.fork(initial, child), w.exec(child, 1000+i, "many", fmt.Sprint(i)))
	}
	if s = tree.Stats(); s.Evicted == 0 || s.Bytes > limit+1<<10 {
		t.Errorf("stats are %+v, want processes forgotten and at most %d bytes", s, limit)
	}
	if got := lineage(tree, key(5999, 5999)); got != "many<init" {
		t.Errorf("the newest process is %s, want many<init", got)
	}
}

func TestMemoryIsGivenBack(t *testing.T) {
	tree, w := state.New(state.Options{Grace: time.Second}), newWorld()
	initial := key(1, 0)
	apply(tree, w.seed(initial, state.Key{}, 1, "init"), w.event(initial, 5), w.event(initial, 6))
	before := tree.Stats().Bytes
	for i := range 1000 {
		child := key(uint32(100+i), 10+i)
		apply(tree, w.fork(initial, child), w.exec(child, 10+i, "x", "x", fmt.Sprint(i)), w.exit(child, 11+i))
	}
	apply(tree, w.event(initial, 9999), w.event(initial, 9999))
	if after := tree.Stats().Bytes; after != before {
		t.Errorf("the tree holds %d bytes, before the processes it held %d", after, before)
	}
}

func TestArguments(t *testing.T) {
	f := func(raw string, line string, args ...string) {
		t.Helper()
		tree, w := state.New(state.Options{}), newWorld()
		ev := w.exec(key(5, 1), 2, "x")
		ev.GetExec().Arguments = []byte(raw)
		ev.GetExec().Environment = [][]byte{[]byte("A=1"), {}, []byte("B=2 3")}
		p := apply(tree, ev).Program
		var got []string
		for i := range p.Arguments() {
			got = append(got, p.Argument(i))
		}
		if p.CommandLine != line || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", args) {
			t.Errorf("%q gives %q and %q, want %q and %q", raw, p.CommandLine, got, line, args)
		}
		if p.Variables() != 3 || p.Variable(0) != "A=1" || p.Variable(1) != "" || p.Variable(2) != "B=2 3" ||
			p.Environment() != "A=1\n\nB=2 3" {
			t.Errorf("the environment is %q", p.Environment())
		}
	}
	f("", "")
	f("\x00", "", "")
	f("a\x00", "a", "a")
	f("a", "a", "a")
	f("a\x00b c\x00", "a b c", "a", "b c")
	f("a\x00\x00b\x00", "a  b", "a", "", "b")
	f("a\x00\x00", "a ", "a", "")
	f("a\x00\xff\x00", "a \xff", "a", "\xff")
}

func TestEventsWithoutAnActorAreHarmless(t *testing.T) {
	tree := state.New(state.Options{})
	for _, ev := range []*pb.Event{
		{},
		{Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{}}},
		{Payload: &pb.Event_Seed{Seed: &pb.ProcessExec{}}},
		{Payload: &pb.Event_Exit{Exit: &pb.ProcessExit{}}},
		{Payload: &pb.Event_Fork{Fork: &pb.ProcessFork{}}},
		{Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{}}},
		{Actor: &pb.Actor{}, Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{}}},
		{Actor: &pb.Actor{Process: &pb.ProcessKey{}}, Payload: &pb.Event_Seed{Seed: &pb.ProcessExec{}}},
	} {
		if p := tree.Apply(ev); p != nil {
			t.Errorf("event %v has the process %+v", ev, p)
		}
	}
	if p := tree.Apply(&pb.Event{Payload: &pb.Event_Fork{Fork: &pb.ProcessFork{Child: &pb.ProcessKey{Pid: 7}}}}); p != nil {
		t.Errorf("a fork by nobody has the creator %+v", p)
	}
	if tree.Process(state.Key{PID: 7}) == nil {
		t.Error("the child of a fork by nobody is not known")
	}
}
