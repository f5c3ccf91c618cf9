package ingest

import (
	"time"

	"github.com/vedette-edr/vedette/analyzer/position"
	"github.com/vedette-edr/vedette/analyzer/tally"
	"github.com/vedette-edr/vedette/analyzer/wire"
	pb "github.com/vedette-edr/vedette/proto"
)

// out is what a follower does to the world. An error is a bus that is away or a disk that is full; whatever was to be said
// is said again later.
type out interface {
	resume(number uint64, r *pb.Resume) error
	ack(a *pb.Ack) error
	save(encoded []byte) error
}

// follower is the protocol without the bus: it is told what arrived and what time it is.
type follower struct {
	handler Handler
	out     out
	opts    Options
	last    *position.Position

	batch   wire.Batch
	decoder wire.Decoder
	origin  Origin
	tally   *tally.Tally

	// instance and next are the batch that is due; instance is 0 before the first answer of a collector.
	instance, next uint64
	asked          asking
	// early holds batches that came before it was known where to begin.
	early queue
	hold  holding

	// taken is the last number handled, marked the last one with a mark, acked the last one that is safe.
	taken, marked, acked uint64
	unmarkedBytes        int
	marks                []mark
	markedAt, ackedAt    time.Time
	// unsaved says that the last position could not be saved.
	unsaved bool
	// reack says that the collector sent something again that is safe already.
	reack bool

	// changed says that status has something new to tell.
	changed  bool
	counters Status
}

// asking is the last resume.
type asking struct {
	number uint64
	at     time.Time
	seed   bool
	// waiting says that no answer has come; open, that the batch asked for has not come either.
	waiting, open bool
	// failed says that there was no collector to answer.
	failed bool
	// inVain counts the resumes since the last batch that were sent because of a gap.
	inVain int
}

// mark is a point in the stream that is safe once the alerts up to it are.
type mark struct {
	number  uint64
	alerts  uint64
	encoded []byte
}

// maxInVain is how often a batch is asked for before the stream goes on without it.
const maxInVain = 3

func newFollower(h Handler, o out, opts Options) *follower {
	return &follower{handler: h, out: o, opts: opts, last: opts.Last, early: queue{limit: 2 * opts.HoldBytes}}
}

func (f *follower) start(now time.Time) { f.ask(now, true) }

// ask sends a resume. Without an instance it asks for whatever a collector has.
func (f *follower) ask(now time.Time, seed bool) {
	f.asked = asking{
		number: f.asked.number + 1, at: now, seed: seed, waiting: true, open: true, inVain: f.asked.inVain,
	}
	f.counters.Resumes++
	r := &pb.Resume{Instance: f.instance, NextNumber: f.next, Seed: seed}
	if err := f.out.resume(f.asked.number, r); err != nil {
		f.opts.Log.Debug().Err(err).Msg("cannot ask the collector to resume")
		f.asked.failed = true
	}
}

// reconnected is told that the bus is back: whatever was on its way is gone.
func (f *follower) reconnected(now time.Time) {
	f.ask(now, f.instance == 0 || f.asked.seed && f.asked.waiting)
}

// positionArrived takes the answer to resume number; instance 0 says that nobody answered.
func (f *follower) positionArrived(now time.Time, number, instance, next, newest uint64) error {
	if !f.asked.waiting || number != f.asked.number {
		return nil
	}
	if instance == 0 || next == 0 {
		f.asked.failed = true
		return nil
	}
	f.asked.waiting, f.asked.failed = false, false
	switch {
	case instance != f.instance:
		if err := f.adopt(now, instance, next); err != nil {
			return err
		}
		if f.asked.seed {
			f.hold = holding{active: true, after: newest, until: now.Add(f.opts.HoldTime)}
		}
	case next > f.next:
		f.opts.Log.Error().Uint64("expected", f.next).Uint64("offered", next).
			Msg("the collector no longer has batches that were never taken; going on with what it has")
		f.skipTo(next)
	}
	for data := f.early.pop(); data != nil; data = f.early.pop() {
		if err := f.batchArrived(now, data); err != nil {
			return err
		}
	}
	return nil
}

// adopt turns to another run of the collector. The run before has ended and cannot be asked any more.
func (f *follower) adopt(now time.Time, instance, next uint64) error {
	if err := f.release(now, "the collector has restarted"); err != nil {
		return err
	}
	f.instance, f.next = instance, next
	f.tally = tally.New(instance, next > 1)
	f.marks, f.unmarkedBytes, f.reack = nil, 0, false
	if p := f.last; p != nil && p.Tally.Instance() == instance && p.Number+1 >= next {
		f.tally, f.next = p.Tally, p.Number+1
	}
	f.last = nil
	f.taken, f.marked, f.acked = f.next-1, f.next-1, f.next-1
	f.reack = f.acked >= next
	f.asked.inVain = 0
	f.changed = true
	f.opts.Log.Info().Uint64("instance", instance).Uint64("next", f.next).Msg("following a collector")
	return nil
}

func (f *follower) skipTo(number uint64) {
	f.counters.Skipped += number - f.next
	f.next = number
	f.asked.inVain = 0
	f.changed = true
}

