package up

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/vedette/link"
)

// pulse is the operator's connection to the bus, and what the components say of themselves while they start.
type pulse struct {
	options link.Options

	mu     sync.Mutex
	link   *link.Link
	beats  *nats.Subscription
	latest map[string]*pb.Health
}

func newPulse(o link.Options) *pulse { return &pulse{options: o, latest: make(map[string]*pb.Health)} }

// ready returns when the process with this pid is known to do its work: the bus when it lets us in, which it does after its
// store is recovered; the others when they have sent a heartbeat. The components start one after the other, so it is not
// called concurrently.
func (p *pulse) ready(ctx context.Context, component string, pid int) error {
	if _, err := p.connect(ctx); err != nil || component == subject.Bus {
		return err
	}
	for int(p.health(component).GetPid()) != pid {
		if err := p.listen(ctx); err != nil {
			return err
		}
	}
	return nil
}

// listen takes the next heartbeat in.
func (p *pulse) listen(ctx context.Context) error {
	msg, err := p.beats.NextMsgWithContext(ctx)
	if errors.Is(err, nats.ErrSlowConsumer) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("no heartbeat: %w", err)
	}
	m := &pb.Health{}
	if err := m.UnmarshalVTUnsafe(msg.Data); err != nil {
		return fmt.Errorf("cannot decode the heartbeat on %q: %w", msg.Subject, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest[m.Component] = m
	return nil
}

// connect waits for the bus at the first call, and listens to heartbeats from then on: the first one of a component that
// starts later is not missed. Later calls share the connection.
func (p *pulse) connect(ctx context.Context) (*link.Link, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.link == nil {
		l, err := link.Open(ctx, p.options)
		if err == nil {
			if p.beats, err = l.Conn.SubscribeSync(subject.AllHealth(l.Host)); err == nil {
				err = l.Conn.Flush()
			}
			if err != nil {
				l.Conn.Close()
				return nil, fmt.Errorf("cannot listen to heartbeats: %w", err)
			}
			p.link = l
			break
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("cannot connect to the bus: %w", errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return p.link, nil
}

// enough ends listening to heartbeats, once everything has started.
func (p *pulse) enough() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beats != nil {
		_ = p.beats.Unsubscribe()
	}
}

// health is the latest heartbeat of a component; nil when there was none.
func (p *pulse) health(component string) *pb.Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latest[component]
}

func (p *pulse) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != nil {
		p.link.Conn.Close()
	}
}
