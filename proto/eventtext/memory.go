package eventtext

import (
	"fmt"
	"slices"
	"strings"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/linuxabi"
)

// mostNames bounds how many capabilities a text names.
const mostNames = 3

// memory is what is about memory, other processes and identity.
func (w Words) memory(ev *pb.Event) string {
	switch x := ev.Payload.(type) {
	case *pb.Event_MemoryMap:
		r := x.MemoryMap.GetRegion()
		return linuxabi.Protection(r.GetProtection()) + " " + w.region(r)
	case *pb.Event_MemoryProtect:
		r := x.MemoryProtect.GetRegion()
		return linuxabi.Protection(x.MemoryProtect.GetOldProtection()) + " -> " + linuxabi.Protection(r.GetProtection()) + " " + w.region(r)
	case *pb.Event_ProcessTrace:
		t := x.ProcessTrace
		at := ""
		if t.GetAddress() != 0 {
			at = fmt.Sprintf("at %#x", t.GetAddress())
		}
		return failed(spaced(linuxabi.TraceRequest(t.GetRequest()), at, "->", w.other(t.GetTarget())), t.GetError())
	case *pb.Event_ProcessMemory:
		m := x.ProcessMemory
		action := either(m.GetWrite(), "write", "read")
		return failed(noted(fmt.Sprintf("%s %d bytes at %#x -> %s", action, m.GetLength(), m.GetAddress(), w.other(m.GetTarget())),
			w.word(m.GetMethod())), m.GetError())
	case *pb.Event_ProcessAccess:
		a := x.ProcessAccess
		return spaced(fmt.Sprintf("access %#x ->", a.GetGrantedAccess()), w.other(a.GetTarget()), w.text(a.GetTargetImage()))
	case *pb.Event_RemoteThread:
		r := x.RemoteThread
		return spaced(fmt.Sprintf("thread %d at %#x ->", r.GetNewTid(), r.GetStartAddress()), w.other(r.GetTarget()),
			w.text(r.GetTargetImage()), w.text(r.GetStartModule()), w.text(r.GetStartFunction()))
	case *pb.Event_Signal:
		s := x.Signal
		text := linuxabi.Signal(s.GetNumber()) + " -> " + w.other(s.GetTarget())
		if s.GetError() != 0 {
			return failed(text, s.GetError())
		}
		return noted(text, when(!s.GetDelivered(), "not delivered"), when(s.GetCode() == 0x80, "by the kernel"))
	case *pb.Event_HandleSteal:
		h := x.HandleSteal
		return failed(fmt.Sprintf("descriptor %d of %s", h.GetDescriptor_(), w.other(h.GetTarget())), h.GetError())
	case *pb.Event_CredentialChange:
		return w.credentials(x.CredentialChange)
	case *pb.Event_NamespaceChange:
		n := x.NamespaceChange
		return failed(spaced(w.word(n.GetOperation()), strings.Join(ChangedNamespaces(n), ",")), n.GetError())
	case *pb.Event_LoginSession:
		return w.login(x.LoginSession)
	}
	return ""
}

func (w Words) region(r *pb.MemoryRegion) string {
	what := "anonymous"
	if r.GetFile() != nil {
		what = w.path(r.GetFile())
	}
	return fmt.Sprintf("%s, %d bytes at %#x", what, r.GetLength(), r.GetAddress())
}

