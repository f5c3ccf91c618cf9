package core

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// lane of events that must come in order.
type laneKey struct {
	class pb.Class
	cpu   uint32
}

// memory is what survives the death of an analyzer: everything up to its last checkpoint.
type memory struct {
	mu       sync.Mutex
	instance uint64
	last     uint64
	taken    map[laneKey][]uint64
	shed     map[pb.Class]int
	losses   map[string]uint64
	faults   []string
}

func newMemory() *memory {
	return &memory{taken: map[laneKey][]uint64{}, shed: map[pb.Class]int{}, losses: map[string]uint64{}}
}

func (m *memory) fault(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, fmt.Sprintf(format, args...))
}

func (m *memory) count(class pb.Class) (n uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for lane, sequences := range m.taken {
		if lane.class == class {
			n += uint64(len(sequences))
		}
	}
	return n
}

// analyzer follows the protocol of the real one and keeps nothing else.
type analyzer struct {
	bus      *bus
	memory   *memory
	ackEvery time.Duration
	seed     bool

	// Since the last checkpoint.
	last  uint64
	fresh []*pb.EventBatch
}

// run works until ctx ends and then dies without a checkpoint.
func (a *analyzer) run(ctx context.Context) {
	reconnected := make(chan struct{}, 1)
	signal := func(*nats.Conn) {
		select {
		case reconnected <- struct{}{}:
		default:
		}
	}
	nc, err := a.bus.client(nats.ReconnectHandler(signal), nats.ConnectHandler(signal))
	if err != nil {
		a.memory.fault("cannot connect: %v", err)
		return
	}
	defer nc.Close()
	messages := make(chan *nats.Msg, 1<<16)
	if _, err := nc.ChanSubscribe(subject.AllEvents(host), messages); err != nil {
		a.memory.fault("cannot subscribe: %v", err)
		return
	}
	a.last = a.memory.last
	known := false
	// After a request to resume, what was under way before it still comes in and looks like a gap. Asking again for that would
	// bring the whole window again each time.
	var resumedAt time.Time
	awaiting := false
	resume := func() {
		req := &pb.Resume{Instance: a.memory.instance, NextNumber: a.last + 1, Seed: a.seed && !known}
		if !known {
			req.Instance, req.NextNumber = 0, 0
		}
		data, _ := req.MarshalVT()
		reply, err := nc.Request(subject.Control(host, subject.Resume), data, time.Second)
		if err != nil {
			known = false
			return
		}
		var p pb.Position
		if err := p.UnmarshalVTUnsafe(reply.Data); err != nil {
			a.memory.fault("position does not decode: %v", err)
			return
		}
		if p.Instance != a.memory.instance {
			a.memory.mu.Lock()
			a.memory.instance, a.memory.last = p.Instance, p.NextNumber-1
			a.memory.mu.Unlock()
			a.last, a.fresh = a.memory.last, nil
		} else if p.NextNumber > a.last+1 {
			a.memory.fault("the collector goes on at %d, but %d is the last that came", p.NextNumber, a.last)
		}
		known, awaiting, resumedAt = true, true, time.Now()
	}
	ticker := time.NewTicker(a.ackEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-reconnected:
			resume()
		case <-ticker.C:
			if !known {
				resume()
				continue
			}
			a.checkpoint()
			data, _ := (&pb.Ack{Instance: a.memory.instance, Number: a.last}).MarshalVT()
			// Lost acknowledgements are repeated by the next.
			_ = nc.Publish(subject.Control(host, subject.Ack), data)
		case m := <-messages:
			if !known {
				continue
			}
			last := a.last
			if a.take(m) && (!awaiting || time.Since(resumedAt) > time.Second) {
				resume()
			}
			if a.last > last {
				awaiting = false
			}
		}
	}
}

// take accepts the next batch and reports a gap.
func (a *analyzer) take(m *nats.Msg) (gap bool) {
	b, err := decode(m.Data)
	switch {
	case err != nil:
		a.memory.fault("%v", err)
	case m.Subject != subject.Events(host, b.Class):
		a.memory.fault("%s came on %s", b.Class, m.Subject)
	case b.Instance != a.memory.instance || b.Number <= a.last:
	case b.Number > a.last+1:
		return true
	default:
		a.last = b.Number
		a.fresh = append(a.fresh, b)
	}
	return false
}

// checkpoint makes what came since the last one survive.
func (a *analyzer) checkpoint() {
	m := a.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range a.fresh {
		counted := map[uint32]uint64{}
		for _, r := range b.Ranges {
			counted[r.Cpu] += r.Count
		}
		for _, ev := range b.Events {
			lane := laneKey{b.Class, ev.Cpu}
			m.taken[lane] = append(m.taken[lane], ev.Sequence)
			counted[ev.Cpu]--
		}
		for cpu, n := range counted {
			if n != 0 {
				m.faults = append(m.faults, fmt.Sprintf("batch %d: the range of CPU %d is off by %d", b.Number, cpu, int64(n)))
			}
		}
		if b.Shed {
			m.shed[b.Class]++
		}
		for _, l := range b.Losses {
			m.losses[fmt.Sprintf("%s %s", l.Class, l.Cause)] = l.Count
		}
	}
	m.last, a.fresh = a.last, nil
}

// startAnalyzer runs one until the returned function kills it.
func startAnalyzer(b *bus, m *memory) (kill func()) {
	return start(&analyzer{bus: b, memory: m, ackEvery: 10 * time.Millisecond})
}

func start(a *analyzer) (kill func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.run(ctx)
	}()
	return sync.OnceFunc(func() {
		cancel()
		<-done
	})
}
