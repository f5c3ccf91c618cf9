// Package core is the half of a collector that no platform has a part in: it takes events from the sensors, packs them into
// batches, keeps the batches until the analyzer has them safe, and says every second how it fares.
//
// Events go one way. A sensor calls Sink.Add, which encodes the event into the open batch of its class; a full or flushed
// batch goes to the spool (package spool) and from there, within a window, to the bus (package link). Most of the time all
// of it happens in the sensor's goroutine, so that an event wakes nobody but the bus. Nothing on this way waits: what cannot
// be published now stays in the spool, and what the spool cannot hold is counted.
//
// For every class, made = acknowledged + pending + lost holds as soon as the sensors' rings are empty.
package core

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/collector/core/link"
	"github.com/vedette-edr/vedette/collector/core/spool"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

const (
	// SeedCPU is the pseudo CPU of events made in user space, such as seeds. Sink numbers them.
	SeedCPU = math.MaxUint32

	classes = spool.Classes
	causes  = 64
	// Causes from here on concern parts of events that were delivered.
	firstPartCause = pb.LossCause(32)
)

// Source is the platform's half of the collector.
type Source interface {
	// Counters returns the kernel-side totals since the start. Any goroutine may call it, one that is inside the Sink too, so
	// it must neither call the Sink or the Collector nor wait for a call of them.
	Counters() Counters
	// Attachments lists what attached and what did not, for Health.
	Attachments() []*pb.Attachment
	// Seed adds one `seed` event, on SeedCPU, for every living process and the closing `seed_end`. It runs in a goroutine of
	// the Collector, while other goroutines add to the same sink, and returns early when ctx ends.
	Seed(ctx context.Context, sink Sink) error
	// Warnings lists what the user should know now, each a sentence with its remedy.
	Warnings() []string
	// Ask tells what the analyzer's rules ask for beyond what is reported anyway. An error says what of it cannot be had; the
	// rest holds.
	Ask(i *pb.Interest) error
}

// Sink takes events. Safe for concurrent use; no call waits for the bus.
type Sink interface {
	// Add encodes ev at once; ev and everything that it points at may be reused after the return. It numbers events of
	// SeedCPU, writing ev.Sequence. It flushes by itself when a batch is full.
	Add(ev *pb.Event)
	// Flush closes the open batches and publishes what the window allows. A sensor calls it when its ring is empty.
	Flush()
}

// Counters are kernel-side totals since the start, indexed by pb.Class and pb.LossCause.
type Counters struct {
	// Made counts the numbers that the kernel programs gave to events, lost ones included.
	Made [classes]uint64
	Lost [classes][causes]uint64
}

// Options set up a Collector. Host is required; every other zero value means the default.
type Options struct {
	// Host is the host token of the subjects, BootID the kernel's identity of this boot.
	Host, BootID string
	Version      string
	// Instance names this run; the Unix time of its start in nanoseconds by default.
	Instance uint64
	// SpoolLimit bounds the memory of unacknowledged batches in bytes; 64 MiB by default, at least 2 MiB and twice Window.
	SpoolLimit int64
	// Window bounds the bytes published and not acknowledged; 4 MiB by default.
	Window int64
	// HealthInterval is the time between two Health messages; 1 s by default.
	HealthInterval time.Duration
	// ResendAfter is how long the oldest published batch may stay unacknowledged before all are published again; 2 s by
	// default. It is looked at once per HealthInterval and doubles, up to eight times, while nothing is acknowledged.
	ResendAfter time.Duration
	// ShutdownWait is how long Run waits at its end for acknowledgements; 2 s by default.
	ShutdownWait time.Duration
	// Now is the clock; time.Now by default.
	Now func() time.Time
}

