// Package ingest takes the event stream of one host off the bus: in order, each batch once, and acknowledged only when
// what came of it is safe. It is the analyzer's half of the protocol in proto/batch.proto and proto/control.proto.
package ingest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/analyzer/position"
	"github.com/vedette-edr/vedette/analyzer/tally"
	"github.com/vedette-edr/vedette/analyzer/wire"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// Handler does something with events. All methods but Progress's channel are called from the goroutine of Run.
type Handler interface {
	// Handle takes one event. Events come in the order of their batches; at the start, and after the collector has
	// restarted, seeds come before everything else. Origin and event are good until Handle returns. It may block, which
	// holds up the stream. An error ends Run.
	Handle(origin *Origin, ev *pb.Event) error
	// Mark names the point reached. What has been handled so far is safe as soon as Settled gives at least Mark's value.
	Mark() uint64
	Settled() uint64
	// Progress receives a value after Settled has grown; values may be dropped while one waits.
	Progress() <-chan struct{}
}

// Origin says where an event came from. The strings may be kept.
type Origin struct {
	Host, BootID string
	Instance     uint64
	Class        pb.Class
	Number       uint64
}

// Options of an Ingest. Fields that are zero get the value in brackets.
type Options struct {
	// Host is the host whose events are taken.
	Host string
	// Store keeps the position; without one a new run counts from what it is sent first. Last is what the store held at
	// the start.
	Store *position.Store
	Last  *position.Position
	Log   zerolog.Logger

	// PendingBytes bounds what waits in the client for being taken [16 MiB]. What comes beyond is dropped there, noticed by
	// its number, and asked for again.
	PendingBytes int
	// HoldBytes [3.5 MiB] and HoldTime [5 s] bound the waiting for seeds. HoldBytes has to be less than what a collector
	// sends without acknowledgement, or seeds would never come.
	HoldBytes int
	HoldTime  time.Duration
	// AckEvery [100 ms] and AckBytes [1 MiB] pace the acknowledgements.
	AckEvery time.Duration
	AckBytes int
	// RetryEvery [1 s] is how long an answer to a resume may take, and Patience [2 s] how long the batch asked for may.
	RetryEvery, Patience time.Duration
	// DrainTime [5 s] is how long Run waits at its end for alerts to become safe.
	DrainTime time.Duration
}

func (o *Options) setDefaults() {
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	size := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	size(&o.PendingBytes, 16<<20)
	size(&o.HoldBytes, 7<<19)
	size(&o.AckBytes, 1<<20)
	def(&o.HoldTime, 5*time.Second)
	def(&o.AckEvery, 100*time.Millisecond)
	def(&o.RetryEvery, time.Second)
	def(&o.Patience, 2*time.Second)
	def(&o.DrainTime, 5*time.Second)
}

// Status is how far an Ingest has come.
type Status struct {
	// Instance is the collector run that is followed, 0 before the first.
	Instance uint64
	BootID   string
	// Taken and Acknowledged are batch numbers.
	Taken, Acknowledged uint64
	Flows               []tally.Flow
	Losses              []wire.Loss
	// Counters since the start of Run.
	Duplicates, Gaps, Resumes, MalformedBatches, MalformedEvents, Skipped, Dropped uint64
	// PositionUnsaved says that the last position could not be saved: after a restart the count begins anew.
	PositionUnsaved bool
}

// Ingest follows the collector of one host. Make it with New, then call Run once.
type Ingest struct {
	nc     *nats.Conn
	opts   Options
	follow *follower
	status atomic.Pointer[Status]

	inbox   string
	events  *nats.Subscription
	batches chan *nats.Msg
	replies chan *nats.Msg
}

// New makes an Ingest that hands events to h. The connection stays the caller's.
func New(nc *nats.Conn, h Handler, opts Options) *Ingest {
	opts.setDefaults()
	in := &Ingest{
		nc: nc, opts: opts, inbox: nc.NewInbox(),
		batches: make(chan *nats.Msg), replies: make(chan *nats.Msg),
	}
	in.follow = newFollower(h, in, opts)
	in.status.Store(&Status{})
	return in
}

// Status gives a recent state; it may lag by as long as AckEvery. It is safe for concurrent use; the caller changes nothing
// in it.
func (in *Ingest) Status() *Status { return in.status.Load() }

