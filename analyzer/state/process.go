package state

import (
	"github.com/vedette-edr/vedette/analyzer/script"
	pb "github.com/vedette-edr/vedette/proto"
)

// Key names a process for as long as the host runs.
type Key struct {
	PID uint32
	// Start is in nanoseconds since boot.
	Start uint64
}

func keyOf(k *pb.ProcessKey) Key {
	if k == nil {
		return Key{}
	}
	return Key{PID: k.Pid, Start: k.StartTimeNs}
}

// known is false for the idle task, which is the parent of the first processes and never acts.
func (k Key) known() bool { return k.PID != 0 }

// Process is one process of the tree. It belongs to the tree: what points at it is good until the next Apply, and the
// caller changes nothing in it.
type Process struct {
	Key Key
	// Parent is the process that it was born to. It stays when the parent ends and a reaper takes over. The zero key stands
	// for none known.
	Parent Key
	// Program is what it runs. A forked process shares the program of its creator. It is nil when neither the start of the
	// process nor an exec was seen: then all that is known is what other events said of it.
	Program *Program
	// Comm is the kernel's short name, as last seen.
	Comm string
	// UID, EUID, GID and EGID are as last seen, in the initial user namespace.
	UID, EUID, GID, EGID uint32
	CgroupID             uint64
	NamespacePID         uint32
	// Generation counts the programs that it has executed as far as was seen.
	Generation uint32
	// Exited says that it has ended, at ExitTime in nanoseconds since boot.
	Exited   bool
	ExitTime uint64

	// former are programs that it ran before, the latest first, as long as events of their time may still come.
	former [mostFormer]*Program

	// seen is the latest time that an event told of it, in nanoseconds since boot.
	seen uint64

	// serial tells this entry from an earlier one with the same key.
	serial       uint64
	parentSerial uint64
	children     int32
	seedRound    uint64
	older        *Process
	list         *list
	next, prev   *Process
}

// mostFormer is how many programs before the present one are remembered of a process.
const mostFormer = 3

// ProgramAt gives the program that the process ran at a time in nanoseconds since boot, which is not Program when it has
// executed another one since: events of different kinds can come in another order than they happened. Of a time before all
// that is remembered it gives the earliest that is. It is nil when nothing is known.
func (p *Process) ProgramAt(kernelTimeNS uint64) *Program {
	at := p.Program
	for _, former := range p.former {
		if former == nil || at == nil || at.KernelTimeNS <= kernelTimeNS {
			break
		}
		at = former
	}
	return at
}

// NameAt is Name at a time in nanoseconds since boot.
func (p *Process) NameAt(kernelTimeNS uint64) string {
	if at := p.ProgramAt(kernelTimeNS); at != nil && at.Image != "" {
		return base(at.Image)
	}
	return p.Comm
}

// Name is the last part of the program's path, or the kernel's short name where there is no path.
func (p *Process) Name() string {
	if p.Program != nil && p.Program.Image != "" {
		return base(p.Program.Image)
	}
	return p.Comm
}

func base(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}

// FileInfo is what is known of a file beyond its path.
type FileInfo struct {
	Device, Inode uint64
	CtimeNS       int64
	Size          uint64
	Mode          uint32
	UID, GID      uint32
	// Flags are bits of pb.FileFlag.
	Flags uint32
}

// Program is what an exec put into a process. It does not change afterwards, except that long arguments may be cut when
// memory runs short.
type Program struct {
	// Image is the true path of the executable. A memfd has the form "memfd:name".
	Image     string
	ImageFile FileInfo
	// Filename is the program as the caller named it, and Given the same as an absolute path.
	Filename, Given string
	// Script is the file that the kernel found an interpreter for by its first line, and Interpreter is named there.
	Script      string
	ScriptFile  FileInfo
	Interpreter string
	// ScriptSource says where what an interpreter runs comes from, and ScriptPath is the file of it: Script, or the one that is
	// named in the arguments, or the one that is descriptor 0. It is empty where there is none.
	ScriptSource script.Source
	ScriptPath   string
	// CommandLine is the arguments with a space between each two.
	CommandLine      string
	WorkingDirectory string
	// RootDirectory is empty unless the process was in a chroot.
	RootDirectory string
	// TTY is empty without a controlling terminal.
	TTY string
	// ArgumentCount and ArgumentsSize (in bytes) are what the process has; more than is here when Flags say truncated.
	ArgumentCount   uint32
	ArgumentsSize   uint64
	EnvironmentSize uint64
	Session         uint32
	ProcessGroup    uint32
	// Thread is the one that called exec, when it was not the group leader.
	Thread       uint32
	PreviousComm string
	SecureExec   bool
	Credentials  Credentials
	Namespaces   Namespaces
	// Flags are bits of pb.EventFlag.
	Flags uint32
	// KernelTimeNS is when it was executed, in nanoseconds since boot; for a seeded process when it was read.
	KernelTimeNS uint64
	// Trimmed says that the arguments were cut to save memory after the program had been matched.
	Trimmed bool

	// stdin is the path of descriptor 0, and inline the arguments of InlineScript.
	stdin     string
	stdinMode uint32
	hasStdin  bool
	inline    script.Part

	environment string
	// argumentEnds and environmentEnds hold where each member ends in the joined text; a separator follows.
	argumentEnds    []uint32
	environmentEnds []uint32
	refs            int32
	bytes           int
}

// Credentials are those of the process when it executed the program.
type Credentials struct {
	UID, GID, EUID, EGID, SUID, SGID uint32
	// LoginUID is 4294967295 where nobody has logged in.
	LoginUID, AuditSession uint32
	Effective, Permitted   uint64
	// Known is false where the event did not say.
	Known bool
}

// Namespaces are inode numbers of Linux namespaces.
type Namespaces struct {
	Mount, PID, Network, User, UTS, IPC, Cgroup, Time uint32
}

// Arguments gives the number of arguments that are here.
func (p *Program) Arguments() int { return len(p.argumentEnds) }

// Argument gives argument i.
func (p *Program) Argument(i int) string { return member(p.CommandLine, p.argumentEnds, i) }

// Variables gives the number of environment variables that are here.
func (p *Program) Variables() int { return len(p.environmentEnds) }

// Variable gives environment variable i as NAME=value.
func (p *Program) Variable(i int) string { return member(p.environment, p.environmentEnds, i) }

// Environment is the variables with a line end between each two.
func (p *Program) Environment() string { return p.environment }

func member(joined string, ends []uint32, i int) string {
	start := uint32(0)
	if i > 0 {
		start = ends[i-1] + 1
	}
	return joined[start:ends[i]]
}
