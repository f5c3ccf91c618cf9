// Package alertlog reads the alert stream: what it keeps, and then what is added, each alert once and in the stream's order.
//
// The stream is the one source. The live subscription only says that there is something new to read, so a lost connection,
// a slow terminal or an alert published twice change nothing: reading goes on after the last sequence that was read.
package alertlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/proto/subject"
)

// Record is one alert.
type Record struct {
	// Sequence in the stream; 0 when the alert was seen on its subject and the stream does not have it.
	Sequence uint64
	// Time is when the stream took the alert, or when it was seen.
	Time time.Time
	// ID is the alert's id, the one that the stream drops duplicates by.
	ID string
	// Data is the document. It belongs to the receiver.
	Data []byte
}

// Options say what to read. The zero value reads everything that is kept and then ends.
type Options struct {
	// Host restricts the live subscription; "" or "*" means every host of this bus.
	Host string
	// Since starts with the first alert that the stream took at or after this time.
	Since time.Time
	// Newest, when not 0 and Since is zero, starts with the newest so many alerts.
	Newest uint64
	// Follow goes on until the context is done.
	Follow bool
	// Missed is told how many alerts left the stream before they could be read; nil ignores them.
	Missed func(n uint64)
}

// ErrStop ends Read without an error when each returns it.
var ErrStop = errors.New("stop reading")

const (
	// batchSize and batchBytes bound one request, so that a terminal that stops taking output lets no more than this pile
	// up here.
	batchSize  = 256
	batchBytes = 1 << 20
	// requestTimeout is how long the stream may leave a request without an answer.
	requestTimeout = 5 * time.Second
)

// Read calls each for every alert that opts asks for, from the calling goroutine. It returns nil when everything was read,
// when following ends with ctx, or when each returns ErrStop; any other error of each is returned as it is.
//
// While following, a stream that does not answer is asked again until ctx is done. nc stays the caller's.
func Read(ctx context.Context, nc *nats.Conn, opts Options, each func(Record) error) error {
	r := &reader{nc: nc, opts: opts, each: each, lately: newLately(), patience: time.Second, timeout: requestTimeout}
	err := r.read(ctx)
	switch {
	case errors.Is(err, ErrStop):
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()) && opts.Follow:
		return nil
	}
	return err
}

type reader struct {
	nc   *nats.Conn
	opts Options
	each func(Record) error
	// next is the sequence to read next; begun is set once one was read.
	next   uint64
	begun  bool
	lately *lately
	// patience is how long an alert that was seen live may take to appear in the stream.
	patience time.Duration
	timeout  time.Duration
}

func (r *reader) read(ctx context.Context) error {
	if !r.opts.Follow {
		if err := r.seek(ctx); err != nil {
			return err
		}
		return r.catchUp(ctx)
	}

	host := r.opts.Host
	if host == "" {
		host = "*"
	}
	live, err := r.nc.Subscribe(subject.AllAlerts(host), r.lately.see)
	if err != nil {
		return fmt.Errorf("cannot subscribe to the alerts: %w", err)
	}
	defer func() { _ = live.Unsubscribe() }()
	back := r.nc.StatusChanged(nats.CONNECTED)
	defer r.nc.RemoveStatusListener(back)

	// The server must have the subscription before the stream is read, or an alert could fall between the two.
	flush, cancel := context.WithTimeout(ctx, r.timeout)
	err = r.nc.FlushWithContext(flush)
	cancel()
	if err != nil {
		return fmt.Errorf("cannot subscribe to the alerts: %w", err)
	}
	if err := r.seek(ctx); err != nil {
		return err
	}
	return r.follow(ctx, back)
}

func (r *reader) follow(ctx context.Context, back <-chan nats.Status) error {
	const firstRetry, mostRetry = 2 * time.Millisecond, 250 * time.Millisecond
	retry := firstRetry
	for {
		unanswered := r.catchUp(ctx)
		if unanswered != nil && !errors.Is(unanswered, errUnanswered) {
			return unanswered
		}
		waiting, err := r.showUnstored()
		if err != nil {
			return err
		}
		var again <-chan time.Time
		if waiting || unanswered != nil {
			again = time.After(retry)
			retry = min(2*retry, mostRetry)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.lately.wake:
			retry = firstRetry
		case <-back:
		case <-again:
		}
	}
}

// showUnstored delivers alerts that were seen long ago and never came into the stream, and reports whether younger ones
// are still expected.
func (r *reader) showUnstored() (waiting bool, err error) {
	overdue, waiting := r.lately.overdue(time.Now().Add(-r.patience))
	for _, rec := range overdue {
		if err := r.each(rec); err != nil {
			return false, err
		}
	}
	return waiting, nil
}

// seek finds the first sequence to read. A start time is left to the stream, in the first request of catchUp.
func (r *reader) seek(ctx context.Context) error {
	r.next = 1
	if !r.opts.Since.IsZero() || r.opts.Newest == 0 {
		return nil
	}
	var last uint64
	_, err := r.request(ctx, request{LastBySubject: ">"}, func(rec Record) error {
		last = rec.Sequence
		return nil
	})
	if err != nil {
		return err
	}
	r.next = last + 1 - min(r.opts.Newest, last)
	return nil
}

// catchUp reads to the end of the stream.
func (r *reader) catchUp(ctx context.Context) error {
	for {
		req := request{Sequence: r.next, Batch: batchSize, MaxBytes: batchBytes}
		if !r.begun && !r.opts.Since.IsZero() {
			req.Sequence, req.StartTime = 0, &r.opts.Since
		}
		more, err := r.request(ctx, req, func(rec Record) error {
			if rec.Sequence < r.next {
				return nil
			}
			// What left the stream before the first one that was read is history, not loss.
			if skipped := rec.Sequence - r.next; skipped > 0 && r.begun && r.opts.Missed != nil {
				r.opts.Missed(skipped)
			}
			r.next, r.begun = rec.Sequence+1, true
			r.lately.delivered(rec.ID)
			return r.each(rec)
		})
		if err != nil || !more {
			return err
		}
	}
}
