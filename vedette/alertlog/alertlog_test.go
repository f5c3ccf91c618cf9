package alertlog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/vedette-edr/vedette/proto/subject"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const alerts = "vedette.v1.h1.alerts.high"

// startServer runs a server with the alert stream until the test ends.
func startServer(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func connect(t *testing.T, s *server.Server) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// bus is a server with the stream and a publisher.
type bus struct {
	t      *testing.T
	server *server.Server
	dir    string
	nc     *nats.Conn
	js     nats.JetStreamContext
}

func newBus(t *testing.T) *bus {
	t.Helper()
	b := &bus{t: t, dir: t.TempDir()}
	b.server = startServer(t, b.dir, server.RANDOM_PORT)
	b.nc = connect(t, b.server)
	js, err := b.nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	b.js = js
	_, err = js.AddStream(&nats.StreamConfig{
		Name: subject.AlertStream, Subjects: []string{"vedette.v1.*.alerts.>"}, AllowDirect: true, Duplicates: 10 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func message(id string) *nats.Msg {
	m := nats.NewMsg(alerts)
	m.Header.Set(nats.MsgIdHdr, id)
	m.Data = []byte(id)
	return m
}

// publish stores alerts with the ids first..last.
func (b *bus) publish(first, last int) {
	b.t.Helper()
	for i := first; i <= last; i++ {
		if _, err := b.js.PublishMsg(message(fmt.Sprint("a", i))); err != nil {
			b.t.Error(err)
			return
		}
	}
}

// reading collects what Read delivers.
type reading struct {
	cancel context.CancelFunc
	done   chan error

	mu     sync.Mutex
	ids    []string
	live   int
	missed uint64
}

func (b *bus) read(opts Options) *reading {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &reading{cancel: cancel, done: make(chan error, 1)}
	opts.Missed = func(n uint64) { r.missed += n }
	nc := connect(b.t, b.server)
	go func() {
		r.done <- Read(ctx, nc, opts, func(rec Record) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			if string(rec.Data) != rec.ID {
				return fmt.Errorf("alert %q has the document %q", rec.ID, rec.Data)
			}
			if rec.Sequence == 0 {
				r.live++
			}
			r.ids = append(r.ids, rec.ID)
			return nil
		})
	}()
	return r
}

func (r *reading) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ids)
}

// end waits for the wanted alerts, stops the reading and compares.
func (r *reading) end(t *testing.T, want []string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(r.got()) < len(want) && time.Now().Before(deadline); {
		time.Sleep(2 * time.Millisecond)
	}
	r.cancel()
	if err := <-r.done; err != nil {
		t.Errorf("Read: %v", err)
	}
	if diff := cmp.Diff(want, r.got()); diff != "" {
		t.Error(diff)
	}
}

func ids(first, last int) []string {
	var all []string
	for i := first; i <= last; i++ {
		all = append(all, fmt.Sprint("a", i))
	}
	return all
}

func TestHistory(t *testing.T) {
	b := newBus(t)
	empty := b.read(Options{})
	if err := <-empty.done; err != nil || len(empty.got()) != 0 {
		t.Fatalf("an empty stream gives %v, %v", empty.got(), err)
	}
	// More than two batches.
	b.publish(1, 600)
	middle := time.Now()
	b.publish(601, 620)

	f := func(opts Options, want []string) {
		t.Helper()
		r := b.read(opts)
		if err := <-r.done; err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, r.got()); diff != "" {
			t.Errorf("%+v: %s", opts, diff)
		}
	}
	f(Options{}, ids(1, 620))
	f(Options{Since: middle}, ids(601, 620))
	f(Options{Since: middle.Add(-time.Hour)}, ids(1, 620))
	f(Options{Since: time.Now().Add(time.Hour)}, nil)
	f(Options{Newest: 3}, ids(618, 620))
	f(Options{Newest: 10000}, ids(1, 620))
}

func TestHistoryThenLiveWithoutGapOrDouble(t *testing.T) {
	b := newBus(t)
	b.publish(1, 400)
	r := b.read(Options{Follow: true, Host: "h1"})
	// The publisher does not wait for the reader: alerts arrive before, while and after the history is read.
	b.publish(401, 1200)
	r.end(t, ids(1, 1200))
	if r.live != 0 || r.missed != 0 {
		t.Errorf("%d alerts came past the stream, %d are said to be missed", r.live, r.missed)
	}
}

func TestFollowFromNow(t *testing.T) {
	b := newBus(t)
	b.publish(1, 20)
	r := b.read(Options{Follow: true, Newest: 2})
	for len(r.got()) < 2 {
		time.Sleep(time.Millisecond)
	}
	b.publish(21, 25)
	r.end(t, ids(19, 25))

	again := &reader{nc: b.nc, lately: newLately(), timeout: time.Second, opts: Options{Newest: 2}}
	var got []string
	again.each = func(rec Record) error { got = append(got, rec.ID); return nil }
	if err := again.seek(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.publish(26, 27)
	if err := again.catchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids(24, 27), got); diff != "" {
		t.Error(diff)
	}
}

