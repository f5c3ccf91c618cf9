package process

import (
	"bytes"
	"fmt"

	kernel "github.com/vedette-edr/vedette/bpf/process"
	pb "github.com/vedette-edr/vedette/proto"
)

// decoder turns records into events. It owns one event of each kind and fills it anew, so decoding allocates nothing but
// the rare long argument area. Not safe for concurrent use.
type decoder struct {
	allow   *allowList
	clock   wallClock
	pending assemblies

	event          pb.Event
	actor          pb.Actor
	process        pb.ProcessKey
	parent         pb.ProcessKey
	exec           pb.ProcessExec
	execEvent      pb.Event_Exec
	seedEvent      pb.Event_Seed
	executable     pb.File
	script         pb.File
	credentials    pb.Credentials
	capabilities   pb.Capabilities
	namespaces     pb.Namespaces
	creator        pb.ProcessKey
	fork           pb.ProcessFork
	forkEvent      pb.Event_Fork
	forkChild      pb.ProcessKey
	forkParent     pb.ProcessKey
	exit           pb.ProcessExit
	exitEvent      pb.Event_Exit
	environment    [][]byte
	residentFactor uint64
}

func newDecoder(allow *allowList) *decoder {
	d := &decoder{allow: allow, residentFactor: pageSize()}
	d.actor.Process, d.actor.Parent = &d.process, &d.parent
	d.event.Class = pb.Class_CLASS_PROCESS
	d.event.Actor = &d.actor
	d.exec.Executable = &d.executable
	d.exec.Credentials = &d.credentials
	d.exec.Namespaces = &d.namespaces
	d.exec.Creator = &d.creator
	d.credentials.Capabilities = &d.capabilities
	d.execEvent.Exec, d.seedEvent.Seed = &d.exec, &d.exec
	d.fork.Child, d.fork.Parent = &d.forkChild, &d.forkParent
	d.forkEvent.Fork = &d.fork
	d.exitEvent.Exit = &d.exit
	return d
}

// decode returns the event of a record, or nil when the record is a piece of an event to come. The event and all it holds
// are valid until the next call and alias the record.
func (d *decoder) decode(record []byte) (*pb.Event, error) {
	kind, err := kernel.KindOf(record)
	if err != nil {
		return nil, err
	}
	switch kind {
	case kernel.KindExec, kernel.KindSeed:
		return d.decodeExec(record, kind)
	case kernel.KindFork:
		r, err := kernel.ParseFork(record)
		if err != nil {
			return nil, err
		}
		d.header(&r.Header)
		setKey(&d.forkChild, &r.Child)
		setKey(&d.forkParent, &r.Parent)
		d.fork.ChildCgroupId = r.ChildCgroupID
		d.fork.ChildNamespacePid = r.ChildNamespacePID
		d.fork.ChildPidNamespace = r.ChildPIDNS
		d.event.Payload = &d.forkEvent
		return &d.event, nil
	case kernel.KindExit:
		r, err := kernel.ParseExit(record)
		if err != nil {
			return nil, err
		}
		d.header(&r.Header)
		// The encoding of wait(2): low seven bits the signal, 0x80 a core dump, next byte the exit status.
		d.exit.Signal = r.Status & 0x7f
		d.exit.CoreDumped = r.Status&0x80 != 0
		d.exit.Code = r.Status >> 8 & 0xff
		d.exit.UserTimeNs = r.UserTime
		d.exit.SystemTimeNs = r.SystemTime
		d.exit.MaxResidentBytes = r.MaxResidentPages * d.residentFactor
		d.event.Payload = &d.exitEvent
		return &d.event, nil
	case kernel.KindChunk:
		c, data, err := kernel.ParseChunk(record)
		if err != nil {
			return nil, err
		}
		d.pending.add(c, data)
		return nil, nil
	}
	return nil, fmt.Errorf("%w: kind %d is unknown", kernel.ErrMalformed, kind)
}

