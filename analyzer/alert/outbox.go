package alert

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

// ErrAborted is what Add gives after Abort.
var ErrAborted = errors.New("alerts are not taken any more")

// OutboxOptions of an Outbox. Fields that are zero get the value in brackets.
type OutboxOptions struct {
	// Host is the host in the subjects of the alerts.
	Host string
	// File says where the alerts are appended; with an empty path they go to the stream alone.
	File FileOptions
	Log  zerolog.Logger
	// MaxPending [4096] and MaxPendingBytes [32 MiB] bound the alerts that are not safe yet. Add blocks beyond them.
	MaxPending, MaxPendingBytes int
	// InFlight [256] bounds the alerts that were sent to the stream without an answer yet.
	InFlight int
	// RetryEvery [2 s] is how long the stream has for an answer before an alert is sent again, and how long the file rests
	// after an error.
	RetryEvery time.Duration
	// GiveUpAfter [30 s] is how long a stream that refuses alerts may hold up detection once the room for alerts is full:
	// then alerts that the file has are given up for the stream, and counted.
	GiveUpAfter time.Duration
}

func (o *OutboxOptions) setDefaults() {
	size := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	size(&o.MaxPending, 4096)
	size(&o.MaxPendingBytes, 32<<20)
	size(&o.InFlight, 256)
	if o.RetryEvery == 0 {
		o.RetryEvery = 2 * time.Second
	}
	if o.GiveUpAfter == 0 {
		o.GiveUpAfter = 30 * time.Second
	}
}

// Counts says what became of the alerts since the start. Raised is what Add took; the others count documents.
type Counts struct {
	Raised uint64
	// Published were taken by the stream as new, Duplicates it had already. StreamLost were given up for the stream and are
	// in the file alone.
	Published, Duplicates, StreamLost uint64
	// Written are lines in the file; FileKnown were in it before this run; FileLost could not be written and are in the
	// stream alone.
	Written, FileKnown, FileLost uint64
	// Pending are not safe yet.
	Pending uint64
	// FileError and StreamError say what is wrong now, in words for the user; empty when nothing is.
	FileError, StreamError string
}

// Outbox brings alerts to the stream and to the file. An alert is safe when the stream has confirmed it and it is in the
// file. While the file cannot be written the stream alone is enough: detection does not stop for a full disk. Every method
// is safe for concurrent use.
type Outbox struct {
	opts     OutboxOptions
	stream   *stream
	file     *file
	progress chan struct{}
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu      sync.Mutex
	room    sync.Cond
	pending []*item
	bytes   int
	settled uint64
	aborted bool
	// fileFails says that pending alerts do not wait for the file.
	fileFails bool
	counts    Counts
}

// item is an alert that is not safe yet.
type item struct {
	Alert
	number uint64
	// published and written are guarded by the outbox.
	published, written bool
	// sentAt belongs to the stream; zero says that it has to be sent.
	sentAt time.Time
}

// NewOutbox opens the file, reads back which alerts it has, and starts to send on nc. The connection stays the caller's.
func NewOutbox(nc *nats.Conn, opts OutboxOptions) (*Outbox, error) {
	opts.setDefaults()
	ctx, stop := context.WithCancel(context.Background())
	o := &Outbox{opts: opts, progress: make(chan struct{}, 1), stop: stop}
	o.room.L = &o.mu
	o.stream = newStream(nc, o)
	if opts.File.Path != "" {
		f, err := openFile(opts.File, o)
		if err != nil {
			stop()
			return nil, err
		}
		o.file = f
	}
	if err := o.stream.subscribe(ctx); err != nil {
		stop()
		if o.file != nil {
			o.file.close()
		}
		return nil, err
	}
	o.running.Go(func() { o.stream.run(ctx) })
	if o.file != nil {
		o.running.Go(func() { o.file.run(ctx) })
	}
	return o, nil
}

// Close ends the sending. Alerts that are not safe are left to the next run of the analyzer, which makes them again.
func (o *Outbox) Close() {
	o.Abort()
	o.stop()
	o.running.Wait()
}

// Abort makes Add fail from now on, also where it is waiting for room.
func (o *Outbox) Abort() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.aborted = true
	o.room.Broadcast()
}

// Add takes an alert to be brought out. It blocks while too many are not safe, and fails only after Abort.
func (o *Outbox) Add(a Alert) error {
	o.mu.Lock()
	for !o.aborted && o.full() {
		o.stream.poke()
		o.room.Wait()
	}
	if o.aborted {
		o.mu.Unlock()
		return ErrAborted
	}
	o.counts.Raised++
	it := &item{Alert: a, number: o.counts.Raised, written: o.file == nil}
	o.pending = append(o.pending, it)
	o.bytes += len(a.Line)
	o.mu.Unlock()

	o.stream.add(it)
	if o.file != nil {
		o.file.add(it)
	}
	return nil
}

// full says that Add has to wait. The caller holds the lock.
func (o *Outbox) full() bool {
	return len(o.pending) >= o.opts.MaxPending || o.bytes >= o.opts.MaxPendingBytes
}

// Raised is the number of alerts taken so far.
func (o *Outbox) Raised() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts.Raised
}

// Settled is the number of alerts, counted in the order of Add, up to which all are safe.
func (o *Outbox) Settled() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.settled
}

// Progress receives a value after Settled has grown; values may be dropped while one waits.
func (o *Outbox) Progress() <-chan struct{} { return o.progress }

// Counts gives the counters.
func (o *Outbox) Counts() Counts {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.counts
	c.Pending = uint64(len(o.pending))
	return c
}

// Reopen closes the file and opens it by its name again, as after SIGHUP from a log rotation.
func (o *Outbox) Reopen() {
	if o.file != nil {
		o.file.reopen()
	}
}

// update changes items or counters under the lock and then lets go of what has become safe.
func (o *Outbox) update(change func(c *Counts)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(&o.counts)
	before := o.settled
	for len(o.pending) > 0 {
		it := o.pending[0]
		if !it.published || !it.written && !o.fileFails {
			break
		}
		o.settled = it.number
		o.bytes -= len(it.Line)
		o.pending[0] = nil
		o.pending = o.pending[1:]
	}
	if o.settled == before {
		return
	}
	o.room.Broadcast()
	select {
	case o.progress <- struct{}{}:
	default:
	}
}

// isFull is full for callers without the lock.
func (o *Outbox) isFull() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.full()
}
