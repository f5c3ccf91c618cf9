package process

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	kernel "github.com/vedette-edr/vedette/bpf/process"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/collector/linux/frame"
	pb "github.com/vedette-edr/vedette/proto"
)

// recordOf lays out a fixed part and its texts as the kernel side does.
func recordOf[T any](fixed *T, texts ...string) []byte {
	b := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(fixed)), unsafe.Sizeof(*fixed))...)
	for _, t := range texts {
		b = append(b, t...)
	}
	return b
}

func actor() record.Actor {
	a := record.Actor{
		Process: record.Key{TGID: 100, StartTime: 5e9}, Parent: record.Key{TGID: 50, StartTime: 4e9}, CgroupID: 77, TID: 101,
		UID: 1, EUID: 2, GID: 3, EGID: 4, MountNS: 8, PIDNS: 9, NamespacePID: 10,
	}
	copy(a.Comm[:], "sh")
	return a
}

func execRecord() []byte {
	e := kernel.Exec{
		Header:        record.Header{Sequence: 3, Time: 6e9, CPU: 1, Kind: record.Exec, Flags: 8, Actor: actor()},
		Executable:    record.FileIdentity{Device: 1, Inode: 2, CTime: 3, MTime: 4, Size: 5, Mode: 0o100755, UID: 6, GID: 7, Links: 1, Flags: 2, Filesystem: 9, MountID: 10},
		Script:        record.FileIdentity{Inode: 22},
		Stdin:         record.FileIdentity{Inode: 33, Mode: 0o010600},
		Creator:       record.Key{TGID: 50, StartTime: 4e9},
		CapEffective:  1 << 40,
		ArgumentsSize: 8, ArgumentCount: 2, EnvironmentSize: 20,
		UID: 1, EUID: 2, LoginUID: 1000, AuditSession: 4, Session: 90, ProcessGroup: 91, CallingThread: 102,
		MountNS: 8, PIDNS: 9, NetworkNS: 11, UserNS: 12, UTSNS: 13, IPCNS: 14, CgroupNS: 15, TimeNS: 16, SecureExec: 1,
	}
	copy(e.TTY[:], "pts0")
	texts := []string{"/usr/bin/dash", "/tmp/real.sh", "/home", "/jail", "pipe", "./link.sh", "/bin/sh", "sh\x00-c\x00x\x00", "SECRET=1\x00LD_PRELOAD=/x\x00LD_PRELOAD\x00"}
	for i, t := range texts {
		e.TextLength[i] = uint16(len(t))
	}
	return recordOf(&e, texts...)
}