func (o *Options) setDefaults() {
	setDefault := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	setDefault(&o.HealthInterval, time.Second)
	setDefault(&o.ResendAfter, 2*time.Second)
	setDefault(&o.ShutdownWait, 2*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.SpoolLimit == 0 {
		o.SpoolLimit = 64 << 20
	}
	if o.Window == 0 {
		o.Window = 4 << 20
	}
	if o.Instance == 0 {
		o.Instance = uint64(o.Now().UnixNano())
	}
}

// Collector is the platform-neutral half of a collector. Its exported methods are safe for concurrent use.
type Collector struct {
	opts    Options
	source  Source
	link    *link.Link
	log     zerolog.Logger
	started time.Time

	ledger   ledger
	lanes    [classes]lane
	open     atomic.Uint32 // bit of each class that has an open batch
	spool    *spool.Spool
	subjects [classes]string

	// publishing is held by the one goroutine that publishes; wanted asks it to look again.
	publishing sync.Mutex
	wanted     atomic.Bool
	session    uint64 // of the link, as last seen; with publishing
	kick       chan struct{}

	// seedWanted holds one request beside the one that is being served.
	seedWanted chan struct{}

	refusedSize    atomic.Uint64 // batches that the bus finds too large
	refusedControl atomic.Uint64
	seedFailures   atomic.Uint64

	// Of the goroutine of Run.
	resend resendTimer
	// seedAsked is when control.seed was followed last.
	seedAsked time.Time
}

// New returns a collector that reads source's counters and publishes on l, which stays the caller's to close, after Run has
// returned. Its Sink works at once; batches leave from the moment that l has a session.
func New(opts Options, source Source, l *link.Link, log zerolog.Logger) (*Collector, error) {
	opts.setDefaults()
	if err := subject.ValidHost(opts.Host); err != nil {
		return nil, fmt.Errorf("cannot make a collector: %w", err)
	}
	c := &Collector{
		opts: opts, source: source, link: l, log: log, started: opts.Now(),
		kick: make(chan struct{}, 1), seedWanted: make(chan struct{}, 1), resend: resendTimer{base: opts.ResendAfter},
	}
	c.ledger.source, c.ledger.now = source, opts.Now
	for i := range c.lanes {
		class := pb.Class(i)
		c.subjects[i] = subject.Events(opts.Host, class)
		c.lanes[i].init(class, opts)
	}
	var err error
	c.spool, err = spool.New(spool.Options{
		Limit: opts.SpoolLimit, Window: opts.Window, Lost: c.ledger.add, Tombstone: c.appendTombstone,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot make a collector: %w", err)
	}
	return c, nil
}

// Instance names this run of the collector in batches and Health.
func (c *Collector) Instance() uint64 { return c.opts.Instance }

// Sink returns where the sensors put their events.
func (c *Collector) Sink() Sink { return sink{c} }

// Lost counts n events that a sensor read and cannot deliver, such as malformed records, or, for the causes from
// pb.LossCause_LOSS_CAUSE_ARGUMENTS on, n delivered events with a part missing. Kernel-side losses belong to Source.Counters.
func (c *Collector) Lost(class pb.Class, cause pb.LossCause, n uint64) {
	if cause < firstPartCause && class >= 0 && class < classes {
		c.lanes[class].countRead(n)
	}
	c.ledger.add(class, cause, n)
}

type sink struct{ c *Collector }

// Add implements Sink.
func (s sink) Add(ev *pb.Event) {
	c := s.c
	if ev.Class <= 0 || ev.Class >= classes {
		c.log.Error().Int32("class", int32(ev.Class)).Msg("BUG: event of a class that does not exist")
		c.ledger.add(pb.Class_CLASS_UNSPECIFIED, pb.LossCause_LOSS_CAUSE_MALFORMED, 1)
		return
	}
	if c.add(&c.lanes[ev.Class], ev) {
		c.publish(inlineBatches)
	}
}

// Flush implements Sink.
func (s sink) Flush() {
	s.c.closeOpen()
	s.c.publish(inlineBatches)
}
