package capture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/proto/capture"

	pb "github.com/vedette-edr/vedette/proto"
)

func encode(t testing.TB, b *pb.EventBatch) []byte {
	t.Helper()
	data, err := b.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func exec(pid uint32) *pb.Event {
	return &pb.Event{Actor: &pb.Actor{Process: &pb.ProcessKey{Pid: pid}}, Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{}}}
}

func seed() *pb.Event { return &pb.Event{Payload: &pb.Event_Seed{Seed: &pb.ProcessExec{}}} }

func seedEnd(n uint32) *pb.Event {
	return &pb.Event{Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{Processes: n}}}
}

// recording is a recorder and the file that it writes.
type recording struct {
	t testing.TB
	recorder
	file bytes.Buffer
}

func newRecording(t testing.TB, classes ...pb.Class) *recording {
	t.Helper()
	r := &recording{t: t}
	out, err := capture.NewWriter(&r.file, capture.Header{Host: "h"})
	if err != nil {
		t.Fatal(err)
	}
	r.recorder = recorder{out: out, classes: classes}
	return r
}

func (r *recording) takes(b *pb.EventBatch) {
	r.t.Helper()
	if b.Class == 0 {
		b.Class = pb.Class_CLASS_PROCESS
	}
	if err := r.take(encode(r.t, b)); err != nil {
		r.t.Fatal(err)
	}
}

// numbers gives instance*100+number of every batch in the file, and what its blocks say is missing.
func (r *recording) numbers() ([]uint64, capture.Loss) {
	r.t.Helper()
	in, err := capture.NewReader(&r.file)
	if err != nil {
		r.t.Fatal(err)
	}
	var all []uint64
	for {
		data, err := in.Next()
		if err != nil {
			if !errors.Is(err, capture.ErrCut) && !errors.Is(err, io.EOF) {
				r.t.Error(err)
			}
			return all, in.Lost()
		}
		var b pb.EventBatch
		if err := b.UnmarshalVTUnsafe(data); err != nil {
			r.t.Fatal(err)
		}
		all = append(all, b.Instance*100+b.Number)
	}
}

func TestBatchesAreRecordedOnceAndGapsCounted(t *testing.T) {
	f := func(sent, want []uint64, gaps, missing uint64) {
		t.Helper()
		r := newRecording(t)
		for _, n := range sent {
			r.takes(&pb.EventBatch{Instance: n / 100, Number: n % 100, Events: []*pb.Event{exec(1)}})
		}
		got, lost := r.numbers()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d: %s", sent, diff)
		}
		end := r.summary(0)
		if lost.Batches != gaps || end.Lost.Batches != missing {
			t.Errorf("%d: %d gaps, %d missing; want %d, %d", sent, lost.Batches, end.Lost.Batches, gaps, missing)
		}
		if end.Batches != uint64(len(want)) || end.Events != uint64(len(want)) {
			t.Errorf("%d: end %+v", sent, end)
		}
	}
	type l = []uint64
	f(l{101, 102, 103}, l{101, 102, 103}, 0, 0)
	f(l{150, 151, 150, 151, 152}, l{150, 151, 152}, 0, 0)
	f(l{101, 105, 106}, l{101, 105, 106}, 3, 3)
	// What is sent again fills the gap, here from both sides and from the middle.
	f(l{101, 105, 103}, l{101, 105, 103}, 3, 2)
	f(l{101, 105, 102, 104, 103, 103}, l{101, 105, 102, 104, 103}, 3, 0)
	// A new run of the collector begins at 1, the first one heard of has begun before.
	f(l{140, 201, 202}, l{140, 201, 202}, 0, 0)
	f(l{140, 203, 141}, l{140, 203, 141}, 2, 2)
}

func TestManyGapsAreCountedWithoutBound(t *testing.T) {
	r := newRecording(t)
	const gaps = 3 * maxSpans
	for n := range uint64(gaps) {
		r.takes(&pb.EventBatch{Instance: 1, Number: 2*n + 1})
	}
	if f := r.flows[1]; len(f.missing) > maxSpans || r.summary(0).Lost.Batches != gaps-1 {
		t.Errorf("%d gaps are remembered, %+v", len(f.missing), r.summary(0))
	}
}

