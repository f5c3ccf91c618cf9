package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// Watch listens to the heartbeats of a host. It must be closed, and is used from one goroutine.
type Watch struct {
	host  string
	sub   *nats.Subscription
	beats map[string]Heartbeats
}

// NewWatch subscribes to the heartbeats. nc stays the caller's.
func NewWatch(nc *nats.Conn, host string) (*Watch, error) {
	sub, err := nc.SubscribeSync(subject.AllHealth(host))
	if err != nil {
		return nil, fmt.Errorf("cannot subscribe to the heartbeats: %w", err)
	}
	return &Watch{host: host, sub: sub, beats: make(map[string]Heartbeats)}, nil
}

// Close ends the subscription.
func (w *Watch) Close() { _ = w.sub.Unsubscribe() }

// Listen takes heartbeats in until enough holds or the time is over; both are ordinary. ctx ends it with an error.
func (w *Watch) Listen(ctx context.Context, limit time.Duration, enough func(map[string]Heartbeats) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTimeIsOver)
	defer cancel()
	for !enough(w.beats) {
		msg, err := w.sub.NextMsgWithContext(ctx)
		switch {
		case errors.Is(context.Cause(ctx), errTimeIsOver):
			return nil
		case errors.Is(err, nats.ErrSlowConsumer):
			// Older heartbeats were dropped; the next one says all there is to know.
			continue
		case err != nil:
			return fmt.Errorf("cannot read the heartbeats: %w", err)
		}
		m := &pb.Health{}
		if err := m.UnmarshalVTUnsafe(msg.Data); err != nil {
			return fmt.Errorf("cannot decode the heartbeat on %q: %w", msg.Subject, err)
		}
		// The bus gives each component its own subject only; the name inside is the component's word.
		for _, name := range components() {
			if msg.Subject == subject.Health(w.host, name) {
				h := w.beats[name]
				h.add(m)
				w.beats[name] = h
			}
		}
	}
	return nil
}

var errTimeIsOver = errors.New("the time is over")

// Twice reports whether every component has sent two heartbeats.
func Twice(beats map[string]Heartbeats) bool {
	for _, name := range components() {
		if beats[name].Before == nil {
			return false
		}
	}
	return true
}

// Report computes the report from what has been heard.
func (w *Watch) Report(now time.Time) *Report { return Compute(w.host, w.beats, now) }
