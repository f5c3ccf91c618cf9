package wire_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/vedette-edr/vedette/analyzer/wire"
	pb "github.com/vedette-edr/vedette/proto"
)

func exec(seq uint64) *pb.Event {
	return &pb.Event{
		Class: pb.Class_CLASS_PROCESS, Cpu: 1, Sequence: seq, KernelTimeNs: 1000 + seq, WallTimeNs: 1700000000000000000,
		Actor: &pb.Actor{
			Process: &pb.ProcessKey{Pid: 4242, StartTimeNs: 99}, Parent: &pb.ProcessKey{Pid: 1, StartTimeNs: 3},
			Tid: 4242, Comm: []byte("bash"), Uid: 1000, Euid: 1000, Gid: 1000, Egid: 1000, CgroupId: 77,
		},
		Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{
			Executable: &pb.File{Path: []byte("/usr/bin/curl"), Device: 2049, Inode: 123456, Mode: 0o100755},
			Filename:   []byte("/usr/bin/curl"), Arguments: []byte("curl\x00-s\x00https://example.org/x\x00"),
			ArgumentsSize: 32, ArgumentCount: 3, Environment: [][]byte{[]byte("LD_PRELOAD=/tmp/x.so"), []byte("PATH=/bin")},
			WorkingDirectory: []byte("/home/ada"), Tty: []byte("pts0"), Session: 4000, ProcessGroup: 4242,
			Credentials: &pb.Credentials{Uid: 1000, Gid: 1000, LoginUid: 1000, Capabilities: &pb.Capabilities{Bounding: 1<<41 - 1}},
			Namespaces:  &pb.Namespaces{Mount: 4026531840, Pid: 4026531836},
		}},
	}
}

func fork(seq uint64) *pb.Event {
	return &pb.Event{
		Class: pb.Class_CLASS_PROCESS, Cpu: 1, Sequence: seq, KernelTimeNs: 1000 + seq,
		Actor: &pb.Actor{Process: &pb.ProcessKey{Pid: 4242, StartTimeNs: 99}},
		Payload: &pb.Event_Fork{Fork: &pb.ProcessFork{
			Child: &pb.ProcessKey{Pid: 4300, StartTimeNs: 1000 + seq}, Parent: &pb.ProcessKey{Pid: 4242, StartTimeNs: 99}, CloneFlags: 17,
		}},
	}
}

func exit(seq uint64) *pb.Event {
	return &pb.Event{
		Class: pb.Class_CLASS_PROCESS, Cpu: 1, Sequence: seq, KernelTimeNs: 1000 + seq,
		Actor:   &pb.Actor{Process: &pb.ProcessKey{Pid: 4300, StartTimeNs: 5}},
		Payload: &pb.Event_Exit{Exit: &pb.ProcessExit{Code: 1, UserTimeNs: 5}},
	}
}

func batch(events ...*pb.Event) *pb.EventBatch {
	b := &pb.EventBatch{
		Host: "0123456789ab", BootId: "boot", Instance: 1 << 60, Class: pb.Class_CLASS_PROCESS, Number: 9, WallOffsetNs: 5,
		Ranges: []*pb.SequenceRange{{Cpu: 1, First: 1, Last: uint64(len(events)), Count: uint64(len(events))}},
		Losses: []*pb.Loss{{Class: pb.Class_CLASS_PROCESS, Cause: pb.LossCause_LOSS_CAUSE_RING_FULL, Count: 3}},
		Events: events,
	}
	return b
}

func encode(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestHeader(t *testing.T) {
	var b wire.Batch
	if err := b.Open(encode(t, batch(fork(1), exit(2)))); err != nil {
		t.Fatal(err)
	}
	if string(b.Host) != "0123456789ab" || string(b.BootID) != "boot" || b.Instance != 1<<60 || b.Number != 9 ||
		b.Class != pb.Class_CLASS_PROCESS || b.Shed || b.WallOffsetNS != 5 || b.Events != 2 {
		t.Errorf("header is %+v", b)
	}
	if want := []wire.Range{{CPU: 1, First: 1, Last: 2, Count: 2}}; !slices.Equal(b.Ranges, want) {
		t.Errorf("ranges are %+v, want %+v", b.Ranges, want)
	}
	if want := []wire.Loss{{Class: 1, Cause: 1, Count: 3}}; !slices.Equal(b.Losses, want) {
		t.Errorf("losses are %+v, want %+v", b.Losses, want)
	}
}

// A writer appends events before it knows the number, so the header may come last.
func TestHeaderAfterTheEvents(t *testing.T) {
	events := encode(t, &pb.EventBatch{Events: []*pb.Event{fork(1), exit(2)}})
	header := encode(t, &pb.EventBatch{Instance: 3, Number: 4, Host: "h"})
	var b wire.Batch
	if err := b.Open(append(events, header...)); err != nil {
		t.Fatal(err)
	}
	if b.Number != 4 || b.Events != 2 {
		t.Errorf("number %d and %d events, want 4 and 2", b.Number, b.Events)
	}
	for range 2 {
		n := 0
		for _, ok := b.Next(); ok; _, ok = b.Next() {
			n++
		}
		if n != 2 {
			t.Errorf("Next gave %d events, want 2", n)
		}
		b.Rewind()
	}
}

func TestMalformedBatchesAreRefused(t *testing.T) {
	f := func(what string, data []byte) {
		t.Helper()
		var b wire.Batch
		if err := b.Open(data); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: got error %v, want ErrMalformed", what, err)
		}
		if body, ok := b.Next(); ok {
			t.Errorf("%s: Next gave %q after an error", what, body)
		}
	}
	whole := encode(t, batch(exec(1)))
	f("no bytes", nil)
	f("no number", encode(t, &pb.EventBatch{Instance: 1}))
	f("no instance", encode(t, &pb.EventBatch{Number: 1}))
	f("cut", whole[:len(whole)-1])
	f("group", append(slices.Clone(whole), 15<<3|3))
	f("field number zero", append(slices.Clone(whole), 0))
	f("endless varint", append(slices.Clone(whole), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
	f("length beyond the end", append(slices.Clone(whole), 15<<3|2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f))
	f("number as text", append(slices.Clone(whole), 5<<3|2, 0))
}

// Decoding into reused memory must not let one event show through in the next.
func TestDecoderForgets(t *testing.T) {
	bare := func(seq uint64) *pb.Event {
		return &pb.Event{Sequence: seq, Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{}}}
	}
	seed := func(seq uint64) *pb.Event {
		ev := exec(seq)
		ev.Payload = &pb.Event_Seed{Seed: ev.GetExec()}
		ev.GetSeed().Environment = nil
		return ev
	}
	end := func(seq uint64) *pb.Event {
		return &pb.Event{Sequence: seq, Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{Processes: 3}}}
	}
	other := func(seq uint64) *pb.Event {
		return &pb.Event{Sequence: seq, Payload: &pb.Event_ModuleLoad{ModuleLoad: &pb.ModuleLoad{Name: []byte("x")}}}
	}
	none := func(seq uint64) *pb.Event { return &pb.Event{Sequence: seq} }
	makers := []func(uint64) *pb.Event{exec, fork, exit, bare, seed, end, other, none}
	rng := rand.New(rand.NewPCG(1, 2))
	var d wire.Decoder
	for i := range 2000 {
		want := makers[rng.IntN(len(makers))](uint64(i))
		got, err := d.Decode(encode(t, want))
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(got, want) {
			t.Fatalf("event %d: got %v, want %v", i, got, want)
		}
	}
}

