package ingest

import (
	"time"

	"github.com/vedette-edr/vedette/analyzer/wire"
	pb "github.com/vedette-edr/vedette/proto"
)

// queue keeps encoded batches up to a limit in bytes; beyond it the oldest go, and are asked for again in time.
type queue struct {
	limit, bytes int
	batches      [][]byte
}

func (q *queue) push(data []byte) {
	q.batches = append(q.batches, data)
	q.bytes += len(data)
	for q.bytes > q.limit && len(q.batches) > 1 {
		q.pop()
	}
}

func (q *queue) pop() []byte {
	if len(q.batches) == 0 {
		q.batches = nil
		return nil
	}
	data := q.batches[0]
	q.batches[0] = nil
	q.batches = q.batches[1:]
	q.bytes -= len(data)
	return data
}

// holding keeps batches back until the living processes are known. Seeds in them are handled at once, the rest when the
// list is complete: an exec that is sent again then finds its parents.
type holding struct {
	active bool
	// after is the newest batch of the time before the list was asked for: only a list that ends later is complete.
	after uint64
	until time.Time
	ended bool
	queue [][]byte
	bytes int
}

// pass says which events of a batch are handled.
type pass int

const (
	everything pass = iota
	// seedsOnly handles seeds and counts nothing.
	seedsOnly
	// exceptSeeds handles the others and counts all.
	exceptSeeds
)

// release ends the holding and handles what was held. An empty reason says that the list is complete.
func (f *follower) release(now time.Time, reason string) error {
	if !f.hold.active {
		return nil
	}
	held := f.hold
	f.hold = holding{}
	log := f.opts.Log.Info()
	if reason != "" {
		log = f.opts.Log.Warn().Str("reason", reason)
	}
	log.Int("batches", len(held.queue)).Int("bytes", held.bytes).Dur("waited", f.opts.HoldTime-held.until.Sub(now)).
		Msg("handling the events that were held back for the list of living processes")
	for _, data := range held.queue {
		if err := f.batch.Open(data); err != nil {
			// The same bytes were opened when they came.
			return err
		}
		if err := f.handle(len(data), exceptSeeds); err != nil {
			return err
		}
	}
	return nil
}

// handle passes the events of the open batch to the handler. size is what the batch adds to the bytes that wait for an
// acknowledgement.
func (f *follower) handle(size int, which pass) error {
	b := &f.batch
	f.describe(b)
	if which != seedsOnly {
		f.tally.Batch(b)
	}
	for body, ok := b.Next(); ok; body, ok = b.Next() {
		if which == seedsOnly {
			if kind, err := wire.Payload(body); err != nil || kind != wire.PayloadSeed && kind != wire.PayloadSeedEnd {
				continue
			}
		}
		ev, err := f.decoder.Decode(body)
		if err != nil {
			if which != seedsOnly {
				f.tally.Lost(b.Class, pb.LossCause_LOSS_CAUSE_DECODE, 1)
				f.counters.MalformedEvents++
				f.opts.Log.Warn().Err(err).Uint64("batch", b.Number).Msg("an event cannot be read; it is counted as lost")
			}
			continue
		}
		if ev.Class == pb.Class_CLASS_UNSPECIFIED {
			ev.Class = b.Class
		}
		if which != seedsOnly {
			f.tally.Event(ev.Class, ev.Cpu, ev.Sequence)
		}
		switch ev.Payload.(type) {
		case *pb.Event_SeedEnd:
			f.hold.ended = f.hold.active && b.Number > f.hold.after
			if which == exceptSeeds {
				continue
			}
		case *pb.Event_Seed:
			if which == exceptSeeds {
				continue
			}
		}
		if err := f.handler.Handle(&f.origin, ev); err != nil {
			return err
		}
	}
	if which != seedsOnly {
		f.taken = b.Number
		f.unmarkedBytes += size
	}
	return nil
}

// describe fills the origin; its strings are made anew only when they change.
func (f *follower) describe(b *wire.Batch) {
	o := &f.origin
	if o.Host != string(b.Host) {
		o.Host = string(b.Host)
	}
	if o.BootID != string(b.BootID) {
		o.BootID = string(b.BootID)
	}
	o.Instance, o.Class, o.Number = b.Instance, b.Class, b.Number
}
