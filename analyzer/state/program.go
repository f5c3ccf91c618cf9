package state

import (
	"bytes"

	pb "github.com/vedette-edr/vedette/proto"
)

const (
	// trimAbove and trimTo bound, in bytes, the command line of a program when memory runs short.
	trimAbove = 8 << 10
	trimTo    = 4 << 10
	// programBytes stands for a Program without its texts.
	programBytes = 592
	// keptEnds bounds the argument index that a program takes along to its next use.
	keptEnds = 512
)

// newProgram copies an exec into a program of its own, with one reference held by the caller.
func (t *Tree) newProgram(exec *pb.ProcessExec, flags uint32, kernelTimeNS uint64) *Program {
	p := t.takeProgram()
	p.refs = 1
	if f := exec.Executable; f != nil {
		p.ImageFile = fileInfo(f)
		p.Image = t.names.intern(imagePath(f))
	}
	if f := exec.Script; f != nil {
		p.ScriptFile = fileInfo(f)
		p.Script = t.names.intern(f.Path)
	}
	p.Filename = t.names.intern(exec.Filename)
	p.Interpreter = t.names.intern(exec.Interpreter)
	p.WorkingDirectory = t.names.intern(exec.WorkingDirectory)
	p.RootDirectory = t.names.intern(exec.RootDirectory)
	p.TTY = t.names.intern(exec.Tty)
	p.PreviousComm = t.names.intern(exec.PreviousComm)
	p.ArgumentCount = exec.ArgumentCount
	p.ArgumentsSize = exec.ArgumentsSize
	p.EnvironmentSize = exec.EnvironmentSize
	p.Session, p.ProcessGroup = exec.Session, exec.ProcessGroup
	p.Thread = exec.CallingThread
	p.SecureExec = exec.SecureExec
	p.Flags, p.KernelTimeNS = flags, kernelTimeNS
	p.Credentials = credentials(exec.Credentials)
	if n := exec.Namespaces; n != nil {
		p.Namespaces = Namespaces{
			Mount: n.Mount, PID: n.Pid, Network: n.Network, User: n.User, UTS: n.Uts, IPC: n.Ipc, Cgroup: n.Cgroup, Time: n.Time,
		}
	}
	t.fillText(p, exec)
	t.fillNames(p, exec)
	p.bytes = programBytes + len(p.Image) + len(p.Script) + len(p.Filename) + len(p.Interpreter) + len(p.WorkingDirectory) +
		len(p.Given) + len(p.ScriptPath) + len(p.stdin) +
		len(p.RootDirectory) + len(p.CommandLine) + len(p.environment) + 4*(cap(p.argumentEnds)+cap(p.environmentEnds))
	t.bytes += p.bytes
	return p
}

// fillText puts arguments and environment into one allocation: they are the texts that differ from exec to exec.
func (t *Tree) fillText(p *Program, exec *pb.ProcessExec) {
	args := bytes.TrimSuffix(exec.Arguments, []byte{0})
	t.scratch = t.scratch[:0]
	if len(exec.Arguments) > 0 {
		for start := 0; ; {
			n := bytes.IndexByte(args[start:], 0)
			if n < 0 {
				break
			}
			p.argumentEnds = append(p.argumentEnds, uint32(start+n))
			start += n + 1
		}
		p.argumentEnds = append(p.argumentEnds, uint32(len(args)))
		t.scratch = append(t.scratch, args...)
		for _, end := range p.argumentEnds[:len(p.argumentEnds)-1] {
			t.scratch[end] = ' '
		}
	}
	split := len(t.scratch)
	for i, variable := range exec.Environment {
		if i > 0 {
			t.scratch = append(t.scratch, '\n')
		}
		t.scratch = append(t.scratch, variable...)
		p.environmentEnds = append(p.environmentEnds, uint32(len(t.scratch)-split))
	}
	joined := string(t.scratch)
	p.CommandLine, p.environment = joined[:split], joined[split:]
}

