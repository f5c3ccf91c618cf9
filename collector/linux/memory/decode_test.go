package memory

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	kernel "github.com/vedette-edr/vedette/bpf/memory"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/collector/linux/frame"
	pb "github.com/vedette-edr/vedette/proto"
)

// recordOf lays out a fixed part and its text as the kernel side does.
func recordOf[T any](fixed *T, text string) []byte {
	words := make([]uint64, (int(unsafe.Sizeof(*fixed))+len(text)+7)/8)
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), int(unsafe.Sizeof(*fixed))+len(text))
	copy(b, unsafe.Slice((*byte)(unsafe.Pointer(fixed)), unsafe.Sizeof(*fixed)))
	copy(b[unsafe.Sizeof(*fixed):], text)
	return b
}

func header(kind record.Kind) record.Header {
	h := record.Header{Sequence: 3, Time: 6e9, CPU: 1, Kind: kind, Flags: 16, Actor: record.Actor{
		Process: record.Key{TGID: 100, StartTime: 5e9}, Parent: record.Key{TGID: 50, StartTime: 4e9}, CgroupID: 77, TID: 101,
		UID: 1, EUID: 2, GID: 3, EGID: 4, MountNS: 8, PIDNS: 9, NamespacePID: 10,
	}}
	copy(h.Actor.Comm[:], "sh")
	return h
}

// event is the event that all records here give, but for its payload.
func event() *pb.Event {
	return &pb.Event{
		Class: pb.Class_CLASS_MEMORY, Cpu: 1, Sequence: 3, KernelTimeNs: 6e9, WallTimeNs: 1e18 + 6e9, Flags: 16,
		Actor: &pb.Actor{
			Process: &pb.ProcessKey{Pid: 100, StartTimeNs: 5e9}, Parent: &pb.ProcessKey{Pid: 50, StartTimeNs: 4e9},
			Tid: 101, Comm: []byte("sh"), Uid: 1, Euid: 2, Gid: 3, Egid: 4, CgroupId: 77, MountNamespace: 8, PidNamespace: 9, NamespacePid: 10,
		},
	}
}

type example struct {
	rec  []byte
	want *pb.Event
}

