package alert

import (
	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/eventtext"
	"github.com/vedette-edr/vedette/proto/linuxabi"
)

// describeTarget fills memory, and the process that was reached into and how.
func (b *Builder) describeTarget(doc *ecs.Alert, f Finding, cut *cutter) {
	v := &doc.Vedette
	var target *pb.ProcessKey
	switch x := f.Event.Payload.(type) {
	case *pb.Event_MemoryMap:
		v.Memory = b.memory(x.MemoryMap.GetRegion(), cut)
	case *pb.Event_MemoryProtect:
		v.Memory = b.memory(x.MemoryProtect.GetRegion(), cut)
		v.Memory.OldProtection = linuxabi.Protection(x.MemoryProtect.GetOldProtection())
	case *pb.Event_ProcessTrace:
		target = x.ProcessTrace.GetTarget()
		v.Access = &ecs.Access{
			Operation: linuxabi.TraceRequest(x.ProcessTrace.GetRequest()), Write: traceChanges(x.ProcessTrace.GetRequest()),
			Address: nonzero(x.ProcessTrace.GetAddress()), Data: nonzero(x.ProcessTrace.GetData()),
		}
	case *pb.Event_ProcessMemory:
		m := x.ProcessMemory
		target = m.GetTarget()
		v.Access = &ecs.Access{
			Operation: cut.text("vedette.access.operation", m.GetMethod()), Write: m.GetWrite(), Address: nonzero(m.GetAddress()), Length: m.GetLength(),
		}
	case *pb.Event_HandleSteal:
		target = x.HandleSteal.GetTarget()
		descriptor := x.HandleSteal.GetDescriptor_()
		v.Access = &ecs.Access{Operation: "pidfd_getfd", Descriptor: &descriptor}
	case *pb.Event_Signal:
		target = x.Signal.GetTarget()
		v.Access = &ecs.Access{Operation: "signal", Signal: &ecs.Signal{
			Number: x.Signal.GetNumber(), Name: linuxabi.Signal(x.Signal.GetNumber()), Sender: linuxabi.SignalCode(x.Signal.GetCode()),
			Delivered: x.Signal.GetDelivered(),
		}}
	case *pb.Event_ProcessAccess:
		target = x.ProcessAccess.GetTarget()
		v.Access = &ecs.Access{Rights: hexadecimal(uint64(x.ProcessAccess.GetGrantedAccess()))}
	case *pb.Event_RemoteThread:
		target = x.RemoteThread.GetTarget()
		v.Access = &ecs.Access{Thread: x.RemoteThread.GetNewTid(), Address: nonzero(x.RemoteThread.GetStartAddress())}
	case *pb.Event_UnixConnect:
		target = x.UnixConnect.GetPeer()
	case *pb.Event_NetworkAccept:
		target = x.NetworkAccept.GetListener()
	}
	if target.GetPid() != 0 {
		v.Target = b.target(f, target, cut)
	}
}

func (b *Builder) target(f Finding, key *pb.ProcessKey, cut *cutter) *ecs.Process {
	if p := b.other(key); p != nil {
		return b.process(f, p, "vedette.target", cut)
	}
	return &ecs.Process{EntityID: b.entity(f, state.Key{PID: key.GetPid(), Start: key.GetStartTimeNs()}), PID: key.GetPid()}
}

func (b *Builder) memory(r *pb.MemoryRegion, cut *cutter) *ecs.Memory {
	return &ecs.Memory{
		Address: hexadecimal(r.GetAddress()), Length: r.GetLength(), Protection: linuxabi.Protection(r.GetProtection()),
		Flags: linuxabi.MapFlags(r.GetFlags()), File: b.object(r.GetFile(), "vedette.memory.file.path", cut),
	}
}

// describeIdentity fills what the acting process was and became, and logins.
func (b *Builder) describeIdentity(doc *ecs.Alert, ev *pb.Event, cut *cutter) {
	v := &doc.Vedette
	switch x := ev.Payload.(type) {
	case *pb.Event_CredentialChange:
		c := x.CredentialChange
		v.Credential = &ecs.CredentialChange{
			Operation: cut.text("vedette.credential_change.operation", c.GetOperation()), Unexplained: c.GetUnexplained(),
			Before: b.credentials(c.GetBefore()), After: b.credentials(c.GetAfter()),
			Gained: linuxabi.Capabilities(eventtext.GainedCapabilities(c)), Lost: linuxabi.Capabilities(eventtext.LostCapabilities(c)),
		}
	case *pb.Event_NamespaceChange:
		n := x.NamespaceChange
		v.Namespace = &ecs.NamespaceChange{
			Operation: cut.text("vedette.namespace_change.operation", n.GetOperation()), Changed: eventtext.ChangedNamespaces(n),
			Before: namespaces(n.GetBefore()), After: namespaces(n.GetAfter()),
		}
	case *pb.Event_LoginSession:
		l := x.LoginSession
		v.Session = &ecs.Session{AuditSession: l.GetAuditSession(), User: account(b.users, l.GetUid()), Ended: l.GetEnded()}
		if l.GetUser() != "" {
			v.Session.User.Name = cut.text("vedette.session.user.name", l.GetUser())
		}
	}
}

func (b *Builder) credentials(c *pb.Credentials) *ecs.Credentials {
	if c == nil {
		return nil
	}
	out := &ecs.Credentials{
		RealUser: account(b.users, c.GetUid()), EffectiveUser: account(b.users, c.GetEuid()),
		SavedUser: account(b.users, c.GetSuid()), FilesystemUser: account(b.users, c.GetFsuid()),
		RealGroup: account(b.groups, c.GetGid()), EffectiveGroup: account(b.groups, c.GetEgid()),
		SavedGroup: account(b.groups, c.GetSgid()), FilesystemGroup: account(b.groups, c.GetFsgid()),
	}
	if sets := c.GetCapabilities(); sets != nil {
		out.Effective, out.Permitted = hexadecimal(sets.GetEffective()), hexadecimal(sets.GetPermitted())
	}
	return out
}

func namespaces(n *pb.Namespaces) *ecs.Namespaces {
	if n == nil {
		return nil
	}
	return &ecs.Namespaces{
		Mount: n.GetMount(), PID: n.GetPid(), Network: n.GetNetwork(), User: n.GetUser(), UTS: n.GetUts(), IPC: n.GetIpc(),
		Cgroup: n.GetCgroup(), Time: n.GetTime(),
	}
}
