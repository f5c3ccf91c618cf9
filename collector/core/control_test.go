package core

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/collector/core/link"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// listen runs a collector that can be told something: it has spoken, and it listens first.
func listen(t *testing.T, b *bus, opts Options) *runner {
	t.Helper()
	health := newReader(t, b, subject.Health(host, subject.Collector))
	r := run(t, b, opts)
	health.next()
	return r
}

// fill adds n batches of one event each.
func fill(r *runner, n int) {
	for i := range n {
		r.kernel.emit(r.Sink(), sampleEvent(), process, 0, uint64(i)+1)
		r.Sink().Flush()
	}
}

func TestResume(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.AllEvents(host))
	r := listen(t, b, Options{Instance: 1000, ResendAfter: time.Hour, ShutdownWait: time.Millisecond})
	fill(r, 5)
	for range 5 {
		in.batch()
	}
	f := func(req *pb.Resume, want ...uint64) {
		t.Helper()
		next := uint64(6)
		if len(want) > 0 {
			next = want[0]
		}
		wantEqual(t, "position", in.resume(req), &pb.Position{Instance: 1000, NextNumber: next, NewestNumber: 5})
		for _, number := range want {
			wantEqual(t, "number", in.batch().Number, number)
		}
		in.none()
	}
	f(&pb.Resume{}, 1, 2, 3, 4, 5)
	f(&pb.Resume{Instance: 1000, NextNumber: 4}, 4, 5)
	f(&pb.Resume{Instance: 1000, NextNumber: 6})
	in.publish(subject.Ack, &pb.Ack{Instance: 1000, Number: 2})
	waitFor(t, "the acknowledgement", func() bool { return r.flow(process).Acknowledged == 2 })
	f(&pb.Resume{Instance: 1000, NextNumber: 1}, 3, 4, 5)
	// An instance that has ended.
	f(&pb.Resume{Instance: 999, NextNumber: 5}, 3, 4, 5)
	// A number that was never given: everything comes again, and the request is counted.
	f(&pb.Resume{Instance: 1000, NextNumber: 7}, 3, 4, 5)
	wantEqual(t, "refused", r.refusedControl.Load(), uint64(1))
	r.wantClosed(t)
}

func TestInterestReachesTheSource(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.AllEvents(host))
	r := listen(t, b, Options{Instance: 1000, ShutdownWait: time.Millisecond})
	ask := func(paths ...string) {
		i := &pb.Interest{}
		for _, p := range paths {
			i.ReadPaths = append(i.ReadPaths, []byte(p))
		}
		in.publish(subject.Interest, i)
	}
	ask("/etc/passwd", "**/.netrc")
	waitFor(t, "the paths", func() bool { return slices.Equal(r.kernel.paths(), []string{"/etc/passwd", "**/.netrc"}) })
	ask()
	waitFor(t, "nothing", func() bool { return len(r.kernel.paths()) == 0 })
	ask("")
	waitFor(t, "a refusal", func() bool { return r.refusedControl.Load() == 1 })
}

func TestSenselessControlMessagesAreCounted(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.AllEvents(host))
	r := listen(t, b, Options{Instance: 1000, ResendAfter: time.Hour, ShutdownWait: time.Millisecond})
	fill(r, 3)
	in.resume(&pb.Resume{Instance: 1000, NextNumber: 4})
	f := func(verb, data string, wantRefused uint64) {
		t.Helper()
		if err := in.nc.Publish(subject.Control(host, verb), []byte(data)); err != nil {
			t.Fatal(err)
		}
		// Messages of one connection arrive in order, so the answer says that the one before it has been seen.
		in.resume(&pb.Resume{Instance: 1000, NextNumber: 4})
		wantEqual(t, "refused", r.refusedControl.Load(), wantRefused)
		wantEqual(t, "batches", r.spool.Stats().Batches, uint64(3))
	}
	number := func(instance, number uint64) string {
		data, err := (&pb.Ack{Instance: instance, Number: number}).MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	f(subject.Ack, "\xff\xff\xff", 1)
	f(subject.Resume, "\x08", 2)
	f(subject.Ack, number(1000, 4), 3)
	f(subject.Ack, number(1000, 1<<63), 4)
	// Meant for an earlier run: nothing wrong with it.
	f(subject.Ack, number(999, 3), 4)
	f(subject.Ack, "", 4)
}

