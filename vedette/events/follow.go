package events

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// maxWaiting bounds what may wait in this process while the terminal is slow, in bytes; more is dropped and counted.
const maxWaiting = 64 << 20

// follower reads batches and hands over their events.
type follower struct {
	// each is called for every event; the event is valid until it returns. An error ends the reading.
	each func(*pb.Event, *pb.EventBatch) error
	// trouble is told what could not be shown.
	trouble func(string)

	instance uint64
	last     uint64
	dropped  int
}

// subscribe asks for the events of one class, or of all.
func subscribe(nc *nats.Conn, host string, classes []pb.Class) (*nats.Subscription, error) {
	name := subject.AllEvents(host)
	if len(classes) == 1 {
		name = subject.Events(host, classes[0])
	}
	sub, err := nc.SubscribeSync(name)
	if err == nil {
		err = sub.SetPendingLimits(-1, maxWaiting)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot subscribe to %q: %w", name, err)
	}
	return sub, nil
}

// follow reads until ctx is done, which is no error, or each fails.
func (f *follower) follow(ctx context.Context, sub *nats.Subscription) error {
	for ctx.Err() == nil {
		msg, err := sub.NextMsgWithContext(ctx)
		switch {
		case ctx.Err() != nil:
			continue
		case errors.Is(err, nats.ErrSlowConsumer):
			f.reportDropped(sub)
			continue
		case err != nil:
			return fmt.Errorf("cannot read events: %w", err)
		}
		if err := f.batch(msg.Data); err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) reportDropped(sub *nats.Subscription) {
	total, err := sub.Dropped()
	if err == nil && total > f.dropped {
		f.trouble(fmt.Sprintf("%d batches of events were not shown, this output is too slow for them", total-f.dropped))
		f.dropped = total
	}
}

// batch hands over the events of one batch, unless it was sent again after the analyzer had to catch up.
func (f *follower) batch(data []byte) error {
	var b pb.EventBatch
	if fault := b.UnmarshalVTUnsafe(data); fault != nil {
		f.trouble(fmt.Sprintf("a batch of %d bytes cannot be decoded: %v", len(data), fault))
		return nil
	}
	if b.Instance == f.instance && b.Number <= f.last {
		return nil
	}
	f.instance, f.last = b.Instance, b.Number
	for _, ev := range b.Events {
		if err := f.each(ev, &b); err != nil {
			return err
		}
	}
	return nil
}
