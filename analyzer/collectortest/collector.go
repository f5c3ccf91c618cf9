// Package collectortest is a collector for tests: it numbers, keeps, sends and sends again as the protocol of
// proto/batch.proto and proto/control.proto demands, and can be told to misbehave the way buses and collectors do.
package collectortest

import (
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// SeedCPU is the pseudo CPU of seeds.
const SeedCPU = 0xffffffff

// Window is how many bytes are sent without acknowledgement.
const Window = 4 << 20

// Collector is one run of a collector. All methods are safe for concurrent use.
type Collector struct {
	tb       testing.TB
	nc       *nats.Conn
	host     string
	instance uint64
	resend   time.Duration
	stop     chan struct{}
	stopped  sync.WaitGroup

	mu        sync.Mutex
	spool     []*batch
	newest    uint64
	sent      uint64
	unacked   int
	acked     uint64
	ackedAt   time.Time
	sequences map[uint64]uint64
	losses    map[pb.LossCause]uint64
	seed      []*pb.Event
	resumes   []*pb.Resume
	interests []*pb.Interest
	drop      int
	twice     bool
	spoil     map[uint64]bool
}

type batch struct {
	number uint64
	class  pb.Class
	data   []byte
}

// New starts a run of a collector. It ends with the test, or when Stop is called. A batch that stays unacknowledged for
// resend is sent again.
func New(tb testing.TB, nc *nats.Conn, host string, instance uint64, resend time.Duration) *Collector {
	tb.Helper()
	c := &Collector{
		tb: tb, nc: nc, host: host, instance: instance, resend: resend, stop: make(chan struct{}),
		sequences: map[uint64]uint64{}, losses: map[pb.LossCause]uint64{}, spoil: map[uint64]bool{},
	}
	subscribe := func(verb string, h nats.MsgHandler) *nats.Subscription {
		s, err := nc.Subscribe(subject.Control(host, verb), h)
		if err != nil {
			tb.Fatal(err)
		}
		return s
	}
	acks, resumes := subscribe(subject.Ack, c.ackArrived), subscribe(subject.Resume, c.resumeArrived)
	interests := subscribe(subject.Interest, c.interestArrived)
	if err := nc.Flush(); err != nil {
		tb.Fatal(err)
	}
	reconnected := nc.StatusChanged(nats.CONNECTED)
	c.stopped.Go(func() {
		defer func() {
			_, _, _ = acks.Unsubscribe(), resumes.Unsubscribe(), interests.Unsubscribe()
			nc.RemoveStatusListener(reconnected)
		}()
		ticker := time.NewTicker(resend / 4)
		defer ticker.Stop()
		for {
			select {
			case <-c.stop:
				return
			case <-reconnected:
				c.Rewind()
			case <-ticker.C:
				c.resendStale()
			}
		}
	})
	tb.Cleanup(c.Stop)
	return c
}

// Stop ends the run with all it has not delivered, as a kill does.
func (c *Collector) Stop() {
	c.mu.Lock()
	select {
	case <-c.stop:
	default:
		close(c.stop)
	}
	c.mu.Unlock()
	c.stopped.Wait()
}

// Living sets what a seeding round will list. The events need actor and payload only.
func (c *Collector) Living(events ...*pb.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seed = events
}

// Send makes one batch of events on a CPU and sends it when the window allows. Class and numbering are filled in.
func (c *Collector) Send(class pb.Class, cpu uint32, events ...*pb.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.append(class, cpu, events)
	c.pump()
}

// Lose numbers n events of a class that are never sent. They are counted as a full ring when told is set.
func (c *Collector) Lose(class pb.Class, cpu uint32, n uint64, told bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sequences[lane(class, cpu)] += n
	if told {
		c.losses[pb.LossCause_LOSS_CAUSE_RING_FULL] += n
	}
}

// Shed makes a batch of n events that was given up.
func (c *Collector) Shed(class pb.Class, cpu uint32, n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.sequences[lane(class, cpu)] + 1
	c.sequences[lane(class, cpu)] += n
	c.losses[pb.LossCause_LOSS_CAUSE_SPOOL_FULL] += n
	c.keep(&pb.EventBatch{Class: class, Shed: true, Ranges: []*pb.SequenceRange{{Cpu: cpu, First: first, Last: first + n - 1, Count: n}}})
	c.pump()
}

// SendGarbled makes and sends a batch with one event that nobody can read.
func (c *Collector) SendGarbled(class pb.Class, cpu uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sequences[lane(class, cpu)]++
	n := c.sequences[lane(class, cpu)]
	c.keep(&pb.EventBatch{Class: class, Ranges: []*pb.SequenceRange{{Cpu: cpu, First: n, Last: n, Count: 1}}})
	last := c.spool[len(c.spool)-1]
	const eventsField, lengthed = 15, 2
	last.data = append(last.data, eventsField<<3|lengthed, 1, 0xff)
	c.pump()
}

// DropNext makes the bus lose the next n batches that are sent.
func (c *Collector) DropNext(n int) { c.set(func() { c.drop = n }) }

// SendTwice makes every batch arrive twice.
func (c *Collector) SendTwice() { c.set(func() { c.twice = true }) }

// Spoil makes a batch unreadable for ever.
func (c *Collector) Spoil(number uint64) { c.set(func() { c.spoil[number] = true }) }

// Rewind sends everything that is not acknowledged again.
func (c *Collector) Rewind() { c.set(func() { c.rewindTo(0); c.pump() }) }

func (c *Collector) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// Acked is the highest acknowledged number.
func (c *Collector) Acked() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acked
}

