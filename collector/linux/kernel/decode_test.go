package kernel

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/vedette-edr/vedette/bpf/kernel"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/collector/linux/frame"
	pb "github.com/vedette-edr/vedette/proto"
)

// recordOf lays out a fixed part and its texts as the kernel side does.
func recordOf(r kernel.Record, texts map[kernel.Text]string) []byte {
	r.Header = record.Header{
		Sequence: 3, Time: 6e9, CPU: 1, Kind: record.Kernel, Flags: 8,
		Actor: record.Actor{Process: record.Key{TGID: 100, StartTime: 5e9}, TID: 101, MountNS: 8},
	}
	for t, text := range texts {
		r.TextLength[t] = uint16(len(text))
	}
	b := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r))...)
	for t := range r.TextLength {
		b = append(b, texts[kernel.Text(t)]...)
	}
	return b
}

type sample struct {
	record kernel.Record
	texts  map[kernel.Text]string
	want   pb.Event
}

func samples() map[string]*sample {
	identity := record.FileIdentity{Device: 1, Inode: 2, Size: 5, Mode: 0o100644}
	second := record.FileIdentity{Device: 1, Inode: 3, Size: 6, Mode: 0o100600}
	file := func(path string) *pb.File {
		return &pb.File{
			Path: []byte(path), Source: pb.PathSource_PATH_SOURCE_KERNEL, Device: 1, Inode: 2, Size: 5, Mode: 0o100644, MountNamespace: 8,
		}
	}
	type texts = map[kernel.Text]string
	return map[string]*sample{
		"module of a file": {
			kernel.Record{Operation: kernel.ModuleLoad, File: identity, Size: 5, Flags: 2, Error: 8},
			texts{kernel.TextFile: "/tmp/evil.ko", kernel.TextName: "evil", kernel.TextValue: "a=1"},
			pb.Event{Payload: &pb.Event_ModuleLoad{ModuleLoad: &pb.ModuleLoad{
				Name: []byte("evil"), File: file("/tmp/evil.ko"), Parameters: []byte("a=1"), Error: 8, Size: 5, Flags: 2,
			}}},
		},
		"module of memory": {
			kernel.Record{Operation: kernel.ModuleLoad, FromMemory: 1, Size: 7},
			texts{kernel.TextName: "evil"},
			pb.Event{Payload: &pb.Event_ModuleLoad{ModuleLoad: &pb.ModuleLoad{Name: []byte("evil"), FromMemory: true, Size: 7}}},
		},
		"module removed": {
			kernel.Record{Operation: kernel.ModuleUnload, Error: 1},
			texts{kernel.TextName: "good"},
			pb.Event{Payload: &pb.Event_ModuleUnload{ModuleUnload: &pb.ModuleUnload{Name: []byte("good"), Error: 1}}},
		},
		"program": {
			kernel.Record{
				Operation: kernel.BPF, Number: 5, ProgramType: 2, AttachType: 3, ID: 4, Instructions: 5, Tag: [8]byte{1, 2, 3, 4, 5, 6, 7, 8},
				Helpers: [4]uint64{1<<36 | 1<<58, 1 << 45, 0, 1 << 63},
			},
			texts{kernel.TextName: "hide", kernel.TextValue: "sys_getdents64"},
			pb.Event{Payload: &pb.Event_BpfOperation{BpfOperation: &pb.BpfOperation{
				Command: 5, ProgramType: 2, AttachType: 3, Id: 4, Instructions: 5, Tag: []byte{1, 2, 3, 4, 5, 6, 7, 8},
				Helpers: []uint32{36, 58, 109, 255}, Name: []byte("hide"), Target: []byte("sys_getdents64"),
			}}},
		},
		"map": {
			kernel.Record{Operation: kernel.BPF, MapType: 1, ID: 9, Error: 1},
			texts{kernel.TextName: "loot"},
			pb.Event{Payload: &pb.Event_BpfOperation{BpfOperation: &pb.BpfOperation{MapType: 1, Id: 9, Name: []byte("loot"), Error: 1}}},
		},
		"perf event": {
			kernel.Record{Operation: kernel.Perf, Number: 1, Config: 2, WithProgram: 1, Error: 9},
			nil,
			pb.Event{Payload: &pb.Event_PerfEventOpen{PerfEventOpen: &pb.PerfEventOpen{Type: 1, Config: 2, WithProgram: true, Error: 9}}},
		},
		"kexec": {
			kernel.Record{Operation: kernel.Kexec, File: identity, Second: second, Flags: 2, Error: 1},
			texts{kernel.TextFile: "/boot/k", kernel.TextSecond: "/boot/i", kernel.TextValue: "quiet"},
			pb.Event{Payload: &pb.Event_Kexec{Kexec: &pb.Kexec{
				Kernel: file("/boot/k"), CommandLine: []byte("quiet"), Flags: 2, Error: 1,
				Initrd: &pb.File{
					Path: []byte("/boot/i"), Source: pb.PathSource_PATH_SOURCE_KERNEL, Device: 1, Inode: 3, Size: 6, Mode: 0o100600, MountNamespace: 8,
				},
			}}},
		},
		"sysctl": {
			kernel.Record{Operation: kernel.Sysctl, File: identity, Error: 22},
			texts{
				kernel.TextFile: "/proc/sys/kernel/core_pattern", kernel.TextName: "kernel/core_pattern", kernel.TextValue: "|/tmp/x",
				kernel.TextOld: "core",
			},
			pb.Event{Payload: &pb.Event_SysctlWrite{SysctlWrite: &pb.SysctlWrite{
				Name: []byte("kernel/core_pattern"), OldValue: []byte("core"), NewValue: []byte("|/tmp/x"), Error: 22,
				File: file("/proc/sys/kernel/core_pattern"),
			}}},
		},
		"keyctl": {
			kernel.Record{Operation: kernel.Keyctl, Number: 10, ID: 77, Keyring: -3},
			texts{kernel.TextName: "user", kernel.TextValue: "loot"},
			pb.Event{Payload: &pb.Event_KeyOperation{KeyOperation: &pb.KeyOperation{
				Call: "keyctl", Operation: 10, Serial: 77, Keyring: -3, Type: []byte("user"), Description: []byte("loot"),
			}}},
		},
		"add_key": {
			kernel.Record{Operation: kernel.AddKey, ID: 78, Keyring: -2, Error: 0},
			texts{kernel.TextName: "user"},
			pb.Event{Payload: &pb.Event_KeyOperation{KeyOperation: &pb.KeyOperation{Call: "add_key", Serial: 78, Keyring: -2, Type: []byte("user")}}},
		},
		"request_key": {
			kernel.Record{Operation: kernel.RequestKey, Error: 126},
			nil,
			pb.Event{Payload: &pb.Event_KeyOperation{KeyOperation: &pb.KeyOperation{Call: "request_key", Error: 126}}},
		},
		"ring": {
			kernel.Record{Operation: kernel.RingCreate, Entries: 8, Flags: 2, Creator: record.Key{TGID: 100, StartTime: 5e9}},
			nil,
			pb.Event{Payload: &pb.Event_IoUring{IoUring: &pb.IoUring{
				Created: true, Entries: 8, SetupFlags: 2, RingCreator: &pb.ProcessKey{Pid: 100, StartTimeNs: 5e9},
			}}},
		},
		"rename through a ring": {
			kernel.Record{Operation: kernel.RingRequest, Number: 35},
			texts{kernel.TextName: "/a", kernel.TextValue: "/b"},
			pb.Event{Payload: &pb.Event_IoUring{IoUring: &pb.IoUring{Opcode: 35, Path: []byte("/a"), SecondPath: []byte("/b")}}},
		},
		"connection through a ring": {
			kernel.Record{Operation: kernel.RingRequest, Number: 16, Port: 443, AddressLength: 4, Address: [16]byte{127, 0, 0, 9}},
			nil,
			pb.Event{Payload: &pb.Event_IoUring{IoUring: &pb.IoUring{Opcode: 16, Remote: &pb.Endpoint{Address: []byte{127, 0, 0, 9}, Port: 443}}}},
		},
	}
}