func (d *decoder) decodeExec(record []byte, kind kernel.Kind) (*pb.Event, error) {
	r, texts, err := kernel.ParseExec(record)
	if err != nil {
		return nil, err
	}
	d.header(&r.Header)
	e := &d.exec
	setFile(&d.executable, &r.Executable, texts[kernel.TextExecutable], r.MountNS)
	e.Script = nil
	if len(texts[kernel.TextScript]) > 0 {
		setFile(&d.script, &r.Script, texts[kernel.TextScript], r.MountNS)
		e.Script = &d.script
	}
	e.Filename = texts[kernel.TextFilename]
	e.Interpreter = texts[kernel.TextInterpreter]
	e.WorkingDirectory = texts[kernel.TextWorkingDirectory]
	e.RootDirectory = texts[kernel.TextRootDirectory]

	arguments, environment := texts[kernel.TextArguments], texts[kernel.TextEnvironment]
	if a := d.pending.take(r.CPU, r.Sequence); a != nil && kind == kernel.KindExec {
		if len(a.arguments) > 0 {
			arguments = a.arguments
		}
		if len(a.environment) > 0 {
			environment = a.environment
		}
	}
	e.Arguments = bytes.TrimSuffix(arguments, []byte{0})
	e.ArgumentsSize = r.ArgumentsSize
	e.ArgumentCount = r.ArgumentCount
	d.environment = d.allow.filter(environment, d.environment[:0])
	e.Environment = d.environment
	e.EnvironmentSize = r.EnvironmentSize

	d.credentials = pb.Credentials{
		Uid: r.UID, Gid: r.GID, Euid: r.EUID, Egid: r.EGID, Suid: r.SUID, Sgid: r.SGID, Fsuid: r.FSUID, Fsgid: r.FSGID,
		LoginUid: r.LoginUID, AuditSession: r.AuditSession, Securebits: r.Securebits, Capabilities: &d.capabilities,
	}
	d.capabilities.Effective = r.CapEffective
	d.capabilities.Permitted = r.CapPermitted
	d.capabilities.Inheritable = r.CapInheritable
	d.capabilities.Bounding = r.CapBounding
	d.capabilities.Ambient = r.CapAmbient
	d.namespaces.Mount, d.namespaces.Pid, d.namespaces.Network, d.namespaces.User = r.MountNS, r.PIDNS, r.NetworkNS, r.UserNS
	d.namespaces.Uts, d.namespaces.Ipc, d.namespaces.Cgroup, d.namespaces.Time = r.UTSNS, r.IPCNS, r.CgroupNS, r.TimeNS
	e.Tty = text(r.TTY[:])
	e.Session, e.ProcessGroup = r.Session, r.ProcessGroup
	setKey(&d.creator, &r.Creator)
	e.CallingThread = r.CallingThread
	e.PreviousComm = text(r.PreviousComm[:])
	e.SecureExec = r.SecureExec != 0
	if kind == kernel.KindSeed {
		d.event.Payload = &d.seedEvent
	} else {
		d.event.Payload = &d.execEvent
	}
	return &d.event, nil
}

func (d *decoder) header(h *kernel.Header) {
	d.event.Cpu = h.CPU
	d.event.Sequence = h.Sequence
	d.event.KernelTimeNs = h.Time
	d.event.WallTimeNs = d.clock.at(h.Time)
	d.event.Flags = uint32(h.Flags)
	a := &h.Actor
	setKey(&d.process, &a.Process)
	setKey(&d.parent, &a.Parent)
	d.actor.Tid = a.TID
	d.actor.Comm = text(a.Comm[:])
	d.actor.Uid, d.actor.Euid, d.actor.Gid, d.actor.Egid = a.UID, a.EUID, a.GID, a.EGID
	d.actor.CgroupId = a.CgroupID
	d.actor.MountNamespace, d.actor.PidNamespace, d.actor.NamespacePid = a.MountNS, a.PIDNS, a.NamespacePID
}

func setKey(to *pb.ProcessKey, from *kernel.Key) {
	to.Pid, to.StartTimeNs = from.TGID, from.StartTime
}

func setFile(to *pb.File, from *kernel.File, path []byte, mountNamespace uint32) {
	to.Path = path
	to.Source = pb.PathSource_PATH_SOURCE_KERNEL
	to.Device, to.Inode = from.Device, from.Inode
	to.CtimeNs, to.MtimeNs = from.CTime, from.MTime
	to.Size = from.Size
	to.Mode, to.Uid, to.Gid, to.Links = from.Mode, from.UID, from.GID, from.Links
	to.Flags = from.Flags
	to.Filesystem, to.MountId, to.MountNamespace = from.Filesystem, from.MountID, mountNamespace
}

// text cuts a fixed field at its first NUL.
func text(b []byte) []byte {
	if before, _, ok := bytes.Cut(b, []byte{0}); ok {
		return before
	}
	return b
}