// batchArrived takes one encoded batch, which it may keep.
func (f *follower) batchArrived(now time.Time, data []byte) error {
	if err := f.batch.Open(data); err != nil {
		f.counters.MalformedBatches++
		f.changed = true
		f.opts.Log.Warn().Err(err).Int("bytes", len(data)).Msg("a batch cannot be read; it will be asked for again")
		return nil
	}
	if f.instance == 0 || f.batch.Instance != f.instance {
		f.stranger(now, data)
		return nil
	}
	switch number := f.batch.Number; {
	case number < f.next:
		f.counters.Duplicates++
		f.reack = true
		return nil
	case number > f.next:
		if !f.gap(now, number) {
			return nil
		}
	}
	return f.take(now, data)
}

// stranger keeps a batch of an unknown run until it is known where to begin.
func (f *follower) stranger(now time.Time, data []byte) {
	f.early.push(data)
	if f.asked.waiting && !f.asked.failed {
		return
	}
	if since := now.Sub(f.asked.at); f.asked.waiting && since < f.opts.RetryEvery/20 {
		return
	}
	f.ask(now, true)
}

// gap meets a number that is too high. It reports whether to go on from there, because what is missing does not come.
func (f *follower) gap(now time.Time, number uint64) bool {
	// A bus that is too slow becomes no faster by being asked again at once.
	if f.asked.open && now.Sub(f.asked.at) < f.opts.Patience<<f.asked.inVain {
		return false
	}
	if f.asked.inVain >= maxInVain {
		f.opts.Log.Error().Uint64("expected", f.next).Uint64("got", number).
			Msg("batches did not come although they were asked for; going on without them")
		f.skipTo(number)
		return true
	}
	f.counters.Gaps++
	f.changed = true
	f.asked.inVain++
	f.ask(now, false)
	return false
}

// take handles the batch that is due, or holds it until the seeds have come.
func (f *follower) take(now time.Time, data []byte) error {
	f.next++
	f.asked.open, f.asked.inVain = false, 0
	if !f.hold.active {
		return f.handle(len(data), everything)
	}
	f.hold.queue = append(f.hold.queue, data)
	f.hold.bytes += len(data)
	number := f.batch.Number
	if err := f.handle(0, seedsOnly); err != nil {
		return err
	}
	switch {
	case f.hold.ended && number > f.hold.after:
		return f.release(now, "")
	case f.hold.bytes >= f.opts.HoldBytes:
		return f.release(now, "the batches that wait for the list of living processes have filled their room")
	}
	return nil
}

// tick does what is due at a time.
func (f *follower) tick(now time.Time) error {
	if f.asked.waiting && now.Sub(f.asked.at) >= f.opts.RetryEvery {
		f.ask(now, f.asked.seed)
	}
	if f.hold.active && !now.Before(f.hold.until) {
		if err := f.release(now, "the list of living processes did not come in time"); err != nil {
			return err
		}
	}
	if f.taken > f.marked && (now.Sub(f.markedAt) >= f.opts.AckEvery || f.unmarkedBytes >= f.opts.AckBytes) {
		f.mark(now)
	}
	f.settle(now)
	return nil
}

// deadline is when tick has something to do though nothing arrives; zero for never.
func (f *follower) deadline() time.Time {
	var at time.Time
	due := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if f.asked.waiting {
		due(f.asked.at.Add(f.opts.RetryEvery))
	}
	if f.hold.active {
		due(f.hold.until)
	}
	if f.taken > f.marked {
		due(f.markedAt.Add(f.opts.AckEvery))
	}
	if f.reack {
		due(f.ackedAt.Add(f.opts.AckEvery))
	}
	return at
}

// mark remembers the point reached, with the count as it is here.
func (f *follower) mark(now time.Time) {
	if f.taken == f.marked {
		return
	}
	m := mark{number: f.taken, alerts: f.handler.Mark()}
	if f.opts.Store != nil {
		m.encoded = position.Encode(nil, f.taken, f.tally)
	}
	f.marks = append(f.marks, m)
	f.marked, f.markedAt, f.unmarkedBytes = f.taken, now, 0
	f.changed = true
}

// settle saves and acknowledges what has become safe, in this order: a position that is behind an acknowledgement would
// make a later run miss what it was never sent.
func (f *follower) settle(now time.Time) {
	settled := f.handler.Settled()
	var safe *mark
	for len(f.marks) > 0 && f.marks[0].alerts <= settled {
		safe = &f.marks[0]
		f.marks = f.marks[1:]
	}
	switch {
	case safe != nil:
		err := f.out.save(safe.encoded)
		if err != nil && !f.unsaved {
			f.opts.Log.Warn().Err(err).Msg("the position cannot be saved")
		}
		f.unsaved = err != nil
		f.acked = safe.number
		f.changed = true
	case !f.reack || now.Sub(f.ackedAt) < f.opts.AckEvery:
		return
	}
	f.reack = false
	f.ackedAt = now
	if f.acked == 0 {
		return
	}
	if err := f.out.ack(&pb.Ack{Instance: f.instance, Number: f.acked}); err != nil {
		f.opts.Log.Debug().Err(err).Msg("cannot acknowledge; the collector will send again")
	}
}

func (f *follower) status() *Status {
	s := f.counters
	s.PositionUnsaved = f.unsaved
	s.Instance, s.BootID, s.Taken, s.Acknowledged = f.instance, f.origin.BootID, f.taken, f.acked
	if f.tally != nil {
		s.Flows = f.tally.Flows(nil)
		s.Losses = f.tally.Losses(nil)
	}
	return &s
}
