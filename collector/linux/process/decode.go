package process

import (
	"bytes"
	"fmt"

	kernel "github.com/vedette-edr/vedette/bpf/process"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/collector/linux/frame"
	pb "github.com/vedette-edr/vedette/proto"
)

// Decoder turns records into events. It owns one event of each kind and fills it anew, so decoding allocates nothing but
// the rare long argument area. Not safe for concurrent use.
type Decoder struct {
	allow   *allowList
	frame   *frame.Frame
	pending assemblies

	exec           pb.ProcessExec
	execEvent      pb.Event_Exec
	seedEvent      pb.Event_Seed
	executable     pb.File
	script         pb.File
	stdin          pb.File
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

func newDecoder(allow *allowList) *Decoder {
	d := &Decoder{allow: allow, frame: frame.New(pb.Class_CLASS_PROCESS), residentFactor: pageSize()}
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

// Decode implements rings.Decoder.
func (d *Decoder) Decode(kind record.Kind, rec []byte) (*pb.Event, error) {
	switch kind {
	case record.Exec, record.Seed:
		return d.decodeExec(rec, kind)
	case record.Fork:
		r, err := kernel.ParseFork(rec)
		if err != nil {
			return nil, err
		}
		d.frame.Header(&r.Header)
		frame.SetKey(&d.forkChild, &r.Child)
		frame.SetKey(&d.forkParent, &r.Parent)
		d.fork.ChildCgroupId = r.ChildCgroupID
		d.fork.ChildNamespacePid = r.ChildNamespacePID
		d.fork.ChildPidNamespace = r.ChildPIDNS
		d.frame.Event.Payload = &d.forkEvent
		return &d.frame.Event, nil
	case record.Exit:
		r, err := kernel.ParseExit(rec)
		if err != nil {
			return nil, err
		}
		d.frame.Header(&r.Header)
		// The encoding of wait(2): low seven bits the signal, 0x80 a core dump, next byte the exit status.
		d.exit.Signal = r.Status & 0x7f
		d.exit.CoreDumped = r.Status&0x80 != 0
		d.exit.Code = r.Status >> 8 & 0xff
		d.exit.UserTimeNs = r.UserTime
		d.exit.SystemTimeNs = r.SystemTime
		d.exit.MaxResidentBytes = r.MaxResidentPages * d.residentFactor
		d.frame.Event.Payload = &d.exitEvent
		return &d.frame.Event, nil
	case record.Chunk:
		c, data, err := kernel.ParseChunk(rec)
		if err != nil {
			return nil, err
		}
		d.pending.add(c, data)
		return nil, nil
	}
	return nil, fmt.Errorf("%w: kind %d is unknown", record.ErrMalformed, kind)
}

func (d *Decoder) decodeExec(rec []byte, kind record.Kind) (*pb.Event, error) {
	r, texts, err := kernel.ParseExec(rec)
	if err != nil {
		return nil, err
	}
	d.frame.Header(&r.Header)
	e := &d.exec
	frame.SetFile(&d.executable, &r.Executable, texts[kernel.TextExecutable], r.MountNS)
	e.Script = nil
	if len(texts[kernel.TextScript]) > 0 {
		frame.SetFile(&d.script, &r.Script, texts[kernel.TextScript], r.MountNS)
		e.Script = &d.script
	}
	e.Stdin = nil
	if r.Stdin.Mode != 0 {
		frame.SetFile(&d.stdin, &r.Stdin, texts[kernel.TextStdin], r.MountNS)
		e.Stdin = &d.stdin
	}
	e.Filename = texts[kernel.TextFilename]
	e.Interpreter = texts[kernel.TextInterpreter]
	e.WorkingDirectory = texts[kernel.TextWorkingDirectory]
	e.RootDirectory = texts[kernel.TextRootDirectory]

	arguments, environment := texts[kernel.TextArguments], texts[kernel.TextEnvironment]
	if a := d.pending.take(r.CPU, r.Sequence); a != nil && kind == record.Exec {
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
	e.Tty = record.Text(r.TTY[:])
	e.Session, e.ProcessGroup = r.Session, r.ProcessGroup
	frame.SetKey(&d.creator, &r.Creator)
	e.CallingThread = r.CallingThread
	e.PreviousComm = record.Text(r.PreviousComm[:])
	e.SecureExec = r.SecureExec != 0
	if kind == record.Seed {
		d.frame.Event.Payload = &d.seedEvent
	} else {
		d.frame.Event.Payload = &d.execEvent
	}
	return &d.frame.Event, nil
}
