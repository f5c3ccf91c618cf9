package ingest_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/analyzer/ingest"
	pb "github.com/vedette-edr/vedette/proto"
)

const (
	host    = "0123456789ab"
	process = pb.Class_CLASS_PROCESS
)

// recorder notes what it is given, and is as slow to be safe as the test wants.
type recorder struct {
	mu       sync.Mutex
	events   []string
	settled  uint64
	lazy     bool
	progress chan struct{}
	// onEvent may refuse.
	onEvent func(text string) error
}

func newRecorder() *recorder { return &recorder{progress: make(chan struct{}, 1)} }

func (r *recorder) Handle(o *ingest.Origin, ev *pb.Event) error {
	text := fmt.Sprintf("%d/%d:%d", o.Instance, ev.Cpu, ev.Sequence)
	switch payload := ev.Payload.(type) {
	case *pb.Event_Seed:
		text = fmt.Sprintf("%d/seed %s", o.Instance, payload.Seed.Filename)
	case *pb.Event_SeedEnd:
		text = fmt.Sprintf("%d/seed end", o.Instance)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.onEvent != nil {
		if err := r.onEvent(text); err != nil {
			return err
		}
	}
	r.events = append(r.events, text)
	if !r.lazy {
		r.settled = uint64(len(r.events))
	}
	return nil
}

func (r *recorder) Mark() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return uint64(len(r.events))
}

func (r *recorder) Settled() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.settled
}

func (r *recorder) Progress() <-chan struct{} { return r.progress }

func (r *recorder) settle() {
	r.mu.Lock()
	r.settled, r.lazy = uint64(len(r.events)), false
	r.mu.Unlock()
	select {
	case r.progress <- struct{}{}:
	default:
	}
}

func (r *recorder) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

type run struct {
	t        *testing.T
	in       *ingest.Ingest
	recorder *recorder
	cancel   context.CancelFunc
	done     chan error
	once     sync.Once
	err      error
}

// start runs an ingest with short times.
func start(t *testing.T, nc *nats.Conn, r *recorder, opts ingest.Options) *run {
	t.Helper()
	opts.Host, opts.Log = host, zerolog.Nop()
	opts.AckEvery = 5 * time.Millisecond
	opts.RetryEvery = 100 * time.Millisecond
	opts.Patience = 100 * time.Millisecond
	if opts.HoldTime == 0 {
		opts.HoldTime = 10 * time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	x := &run{t: t, in: ingest.New(nc, r, opts), recorder: r, cancel: cancel, done: make(chan error, 1)}
	go func() { x.done <- x.in.Run(ctx) }()
	t.Cleanup(func() { _ = x.stop() })
	return x
}

func (x *run) stop() error {
	x.once.Do(func() {
		x.cancel()
		x.err = <-x.done
	})
	return x.err
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func plain(n int) []*pb.Event {
	events := make([]*pb.Event, n)
	for i := range events {
		events[i] = &pb.Event{Payload: &pb.Event_Exit{Exit: &pb.ProcessExit{}}}
	}
	return events
}

func seed(name string) *pb.Event {
	return &pb.Event{Payload: &pb.Event_Seed{Seed: &pb.ProcessExec{Filename: []byte(name)}}}
}

// span is what a recorder writes for events first to last of CPU 0.
func span(instance uint64, first, last int) []string {
	var out []string
	for n := first; n <= last; n++ {
		out = append(out, fmt.Sprintf("%d/0:%d", instance, n))
	}
	return out
}

func concat(parts ...[]string) []string { return slices.Concat(parts...) }

func want(t *testing.T, r *recorder, events []string) {
	t.Helper()
	if diff := cmp.Diff(events, r.list()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
