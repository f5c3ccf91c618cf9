package core

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// reader takes batches off the bus and never answers.
type reader struct {
	t        *testing.T
	nc       *nats.Conn
	messages chan *nats.Msg
}

func newReader(t *testing.T, b *bus, subjects ...string) *reader {
	t.Helper()
	r := &reader{t: t, nc: b.mustClient(), messages: make(chan *nats.Msg, 1<<16)}
	for _, s := range subjects {
		if _, err := r.nc.ChanSubscribe(s, r.messages); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.nc.FlushTimeout(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *reader) next() *nats.Msg {
	r.t.Helper()
	select {
	case m := <-r.messages:
		return m
	case <-time.After(10 * time.Second):
		r.t.Fatal("timed out waiting for a message")
		return nil
	}
}

func (r *reader) batch() *pb.EventBatch {
	r.t.Helper()
	batch, err := decode(r.next().Data)
	if err != nil {
		r.t.Fatal(err)
	}
	return batch
}

// none says that nothing comes for a while.
func (r *reader) none() {
	r.t.Helper()
	select {
	case m := <-r.messages:
		r.t.Errorf("%d bytes came on %s", len(m.Data), m.Subject)
	case <-time.After(100 * time.Millisecond):
	}
}

func (r *reader) publish(verb string, m interface{ MarshalVT() ([]byte, error) }) {
	r.t.Helper()
	data, err := m.MarshalVT()
	if err == nil {
		err = r.nc.Publish(subject.Control(host, verb), data)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) resume(req *pb.Resume) *pb.Position {
	r.t.Helper()
	data, err := req.MarshalVT()
	if err != nil {
		r.t.Fatal(err)
	}
	// The subscription of Run may not be there yet.
	for range 100 {
		m, err := r.nc.Request(subject.Control(host, subject.Resume), data, time.Second)
		if err != nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		p := &pb.Position{}
		if err := p.UnmarshalVTUnsafe(m.Data); err != nil {
			r.t.Fatal(err)
		}
		return p
	}
	r.t.Fatal("nobody answers the request to resume")
	return nil
}

func wantEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestBatchSaysWhatItHolds(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.AllEvents(host))
	r := idle(t, b, Options{BootID: "boot", Instance: 77})
	r.kernel.lost[process][pb.LossCause_LOSS_CAUSE_RING_FULL].Store(4)
	r.Lost(file, pb.LossCause_LOSS_CAUSE_PATH, 2)

	var want []*pb.Event
	for _, e := range []struct {
		cpu      uint32
		sequence uint64
	}{{2, 10}, {0, 5}, {2, 12}, {2, 11}, {0, 6}} {
		ev := sampleEvent()
		r.kernel.emit(r.Sink(), ev, process, e.cpu, e.sequence)
		want = append(want, proto.Clone(ev).(*pb.Event))
		// The sink keeps nothing of the event.
		proto.Reset(ev)
	}
	in.none()
	r.Sink().Flush()
	m := in.next()
	wantEqual(t, "subject", m.Subject, "vedette.v1.testhost.events.process")
	got, err := decode(m.Data)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "batch", got, &pb.EventBatch{
		Host: host, BootId: "boot", Instance: 77, Class: process, Number: 1,
		Ranges: []*pb.SequenceRange{{Cpu: 2, First: 10, Last: 12, Count: 3}, {Cpu: 0, First: 5, Last: 6, Count: 2}},
		Losses: []*pb.Loss{
			{Class: process, Cause: pb.LossCause_LOSS_CAUSE_RING_FULL, Count: 4},
			{Class: file, Cause: pb.LossCause_LOSS_CAUSE_PATH, Count: 2},
		},
		WallOffsetNs: want[0].WallTimeNs - int64(want[0].KernelTimeNs),
		Events:       want,
	})
	r.Sink().Flush()
	in.none()
}

func TestFullBatchGoesByItself(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.AllEvents(host))
	r := idle(t, b, Options{})
	add := func(size, n int) {
		for range n {
			ev := largeEvent(size)
			ev.Class = process
			r.Sink().Add(ev)
		}
	}
	f := func(name string, size, n int, want ...int) {
		t.Helper()
		add(size, n)
		for i, events := range want {
			m := in.next()
			batch, err := decode(m.Data)
			if err != nil {
				t.Fatal(err)
			}
			if len(batch.Events) != events {
				t.Errorf("%s: batch %d has %d events, want %d", name, i, len(batch.Events), events)
			}
			if events > 1 && len(m.Data) > 200<<10 {
				t.Errorf("%s: batch %d has %d bytes", name, i, len(m.Data))
			}
			if len(m.Data) > 1<<20 {
				t.Errorf("%s: batch %d has %d bytes", name, i, len(m.Data))
			}
		}
		in.none()
	}
	f("many small events", 10, 300, 128, 128)
	r.Sink().Flush()
	in.batch()
	f("events of 30 KiB", 30<<10, 13, 6, 6)
	f("a large event sends the one before it first", 700<<10, 1, 1, 1)
	f("the largest event", 959<<10, 1, 1)
	f("an event that cannot travel", 1<<20, 2)
	wantEqual(t, "lost", r.lost(process, pb.LossCause_LOSS_CAUSE_OVERSIZED), uint64(2))
	wantEqual(t, "read", r.flow(process).Read, uint64(300+13+1+1+2))
}