func TestFollowSinceANewBeginning(t *testing.T) {
	b := newBus(t)
	b.publish(1, 3)
	start := time.Now()
	r := b.read(Options{Follow: true, Since: start})
	time.Sleep(20 * time.Millisecond)
	b.publish(4, 9)
	r.end(t, ids(4, 9))
}

// An analyzer that was killed publishes again what it is not sure of. The stream drops it, and so must a reader that sees
// it on the subject.
func TestARepeatedAlertIsShownOnce(t *testing.T) {
	b := newBus(t)
	b.publish(1, 3)
	r := b.read(Options{Follow: true})
	for len(r.got()) < 3 {
		time.Sleep(time.Millisecond)
	}
	b.publish(2, 3)
	b.publish(4, 4)
	r.end(t, ids(1, 4))
}

func TestABusThatRestartsLosesNoAlert(t *testing.T) {
	b := newBus(t)
	b.publish(1, 5)
	r := b.read(Options{Follow: true})
	for len(r.got()) < 5 {
		time.Sleep(time.Millisecond)
	}
	port := b.server.Addr().(*net.TCPAddr).Port
	b.server.Shutdown()
	b.server.WaitForShutdown()
	b.server = startServer(t, b.dir, port)
	b.publish(6, 9)
	r.end(t, ids(1, 9))
}

func TestAnAlertThatTheStreamLacksIsShownAfterAll(t *testing.T) {
	b := newBus(t)
	if err := b.js.DeleteStream(subject.AlertStream); err != nil {
		t.Fatal(err)
	}
	r := &reader{nc: connect(t, b.server), lately: newLately(), patience: 20 * time.Millisecond, timeout: time.Second}
	r.opts = Options{Follow: true, Host: "h1"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []Record
	r.each = func(rec Record) error {
		got = append(got, rec)
		return ErrStop
	}
	go func() {
		for ctx.Err() == nil {
			_ = b.nc.PublishMsg(message("a1"))
			time.Sleep(5 * time.Millisecond)
		}
	}()
	if err := r.read(ctx); !errors.Is(err, ErrStop) {
		t.Fatalf("got %v", err)
	}
	if len(got) != 1 || got[0].ID != "a1" || got[0].Sequence != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestAlertsThatLeftTheStreamAreCounted(t *testing.T) {
	b := newBus(t)
	b.publish(1, 10)
	nc := connect(t, b.server)
	r := &reader{nc: nc, lately: newLately(), timeout: time.Second, next: 1}
	var missed uint64
	r.opts.Missed = func(n uint64) { missed += n }
	count := 0
	r.each = func(Record) error { count++; return nil }
	if err := r.catchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.publish(11, 20)
	if err := b.js.PurgeStream(subject.AlertStream, &nats.StreamPurgeRequest{Sequence: 16}); err != nil {
		t.Fatal(err)
	}
	if err := r.catchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	if missed != 5 || count != 15 {
		t.Errorf("%d missed and %d delivered, want 5 and 15", missed, count)
	}
}

func TestStopAndFailureOfTheReceiver(t *testing.T) {
	b := newBus(t)
	b.publish(1, 5)
	n := 0
	err := Read(context.Background(), b.nc, Options{Follow: true}, func(Record) error {
		if n++; n == 2 {
			return ErrStop
		}
		return nil
	})
	if err != nil || n != 2 {
		t.Errorf("stopped after %d with %v", n, err)
	}
	broken := errors.New("broken pipe")
	if err := Read(context.Background(), b.nc, Options{}, func(Record) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestABusWithoutTheStream(t *testing.T) {
	s := startServer(t, t.TempDir(), server.RANDOM_PORT)
	err := Read(context.Background(), connect(t, s), Options{Newest: 1}, func(Record) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "no stream ALERTS") {
		t.Errorf("got %v", err)
	}
}

func TestKnownIDsAreBounded(t *testing.T) {
	l := newLately()
	for i := range 3 * maxKnown {
		l.delivered(fmt.Sprint(i))
	}
	if len(l.known) != maxKnown || len(l.order) != maxKnown {
		t.Errorf("%d ids and %d places are kept", len(l.known), len(l.order))
	}
	if _, ok := l.known[fmt.Sprint(3*maxKnown-1)]; !ok {
		t.Error("the newest id is not known")
	}
	for i := range 2 * maxExpected {
		l.see(message(fmt.Sprint("new", i)))
	}
	if len(l.expected) != maxExpected {
		t.Errorf("%d alerts are expected", len(l.expected))
	}
}
