package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "github.com/vedette-edr/vedette/proto"
)

const (
	process = pb.Class_CLASS_PROCESS
	file    = pb.Class_CLASS_FILE
	network = pb.Class_CLASS_NETWORK
)

// rig is a spool with a record of what it gave up.
type rig struct {
	*Spool
	lost map[string]uint64
}

func newRig(t *testing.T, limit, window int64) rig {
	t.Helper()
	r := rig{lost: map[string]uint64{}}
	s, err := New(Options{
		Limit: limit, Window: window,
		Lost: func(class pb.Class, cause pb.LossCause, n uint64) {
			r.lost[fmt.Sprintf("%s %s", class, cause)] += n
		},
		Tombstone: func(dst []byte, class pb.Class) []byte {
			return appendHeader(dst, &pb.EventBatch{Class: class, Shed: true})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Spool = s
	return r
}

func appendHeader(dst []byte, h *pb.EventBatch) []byte {
	data, err := h.MarshalVT()
	if err != nil {
		panic(err)
	}
	return append(dst, data...)
}

// batch encodes a batch of the class that is about size bytes long and carries a mark to know it by.
func batch(class pb.Class, mark string, size int) []byte {
	return appendHeader(nil, &pb.EventBatch{Class: class, Host: mark, BootId: string(make([]byte, size))})
}

// take publishes everything that may be published and tells it as "number:mark" or "number:shed class".
func (r rig) take(t *testing.T) []string {
	t.Helper()
	var got []string
	for {
		b, ok := r.Next()
		if !ok {
			return got
		}
		got = append(got, r.show(t, b))
		r.Done(b, true)
	}
}

func (rig) show(t *testing.T, b Batch) string {
	t.Helper()
	var m pb.EventBatch
	if err := m.UnmarshalVTUnsafe(bytes.Clone(b.Payload)); err != nil {
		t.Fatalf("batch %d does not decode: %v", b.Number, err)
	}
	if m.Number != b.Number || m.Class != b.Class {
		t.Fatalf("batch says number %d, class %s; want %d, %s", m.Number, m.Class, b.Number, b.Class)
	}
	if m.Shed {
		return fmt.Sprintf("%d:shed %s", b.Number, m.Class)
	}
	return fmt.Sprintf("%d:%s", b.Number, m.Host)
}

func wantTaken(t *testing.T, got []string, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("published (-want +got):\n%s", d)
	}
}

func (r rig) acknowledge(t *testing.T, number uint64) {
	t.Helper()
	if _, err := r.Acknowledge(number); err != nil {
		t.Fatal(err)
	}
}

func TestBatchesKeepTheirOrderOverClasses(t *testing.T) {
	r := newRig(t, 8<<20, 1<<20)
	r.Push(file, 1, batch(file, "a", 10))
	r.Push(process, 1, batch(process, "b", 10))
	r.Push(file, 1, batch(file, "c", 10))
	wantTaken(t, r.take(t), "1:a", "2:b", "3:c")
	wantTaken(t, r.take(t))
}

func TestRewind(t *testing.T) {
	r := newRig(t, 8<<20, 1<<20)
	for _, mark := range []string{"a", "b", "c", "d"} {
		r.Push(process, 1, batch(process, mark, 10))
	}
	r.take(t)
	r.acknowledge(t, 1)

	f := func(from, wantNext uint64, wantErr error, want ...string) {
		t.Helper()
		next, err := r.Rewind(from)
		if next != wantNext || !errors.Is(err, wantErr) {
			t.Errorf("Rewind(%d) = %d, %v; want %d, %v", from, next, err, wantNext, wantErr)
		}
		wantTaken(t, r.take(t), want...)
	}
	f(0, 2, nil, "2:b", "3:c", "4:d")
	f(1, 2, nil, "2:b", "3:c", "4:d")
	f(3, 3, nil, "3:c", "4:d")
	f(5, 5, nil)
	f(6, 2, ErrNumber, "2:b", "3:c", "4:d")
	f(1<<63, 2, ErrNumber, "2:b", "3:c", "4:d")
	if got := r.Stats().Resent; got != 3+3+2+3+3 {
		t.Errorf("resent %d batches, want 14", got)
	}
}

func TestAcknowledge(t *testing.T) {
	r := newRig(t, 8<<20, 1<<20)
	for range 4 {
		r.Push(process, 5, batch(process, "x", 10))
	}
	r.take(t)
	f := func(number uint64, wantFreed int, wantErr error) {
		t.Helper()
		freed, err := r.Acknowledge(number)
		if freed != wantFreed || !errors.Is(err, wantErr) {
			t.Errorf("Acknowledge(%d) = %d, %v; want %d, %v", number, freed, err, wantFreed, wantErr)
		}
	}
	f(0, 0, nil)
	f(2, 2, nil)
	f(1, 0, nil)
	f(5, 0, ErrNumber)
	f(3, 1, nil)
	if d := cmp.Diff(Flow{Published: 20, Acknowledged: 15, Pending: 5}, r.Flow(process)); d != "" {
		t.Errorf("flow (-want +got):\n%s", d)
	}
	f(4, 1, nil)
	if st := r.Stats(); st.Bytes != 0 || st.Batches != 0 || st.Oldest != 0 || st.Newest != 4 {
		t.Errorf("an empty spool says %+v", st)
	}
}

// The answer may come before the publisher has even returned from publishing.
func TestAcknowledgementBeforeDone(t *testing.T) {
	r := newRig(t, 8<<20, 1<<20)
	r.Push(process, 7, batch(process, "a", 100))
	b, _ := r.Next()
	r.acknowledge(t, 1)
	// The buffer must not be filled anew while the publisher reads it.
	r.Push(process, 1, batch(process, "b", 100))
	if got := r.show(t, b); got != "1:a" {
		t.Errorf("the publisher holds %s, want 1:a", got)
	}
	r.Done(b, true)
	wantTaken(t, r.take(t), "2:b")
	if d := cmp.Diff(Flow{Published: 8, Acknowledged: 7, Pending: 1}, r.Flow(process)); d != "" {
		t.Errorf("flow (-want +got):\n%s", d)
	}
}

func TestBatchNotPublishedComesAgain(t *testing.T) {
	r := newRig(t, 8<<20, 1<<20)
	r.Push(process, 1, batch(process, "a", 10))
	r.Push(process, 1, batch(process, "b", 10))
	b, _ := r.Next()
	r.Done(b, false)
	if got := r.Flow(process).Published; got != 0 {
		t.Errorf("%d events count as published, want none", got)
	}
	wantTaken(t, r.take(t), "1:a", "2:b")
	if got := r.Stats().Resent; got != 0 {
		t.Errorf("%d batches count as published again, want none", got)
	}
}

func TestWindow(t *testing.T) {
	const window = 64 << 10
	r := newRig(t, 8<<20, window)
	for range 20 {
		r.Push(process, 1, batch(process, "x", 10<<10))
	}
	// Each occupies 16 KiB and a little.
	wantTaken(t, r.take(t), "1:x", "2:x", "3:x")
	r.acknowledge(t, 2)
	wantTaken(t, r.take(t), "4:x", "5:x")
	if _, err := r.Rewind(0); err != nil {
		t.Fatal(err)
	}
	wantTaken(t, r.take(t), "3:x", "4:x", "5:x")
	// A batch above the window goes alone.
	r = newRig(t, 8<<20, window)
	r.Push(process, 1, batch(process, "small", 10))
	r.Push(process, 1, batch(process, "large", 900<<10))
	wantTaken(t, r.take(t), "1:small")
	r.acknowledge(t, 1)
	wantTaken(t, r.take(t), "2:large")
}

func TestLowValueIsShedFirst(t *testing.T) {
	r := newRig(t, 2<<20, 100<<10)
	push := func(class pb.Class, mark string) { r.Push(class, 3, batch(class, mark, 250<<10)) }
	push(file, "file0")
	wantTaken(t, r.take(t), "1:file0")
	push(process, "process1")
	push(file, "file1")
	push(network, "network1")
	push(process, "process2")
	push(file, "file2")
	push(process, "process3")
	// Seven of 256 KiB and their overhead are in; each of the following drives one out.
	push(process, "process4")
	push(process, "process5")
	push(network, "network2")
	r.acknowledge(t, 1)
	wantTaken(t, r.take(t), "2:shed CLASS_FILE", "3:shed CLASS_NETWORK")
	for i, mark := range []string{"process1", "process2", "process3", "process4", "process5", "network2"} {
		number := uint64(4 + i)
		r.acknowledge(t, number-1)
		wantTaken(t, r.take(t), fmt.Sprintf("%d:%s", number, mark))
	}
	want := map[string]uint64{"CLASS_FILE LOSS_CAUSE_SPOOL_FULL": 6, "CLASS_NETWORK LOSS_CAUSE_SPOOL_FULL": 3}
	if d := cmp.Diff(want, r.lost); d != "" {
		t.Errorf("lost (-want +got):\n%s", d)
	}
}

func TestHighValueIsShedOldestFirstWhenNothingElseIsLeft(t *testing.T) {
	r := newRig(t, 2<<20, 1<<20)
	for i := range 10 {
		r.Push(process, 1, batch(process, fmt.Sprint(i), 250<<10))
	}
	// A newcomer of low value cannot drive out high value.
	r.Push(file, 1, batch(file, "file", 250<<10))
	wantTaken(t, r.take(t), "1:shed CLASS_PROCESS", "2:shed CLASS_FILE", "3:3", "4:4", "5:5")
	r.acknowledge(t, 5)
	wantTaken(t, r.take(t), "6:6", "7:7", "8:8")
	r.acknowledge(t, 8)
	wantTaken(t, r.take(t), "9:9")
}

func TestRefusedBatchBecomesATombstone(t *testing.T) {
	r := newRig(t, 8<<20, 1<<20)
	r.Push(process, 9, batch(process, "a", 500<<10))
	r.Push(process, 1, batch(process, "b", 10))
	b, _ := r.Next()
	if !r.Refuse(b) {
		t.Fatal("the batch was not refused")
	}
	b, _ = r.Next()
	if got := r.show(t, b); got != "1:shed CLASS_PROCESS" {
		t.Errorf("in its place is %s", got)
	}
	if r.Refuse(b) {
		t.Error("a tombstone was refused too")
	}
	wantTaken(t, r.take(t), "1:shed CLASS_PROCESS", "2:b")
	if d := cmp.Diff(map[string]uint64{"CLASS_PROCESS LOSS_CAUSE_OVERSIZED": 9}, r.lost); d != "" {
		t.Errorf("lost (-want +got):\n%s", d)
	}
}

func TestPushRefusesWhatCannotTravel(t *testing.T) {
	r := newRig(t, 8<<20, 1<<20)
	r.Push(process, 2, make([]byte, MaxPayload))
	r.Push(99, 3, nil)
	want := map[string]uint64{"CLASS_PROCESS LOSS_CAUSE_OVERSIZED": 2, "99 LOSS_CAUSE_OVERSIZED": 3}
	if d := cmp.Diff(want, r.lost); d != "" {
		t.Errorf("lost (-want +got):\n%s", d)
	}
}

func TestAbandonCountsTheRest(t *testing.T) {
	r := newRig(t, 8<<20, 20<<10)
	r.Push(process, 1, batch(process, "a", 10<<10))
	r.Push(file, 2, batch(file, "b", 10<<10))
	r.take(t)
	r.Abandon(pb.LossCause_LOSS_CAUSE_SHUTDOWN)
	want := map[string]uint64{"CLASS_PROCESS LOSS_CAUSE_SHUTDOWN": 1, "CLASS_FILE LOSS_CAUSE_SHUTDOWN": 2}
	if d := cmp.Diff(want, r.lost); d != "" {
		t.Errorf("lost (-want +got):\n%s", d)
	}
	if st := r.Stats(); st.Bytes != 0 || st.Batches != 0 {
		t.Errorf("after Abandon the spool holds %+v", st)
	}
	wantTaken(t, r.take(t))
}

func TestNewNamesTheWrongOption(t *testing.T) {
	lost := func(pb.Class, pb.LossCause, uint64) {}
	tombstone := func(dst []byte, _ pb.Class) []byte { return dst }
	f := func(opts Options) {
		t.Helper()
		if _, err := New(opts); err == nil {
			t.Errorf("New(%+v) gave no error", opts)
		}
	}
	f(Options{Limit: 8 << 20, Window: 1 << 20})
	f(Options{Limit: 8 << 20, Lost: lost, Tombstone: tombstone})
	f(Options{Limit: 8 << 20, Window: 5 << 20, Lost: lost, Tombstone: tombstone})
	f(Options{Limit: 1 << 20, Window: 1 << 10, Lost: lost, Tombstone: tombstone})
}

// A long random walk against a reader that obeys the protocol: it takes numbers in order, so every batch must come exactly
// once, be acknowledged or be counted as lost, and the books must close at every step.
func TestRandomWalkKeepsOrderAndCloses(t *testing.T) {
	for seed := range uint64(4) {
		r := newRig(t, 2<<20, 200<<10)
		rnd := rand.New(rand.NewPCG(seed, 0))
		var pushed, taken [Classes]uint64
		lastMark := map[pb.Class]uint64{}
		var last, acked uint64
		take := func(b Batch) {
			var m pb.EventBatch
			if err := m.UnmarshalVTUnsafe(bytes.Clone(b.Payload)); err != nil {
				t.Fatal(err)
			}
			if m.Number != last+1 {
				return
			}
			last++
			if m.Shed {
				return
			}
			mark := binary.LittleEndian.Uint64([]byte(m.BootId))
			if mark <= lastMark[m.Class] {
				t.Fatalf("seed %d: %s batch %d came after %d", seed, m.Class, mark, lastMark[m.Class])
			}
			lastMark[m.Class] = mark
			taken[m.Class] += mark%7 + 1
		}
		classes := []pb.Class{process, file, network}
		for step := range uint64(2500) {
			switch rnd.IntN(10) {
			case 0, 1, 2, 3:
				class := classes[rnd.IntN(len(classes))]
				data := make([]byte, 8+rnd.IntN(40<<10))
				binary.LittleEndian.PutUint64(data, step+1)
				events := (step+1)%7 + 1
				pushed[class] += events
				r.Push(class, int(events), appendHeader(nil, &pb.EventBatch{Class: class, BootId: string(data)}))
			case 4, 5, 6, 7:
				if b, ok := r.Next(); ok {
					sent := rnd.IntN(10) > 0
					if sent && rnd.IntN(10) > 0 {
						take(b)
					}
					r.Done(b, sent)
				}
			case 8:
				if rnd.IntN(3) == 0 {
					acked = last
					r.acknowledge(t, acked)
				}
			case 9:
				if _, err := r.Rewind([]uint64{0, last + 1}[rnd.IntN(2)]); err != nil {
					t.Fatal(err)
				}
			}
			if st := r.Stats(); st.Bytes > st.Limit+Classes*(512+entryBytes) {
				t.Fatalf("seed %d: the spool holds %d bytes", seed, st.Bytes)
			}
			for _, class := range classes {
				f := r.Flow(class)
				if sum := f.Acknowledged + f.Pending + r.lost[fmt.Sprintf("%s %s", class, pb.LossCause_LOSS_CAUSE_SPOOL_FULL)]; sum != pushed[class] {
					t.Fatalf("seed %d, step %d: %s: %d pushed, %d in the books", seed, step, class, pushed[class], sum)
				}
			}
		}
		for r.Stats().Batches > 0 {
			b, ok := r.Next()
			if ok {
				take(b)
				r.Done(b, true)
				continue
			}
			before := acked
			if acked = last; acked == before {
				if _, err := r.Rewind(0); err != nil {
					t.Fatal(err)
				}
			}
			r.acknowledge(t, acked)
		}
		if st := r.Stats(); st.Bytes != 0 {
			t.Errorf("seed %d: an empty spool holds %d bytes", seed, st.Bytes)
		}
		for _, class := range classes {
			lost := r.lost[fmt.Sprintf("%s %s", class, pb.LossCause_LOSS_CAUSE_SPOOL_FULL)]
			if taken[class]+lost != pushed[class] {
				t.Errorf("seed %d: %s: %d pushed, %d taken, %d lost", seed, class, pushed[class], taken[class], lost)
			}
		}
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	r := newRig(t, 8<<20, 1<<20)
	payload := batch(process, "x", 10<<10)
	n := uint64(0)
	if got := testing.AllocsPerRun(1000, func() {
		r.Push(process, 128, payload)
		b, _ := r.Next()
		r.Done(b, true)
		n++
		if _, err := r.Acknowledge(n); err != nil {
			t.Fatal(err)
		}
	}); got > 0 {
		t.Errorf("%v allocations per batch, want 0", got)
	}
}