func examples() map[string]example {
	all := map[string]example{}
	add := func(name string, r kernel.Record, path string, fill func(ev *pb.Event)) {
		r.Header, r.PathLength = header(record.Memory), uint16(len(path))
		ev := event()
		fill(ev)
		all[name] = example{recordOf(&r, path), ev}
	}
	target, key := record.Key{TGID: 200, StartTime: 7}, &pb.ProcessKey{Pid: 200, StartTimeNs: 7}
	file := record.FileIdentity{
		Device: 1, Inode: 2, CTime: 3, MTime: 4, Size: 5, Mode: 0o100755, UID: 6, GID: 7, Links: 1, Flags: 2, Filesystem: 9, MountID: 10,
	}
	add("map", kernel.Record{Operation: kernel.Map, Address: 0x1000, Length: 4096, Number: 5, Flags: 2, File: file}, "memfd:x", func(ev *pb.Event) {
		ev.Payload = &pb.Event_MemoryMap{MemoryMap: &pb.MemoryMap{Region: &pb.MemoryRegion{
			Address: 0x1000, Length: 4096, Protection: 5, Flags: 2, File: &pb.File{
				Path: []byte("memfd:x"), Source: pb.PathSource_PATH_SOURCE_KERNEL, Device: 1, Inode: 2, CtimeNs: 3, MtimeNs: 4, Size: 5,
				Mode: 0o100755, Uid: 6, Gid: 7, Links: 1, Flags: 2, Filesystem: 9, MountId: 10, MountNamespace: 8,
			},
		}}}
	})
	add("protect", kernel.Record{Operation: kernel.Protect, Address: 0x1000, Length: 4096, Number: 5, OldProtection: 3}, "", func(ev *pb.Event) {
		ev.Payload = &pb.Event_MemoryProtect{MemoryProtect: &pb.MemoryProtect{
			Region: &pb.MemoryRegion{Address: 0x1000, Length: 4096, Protection: 5}, OldProtection: 3,
		}}
	})
	add("trace", kernel.Record{Operation: kernel.Trace, Target: target, Number: 4, Address: 8, Length: 9, Error: 1}, "", func(ev *pb.Event) {
		ev.Payload = &pb.Event_ProcessTrace{ProcessTrace: &pb.ProcessTrace{Target: key, Request: 4, Address: 8, Data: 9, Error: 1}}
	})
	add("trace of nobody", kernel.Record{Operation: kernel.Trace, Number: 16, Error: 3}, "", func(ev *pb.Event) {
		ev.Payload = &pb.Event_ProcessTrace{ProcessTrace: &pb.ProcessTrace{Request: 16, Error: 3}}
	})
	for operation, want := range map[kernel.Operation]*pb.ProcessMemory{
		kernel.Read:   {Method: "process_vm_readv"},
		kernel.Write:  {Method: "process_vm_writev", Write: true},
		kernel.Procfs: {Method: "procfs", Write: true},
	} {
		add(want.Method, kernel.Record{Operation: operation, Target: target, Address: 8, Length: 9, Error: 14}, "", func(ev *pb.Event) {
			want.Target, want.Address, want.Length, want.Error = key, 8, 9, 14
			ev.Payload = &pb.Event_ProcessMemory{ProcessMemory: want}
		})
	}
	add("handle", kernel.Record{Operation: kernel.Handle, Target: target, Number: 5, Error: 9}, "", func(ev *pb.Event) {
		ev.Payload = &pb.Event_HandleSteal{HandleSteal: &pb.HandleSteal{Target: key, Descriptor_: 5, Error: 9}}
	})
	add("signal", kernel.Record{Operation: kernel.Signal, Target: target, Number: 9, Code: -6, Delivered: 1}, "", func(ev *pb.Event) {
		ev.Payload = &pb.Event_Signal{Signal: &pb.Signal{Target: key, Number: 9, Code: -6, Delivered: true}}
	})
	add("refused signal", kernel.Record{Operation: kernel.Signal, Target: target, Number: 9, Error: 1}, "", func(ev *pb.Event) {
		ev.Payload = &pb.Event_Signal{Signal: &pb.Signal{Target: key, Number: 9, Error: 1}}
	})
	throttled := event()
	throttled.Payload = &pb.Event_Throttled{Throttled: &pb.Throttled{
		Class: pb.Class_CLASS_MEMORY, Withheld: 7, IntervalNs: 8, Ended: true,
	}}
	all["throttled"] = example{recordOf(&record.Throttle{
		Header: header(record.Throttled), Withheld: 7, Interval: 8, Class: 4, Ended: 1,
	}, ""), throttled}
	return all
}

func decode(d *Decoder, rec []byte) (*pb.Event, error) {
	kind, err := record.KindOf(rec)
	if err != nil {
		return nil, err
	}
	return d.Decode(kind, rec)
}

func decoder() *Decoder {
	d := NewDecoder()
	*d.frame.Clock() = frame.ClockAt(1e18, 6e9)
	return d
}

func TestRecordsBecomeEvents(t *testing.T) {
	// One decoder for all, in random order: what one record has must not stay for the next.
	d := decoder()
	for range 3 {
		for name, e := range examples() {
			got, err := decode(d, e.rec)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if diff := cmp.Diff(e.want, got, protocmp.Transform()); diff != "" {
				t.Errorf("%s: the event differs (-want +got):\n%s", name, diff)
			}
		}
	}
}

func TestMalformedRecordsAreRefused(t *testing.T) {
	d := decoder()
	for name, e := range examples() {
		if _, err := decode(d, e.rec[:len(e.rec)-1]); !errors.Is(err, record.ErrMalformed) {
			t.Errorf("%s cut short: %v, want %v", name, err, record.ErrMalformed)
		}
	}
	f := func(kind record.Kind, operation kernel.Operation) {
		t.Helper()
		rec := recordOf(&kernel.Record{Header: header(kind), Operation: operation}, "")
		if _, err := decode(d, rec); !errors.Is(err, record.ErrMalformed) {
			t.Errorf("kind %d, operation %d: %v, want %v", kind, operation, err, record.ErrMalformed)
		}
	}
	f(record.Memory, 0)
	f(record.Memory, 99)
	f(record.Exec, kernel.Map)
}

func TestDecodingAllocatesNothing(t *testing.T) {
	d := decoder()
	for name, e := range examples() {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := decode(d, e.rec); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}