// Newest is the highest number.
func (c *Collector) Newest() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newest
}

// Resumes lists the resumes that came.
func (c *Collector) Resumes() []*pb.Resume {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*pb.Resume(nil), c.resumes...)
}

// Interests lists what an analyzer asked for, in the order in which it came.
func (c *Collector) Interests() []*pb.Interest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*pb.Interest(nil), c.interests...)
}

// WaitAcked waits until an analyzer has come and has acknowledged everything.
func (c *Collector) WaitAcked() {
	c.tb.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for len(c.Resumes()) == 0 || c.Acked() < c.Newest() {
		if time.Now().After(deadline) {
			c.tb.Fatalf("only %d of %d batches of instance %d are acknowledged; resumes were %v", c.Acked(), c.Newest(), c.instance, c.Resumes())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func lane(class pb.Class, cpu uint32) uint64 { return uint64(class)<<32 | uint64(cpu) }

func (c *Collector) append(class pb.Class, cpu uint32, events []*pb.Event) {
	first := c.sequences[lane(class, cpu)] + 1
	for _, ev := range events {
		c.sequences[lane(class, cpu)]++
		ev.Class, ev.Cpu, ev.Sequence = class, cpu, c.sequences[lane(class, cpu)]
	}
	n := uint64(len(events))
	c.keep(&pb.EventBatch{
		Class: class, Events: events, Ranges: []*pb.SequenceRange{{Cpu: cpu, First: first, Last: first + n - 1, Count: n}},
	})
}

func (c *Collector) keep(b *pb.EventBatch) {
	c.newest++
	b.Host, b.BootId, b.Instance, b.Number = c.host, "boot", c.instance, c.newest
	for cause, n := range c.losses {
		b.Losses = append(b.Losses, &pb.Loss{Class: b.Class, Cause: cause, Count: n})
	}
	data, err := b.MarshalVT()
	if err != nil {
		c.tb.Errorf("cannot encode batch: %v", err)
		return
	}
	c.spool = append(c.spool, &batch{number: c.newest, class: b.Class, data: data})
}

// pump sends what the window allows.
func (c *Collector) pump() {
	for _, b := range c.spool {
		if b.number <= c.sent {
			continue
		}
		if c.unacked > 0 && c.unacked+len(b.data) > Window {
			return
		}
		c.sent = b.number
		c.unacked += len(b.data)
		if c.ackedAt.IsZero() || c.unacked == len(b.data) {
			c.ackedAt = time.Now()
		}
		data := b.data
		if c.spoil[b.number] {
			data = []byte{0xff}
		}
		if c.drop > 0 {
			c.drop--
			continue
		}
		times := 1
		if c.twice {
			times = 2
		}
		for range times {
			if err := c.nc.Publish(subject.Events(c.host, b.class), data); err != nil {
				// The bus is away: the reconnection rewinds.
				return
			}
		}
	}
}

func (c *Collector) rewindTo(next uint64) {
	c.sent, c.unacked = c.acked, 0
	if next > c.acked+1 {
		c.sent = next - 1
		for _, b := range c.spool {
			if b.number <= c.sent {
				c.unacked += len(b.data)
			}
		}
	}
}

func (c *Collector) resendStale() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.spool) > 0 && c.sent >= c.spool[0].number && time.Since(c.ackedAt) > c.resend && c.nc.IsConnected() {
		c.ackedAt = time.Now()
		c.rewindTo(0)
		c.pump()
	}
}

func (c *Collector) ackArrived(m *nats.Msg) {
	var a pb.Ack
	if err := a.UnmarshalVTUnsafe(m.Data); err != nil {
		c.tb.Errorf("cannot read ack: %v", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.Instance != c.instance || a.Number <= c.acked {
		return
	}
	if a.Number > c.newest {
		c.tb.Errorf("batch %d is acknowledged, the newest is %d", a.Number, c.newest)
		return
	}
	c.acked, c.ackedAt = a.Number, time.Now()
	for len(c.spool) > 0 && c.spool[0].number <= c.acked {
		if c.spool[0].number <= c.sent {
			c.unacked -= len(c.spool[0].data)
		}
		c.spool = c.spool[1:]
	}
	c.sent = max(c.sent, c.acked)
	c.pump()
}

func (c *Collector) interestArrived(m *nats.Msg) {
	i := &pb.Interest{}
	if err := i.UnmarshalVTUnsafe(m.Data); err != nil {
		c.tb.Errorf("cannot read interest: %v", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interests = append(c.interests, i)
}

func (c *Collector) resumeArrived(m *nats.Msg) {
	r := &pb.Resume{}
	if err := r.UnmarshalVTUnsafe(m.Data); err != nil {
		c.tb.Errorf("cannot read resume: %v", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.stop:
		return
	default:
	}
	c.resumes = append(c.resumes, r)
	next := c.acked + 1
	if r.Instance == c.instance && r.NextNumber > next {
		next = r.NextNumber
	}
	data, err := (&pb.Position{Instance: c.instance, NextNumber: next, NewestNumber: c.newest}).MarshalVT()
	if err != nil {
		c.tb.Errorf("cannot encode position: %v", err)
		return
	}
	if err := m.Respond(data); err != nil {
		return
	}
	c.rewindTo(next)
	if r.Seed {
		events := append([]*pb.Event(nil), c.seed...)
		events = append(events, &pb.Event{Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{Processes: uint32(len(c.seed))}}})
		c.append(pb.Class_CLASS_PROCESS, SeedCPU, events)
	}
	c.pump()
}