func TestAnEventFollowsTheProcessesOfItsTime(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.AllEvents(host))
	r := run(t, b, Options{ShutdownWait: time.Millisecond})
	r.kernel.emit(r.Sink(), sampleEvent(), process, 0, 1)
	// The batch of files is full before anybody flushes.
	for i := range batchEvents {
		r.kernel.emit(r.Sink(), sampleEvent(), pb.Class_CLASS_FILE, 0, uint64(i)+1)
	}
	first, second := in.batch(), in.batch()
	wantEqual(t, "class of the first batch", first.Class, process)
	wantEqual(t, "class of the second batch", second.Class, pb.Class_CLASS_FILE)
	wantEqual(t, "events of the second batch", len(second.Events), batchEvents)
}

func TestManyCPUs(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.AllEvents(host))
	r := idle(t, b, Options{})
	for round := range uint64(2) {
		for cpu := range uint32(batchEvents) {
			r.kernel.emit(r.Sink(), &pb.Event{}, file, cpu*8, round+1)
		}
		batch := in.batch()
		if len(batch.Ranges) != batchEvents {
			t.Fatalf("%d ranges, want %d", len(batch.Ranges), batchEvents)
		}
		for cpu, got := range batch.Ranges {
			wantEqual(t, "range", got, &pb.SequenceRange{Cpu: uint32(cpu) * 8, First: round + 1, Last: round + 1, Count: 1})
		}
	}
}

func TestEventOfNoClassIsCounted(t *testing.T) {
	b := newBus(t, server.Options{})
	r := idle(t, b, Options{})
	for _, class := range []pb.Class{0, -1, 32, 1 << 30} {
		r.Sink().Add(&pb.Event{Class: class})
	}
	r.Lost(-5, -1, 1)
	wantEqual(t, "lost", r.lost(0, pb.LossCause_LOSS_CAUSE_MALFORMED), uint64(4))
	wantEqual(t, "lost without a cause", r.lost(0, 0), uint64(1))
}

func TestSeedsAreNumbered(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.AllEvents(host))
	r := idle(t, b, Options{})
	for range 3 {
		r.Sink().Add(&pb.Event{Class: process, Cpu: SeedCPU})
	}
	r.kernel.emit(r.Sink(), &pb.Event{}, process, 0, 1)
	r.Sink().Flush()
	batch := in.batch()
	wantEqual(t, "ranges", batch.Ranges, []*pb.SequenceRange{
		{Cpu: SeedCPU, First: 1, Last: 3, Count: 3}, {Cpu: 0, First: 1, Last: 1, Count: 1},
	})
	for i, want := range []uint64{1, 2, 3, 1} {
		wantEqual(t, "sequence", batch.Events[i].Sequence, want)
	}
	wantEqual(t, "made", r.flow(process).Made, uint64(4))
	r.wantClosed(t)
}

