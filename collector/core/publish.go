package core

import (
	"errors"
	"math"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// inlineBatches bounds what a sensor's goroutine publishes in one call; the goroutine of Run takes the rest.
	inlineBatches = 8
	everything    = math.MaxInt
)

// publish hands batches from the spool to the bus until nothing waits, the window is full, the bus is away or limit batches
// are out; in the last case it wakes the goroutine of Run. One goroutine publishes at a time and the others do not wait for
// it: wanted makes it look again after it has let go.
func (c *Collector) publish(limit int) {
	c.wanted.Store(true)
	for c.wanted.Load() && c.publishing.TryLock() {
		c.wanted.Store(false)
		limit = c.drain(limit)
		c.publishing.Unlock()
		if limit == 0 {
			select {
			case c.kick <- struct{}{}:
			default:
			}
			return
		}
	}
}

// drain publishes at most limit batches and returns what is left of the limit; called with publishing held.
func (c *Collector) drain(limit int) int {
	for limit > 0 {
		session := c.link.Session()
		if session == 0 {
			return limit
		}
		if session != c.session {
			// What the former session still held is gone.
			c.session = session
			if _, err := c.spool.Rewind(0); err != nil {
				c.log.Error().Err(err).Msg("BUG: cannot rewind to the oldest batch")
			}
		}
		b, ok := c.spool.Next()
		if !ok {
			return limit
		}
		err := c.link.Publish(c.subjects[b.Class], b.Payload)
		switch {
		case err == nil:
			c.spool.Done(b, true)
		case errors.Is(err, nats.ErrMaxPayload):
			c.refusedSize.Add(1)
			c.log.Error().Err(err).Uint64("batch", b.Number).Msg("the bus takes no batch of this size; raise its max_payload to 1 MiB")
			if !c.spool.Refuse(b) {
				return limit
			}
		default:
			// The session has just ended; the next one begins with a rewind.
			c.log.Debug().Err(err).Uint64("batch", b.Number).Msg("batch waits for the bus")
			c.spool.Done(b, false)
			return limit
		}
		limit--
	}
	return limit
}

// resendTimer tells when the oldest published batch has gone unacknowledged for too long. It doubles its patience while
// nothing comes, so that an analyzer that is stopped does not find its connection full of copies when it wakes.
type resendTimer struct {
	base     time.Duration
	patience time.Duration
	oldest   uint64
	since    time.Time
}

const maxPatience = 8

// due takes the oldest unacknowledged number, 0 when there is none, and reports whether to publish again.
func (t *resendTimer) due(oldest uint64, now time.Time) bool {
	if oldest == 0 || oldest != t.oldest {
		t.oldest, t.since, t.patience = oldest, now, t.base
		return false
	}
	if now.Sub(t.since) < t.patience {
		return false
	}
	t.since = now
	t.patience = min(2*t.patience, maxPatience*t.base)
	return true
}

// reset starts anew after a rewind for another reason.
func (t *resendTimer) reset() { t.oldest = 0 }
