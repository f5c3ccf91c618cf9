// Package state knows which processes there are and were: who started whom, what each one runs, and as whom. It is built
// from events alone, in the order in which ingest hands them over, and never looks at the machine it runs on.
package state

import (
	"time"

	pb "github.com/vedette-edr/vedette/proto"
)

// Options of a Tree. The zero value works.
type Options struct {
	// MaxBytes bounds the memory of the tree; 0 stands for 64 MiB. Beyond it the tree forgets, oldest and least useful
	// first, and counts what it forgot.
	MaxBytes int
	// Grace is how long, in the time of the events, a process is kept after its end when it has no descendants; 0 stands
	// for 10 seconds. With descendants it is kept as long as they are. A program that another one took the place of is kept
	// as long.
	Grace time.Duration
}

const (
	defaultMaxBytes = 64 << 20
	defaultGrace    = 10 * time.Second
	// processBytes stands for a Process and its place in the index.
	processBytes = 272
	// maxFree bounds the memory that is kept for reuse, in entries.
	maxFree = 1024
)

// Tree is the process tree of one host and boot. It is not safe for concurrent use.
type Tree struct {
	maxBytes int
	grace    uint64

	// byPID leads to the latest process with a process id; those before it follow through older.
	byPID map[uint32]*Process
	// living, exited and lingering partition the processes: running; ended within the grace period; ended before it, but
	// with descendants that are kept.
	living, exited, lingering list

	names        interner
	scratch      []byte
	path         []byte
	freeProcess  []*Process
	freePrograms []*Program

	bytes  int
	count  int
	serial uint64
	// now is the latest kernel time seen, in nanoseconds since boot.
	now  uint64
	seed seedRound
	// replaced are the processes that remember former programs.
	replaced replacedQueue

	stats Stats
}

// Stats says how large a Tree is and what it had to do. The counters run since the tree was made.
type Stats struct {
	Processes, Living, Bytes int
	// Evicted processes were forgotten to save memory, Trimmed programs lost part of their arguments for it.
	Evicted, Trimmed uint64
	// Synthesised processes were made up because their start was not seen.
	Synthesised uint64
	// Superseded processes ended unseen: their process id came back with another start. Swept ones were gone from a
	// complete list of the living.
	Superseded, Swept uint64
}

// New makes an empty tree.
func New(opts Options) *Tree {
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = defaultMaxBytes
	}
	if opts.Grace <= 0 {
		opts.Grace = defaultGrace
	}
	return &Tree{maxBytes: opts.MaxBytes, grace: uint64(opts.Grace), byPID: make(map[uint32]*Process)}
}

// Stats gives the size and the counters.
func (t *Tree) Stats() Stats {
	s := t.stats
	s.Processes, s.Living, s.Bytes = t.count, t.living.length, t.bytes
	return s
}

// Apply takes in one event and gives the process that acted: for an exec as it is afterwards, nil when the event names
// none. The event is not kept. What Apply returned before may be gone afterwards.
func (t *Tree) Apply(ev *pb.Event) *Process {
	t.expire()
	t.evict()
	t.now = max(t.now, ev.KernelTimeNs)
	switch payload := ev.Payload.(type) {
	case *pb.Event_Exec:
		return t.exec(ev, payload.Exec)
	case *pb.Event_Seed:
		return t.seeded(ev, payload.Seed)
	case *pb.Event_SeedEnd:
		t.seedEnd(payload.SeedEnd)
		return nil
	case *pb.Event_Fork:
		return t.fork(ev, payload.Fork)
	case *pb.Event_Exit:
		return t.exit(ev)
	default:
		return t.actor(ev.Actor, ev.KernelTimeNs)
	}
}

// Process gives the process with a key, nil when it is not known (any more).
func (t *Tree) Process(key Key) *Process {
	for p := t.byPID[key.PID]; p != nil; p = p.older {
		if p.Key.Start == key.Start {
			return p
		}
	}
	return nil
}

// Current gives the latest process that has the process id and was not started after the time, in nanoseconds since boot:
// the one that a bare process id in an event of that time means. It is nil when none is known.
func (t *Tree) Current(pid uint32, kernelTimeNS uint64) *Process {
	for p := t.byPID[pid]; p != nil; p = p.older {
		if p.Key.Start <= kernelTimeNS {
			return p
		}
	}
	return nil
}

// ParentOf gives the process that p was born to, nil when it is not known (any more).
func (t *Tree) ParentOf(p *Process) *Process {
	if !p.Parent.known() {
		return nil
	}
	return t.Process(p.Parent)
}

// Ancestors appends to dst the ancestors of p, its parent first, up to most of them, and gives how many are known in all.
func (t *Tree) Ancestors(p *Process, dst []*Process, most int) (chain []*Process, known int) {
	// A chain longer than the tree would be a ring, which only a faulty collector can report.
	for a := t.ParentOf(p); a != nil && a != p && known < t.count; a = t.ParentOf(a) {
		if known < most {
			dst = append(dst, a)
		}
		known++
	}
	return dst, known
}

func (t *Tree) exec(ev *pb.Event, exec *pb.ProcessExec) *Process {
	p := t.actor(ev.Actor, ev.KernelTimeNs)
	if p == nil {
		return nil
	}
	t.setProgram(p, exec, ev)
	p.Generation++
	return p
}

