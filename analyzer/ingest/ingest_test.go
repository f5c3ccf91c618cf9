package ingest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/vedette-edr/vedette/analyzer/bustest"
	"github.com/vedette-edr/vedette/analyzer/collectortest"
	"github.com/vedette-edr/vedette/analyzer/ingest"
	"github.com/vedette-edr/vedette/analyzer/position"
	"github.com/vedette-edr/vedette/analyzer/tally"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEventsArriveOnceAndInOrder(t *testing.T) {
	f := func(what string, misbehave func(c *collectortest.Collector)) {
		t.Run(what, func(t *testing.T) {
			bus := bustest.New(t)
			c := collectortest.New(t, bus.Connect("collector"), host, 7, 200*time.Millisecond)
			x := start(t, bus.Connect("analyzer"), newRecorder(), ingest.Options{})
			c.WaitAcked()
			for i := range 50 {
				if i == 20 {
					misbehave(c)
				}
				c.Send(process, 0, plain(4)...)
			}
			c.WaitAcked()
			want(t, x.recorder, concat([]string{"7/seed end"}, span(7, 1, 200)))
			until(t, "the flow is published", func() bool {
				flows := x.in.Status().Flows
				return len(flows) == 1 && flows[0].Received == 201
			})
			if flow := x.in.Status().Flows[0]; flow.Unexplained != 0 || flow.Missing != 0 {
				t.Errorf("the flow is %+v", flow)
			}
			if err := x.stop(); err != nil {
				t.Error(err)
			}
		})
	}
	f("a bus without faults", func(*collectortest.Collector) {})
	f("one batch is lost", func(c *collectortest.Collector) { c.DropNext(1) })
	f("many batches are lost", func(c *collectortest.Collector) { c.DropNext(17) })
	f("the last batches are lost", func(c *collectortest.Collector) { c.DropNext(30) })
	f("every batch arrives twice", func(c *collectortest.Collector) { c.SendTwice() })
	f("the collector rewinds", func(c *collectortest.Collector) { c.Rewind(); c.Rewind() })
}

func TestSeedsComeFirst(t *testing.T) {
	bus := bustest.New(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Second)
	c.Living(seed("init"), seed("sh"))
	c.Send(process, 0, plain(2)...)
	c.Send(process, collectortest.SeedCPU, seed("old"), &pb.Event{Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{}}})
	c.Send(process, 0, plain(1)...)
	x := start(t, bus.Connect("analyzer"), newRecorder(), ingest.Options{})
	c.WaitAcked()
	c.Send(process, 0, plain(1)...)
	c.WaitAcked()
	want(t, x.recorder, concat([]string{"7/seed old", "7/seed end", "7/seed init", "7/seed sh", "7/seed end"}, span(7, 1, 4)))
	if flow := x.in.Status().Flows[0]; flow.Received != 9 || flow.Missing != 0 {
		t.Errorf("the flow is %+v, want every event counted once", flow)
	}
}

