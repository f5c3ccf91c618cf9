package core

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

const (
	// controlQueue holds control messages until Run looks; acknowledgements are cumulative, so dropping one costs nothing.
	controlQueue = 64
	lastFlush    = 500 * time.Millisecond
)

// Run answers the analyzer, publishes what the sensors could not, sends Health and seeds on request until ctx ends. Then it
// flushes, waits up to ShutdownWait for acknowledgements, counts what is left as lost, says so in a last Health and returns
// nil; the sensors should have stopped by then, and what they add later is counted as lost. It returns early only if it
// cannot subscribe. Run is called once.
func (c *Collector) Run(ctx context.Context) error {
	messages := make(chan *nats.Msg, controlQueue)
	for _, verb := range []string{subject.Ack, subject.Resume, subject.Seed, subject.Interest} {
		sub, err := c.link.Subscribe(subject.Control(c.opts.Host, verb), messages)
		if err != nil {
			return fmt.Errorf("cannot run the collector: %w", err)
		}
		defer c.unsubscribe(sub)
	}
	gauge := openGauge()
	defer gauge.close()

	seeds := make(chan struct{})
	go func() {
		defer close(seeds)
		c.seedOnRequest(ctx)
	}()
	ticker := time.NewTicker(c.opts.HealthInterval)
	defer ticker.Stop()

	c.tick(gauge)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case m := <-messages:
			c.control(m)
		case <-c.link.Changed():
			c.publish(everything)
		case <-c.kick:
			c.publish(everything)
		case <-ticker.C:
			c.tick(gauge)
		}
	}
	<-seeds
	c.finish(messages, ticker.C, gauge)
	return nil
}

// tick says how the collector fares and publishes again what has gone unacknowledged for too long.
func (c *Collector) tick(gauge *gauge) {
	if c.link.Session() == 0 {
		c.resend.reset()
		return
	}
	oldest, _ := c.spool.Unacknowledged()
	if c.resend.due(oldest, c.opts.Now()) {
		c.log.Warn().Uint64("batch", oldest).Msg("no acknowledgement; publishing again from the oldest batch")
		if _, err := c.spool.Rewind(0); err != nil {
			c.log.Error().Err(err).Msg("BUG: cannot rewind to the oldest batch")
		}
	}
	c.publish(everything)
	c.publishHealth(gauge)
}

// finish empties the spool as far as the analyzer takes it, and books the rest.
func (c *Collector) finish(messages <-chan *nats.Msg, ticks <-chan time.Time, gauge *gauge) {
	deadline := time.NewTimer(c.opts.ShutdownWait)
	defer deadline.Stop()
	for waiting := true; waiting; {
		c.closeOpen()
		c.publish(everything)
		if c.spool.Stats().Batches == 0 {
			break
		}
		select {
		case m := <-messages:
			c.control(m)
		case <-c.link.Changed():
		case <-c.kick:
		case <-ticks:
			c.tick(gauge)
		case <-deadline.C:
			waiting = false
		}
	}
	c.seal()
	if st := c.spool.Stats(); st.Batches > 0 {
		c.log.Warn().Uint64("batches", st.Batches).Msg("the analyzer has not taken everything; the rest is counted as lost")
	}
	c.spool.Abandon(pb.LossCause_LOSS_CAUSE_SHUTDOWN)
	if c.link.Session() == 0 {
		return
	}
	c.publishHealth(gauge)
	if err := c.link.Flush(lastFlush); err != nil {
		c.log.Warn().Err(err).Msg("the last health message may not have arrived")
	}
}

func (c *Collector) unsubscribe(sub *nats.Subscription) {
	if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		c.log.Warn().Err(err).Str("subject", sub.Subject).Msg("cannot unsubscribe")
	}
}

// seedOnRequest runs one round of seeds after another, as often as resume asks.
func (c *Collector) seedOnRequest(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.seedWanted:
		}
		err := c.source.Seed(ctx, c.Sink())
		c.Sink().Flush()
		if err != nil && ctx.Err() == nil {
			c.seedFailures.Add(1)
			c.log.Error().Err(err).Msg("cannot list the living processes for the analyzer")
		}
	}
}
