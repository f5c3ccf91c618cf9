package core

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// errControl is a control message that says nothing this collector can follow.
var errControl = errors.New("control message refused")

// seedPause is the least time between two lists of living processes that control.seed asks for: one costs about as much as
// thousands of events. The analyzer's own, asked for with resume, are not held up by it.
const seedPause = 5 * time.Second

// control follows one message of the analyzer, or of an operator. Whatever is in it, the spool stays whole: a message can free what was
// numbered, move the position within it, and ask for seeds.
func (c *Collector) control(m *nats.Msg) {
	var err error
	switch m.Subject {
	case subject.Control(c.opts.Host, subject.Ack):
		err = c.acknowledge(m.Data)
	case subject.Control(c.opts.Host, subject.Resume):
		var position *pb.Position
		if position, err = c.resume(m.Data); position != nil && m.Reply != "" {
			c.reply(m, position)
		}
	case subject.Control(c.opts.Host, subject.Seed):
		if answer := c.listLiving(); m.Reply != "" {
			c.reply(m, answer)
		}
	case subject.Control(c.opts.Host, subject.Interest):
		err = c.ask(m.Data)
	default:
		err = fmt.Errorf("cannot follow %q: %w", m.Subject, errControl)
	}
	if err != nil {
		c.refusedControl.Add(1)
		c.log.Warn().Err(err).Msg("control message ignored")
	}
	c.publish(everything)
}

func (c *Collector) acknowledge(data []byte) error {
	var ack pb.Ack
	if err := ack.UnmarshalVTUnsafe(data); err != nil {
		return fmt.Errorf("cannot read an acknowledgement of %d bytes: %w: %w", len(data), errControl, err)
	}
	if ack.Instance != c.opts.Instance {
		// Meant for a collector that has ended.
		return nil
	}
	_, err := c.spool.Acknowledge(ack.Number)
	return err
}

// resume moves the position and queues a round of seeds if asked. It returns the position to reply, nil for a message that
// cannot be read. A number that was never given still rewinds, to the oldest batch, so that a confused analyzer recovers.
func (c *Collector) resume(data []byte) (*pb.Position, error) {
	var req pb.Resume
	if err := req.UnmarshalVTUnsafe(data); err != nil {
		return nil, fmt.Errorf("cannot read a request to resume of %d bytes: %w: %w", len(data), errControl, err)
	}
	from := req.NextNumber
	if req.Instance != c.opts.Instance {
		from = 0
	}
	next, err := c.spool.Rewind(from)
	c.resend.reset()
	if req.Seed {
		c.wantSeeds()
	}
	c.log.Info().Uint64("instance", req.Instance).Uint64("asked", req.NextNumber).Uint64("from", next).Bool("seed", req.Seed).
		Msg("the analyzer resumes")
	return &pb.Position{Instance: c.opts.Instance, NextNumber: next, NewestNumber: c.spool.Stats().Newest}, err
}

// ask hands on what the analyzer's rules ask for.
func (c *Collector) ask(data []byte) error {
	var i pb.Interest
	if err := i.UnmarshalVTUnsafe(data); err != nil {
		return fmt.Errorf("cannot read what is of interest, %d bytes: %w: %w", len(data), errControl, err)
	}
	if err := c.source.Ask(&i); err != nil {
		return fmt.Errorf("cannot watch all that is of interest: %w", err)
	}
	return nil
}

// listLiving queues a round of seeds unless the last one was asked for too short a time ago, and says which.
func (c *Collector) listLiving() *pb.SeedAnswer {
	now := c.opts.Now()
	answer := &pb.SeedAnswer{Instance: c.opts.Instance, NewestNumber: c.spool.Stats().Newest}
	if left := seedPause - now.Sub(c.seedAsked); !c.seedAsked.IsZero() && left > 0 {
		answer.WaitMs = uint32(left.Milliseconds()) + 1
		return answer
	}
	c.seedAsked = now
	c.wantSeeds()
	c.log.Info().Uint64("after", answer.NewestNumber).Msg("listing the living processes on request")
	return answer
}

func (c *Collector) wantSeeds() {
	select {
	case c.seedWanted <- struct{}{}:
	default:
		// A round is running and the next is queued already.
	}
}

func (c *Collector) reply(m *nats.Msg, answer interface{ MarshalVT() ([]byte, error) }) {
	data, err := answer.MarshalVT()
	if err == nil {
		err = m.Respond(data)
	}
	if err != nil {
		// Who asked does so again.
		c.log.Warn().Err(err).Str("subject", m.Subject).Msg("cannot answer a control message")
	}
}
