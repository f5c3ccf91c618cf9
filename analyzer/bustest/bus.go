// Package bustest runs a bus for tests: an in-process nats-server with the stream of alerts, which can be stopped and
// started again at the same address with the same store.
package bustest

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette-edr/vedette/proto/subject"
)

// Bus is a server and its address.
type Bus struct {
	tb     testing.TB
	dir    string
	port   int
	server *server.Server
}

// New starts a bus that ends with the test.
func New(tb testing.TB) *Bus {
	tb.Helper()
	b := &Bus{tb: tb, dir: tb.TempDir(), port: server.RANDOM_PORT}
	b.Start()
	b.port = b.server.Addr().(*net.TCPAddr).Port
	b.createStream()
	tb.Cleanup(b.Stop)
	return b
}

// Start starts the server again after Stop.
func (b *Bus) Start() {
	b.tb.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: b.port, JetStream: true, StoreDir: b.dir, NoLog: true, NoSigs: true,
	})
	if err != nil {
		b.tb.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		b.tb.Fatal("the bus does not start")
	}
	b.server = s
}

// Stop ends the server. Stopping twice is harmless.
func (b *Bus) Stop() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// Connect connects as a role; the connection ends with the test.
func (b *Bus) Connect(role string, opts ...nats.Option) *nats.Conn {
	b.tb.Helper()
	opts = append([]nats.Option{
		nats.CustomInboxPrefix("_INBOX_" + role), nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond),
		nats.ReconnectJitter(0, 0), nats.ReconnectBufSize(-1), nats.RetryOnFailedConnect(true),
		// The default handler writes to the standard error of the test.
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}, opts...)
	nc, err := nats.Connect("nats://"+b.Address(), opts...)
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(nc.Close)
	return nc
}

// Dial connects to the server whatever the arguments say, as nats.CustomDialer.
func (b *Bus) Dial(_, _ string) (net.Conn, error) { return net.Dial("tcp", b.Address()) }

// Address is where the server listens, also while it is stopped.
func (b *Bus) Address() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }

func (b *Bus) createStream() {
	b.tb.Helper()
	_, err := b.jetstream().CreateStream(context.Background(), jetstream.StreamConfig{
		Name: subject.AlertStream, Subjects: []string{subject.AllAlerts("*")}, Storage: jetstream.FileStorage,
		AllowDirect: true, Duplicates: 10 * time.Minute,
	})
	if err != nil {
		b.tb.Fatal(err)
	}
}

func (b *Bus) jetstream() jetstream.JetStream {
	b.tb.Helper()
	js, err := jetstream.New(b.Connect("operator"))
	if err != nil {
		b.tb.Fatal(err)
	}
	return js
}

// DeleteStream removes the stream of alerts, as an operator's mistake does. CreateStream brings it back empty.
func (b *Bus) DeleteStream() {
	b.tb.Helper()
	if err := b.jetstream().DeleteStream(context.Background(), subject.AlertStream); err != nil {
		b.tb.Fatal(err)
	}
}

// CreateStream makes the stream of alerts.
func (b *Bus) CreateStream() { b.createStream() }

// Alerts reads everything that the stream of alerts holds.
func (b *Bus) Alerts() []*jetstream.RawStreamMsg {
	b.tb.Helper()
	ctx := context.Background()
	stream, err := b.jetstream().Stream(ctx, subject.AlertStream)
	if err != nil {
		b.tb.Fatal(err)
	}
	info := stream.CachedInfo()
	var out []*jetstream.RawStreamMsg
	for n := info.State.FirstSeq; n <= info.State.LastSeq && n > 0; n++ {
		m, err := stream.GetMsg(ctx, n)
		if err != nil {
			b.tb.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}