// Run takes events until ctx ends. It then waits for what it has handled to become safe, acknowledges it, and returns nil;
// an error says what of that failed, or why the handler gave up.
func (in *Ingest) Run(ctx context.Context) error {
	stopped := make(chan struct{})
	defer close(stopped)
	forward := func(to chan *nats.Msg) nats.MsgHandler {
		return func(m *nats.Msg) {
			select {
			case to <- m:
			case <-stopped:
			}
		}
	}
	events, err := in.nc.Subscribe(subject.AllEvents(in.opts.Host), forward(in.batches))
	if err != nil {
		return fmt.Errorf("cannot subscribe %q: %w", subject.AllEvents(in.opts.Host), err)
	}
	defer unsubscribe(events)
	in.events = events
	if err := events.SetPendingLimits(-1, in.opts.PendingBytes); err != nil {
		return fmt.Errorf("cannot bound pending events to %d bytes: %w", in.opts.PendingBytes, err)
	}
	replies, err := in.nc.Subscribe(in.inbox+".*", forward(in.replies))
	if err != nil {
		return fmt.Errorf("cannot subscribe %q: %w", in.inbox, err)
	}
	defer unsubscribe(replies)
	connected := in.nc.StatusChanged(nats.CONNECTED)
	defer in.nc.RemoveStatusListener(connected)

	in.follow.start(time.Now())
	if err := in.loop(ctx, connected); err != nil {
		return err
	}
	return in.drain()
}

// unsubscribe can fail only when the connection is closed, and then there is nothing left to undo.
func unsubscribe(s *nats.Subscription) { _ = s.Unsubscribe() }

func (in *Ingest) loop(ctx context.Context, connected <-chan nats.Status) error {
	f := in.follow
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case m := <-in.batches:
			err = f.batchArrived(time.Now(), m.Data)
		case m := <-in.replies:
			err = in.replied(m)
		case <-connected:
			f.reconnected(time.Now())
		case <-f.handler.Progress():
		case <-timer.C:
		}
		now := time.Now()
		if err == nil {
			err = f.tick(now)
		}
		if f.changed {
			f.changed = false
			in.publishStatus()
		}
		if err != nil {
			return err
		}
		if at := f.deadline(); at.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(0, at.Sub(now)))
		}
	}
}

// drain gives what was handled a last chance to become safe, so that nothing is sent again to the next run.
func (in *Ingest) drain() error {
	f := in.follow
	deadline := time.NewTimer(in.opts.DrainTime)
	defer deadline.Stop()
	f.mark(time.Now())
	for {
		f.settle(time.Now())
		if len(f.marks) == 0 {
			break
		}
		select {
		case <-f.handler.Progress():
		case <-deadline.C:
			in.publishStatus()
			return fmt.Errorf("cannot finish batches %d to %d of collector run %d: their alerts are not safe after %s; the next run takes them again",
				f.acked+1, f.taken, f.instance, in.opts.DrainTime)
		}
	}
	in.publishStatus()
	if in.nc.IsConnected() {
		if err := in.nc.FlushTimeout(in.opts.DrainTime); err != nil {
			return fmt.Errorf("cannot flush the last acknowledgement: %w", err)
		}
	}
	return nil
}

// replied takes an answer to a resume. A bus without a collector answers in its place, with a status and no data.
func (in *Ingest) replied(m *nats.Msg) error {
	number, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, in.inbox+"."), 10, 64)
	if err != nil {
		return nil
	}
	var pos pb.Position
	if m.Header.Get("Status") != "" || pos.UnmarshalVTUnsafe(m.Data) != nil {
		pos = pb.Position{}
	}
	return in.follow.positionArrived(time.Now(), number, pos.Instance, pos.NextNumber, pos.NewestNumber)
}

func (in *Ingest) publishStatus() {
	s := in.follow.status()
	if dropped, err := in.events.Dropped(); err == nil {
		s.Dropped = uint64(dropped)
	}
	in.status.Store(s)
}

var _ out = (*Ingest)(nil)

func (in *Ingest) resume(number uint64, r *pb.Resume) error {
	data, err := r.MarshalVT()
	if err != nil {
		return fmt.Errorf("cannot encode resume: %w", err)
	}
	reply := in.inbox + "." + strconv.FormatUint(number, 10)
	return in.nc.PublishRequest(subject.Control(in.opts.Host, subject.Resume), reply, data)
}

func (in *Ingest) ack(a *pb.Ack) error {
	data, err := a.MarshalVT()
	if err != nil {
		return fmt.Errorf("cannot encode ack: %w", err)
	}
	return in.nc.Publish(subject.Control(in.opts.Host, subject.Ack), data)
}

func (in *Ingest) save(encoded []byte) error {
	if in.opts.Store == nil {
		return nil
	}
	return in.opts.Store.Save(encoded)
}
