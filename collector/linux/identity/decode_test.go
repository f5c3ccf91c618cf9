package identity

import (
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	kernel "github.com/vedette-edr/vedette/bpf/identity"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/syscalls"
	"github.com/vedette-edr/vedette/collector/linux/frame"
	pb "github.com/vedette-edr/vedette/proto"
)

func bytesOf(r *kernel.Record) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(r)), unsafe.Sizeof(*r))
}

func number(t testing.TB, name string) uint32 {
	t.Helper()
	for i, n := range syscalls.Names() {
		if n == name {
			return uint32(i)
		}
	}
	t.Fatalf("no call is named %q", name)
	return 0
}

func before() kernel.Credentials {
	return kernel.Credentials{
		UID: 1, GID: 2, SUID: 3, SGID: 4, EUID: 5, EGID: 6, FSUID: 7, FSGID: 8, Securebits: 9, UserNS: 10,
		CapInheritable: 11, CapPermitted: 12, CapEffective: 13, CapBounding: 14, CapAmbient: 15, LoginUID: 16, AuditSession: 17,
	}
}

func after() kernel.Credentials {
	return kernel.Credentials{
		UID: 101, GID: 102, SUID: 103, SGID: 104, EUID: 105, EGID: 106, FSUID: 107, FSGID: 108, Securebits: 109, UserNS: 110,
		CapInheritable: 111, CapPermitted: 112, CapEffective: 113, CapBounding: 114, CapAmbient: 115, LoginUID: 116, AuditSession: 117,
	}
}

func change(t testing.TB) *kernel.Record {
	return &kernel.Record{
		Header: record.Header{
			Sequence: 3, Time: 6e9, CPU: 1, Kind: record.Identity,
			Actor: record.Actor{Process: record.Key{TGID: 100, StartTime: 5e9}, TID: 101, UID: 1, EUID: 5},
		},
		Operation: kernel.CredentialsChanged, Call: number(t, "setresuid"), Before: before(), After: after(),
		NamespacesBefore: kernel.Namespaces{Mount: 1, PID: 2, Network: 3, User: 4, UTS: 5, IPC: 6, Cgroup: 7, Time: 8},
		NamespacesAfter:  kernel.Namespaces{Mount: 11, PID: 12, Network: 13, User: 14, UTS: 15, IPC: 16, Cgroup: 17, Time: 18},
	}
}

func TestRecordsBecomeEvents(t *testing.T) {
	d := NewDecoder()
	*d.frame.Clock() = frame.ClockAt(1e18, 6e9)
	f := func(set func(r *kernel.Record), want *pb.Event) {
		t.Helper()
		r := change(t)
		set(r)
		want.Class, want.Cpu, want.Sequence = pb.Class_CLASS_IDENTITY, 1, 3
		want.KernelTimeNs, want.WallTimeNs = 6e9, 1e18+6e9
		want.Actor = &pb.Actor{
			Process: &pb.ProcessKey{Pid: 100, StartTimeNs: 5e9}, Parent: &pb.ProcessKey{}, Tid: 101, Uid: 1, Euid: 5, Comm: []byte{},
		}
		got, err := d.Decode(record.Identity, bytesOf(r))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("the event differs (-want +got):\n%s", diff)
		}
	}
	old := func() *pb.Credentials {
		return &pb.Credentials{
			Uid: 1, Gid: 2, Suid: 3, Sgid: 4, Euid: 5, Egid: 6, Fsuid: 7, Fsgid: 8, Securebits: 9, LoginUid: 16, AuditSession: 17,
			Capabilities: &pb.Capabilities{Inheritable: 11, Permitted: 12, Effective: 13, Bounding: 14, Ambient: 15},
		}
	}
	now := func() *pb.Credentials {
		return &pb.Credentials{
			Uid: 101, Gid: 102, Suid: 103, Sgid: 104, Euid: 105, Egid: 106, Fsuid: 107, Fsgid: 108, Securebits: 109, LoginUid: 116, AuditSession: 117,
			Capabilities: &pb.Capabilities{Inheritable: 111, Permitted: 112, Effective: 113, Bounding: 114, Ambient: 115},
		}
	}
	credentials := func(c *pb.CredentialChange) *pb.Event {
		c.Before, c.After = old(), now()
		return &pb.Event{Payload: &pb.Event_CredentialChange{CredentialChange: c}}
	}
	f(func(*kernel.Record) {}, credentials(&pb.CredentialChange{Operation: "setresuid"}))
	f(func(r *kernel.Record) { r.Call = 0 }, credentials(&pb.CredentialChange{Unexplained: true}))
	f(func(r *kernel.Record) { r.Call, r.Error = number(t, "capset"), 1 }, credentials(&pb.CredentialChange{Operation: "capset", Error: 1}))
	f(func(r *kernel.Record) {
		r.Operation, r.Call, r.Error, r.Flags = kernel.NamespacesChanged, number(t, "clone3"), 28, 1<<28
	}, &pb.Event{Payload: &pb.Event_NamespaceChange{NamespaceChange: &pb.NamespaceChange{
		Operation: "clone3", Flags: 1 << 28, Error: 28,
		Before: &pb.Namespaces{Mount: 1, Pid: 2, Network: 3, User: 4, Uts: 5, Ipc: 6, Cgroup: 7, Time: 8},
		After:  &pb.Namespaces{Mount: 11, Pid: 12, Network: 13, User: 14, Uts: 15, Ipc: 16, Cgroup: 17, Time: 18},
	}}})
	login := func(s *pb.LoginSession) *pb.Event { return &pb.Event{Payload: &pb.Event_LoginSession{LoginSession: s}} }
	f(func(r *kernel.Record) { r.Operation, r.Call = kernel.Login, 0 }, login(&pb.LoginSession{Uid: 116, AuditSession: 117}))
	f(func(r *kernel.Record) { r.Operation, r.Call = kernel.Logout, 0 }, login(&pb.LoginSession{Uid: 16, AuditSession: 17, Ended: true}))
	f(func(r *kernel.Record) { r.Operation, r.Call = kernel.Login, 0 }, login(&pb.LoginSession{Uid: 116, AuditSession: 117}))
}

func TestMalformedRecordsAreRefused(t *testing.T) {
	d := NewDecoder()
	f := func(kind record.Kind, rec []byte) {
		t.Helper()
		if ev, err := d.Decode(kind, rec); err == nil {
			t.Errorf("%d bytes of kind %d give %v, want an error", len(rec), kind, ev)
		}
	}
	whole := bytesOf(change(t))
	f(record.Exec, whole)
	f(record.Identity, nil)
	f(record.Identity, whole[:len(whole)-1])
	r := change(t)
	r.Operation = 99
	f(record.Identity, bytesOf(r))
	r = change(t)
	r.Call = 1 << 20
	f(record.Identity, bytesOf(r))
}

func TestDecodingDoesNotAllocate(t *testing.T) {
	d := NewDecoder()
	for _, operation := range []kernel.Operation{kernel.CredentialsChanged, kernel.NamespacesChanged, kernel.Login, kernel.Logout} {
		r := change(t)
		r.Operation = operation
		b := bytesOf(r)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := d.Decode(record.Identity, b); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("decoding operation %d allocates %v times, want 0", operation, n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(bytesOf(change(f)))
	f.Fuzz(func(_ *testing.T, b []byte) {
		words := make([]uint64, len(b)/8+1)
		aligned := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:len(b)]
		copy(aligned, b)
		_, _ = NewDecoder().Decode(record.Identity, aligned)
	})
}