func TestDecoderGoesOnAfterABadEvent(t *testing.T) {
	var d wire.Decoder
	good := encode(t, exec(1))
	for _, bad := range [][]byte{good[:len(good)-3], {0x0a}, {20<<3&0x7f | 0x82, 1, 1, 0xff}} {
		if _, err := d.Decode(bad); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("Decode(%x): got error %v, want ErrMalformed", bad, err)
		}
		got, err := d.Decode(good)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(got, exec(1)) {
			t.Errorf("after %x the next event is %v", bad, got)
		}
	}
}

func TestPayload(t *testing.T) {
	f := func(ev *pb.Event, want int) {
		t.Helper()
		if got, err := wire.Payload(encode(t, ev)); err != nil || got != want {
			t.Errorf("Payload = %d, %v, want %d", got, err, want)
		}
	}
	f(exec(1), wire.PayloadExec)
	f(fork(1), wire.PayloadFork)
	f(exit(1), wire.PayloadExit)
	f(&pb.Event{Payload: &pb.Event_Seed{Seed: &pb.ProcessExec{}}}, wire.PayloadSeed)
	f(&pb.Event{Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{}}}, wire.PayloadSeedEnd)
	f(&pb.Event{Payload: &pb.Event_CollectorGap{CollectorGap: &pb.CollectorGap{}}}, 197)
	f(&pb.Event{Cpu: 4}, 0)
}

// What protobuf itself reads as a batch the walker must read the same way; what it refuses must not crash it.
func FuzzBatch(f *testing.F) {
	f.Add(encode(f, batch(exec(1), fork(2), exit(3))))
	f.Add(encode(f, &pb.EventBatch{Instance: 1, Number: 1, Shed: true}))
	f.Add([]byte{15<<3 | 2, 0x80})
	f.Fuzz(func(t *testing.T, data []byte) {
		var b wire.Batch
		if err := b.Open(data); err != nil {
			if !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("error %v is not ErrMalformed", err)
			}
			return
		}
		var bodies [][]byte
		for body, ok := b.Next(); ok; body, ok = b.Next() {
			bodies = append(bodies, body)
		}
		if len(bodies) != b.Events {
			t.Errorf("Next gave %d events, the header says %d", len(bodies), b.Events)
		}
		var d wire.Decoder
		var whole pb.EventBatch
		reference := proto.UnmarshalOptions{DiscardUnknown: true}
		if err := reference.Unmarshal(data, &whole); err == nil {
			if len(whole.Events) != len(bodies) || whole.Number != b.Number || whole.Instance != b.Instance ||
				whole.Shed != b.Shed || len(whole.Ranges) != len(b.Ranges) {
				t.Errorf("protobuf reads %v, the walker %+v", &whole, b)
			}
		}
		for _, body := range bodies {
			_, _ = d.Decode(body)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	events := make([]*pb.Event, 0, 128)
	for i := range 64 {
		n := uint64(i)
		events = append(events, fork(3*n+1), exec(3*n+2), exit(3*n+3))
	}
	data := encode(b, batch(events...))
	b.Run("walker", func(b *testing.B) {
		var batch wire.Batch
		var d wire.Decoder
		b.ReportAllocs()
		for b.Loop() {
			if err := batch.Open(data); err != nil {
				b.Fatal(err)
			}
			for body, ok := batch.Next(); ok; body, ok = batch.Next() {
				if _, err := d.Decode(body); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
	})
	b.Run("protobuf-go", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var whole pb.EventBatch
			if err := proto.Unmarshal(data, &whole); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
	})
}