func TestWaitingForSeedsIsBounded(t *testing.T) {
	f := func(what string, opts ingest.Options) {
		t.Run(what, func(t *testing.T) {
			bus := bustest.New(t)
			nc := bus.Connect("collector")
			// This collector knows nothing of seeds.
			_, err := nc.Subscribe(subject.Control(host, subject.Resume), func(m *nats.Msg) {
				data, _ := (&pb.Position{Instance: 7, NextNumber: 1, NewestNumber: 0}).MarshalVT()
				_ = m.Respond(data)
				for n := uint64(1); n <= 40; n++ {
					data, _ := (&pb.EventBatch{Host: host, Instance: 7, Number: n, Class: process, Events: []*pb.Event{
						{Cpu: 0, Sequence: n, Payload: &pb.Event_ExecFailed{ExecFailed: &pb.ExecFailed{Arguments: make([]byte, 4096)}}},
					}}).MarshalVT()
					_ = nc.Publish(subject.Events(host, process), data)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := nc.Flush(); err != nil {
				t.Fatal(err)
			}
			r := newRecorder()
			start(t, bus.Connect("analyzer"), r, opts)
			until(t, "all events", func() bool { return len(r.list()) == 40 })
			want(t, r, span(7, 1, 40))
		})
	}
	f("in time", ingest.Options{HoldTime: 50 * time.Millisecond})
	f("in bytes", ingest.Options{HoldTime: time.Hour, HoldBytes: 100 << 10})
}

func TestNothingIsAcknowledgedBeforeItIsSafe(t *testing.T) {
	bus := bustest.New(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Minute)
	r := newRecorder()
	r.lazy = true
	x := start(t, bus.Connect("analyzer"), r, ingest.Options{})
	c.Send(process, 0, plain(3)...)
	until(t, "the events are handled", func() bool { return len(r.list()) == 4 })
	time.Sleep(50 * time.Millisecond)
	if c.Acked() != 0 {
		t.Errorf("batch %d is acknowledged while its alerts are not safe", c.Acked())
	}
	r.settle()
	c.WaitAcked()
	if err := x.stop(); err != nil {
		t.Error(err)
	}
}

func TestTheEndWaitsForSafety(t *testing.T) {
	bus := bustest.New(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Minute)
	r := newRecorder()
	r.lazy = true
	x := start(t, bus.Connect("analyzer"), r, ingest.Options{DrainTime: 10 * time.Second})
	c.Send(process, 0, plain(3)...)
	until(t, "the events are handled", func() bool { return len(r.list()) == 4 })
	time.AfterFunc(50*time.Millisecond, r.settle)
	if err := x.stop(); err != nil {
		t.Error(err)
	}
	c.WaitAcked()
}

func TestTheEndGivesUpOnAlertsThatNeverBecomeSafe(t *testing.T) {
	bus := bustest.New(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Minute)
	r := newRecorder()
	r.lazy = true
	x := start(t, bus.Connect("analyzer"), r, ingest.Options{DrainTime: 50 * time.Millisecond})
	c.Send(process, 0, plain(3)...)
	until(t, "the events are handled", func() bool { return len(r.list()) == 4 })
	if err := x.stop(); err == nil {
		t.Error("the end reports success although alerts are not safe")
	}
	if c.Acked() != 0 {
		t.Errorf("batch %d is acknowledged", c.Acked())
	}
}

// A run that is cut short handles again what it had not acknowledged, and nothing else; the count goes on unbroken.
func TestNextRunGoesOnWhereTheLastWasSafe(t *testing.T) {
	bus := bustest.New(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Minute)
	dir := t.TempDir()
	open := func() (ingest.Options, func()) {
		store, last, err := position.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return ingest.Options{Store: store, Last: last, DrainTime: time.Millisecond}, func() { _ = store.Close() }
	}
	opts, closeStore := open()
	first := newRecorder()
	x := start(t, bus.Connect("analyzer"), first, opts)
	c.Send(process, 0, plain(10)...)
	c.WaitAcked()
	first.mu.Lock()
	first.lazy = true
	first.mu.Unlock()
	c.Send(process, 0, plain(5)...)
	until(t, "the events are handled", func() bool { return len(first.list()) == 16 })
	if x.stop() == nil {
		t.Error("the first run ended well with unsafe alerts")
	}
	closeStore()

	c.Send(process, 0, plain(5)...)
	opts, closeStore = open()
	defer closeStore()
	// This one ends well, and a busy machine takes its time.
	opts.DrainTime = 10 * time.Second
	second := newRecorder()
	x = start(t, bus.Connect("analyzer"), second, opts)
	c.WaitAcked()
	want(t, second, concat([]string{"7/seed end"}, span(7, 11, 20)))
	until(t, "the flow is published", func() bool { return len(x.in.Status().Flows) == 1 })
	want := []tally.Flow{{Class: process, Received: 22}}
	until(t, "the count goes on", func() bool { return cmp.Equal(want, x.in.Status().Flows) })
	if err := x.stop(); err != nil {
		t.Error(err)
	}
}

func TestNewRunOfTheCollector(t *testing.T) {
	bus := bustest.New(t)
	nc := bus.Connect("collector")
	old := collectortest.New(t, nc, host, 7, 200*time.Millisecond)
	x := start(t, bus.Connect("analyzer"), newRecorder(), ingest.Options{})
	old.Send(process, 0, plain(3)...)
	old.WaitAcked()
	old.Stop()
	young := collectortest.New(t, nc, host, 8, 200*time.Millisecond)
	young.Living(seed("init"))
	young.Send(process, 0, plain(2)...)
	young.WaitAcked()
	young.Send(process, 0, plain(1)...)
	young.WaitAcked()
	want(t, x.recorder, concat([]string{"7/seed end"}, span(7, 1, 3), []string{"8/seed init", "8/seed end"}, span(8, 1, 3)))
	until(t, "the new run is counted", func() bool { return x.in.Status().Instance == 8 && x.in.Status().Flows[0].Received == 5 })
}

func TestBusRestarts(t *testing.T) {
	bus := bustest.New(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, 300*time.Millisecond)
	x := start(t, bus.Connect("analyzer"), newRecorder(), ingest.Options{})
	c.WaitAcked()
	for i := range 3 {
		c.Send(process, 0, plain(10)...)
		bus.Stop()
		c.Send(process, 0, plain(10)...)
		bus.Start()
		c.Send(process, 0, plain(10)...)
		c.WaitAcked()
		want(t, x.recorder, concat([]string{"7/seed end"}, span(7, 1, 30*(i+1))))
	}
}

func TestAnalyzerBeforeBusAndCollector(t *testing.T) {
	bus := bustest.New(t)
	bus.Stop()
	x := start(t, bus.Connect("analyzer"), newRecorder(), ingest.Options{})
	time.Sleep(50 * time.Millisecond)
	bus.Start()
	time.Sleep(150 * time.Millisecond)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, 300*time.Millisecond)
	c.Send(process, 0, plain(5)...)
	c.WaitAcked()
	want(t, x.recorder, concat([]string{"7/seed end"}, span(7, 1, 5)))
}

func TestLossesExplainWhatIsMissing(t *testing.T) {
	bus := bustest.New(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, 200*time.Millisecond)
	x := start(t, bus.Connect("analyzer"), newRecorder(), ingest.Options{})
	c.Send(process, 0, plain(10)...)
	c.Lose(process, 0, 5, true)
	c.Shed(process, 0, 128)
	c.Send(process, 0, plain(10)...)
	c.WaitAcked()
	flow := tally.Flow{Class: process, Received: 21, Missing: 133}
	until(t, "the sum closes", func() bool { return cmp.Equal([]tally.Flow{flow}, x.in.Status().Flows) })
	c.Lose(process, 0, 2, false)
	c.Send(process, 0, plain(1)...)
	c.WaitAcked()
	flow = tally.Flow{Class: process, Received: 22, Missing: 135, Unexplained: 2}
	until(t, "what nobody counted shows", func() bool { return cmp.Equal([]tally.Flow{flow}, x.in.Status().Flows) })
}

func TestUnreadableEventIsCounted(t *testing.T) {
	bus := bustest.New(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Minute)
	x := start(t, bus.Connect("analyzer"), newRecorder(), ingest.Options{})
	c.Send(process, 0, plain(2)...)
	c.SendGarbled(process, 0)
	c.WaitAcked()
	until(t, "the event is counted", func() bool { return x.in.Status().MalformedEvents == 1 })
	want := []tally.Flow{{Class: process, Received: 3, Missing: 1}}
	until(t, "it explains itself", func() bool { return cmp.Equal(want, x.in.Status().Flows) })
}

// A batch that can never be read must not stop the stream for ever, and the hole must show.
func TestUnreadableBatchIsGivenUpInTheEnd(t *testing.T) {
	bus := bustest.New(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, 100*time.Millisecond)
	x := start(t, bus.Connect("analyzer"), newRecorder(), ingest.Options{})
	c.Send(process, 0, plain(2)...)
	c.WaitAcked()
	c.Spoil(3)
	c.Send(process, 0, plain(2)...)
	c.Send(process, 0, plain(2)...)
	c.WaitAcked()
	want(t, x.recorder, concat([]string{"7/seed end"}, span(7, 1, 2), span(7, 5, 6)))
	until(t, "the hole shows", func() bool {
		s := x.in.Status()
		return s.Skipped == 1 && s.MalformedBatches > 0 && len(s.Flows) == 1 && s.Flows[0].Unexplained == 2
	})
}

// A handler that is slower than the stream makes the client drop batches; they are asked for again.
func TestSlowHandlerLosesNothing(t *testing.T) {
	bus := bustest.New(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, 300*time.Millisecond)
	r := newRecorder()
	r.onEvent = func(text string) error {
		if text == "7/0:3" {
			time.Sleep(300 * time.Millisecond)
		}
		return nil
	}
	x := start(t, bus.Connect("analyzer"), r, ingest.Options{PendingBytes: 2 << 10})
	c.WaitAcked()
	for range 200 {
		c.Send(process, 0, plain(2)...)
	}
	c.WaitAcked()
	want(t, r, concat([]string{"7/seed end"}, span(7, 1, 400)))
	if x.in.Status().Dropped == 0 {
		t.Error("the client dropped nothing: the test does not test what it says")
	}
}

func TestHandlerMayGiveUp(t *testing.T) {
	bus := bustest.New(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Minute)
	broken := errors.New("broken")
	r := newRecorder()
	r.onEvent = func(text string) error {
		if text == "7/0:2" {
			return broken
		}
		return nil
	}
	x := start(t, bus.Connect("analyzer"), r, ingest.Options{})
	c.WaitAcked()
	c.Send(process, 0, plain(3)...)
	if err := <-x.done; !errors.Is(err, broken) {
		t.Errorf("Run gave %v, want the handler's error", err)
	}
	x.done <- nil
	if acked := c.Acked(); acked != 1 {
		t.Errorf("batch %d is acknowledged, want the one before the fault", acked)
	}
}