func imagePath(f *pb.File) []byte {
	if f.Flags&uint32(pb.FileFlag_FILE_FLAG_MEMFD) != 0 {
		return bytes.TrimPrefix(f.Path, []byte("/"))
	}
	return f.Path
}

func fileInfo(f *pb.File) FileInfo {
	return FileInfo{
		Device: f.Device, Inode: f.Inode, CtimeNS: f.CtimeNs, Size: f.Size, Mode: f.Mode, UID: f.Uid, GID: f.Gid, Flags: f.Flags,
	}
}

func credentials(c *pb.Credentials) Credentials {
	if c == nil {
		return Credentials{}
	}
	out := Credentials{
		UID: c.Uid, GID: c.Gid, EUID: c.Euid, EGID: c.Egid, SUID: c.Suid, SGID: c.Sgid,
		LoginUID: c.LoginUid, AuditSession: c.AuditSession, Known: true,
	}
	if c.Capabilities != nil {
		out.Effective, out.Permitted = c.Capabilities.Effective, c.Capabilities.Permitted
	}
	return out
}

// same reports whether p can be the program that a seed describes. A seed knows less than an exec: a running process may have
// written a title over its arguments, the list has no more of long ones than fits, nothing of those of a process that ended
// while it was read, and not the file of one that the kernel would not list.
func (p *Program) same(seed *pb.ProcessExec) bool {
	if f := seed.Executable; f != nil && f.Inode != 0 && (p.ImageFile.Inode != f.Inode || p.ImageFile.Device != f.Device) {
		return false
	}
	if p.ArgumentsSize == seed.ArgumentsSize {
		return true
	}
	arguments := bytes.TrimSuffix(seed.Arguments, []byte{0})
	return bytes.IndexByte(arguments, 0) < 0 || p.beginsAs(arguments)
}

// beginsAs reports whether the arguments, separated by zero bytes, and those of p are alike as far as both go.
func (p *Program) beginsAs(arguments []byte) bool {
	for i := range min(len(arguments), len(p.CommandLine)) {
		if c := arguments[i]; c != p.CommandLine[i] && (c != 0 || p.CommandLine[i] != ' ') {
			return false
		}
	}
	return true
}

func (t *Tree) takeProgram() *Program {
	last := len(t.freePrograms) - 1
	if last < 0 {
		return &Program{}
	}
	p := t.freePrograms[last]
	t.freePrograms[last] = nil
	t.freePrograms = t.freePrograms[:last]
	return p
}

func (t *Tree) release(p *Program) {
	if p == nil {
		return
	}
	if p.refs--; p.refs > 0 {
		return
	}
	t.bytes -= p.bytes
	arguments, environment := p.argumentEnds[:0], p.environmentEnds[:0]
	*p = Program{}
	if cap(arguments) <= keptEnds {
		p.argumentEnds = arguments
	}
	if cap(environment) <= keptEnds {
		p.environmentEnds = environment
	}
	if len(t.freePrograms) < maxFree {
		t.freePrograms = append(t.freePrograms, p)
	}
}

// trim cuts long arguments, and reports whether that saved anything.
func (t *Tree) trim(p *Program) bool {
	if p == nil || len(p.CommandLine)+len(p.environment) <= trimAbove {
		return false
	}
	before := p.bytes
	kept := 0
	for kept < len(p.argumentEnds) && p.argumentEnds[kept] <= trimTo {
		kept++
	}
	end := uint32(0)
	if kept > 0 {
		end = p.argumentEnds[kept-1]
	}
	p.bytes -= len(p.CommandLine) + len(p.environment) + 4*(cap(p.argumentEnds)+cap(p.environmentEnds))
	p.CommandLine = string([]byte(p.CommandLine[:end]))
	p.argumentEnds = append([]uint32(nil), p.argumentEnds[:kept]...)
	p.environment, p.environmentEnds = "", nil
	p.bytes += len(p.CommandLine) + 4*cap(p.argumentEnds)
	p.Trimmed = true
	t.bytes += p.bytes - before
	t.stats.Trimmed++
	return true
}