func TestExecRecordBecomesAnEvent(t *testing.T) {
	d := newDecoder(newAllowList(DefaultEnvironment()))
	*d.frame.Clock() = frame.ClockAt(1e18, 6e9)
	got, err := decode(d, execRecord())
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.Event{
		Class: pb.Class_CLASS_PROCESS, Cpu: 1, Sequence: 3, KernelTimeNs: 6e9, WallTimeNs: 1e18 + 6e9, Flags: 8,
		Actor: &pb.Actor{
			Process: &pb.ProcessKey{Pid: 100, StartTimeNs: 5e9}, Parent: &pb.ProcessKey{Pid: 50, StartTimeNs: 4e9},
			Tid: 101, Comm: []byte("sh"), Uid: 1, Euid: 2, Gid: 3, Egid: 4, CgroupId: 77, MountNamespace: 8, PidNamespace: 9, NamespacePid: 10,
		},
		Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{
			Executable: &pb.File{
				Path: []byte("/usr/bin/dash"), Source: pb.PathSource_PATH_SOURCE_KERNEL, Device: 1, Inode: 2, CtimeNs: 3, MtimeNs: 4, Size: 5,
				Mode: 0o100755, Uid: 6, Gid: 7, Links: 1, Flags: 2, Filesystem: 9, MountId: 10, MountNamespace: 8,
			},
			Filename:    []byte("./link.sh"),
			Script:      &pb.File{Path: []byte("/tmp/real.sh"), Source: pb.PathSource_PATH_SOURCE_KERNEL, Inode: 22, MountNamespace: 8},
			Stdin:       &pb.File{Path: []byte("pipe"), Source: pb.PathSource_PATH_SOURCE_KERNEL, Inode: 33, Mode: 0o010600, MountNamespace: 8},
			Interpreter: []byte("/bin/sh"),
			Arguments:   []byte("sh\x00-c\x00x"), ArgumentsSize: 8, ArgumentCount: 2,
			Environment: [][]byte{[]byte("LD_PRELOAD=/x")}, EnvironmentSize: 20,
			WorkingDirectory: []byte("/home"), RootDirectory: []byte("/jail"),
			Credentials: &pb.Credentials{Uid: 1, Euid: 2, LoginUid: 1000, AuditSession: 4, Capabilities: &pb.Capabilities{Effective: 1 << 40}},
			Tty:         []byte("pts0"), Session: 90, ProcessGroup: 91,
			Namespaces:    &pb.Namespaces{Mount: 8, Pid: 9, Network: 11, User: 12, Uts: 13, Ipc: 14, Cgroup: 15, Time: 16},
			Creator:       &pb.ProcessKey{Pid: 50, StartTimeNs: 4e9},
			CallingThread: 102, SecureExec: true,
		}},
	}
	// The decoder's empty fields are empty slices; on the wire that is the same as absent.
	if diff := cmp.Diff(overTheWire(t, want), overTheWire(t, got), protocmp.Transform()); diff != "" {
		t.Errorf("the event differs (-want +got):\n%s", diff)
	}
}