// One decoder for all, twice over: nothing of one event may show in the next.
func TestRecordsBecomeEvents(t *testing.T) {
	d := NewDecoder()
	*d.frame.Clock() = frame.ClockAt(1e18, 6e9)
	for range 2 {
		for name, s := range samples() {
			t.Run(name, func(t *testing.T) {
				got, err := d.Decode(record.Kernel, recordOf(s.record, s.texts))
				if err != nil {
					t.Fatal(err)
				}
				s.want.Class, s.want.Cpu, s.want.Sequence, s.want.Flags = pb.Class_CLASS_KERNEL, 1, 3, 8
				s.want.KernelTimeNs, s.want.WallTimeNs = 6e9, 1e18+6e9
				s.want.Actor = &pb.Actor{Process: &pb.ProcessKey{Pid: 100, StartTimeNs: 5e9}, Parent: &pb.ProcessKey{}, Tid: 101, MountNamespace: 8}
				// The decoder's empty fields are empty slices; on the wire that is the same as absent.
				if diff := cmp.Diff(overTheWire(t, &s.want), overTheWire(t, got), protocmp.Transform()); diff != "" {
					t.Errorf("the event differs (-want +got):\n%s", diff)
				}
			})
		}
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

func TestWhatIsNoRecordIsRefused(t *testing.T) {
	d := NewDecoder()
	f := func(kind record.Kind, rec []byte) {
		t.Helper()
		if _, err := d.Decode(kind, rec); !errors.Is(err, record.ErrMalformed) {
			t.Errorf("the error is %v", err)
		}
	}
	whole := recordOf(kernel.Record{Operation: kernel.ModuleUnload}, map[kernel.Text]string{kernel.TextName: "x"})
	f(record.Exec, whole)
	f(record.Kernel, whole[:len(whole)-1])
	f(record.Kernel, whole[:20])
	f(record.Kernel, recordOf(kernel.Record{Operation: 99}, nil))
	f(record.Kernel, recordOf(kernel.Record{Operation: kernel.RingRequest, AddressLength: 17}, nil))
}

func TestDecodingAllocatesNothing(t *testing.T) {
	d := NewDecoder()
	var records [][]byte
	for _, s := range samples() {
		records = append(records, recordOf(s.record, s.texts))
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, rec := range records {
			if _, err := d.Decode(record.Kernel, rec); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d records", n, len(records))
	}
}