func (t *Tree) setProgram(p *Process, exec *pb.ProcessExec, ev *pb.Event) {
	program := t.newProgram(exec, ev.Flags, ev.KernelTimeNs)
	t.supersede(p, ev.KernelTimeNs)
	p.Program = program
	if c := program.Credentials; c.Known {
		p.UID, p.EUID, p.GID, p.EGID = c.UID, c.EUID, c.GID, c.EGID
	}
}

func (t *Tree) fork(ev *pb.Event, fork *pb.ProcessFork) *Process {
	creator := t.actor(ev.Actor, ev.KernelTimeNs)
	key := keyOf(fork.Child)
	if !key.known() {
		return creator
	}
	child := t.Process(key)
	if child == nil {
		child = t.add(key)
	}
	if parent := keyOf(fork.Parent); parent.known() {
		t.setParent(child, parent)
	} else if creator != nil {
		t.setParent(child, creator.Key)
	}
	if fork.ChildNamespacePid != 0 {
		child.NamespacePID = fork.ChildNamespacePid
	}
	if fork.ChildCgroupId != 0 {
		child.CgroupID = fork.ChildCgroupId
	}
	// The child begins as a copy. Where its own events overtook this one, they know better.
	if creator != nil && child.Program == nil {
		if child.Program = creator.ProgramAt(ev.KernelTimeNs); child.Program != nil {
			child.Program.refs++
		}
		if child.Comm == "" {
			child.Comm = creator.Comm
			child.UID, child.EUID, child.GID, child.EGID = creator.UID, creator.EUID, creator.GID, creator.EGID
		}
	}
	return creator
}

func (t *Tree) exit(ev *pb.Event) *Process {
	p := t.actor(ev.Actor, ev.KernelTimeNs)
	if p != nil {
		t.end(p, ev.KernelTimeNs)
	}
	return p
}

// end marks a process as ended; the first report of its end counts.
func (t *Tree) end(p *Process, when uint64) {
	if p.Exited {
		return
	}
	p.Exited, p.ExitTime = true, when
	t.exited.push(p)
}

// actor gives the acting process of an event, with what the event says of it, and makes it up when its start was not seen. An
// event of an earlier time than another one before says nothing new.
func (t *Tree) actor(a *pb.Actor, when uint64) *Process {
	if a == nil {
		return nil
	}
	key := keyOf(a.Process)
	if !key.known() {
		return nil
	}
	p := t.Process(key)
	if p == nil {
		p = t.add(key)
		t.stats.Synthesised++
	}
	if !p.Parent.known() {
		t.setParent(p, keyOf(a.Parent))
	}
	if when < p.seen {
		return p
	}
	p.seen = when
	// Other threads of the process have names of their own.
	if len(a.Comm) > 0 && (a.Tid == 0 || a.Tid == key.PID || p.Comm == "") && p.Comm != string(a.Comm) {
		p.Comm = t.names.intern(a.Comm)
	}
	p.UID, p.EUID, p.GID, p.EGID = a.Uid, a.Euid, a.Gid, a.Egid
	if a.CgroupId != 0 {
		p.CgroupID = a.CgroupId
	}
	if a.NamespacePid != 0 {
		p.NamespacePID = a.NamespacePid
	}
	return p
}

// add makes a process. One with the same process id that is still thought to run must have ended unseen.
func (t *Tree) add(key Key) *Process {
	var p *Process
	if last := len(t.freeProcess) - 1; last >= 0 {
		p = t.freeProcess[last]
		t.freeProcess[last] = nil
		t.freeProcess = t.freeProcess[:last]
	} else {
		p = &Process{}
	}
	t.serial++
	p.Key, p.serial = key, t.serial

	newer, older := (*Process)(nil), t.byPID[key.PID]
	for older != nil && older.Key.Start > key.Start {
		newer, older = older, older.older
	}
	p.older = older
	if newer == nil {
		t.byPID[key.PID] = p
	} else {
		newer.older = p
	}
	t.living.push(p)
	t.count++
	t.bytes += processBytes
	if older != nil && !older.Exited {
		t.stats.Superseded++
		t.end(older, key.Start)
	}
	if newer != nil {
		t.stats.Superseded++
		t.end(p, newer.Key.Start)
	}
	return p
}

// setParent links a process to its parent, which is made up when nothing is known of it yet.
func (t *Tree) setParent(p *Process, key Key) {
	if p.Parent == key || key == p.Key {
		return
	}
	t.unlink(p)
	p.Parent = key
	if !key.known() {
		return
	}
	parent := t.Process(key)
	if parent == nil {
		parent = t.add(key)
		t.stats.Synthesised++
	}
	parent.children++
	p.parentSerial = parent.serial
}

// unlink takes p off its parent's count and gives the parent when nothing else keeps it.
func (t *Tree) unlink(p *Process) (orphaned *Process) {
	if p.parentSerial == 0 {
		return nil
	}
	parent := t.Process(p.Parent)
	serial := p.parentSerial
	p.parentSerial = 0
	if parent == nil || parent.serial != serial {
		return nil
	}
	parent.children--
	if parent.children == 0 && parent.list == &t.lingering {
		return parent
	}
	return nil
}