func TestSeedsComeOneRoundAtATime(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.AllEvents(host))
	r := listen(t, b, Options{Instance: 1000, ShutdownWait: time.Millisecond})
	var running, rounds atomic.Int32
	begun, proceed := make(chan struct{}), make(chan struct{})
	r.kernel.seed = func(ctx context.Context, sink Sink) error {
		if running.Add(1) > 1 {
			t.Error("two rounds at once")
		}
		defer running.Add(-1)
		rounds.Add(1)
		begun <- struct{}{}
		<-proceed
		sink.Add(&pb.Event{Class: process, Cpu: SeedCPU, Payload: &pb.Event_Seed{Seed: &pb.ProcessExec{}}})
		sink.Add(&pb.Event{Class: process, Cpu: SeedCPU, Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{Processes: 1}}})
		return nil
	}
	in.resume(&pb.Resume{})
	in.resume(&pb.Resume{Seed: true})
	<-begun
	// While one runs, one more is queued, however many are asked for.
	for range 3 {
		in.resume(&pb.Resume{Seed: true})
	}
	proceed <- struct{}{}
	<-begun
	proceed <- struct{}{}
	in.batch()
	in.batch()
	in.none()
	wantEqual(t, "rounds", rounds.Load(), int32(2))
	wantEqual(t, "made", r.flow(process).Made, uint64(4))
}

// An operator gets the list that the analyzer gets, but not as often as they like.
func TestSeedsOnRequestHaveAPause(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.AllEvents(host))
	var now atomic.Int64
	now.Store(1)
	r := listen(t, b, Options{
		Instance: 1000, ShutdownWait: time.Millisecond, ResendAfter: time.Hour, Now: func() time.Time { return time.Unix(0, now.Load()) },
	})
	var rounds atomic.Int32
	r.kernel.seed = func(_ context.Context, sink Sink) error {
		rounds.Add(1)
		sink.Add(&pb.Event{Class: process, Cpu: SeedCPU, Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{}}})
		return nil
	}
	fill(r, 2)
	in.batch()
	in.batch()
	ask := func(want *pb.SeedAnswer) {
		t.Helper()
		m, err := in.nc.Request(subject.Control(host, subject.Seed), nil, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		got := &pb.SeedAnswer{}
		if err := got.UnmarshalVTUnsafe(m.Data); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "answer", got, want)
	}
	ask(&pb.SeedAnswer{Instance: 1000, NewestNumber: 2})
	wantEqual(t, "number of the list", in.batch().Number, uint64(3))
	now.Add(int64(2 * time.Second))
	ask(&pb.SeedAnswer{Instance: 1000, NewestNumber: 3, WaitMs: 3001})
	in.none()
	// The analyzer, which cannot do without, is not held up.
	in.resume(&pb.Resume{Instance: 1000, NextNumber: 4, Seed: true})
	wantEqual(t, "number of the analyzer's list", in.batch().Number, uint64(4))
	now.Add(int64(3 * time.Second))
	ask(&pb.SeedAnswer{Instance: 1000, NewestNumber: 4})
	wantEqual(t, "number of the next list", in.batch().Number, uint64(5))
	wantEqual(t, "rounds", rounds.Load(), int32(3))
	wantEqual(t, "refused", r.refusedControl.Load(), uint64(0))
}

func TestFailedSeedIsAWarning(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b)
	r := listen(t, b, Options{ShutdownWait: time.Millisecond})
	in.resume(&pb.Resume{Seed: true})
	waitFor(t, "the failure", func() bool { return r.seedFailures.Load() == 1 })
}

func TestSeedEndsWithRun(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b)
	r := listen(t, b, Options{ShutdownWait: time.Millisecond})
	begun := make(chan struct{})
	r.kernel.seed = func(ctx context.Context, _ Sink) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}
	in.resume(&pb.Resume{Seed: true})
	<-begun
	r.stop()
	wantEqual(t, "failures", r.seedFailures.Load(), uint64(0))
}

// Whatever the analyzer says, the books stay closed and nothing that was not numbered goes away.
func FuzzControl(f *testing.F) {
	l, err := link.Connect(link.Options{Dialer: noBus{}, Log: zerolog.Nop()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(l.Close)
	add := func(resume bool, m interface{ MarshalVT() ([]byte, error) }) {
		data, err := m.MarshalVT()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(resume, data)
	}
	add(false, &pb.Ack{Instance: 1000, Number: 1})
	add(false, &pb.Ack{Instance: 1000, Number: 3})
	add(false, &pb.Ack{Instance: 1, Number: 1 << 63})
	add(true, &pb.Resume{Seed: true})
	add(true, &pb.Resume{Instance: 1000, NextNumber: 2})
	add(true, &pb.Resume{Instance: 1000, NextNumber: 1<<64 - 1})
	f.Add(true, []byte{0x09, 1, 2})
	f.Fuzz(func(t *testing.T, resume bool, data []byte) {
		k := &kernel{}
		c, err := New(Options{Host: host, Instance: 1000}, k, l, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		r := &runner{Collector: c, kernel: k}
		fill(r, 4)
		for range 2 {
			b, ok := c.spool.Next()
			if !ok {
				t.Fatal("nothing to publish")
			}
			c.spool.Done(b, true)
		}
		verb := subject.Ack
		if resume {
			verb = subject.Resume
		}
		c.control(&nats.Msg{Subject: subject.Control(host, verb), Data: data})
		r.wantClosed(t)
		if f := r.flow(process); f.Pending < 2 {
			t.Errorf("%d events are left of the 2 that were never published", f.Pending)
		}
	})
}