func (w Words) credentials(x *pb.CredentialChange) string {
	before, after := x.GetBefore(), x.GetAfter()
	changes := transitions(w.user, []transition{
		{"uid", before.GetUid(), after.GetUid()},
		{"euid", before.GetEuid(), after.GetEuid()},
		{"suid", before.GetSuid(), after.GetSuid()},
		{"fsuid", before.GetFsuid(), after.GetFsuid()},
	})
	changes = append(changes, transitions(w.group, []transition{
		{"gid", before.GetGid(), after.GetGid()},
		{"egid", before.GetEgid(), after.GetEgid()},
		{"sgid", before.GetSgid(), after.GetSgid()},
		{"fsgid", before.GetFsgid(), after.GetFsgid()},
	})...)
	if gained := GainedCapabilities(x); gained != 0 {
		changes = append(changes, "gained "+few(linuxabi.Capabilities(gained)))
	}
	what := strings.Join(changes, ", ")
	if x.GetUnexplained() {
		return failed(spaced("changed without a call:", w.word(x.GetOperation()), either(what == "", "credentials", what)), x.GetError())
	}
	return failed(spaced(w.word(x.GetOperation()), what), x.GetError())
}

// transition is one number of the credentials before and after.
type transition struct {
	name     string
	old, now uint32
}

// transitions says what changed, once for numbers that changed alike: "uid/euid ada -> root".
func transitions(name func(uint32) string, all []transition) []string {
	var out []string
	for i, t := range all {
		alike := func(other transition) bool { return other.old == t.old && other.now == t.now }
		if t.old == t.now || slices.IndexFunc(all, alike) < i {
			continue
		}
		var names []string
		for _, other := range all[i:] {
			if alike(other) {
				names = append(names, other.name)
			}
		}
		out = append(out, strings.Join(names, "/")+" "+name(t.old)+" -> "+name(t.now))
	}
	return out
}

// GainedCapabilities gives the capabilities that are effective or permitted after a change and were neither before it.
func GainedCapabilities(x *pb.CredentialChange) uint64 {
	before, after := x.GetBefore().GetCapabilities(), x.GetAfter().GetCapabilities()
	return (after.GetEffective() | after.GetPermitted()) &^ (before.GetEffective() | before.GetPermitted())
}

// LostCapabilities gives the capabilities that were effective or permitted before a change and are neither after it.
func LostCapabilities(x *pb.CredentialChange) uint64 {
	if x.GetAfter() == nil {
		return 0
	}
	before, after := x.GetBefore().GetCapabilities(), x.GetAfter().GetCapabilities()
	return (before.GetEffective() | before.GetPermitted()) &^ (after.GetEffective() | after.GetPermitted())
}

// few names the first of a list, and how many more there are.
func few(names []string) string {
	if len(names) <= mostNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNames], ", "), len(names)-mostNames)
}

// ChangedNamespaces names the kinds of namespaces that differ after the event, as in "mount", and where the numbers are not
// known or the call failed those that it asked for.
func ChangedNamespaces(x *pb.NamespaceChange) []string {
	before, after := x.GetBefore(), x.GetAfter()
	if before == nil || after == nil || x.GetError() != 0 {
		return linuxabi.Namespaces(x.GetFlags())
	}
	var out []string
	for _, n := range [...]struct {
		name     string
		old, now uint32
	}{
		{"mount", before.GetMount(), after.GetMount()},
		{"pid", before.GetPid(), after.GetPid()},
		{"network", before.GetNetwork(), after.GetNetwork()},
		{"user", before.GetUser(), after.GetUser()},
		{"uts", before.GetUts(), after.GetUts()},
		{"ipc", before.GetIpc(), after.GetIpc()},
		{"cgroup", before.GetCgroup(), after.GetCgroup()},
		{"time", before.GetTime(), after.GetTime()},
	} {
		if n.old != n.now {
			out = append(out, n.name)
		}
	}
	return out
}

func (w Words) login(x *pb.LoginSession) string {
	user := w.word(x.GetUser())
	if user == "" {
		user = w.user(x.GetUid())
	}
	session := ""
	if x.GetAuditSession() != 0 {
		session = "session " + decimal(x.GetAuditSession())
	}
	from := ""
	if x.GetSource() != nil {
		from = "from " + w.endpoint(x.GetSource())
	}
	return noted(spaced(user, session, from), either(x.GetEnded(), "ended", "began"))
}