func TestWindowBoundsWhatIsUnderWay(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.AllEvents(host))
	r := run(t, b, Options{Window: 1 << 20, ResendAfter: time.Hour, HealthInterval: 20 * time.Millisecond, ShutdownWait: time.Millisecond})
	const events = 64 * batchEvents
	ev := largeEvent(1000)
	for n := range uint64(events) {
		r.kernel.emit(r.Sink(), ev, process, 0, n+1)
	}
	r.Sink().Flush()
	var number uint64
	for number < 64 {
		underWay := 0
		for len(in.messages) > 0 || underWay == 0 {
			m := in.next()
			underWay += len(m.Data)
			batch, err := decode(m.Data)
			if err != nil {
				t.Fatal(err)
			}
			if number++; batch.Number != number {
				t.Fatalf("batch %d came, want %d", batch.Number, number)
			}
			if len(in.messages) == 0 {
				// Give what should not come a chance to come.
				time.Sleep(30 * time.Millisecond)
			}
		}
		if underWay > 1<<20 {
			t.Errorf("%d bytes were under way", underWay)
		}
		in.publish(subject.Ack, &pb.Ack{Instance: r.Instance(), Number: number})
	}
	waitFor(t, "the acknowledgement", func() bool { return r.flow(process).Acknowledged == events })
	wantEqual(t, "resent", r.spool.Stats().Resent, uint64(0))
}

func TestUnacknowledgedBatchesComeAgain(t *testing.T) {
	b := newBus(t, server.Options{})
	r := run(t, b, Options{ResendAfter: 100 * time.Millisecond, HealthInterval: 20 * time.Millisecond})
	// Published to nobody.
	r.kernel.emit(r.Sink(), sampleEvent(), process, 0, 1)
	r.Sink().Flush()
	waitFor(t, "the first publication", func() bool { return r.flow(process).Published == 1 })
	in := newReader(t, b, subject.AllEvents(host))
	wantEqual(t, "number", in.batch().Number, uint64(1))
	wantEqual(t, "number", in.batch().Number, uint64(1))
	in.publish(subject.Ack, &pb.Ack{Instance: r.Instance(), Number: 1})
	waitFor(t, "the acknowledgement", func() bool { return r.flow(process).Acknowledged == 1 })
}

// door lets its owner to the bus only while it is open.
type door struct {
	*bus
	shut atomic.Bool
}

func (d *door) Dial(network, address string) (net.Conn, error) {
	if d.shut.Load() {
		return nil, errors.New("the door is shut")
	}
	return d.bus.Dial(network, address)
}

// After a reconnection everything comes again at once, without a request and without waiting for Health or a time limit.
func TestNewSessionBeginsWithTheOldestBatch(t *testing.T) {
	b := newBus(t, server.Options{})
	way := &door{bus: b}
	r := run(t, way, Options{ResendAfter: time.Hour, HealthInterval: time.Hour, ShutdownWait: time.Millisecond})
	fill(r, 3)
	waitFor(t, "the publication", func() bool { return r.flow(process).Published == 3 })
	way.shut.Store(true)
	b.kill()
	waitFor(t, "the session to end", func() bool { return r.link.Session() == 0 })
	fill(r, 1)
	b.start()
	in := newReader(t, b, subject.AllEvents(host))
	way.shut.Store(false)
	for number := uint64(1); number <= 4; number++ {
		wantEqual(t, "number", in.batch().Number, number)
	}
	in.none()
}