func overTheWire(t *testing.T, ev *pb.Event) *pb.Event {
	t.Helper()
	b, err := proto.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	var out pb.Event
	if err := proto.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestForkAndExitRecordsBecomeEvents(t *testing.T) {
	d := newDecoder(newAllowList(nil))
	ev, err := decode(d, recordOf(&kernel.Fork{
		Header: record.Header{Sequence: 1, Kind: record.Fork, Actor: actor()},
		Child:  record.Key{TGID: 200, StartTime: 7}, Parent: record.Key{TGID: 50, StartTime: 4e9},
		ChildCgroupID: 5, ChildNamespacePID: 1, ChildPIDNS: 6,
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.ProcessFork{
		Child: &pb.ProcessKey{Pid: 200, StartTimeNs: 7}, Parent: &pb.ProcessKey{Pid: 50, StartTimeNs: 4e9},
		ChildCgroupId: 5, ChildNamespacePid: 1, ChildPidNamespace: 6,
	}
	if diff := cmp.Diff(want, ev.GetFork(), protocmp.Transform()); diff != "" {
		t.Errorf("the fork differs (-want +got):\n%s", diff)
	}

	f := func(status uint32, want *pb.ProcessExit) {
		t.Helper()
		ev, err := decode(d, recordOf(&kernel.Exit{
			Header: record.Header{Sequence: 2, Kind: record.Exit, Actor: actor()}, UserTime: 1, SystemTime: 2, MaxResidentPages: 3, Status: status,
		}))
		if err != nil {
			t.Fatal(err)
		}
		want.UserTimeNs, want.SystemTimeNs, want.MaxResidentBytes = 1, 2, 3*pageSize()
		if diff := cmp.Diff(want, ev.GetExit(), protocmp.Transform()); diff != "" {
			t.Errorf("the exit of status %#x differs (-want +got):\n%s", status, diff)
		}
	}
	f(0, &pb.ProcessExit{})
	f(7<<8, &pb.ProcessExit{Code: 7})
	f(15, &pb.ProcessExit{Signal: 15})
	f(11|0x80, &pb.ProcessExit{Signal: 11, CoreDumped: true})
}

func chunk(sequence uint64, field kernel.Text, index int, data []byte) []byte {
	c := kernel.Chunk{Sequence: sequence, CPU: 1, Kind: record.Chunk, Field: field, Index: uint16(index), Length: uint32(len(data))}
	copy(c.Data[:], data)
	return recordOf(&c)
}

func TestChunksComeBackTogether(t *testing.T) {
	d := newDecoder(newAllowList([]string{"PATH"}))
	long := bytes.Repeat([]byte("argument\x00"), 5000)
	e := kernel.Exec{Header: record.Header{Sequence: 3, CPU: 1, Kind: record.Exec}, ArgumentsSize: uint64(len(long))}
	// Another exec on the same CPU is in the middle of its own chunks.
	add := func(b []byte) {
		t.Helper()
		if ev, err := decode(d, b); ev != nil || err != nil {
			t.Fatalf("a chunk gives %v, %v, want nothing", ev, err)
		}
	}
	add(chunk(2, kernel.TextArguments, 0, bytes.Repeat([]byte{'x'}, 8192)))
	for i, rest := 0, long; len(rest) > 0; i++ {
		n := min(len(rest), 8192)
		add(chunk(3, kernel.TextArguments, i, rest[:n]))
		rest = rest[n:]
	}
	add(chunk(3, kernel.TextEnvironment, 0, []byte("PATH=/bin\x00HOME=/\x00")))
	ev, err := decode(d, recordOf(&e))
	if err != nil {
		t.Fatal(err)
	}
	if got := ev.GetExec().Arguments; !bytes.Equal(got, long[:len(long)-1]) {
		t.Errorf("%d bytes of arguments came back, want %d", len(got), len(long)-1)
	}
	if diff := cmp.Diff([][]byte{[]byte("PATH=/bin")}, ev.GetExec().Environment); diff != "" {
		t.Errorf("the environment differs (-want +got):\n%s", diff)
	}
}

func TestAbandonedChunksAreBounded(t *testing.T) {
	d := newDecoder(newAllowList(nil))
	for i := range uint64(10 * maxPending) {
		if _, err := decode(d, chunk(i, kernel.TextArguments, 0, []byte("x"))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.pending.list); n != maxPending {
		t.Errorf("%d assemblies are kept, want %d", n, maxPending)
	}
}

func TestMalformedRecordsAreRefused(t *testing.T) {
	d := newDecoder(newAllowList(nil))
	whole := execRecord()
	for _, b := range [][]byte{nil, whole[:8], whole[:100], whole[:len(whole)-1], recordOf(&record.Header{Kind: 99})} {
		if ev, err := decode(d, b); err == nil {
			t.Errorf("%d bytes give event %v, want an error", len(b), ev)
		}
	}
}

func TestDecodingDoesNotAllocate(t *testing.T) {
	d := newDecoder(newAllowList(DefaultEnvironment()))
	b := execRecord()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := decode(d, b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("decoding an exec allocates %v times, want 0", n)
	}
}

func BenchmarkDecodeExec(b *testing.B) {
	b.ReportAllocs()
	d := newDecoder(newAllowList(DefaultEnvironment()))
	r := execRecord()
	b.SetBytes(int64(len(r)))
	for b.Loop() {
		if _, err := decode(d, r); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(execRecord())
	f.Add(chunk(1, kernel.TextArguments, 0, []byte("x")))
	f.Fuzz(func(_ *testing.T, b []byte) {
		words := make([]uint64, len(b)/8+1)
		aligned := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:len(b)]
		copy(aligned, b)
		d := newDecoder(newAllowList(DefaultEnvironment()))
		_, _ = decode(d, aligned)
		_, _ = decode(d, aligned)
	})
}

func decode(d *Decoder, rec []byte) (*pb.Event, error) {
	kind, err := record.KindOf(rec)
	if err != nil {
		return nil, err
	}
	return d.Decode(kind, rec)
}