func TestTheListOfProcessesMustBeWhole(t *testing.T) {
	f := func(want bool, events ...*pb.Event) {
		t.Helper()
		r := newRecording(t)
		for i, ev := range events {
			r.takes(&pb.EventBatch{Instance: 1, Number: uint64(i + 1), Events: []*pb.Event{ev}})
		}
		if got := r.summary(0); got.Seeded != want {
			t.Errorf("seeded is %v, want %v, %+v", got.Seeded, want, got)
		}
	}
	f(false)
	f(false, seed(), seed())
	f(true, seed(), exec(1), seed(), seedEnd(2))
	f(false, seed(), seedEnd(2)) // its beginning was not heard
	f(true, seed(), seedEnd(2), seed(), seed(), seedEnd(2))
	f(true, seedEnd(0))
}

func TestClassesThatAreNotWantedAreNoGap(t *testing.T) {
	r := newRecording(t, pb.Class_CLASS_PROCESS)
	r.takes(&pb.EventBatch{Instance: 1, Number: 1, Events: []*pb.Event{exec(1), exec(2)}})
	r.takes(&pb.EventBatch{Instance: 1, Number: 2, Class: pb.Class_CLASS_FILE})
	r.takes(&pb.EventBatch{Instance: 1, Number: 3})
	got, _ := r.numbers()
	if diff := cmp.Diff([]uint64{101, 103}, got); diff != "" {
		t.Error(diff)
	}
	if end := r.summary(0); end.Lost != (capture.Loss{}) || r.live != 2 {
		t.Errorf("%d events, %+v", r.live, end)
	}
}

func TestLossAtTheSourceIsThatOfTheRecording(t *testing.T) {
	r := newRecording(t)
	losses := func(ring, arguments uint64) []*pb.Loss {
		return []*pb.Loss{
			{Class: pb.Class_CLASS_PROCESS, Cause: pb.LossCause_LOSS_CAUSE_RING_FULL, Count: ring},
			{Class: pb.Class_CLASS_PROCESS, Cause: pb.LossCause_LOSS_CAUSE_ARGUMENTS, Count: arguments},
		}
	}
	r.takes(&pb.EventBatch{Instance: 1, Number: 7, Losses: losses(100, 1)})
	if got := r.summary(0).LostAtSource; len(got) > 0 {
		t.Errorf("before anything was lost: %v", got)
	}
	r.takes(&pb.EventBatch{Instance: 1, Number: 8, Losses: losses(104, 9)})
	r.takes(&pb.EventBatch{Instance: 2, Number: 1, Losses: losses(3, 0)})
	if diff := cmp.Diff(map[string]uint64{"ring_full": 7}, r.summary(0).LostAtSource); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeReadIsCounted(t *testing.T) {
	r := newRecording(t)
	for _, data := range [][]byte{nil, []byte("no batch"), encode(t, &pb.EventBatch{Instance: 1}), encode(t, &pb.EventBatch{Number: 1})} {
		if err := r.take(data); err != nil {
			t.Error(err)
		}
	}
	if got, lost := r.numbers(); len(got) > 0 || lost.Unreadable != 4 {
		t.Errorf("%d, %+v", got, lost)
	}
	if end := r.summary(5); end.Lost != (capture.Loss{Batches: 5, Unreadable: 4}) {
		t.Errorf("%+v", end.Lost)
	}
}

func TestAccounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	text := "root:x:0:0:root:/root:/bin/sh\n# comment\ntoor:x:0:0::/:\nanna:x:1000:1000\n:x:1001:\nbob:x:many:\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[uint32]string{0: "root", 1000: "anna"}, accounts(path)); diff != "" {
		t.Error(diff)
	}
	if got := accounts(path + ".missing"); len(got) > 0 {
		t.Errorf("a file that is not there has %v", got)
	}
}