func TestResendTimer(t *testing.T) {
	timer := resendTimer{base: 2 * time.Second}
	f := func(at float64, oldest uint64, want bool) {
		t.Helper()
		now := time.Unix(1000, int64(at*1e9))
		if got := timer.due(oldest, now); got != want {
			t.Errorf("at %v with batch %d: %t", at, oldest, got)
		}
	}
	f(0, 0, false)
	f(1, 5, false)
	f(2.9, 5, false)
	f(3, 5, true)
	// The patience grows to 4, 8, 16 and 16 s.
	f(6.9, 5, false)
	f(7, 5, true)
	f(15, 5, true)
	f(31, 5, true)
	f(46, 5, false)
	f(47, 5, true)
	// Something was acknowledged.
	f(48, 6, false)
	f(50, 6, true)
	timer.reset()
	f(60, 6, false)
	f(62, 6, true)
	f(63, 0, false)
	f(64, 6, false)
}

func TestBatchLargerThanTheBusTakes(t *testing.T) {
	b := newBus(t, server.Options{MaxPayload: 64 << 10})
	m := newMemory()
	defer startAnalyzer(b, m)()
	r := run(t, b, Options{})
	for n, size := range []int{100, 100 << 10, 100} {
		r.kernel.emit(r.Sink(), largeEvent(size), process, 0, uint64(n)+1)
		r.Sink().Flush()
	}
	waitFor(t, "the acknowledgement", func() bool { return r.flow(process).Acknowledged == 2 })
	wantEqual(t, "taken", m.taken[laneKey{process, 0}], []uint64{1, 3})
	wantEqual(t, "tombstones", m.shed, map[pb.Class]int{process: 1})
	wantEqual(t, "lost", r.lost(process, pb.LossCause_LOSS_CAUSE_OVERSIZED), uint64(1))
	r.wantClosed(t)
	checkFaults(t, m)
}

// Sensors go on while the bus hangs, and when it wakes everything is there.
func TestHangingBusDoesNotStopTheSensor(t *testing.T) {
	b := newBus(t, server.Options{})
	m := newMemory()
	defer startAnalyzer(b, m)()
	r := run(t, b, Options{})
	waitFor(t, "the analyzer", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.instance != 0 })
	b.hang.Lock()
	const events = 200 * batchEvents
	ev := largeEvent(1000)
	start := time.Now()
	for n := range uint64(events) {
		r.kernel.emit(r.Sink(), ev, process, 0, n+1)
	}
	took := time.Since(start)
	b.hang.Unlock()
	if took > 5*time.Second {
		t.Errorf("%d events took %s while the bus hung", events, took)
	}
	waitFor(t, "the events", func() bool { return r.flow(process).Acknowledged == events })
	r.wantClosed(t)
	checkFaults(t, m)
}

func TestNewRefusesWrongOptions(t *testing.T) {
	b := newBus(t, server.Options{})
	r := idle(t, b, Options{})
	f := func(opts Options, want string) {
		t.Helper()
		if _, err := New(opts, r.kernel, r.link, r.log); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%+v): %v; want %q", opts, err, want)
		}
	}
	f(Options{}, `host id ""`)
	f(Options{Host: "a.b"}, `host id "a.b"`)
	f(Options{Host: host, SpoolLimit: 4 << 20}, "a spool of 4194304 bytes: it must hold at least 8388608")
	f(Options{Host: host, Window: -1}, "window of -1 bytes")
}

func TestAddDoesNotAllocate(t *testing.T) {
	c := offline(t)
	ev, sink := sampleEvent(), c.Sink()
	step := func() {
		for n := range uint64(batchEvents) {
			ev.Cpu, ev.Sequence = uint32(n%4), n
			sink.Add(ev)
		}
		takeAll(t, c)
	}
	for range 10 {
		step()
	}
	if got := testing.AllocsPerRun(100, step); got != 0 {
		t.Errorf("%v allocations in %d events, want none", got, batchEvents)
	}
}

func ExampleOptions() {
	opts := Options{Host: "4f2a9c01d7be", SpoolLimit: 128 << 20}
	opts.setDefaults()
	fmt.Println(opts.SpoolLimit>>20, opts.Window>>20, opts.HealthInterval, opts.ResendAfter)
	// Output: 128 4 1s 2s
}
