package link

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The server's own goroutines take a moment to end; goleak waits for them.
	goleak.VerifyTestMain(m)
}

// pair returns the two ends of a Unix socket connection.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if near, err = net.Dial("unix", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func wantSignal(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("timed out waiting for %s", what)
	}
}

func TestWriteNeverWaitsAndKeepsOrder(t *testing.T) {
	f := func(name string, near, far net.Conn) {
		t.Run(name, func(t *testing.T) {
			var writers sync.WaitGroup
			drained := make(chan struct{}, 1)
			c := newConn(near, &writers, func() { drained <- struct{}{} })
			defer writers.Wait()
			defer c.Close()

			// Four megabytes are far more than a socket holds, and nobody reads yet.
			var want bytes.Buffer
			done := make(chan error, 1)
			go func() {
				for i := range 128 {
					p := bytes.Repeat([]byte(fmt.Sprintf("%07d\n", i)), 4096)
					want.Write(p)
					if n, err := c.Write(p); n != len(p) || err != nil {
						done <- fmt.Errorf("write %d: %d, %w", i, n, err)
						return
					}
				}
				done <- nil
			}()
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("Write waits for the reader")
			}
			if c.ready() {
				t.Error("a connection with a queue calls itself ready")
			}
			got := make([]byte, want.Len())
			if _, err := io.ReadFull(far, got); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want.Bytes()) {
				t.Error("the bytes came out in another order")
			}
			wantSignal(t, drained, "the queue to empty")
			if !c.ready() {
				t.Error("the connection is not ready again")
			}
			if _, err := c.Write([]byte("after")); err != nil {
				t.Error(err)
			}
			if _, err := io.ReadFull(far, got[:5]); err != nil || string(got[:5]) != "after" {
				t.Errorf("read %q, %v", got[:5], err)
			}
		})
	}
	near, far := pair(t)
	f("unix socket", near, far)
	near, far = net.Pipe()
	defer far.Close()
	f("pipe", near, far)
}

func TestWriteFailsOnceTheQueueIsFull(t *testing.T) {
	near, _ := pair(t)
	var writers sync.WaitGroup
	c := newConn(near, &writers, func() {})
	defer writers.Wait()
	defer c.Close()
	p := make([]byte, 1<<20)
	var err error
	for i := 0; err == nil && i < 64; i++ {
		_, err = c.Write(p)
	}
	if !errors.Is(err, errQueueFull) {
		t.Errorf("64 MiB went into the queue: %v", err)
	}
	if c.ready() {
		t.Error("a connection that was given up calls itself ready")
	}
}

func TestConnGoesDown(t *testing.T) {
	f := func(name string, breakIt func(c *conn, far net.Conn)) {
		t.Run(name, func(t *testing.T) {
			near, far := pair(t)
			var writers sync.WaitGroup
			c := newConn(near, &writers, func() {})
			defer writers.Wait()
			breakIt(c, far)
			if c.ready() {
				t.Error("the connection still calls itself ready")
			}
			c.Close()
			if _, err := c.Write([]byte("x")); err == nil {
				t.Error("a closed connection takes bytes")
			}
		})
	}
	f("by closing", func(c *conn, _ net.Conn) { c.Close() })
	f("when a read ends", func(c *conn, far net.Conn) {
		far.Close()
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("the read gave no error")
		}
	})
	f("when a write fails", func(c *conn, far net.Conn) {
		far.Close()
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("the write gave no error")
		}
	})
}

// bus is a nats-server that can go and come back; it is its own dialer.
type bus struct {
	t   *testing.T
	mu  sync.Mutex
	srv *server.Server
}

func (b *bus) start(opts server.Options) {
	b.t.Helper()
	opts.Host, opts.Port, opts.NoLog, opts.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, true
	srv, err := server.NewServer(&opts)
	if err != nil {
		b.t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		b.t.Fatal("the server does not start")
	}
	b.mu.Lock()
	b.srv = srv
	b.mu.Unlock()
}

func (b *bus) stop() {
	b.mu.Lock()
	srv := b.srv
	b.srv = nil
	b.mu.Unlock()
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
}

func (b *bus) Dial(string, string) (net.Conn, error) {
	b.mu.Lock()
	srv := b.srv
	b.mu.Unlock()
	if srv == nil {
		return nil, errors.New("the bus is away")
	}
	return net.Dial("tcp", srv.Addr().String())
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting for %s", what)
		}
	}
}

func TestSessions(t *testing.T) {
	b := &bus{t: t}
	l, err := Connect(Options{Dialer: b, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Session() != 0 {
		t.Error("a session without a bus")
	}
	if err := l.Publish("a", nil); !errors.Is(err, nats.ErrReconnectBufExceeded) {
		t.Errorf("publishing without a bus: %v", err)
	}

	messages := make(chan *nats.Msg, 16)
	sub, err := l.Subscribe("control", messages)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sub.Unsubscribe(); err != nil {
			t.Error(err)
		}
	}()
	for id := uint64(1); id <= 3; id++ {
		b.start(server.Options{})
		wantSignal(t, l.Changed(), "a session")
		if got := l.Session(); got != id {
			t.Errorf("session %d, want %d", got, id)
		}
		if err := l.Publish("control", []byte("hello")); err != nil {
			t.Error(err)
		}
		select {
		case m := <-messages:
			if string(m.Data) != "hello" {
				t.Errorf("got %q", m.Data)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the subscription is dead")
		}
		b.stop()
		waitFor(t, "the session to end", func() bool { return l.Session() == 0 })
		if err := l.Publish("control", []byte("lost")); err == nil {
			t.Error("publishing without a bus gave no error")
		}
	}
}

func TestSizeThatTheBusRefusesIsKnown(t *testing.T) {
	b := &bus{t: t}
	b.start(server.Options{MaxPayload: 1000})
	defer b.stop()
	l, err := Connect(Options{Dialer: b, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wantSignal(t, l.Changed(), "a session")
	if err := l.Publish("a", make([]byte, 1001)); !errors.Is(err, nats.ErrMaxPayload) || !strings.Contains(err.Error(), `1001 bytes on "a"`) {
		t.Errorf("publishing too much: %v", err)
	}
	if err := l.Publish("a", make([]byte, 1000)); err != nil {
		t.Error(err)
	}
	if err := l.Flush(10 * time.Second); err != nil {
		t.Error(err)
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	b := &bus{t: t}
	b.start(server.Options{Users: []*server.User{{
		Username: "u", Password: "p",
		Permissions: &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{"allowed"}}},
	}}, NoAuthUser: "u"})
	defer b.stop()
	l, err := Connect(Options{Dialer: b, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wantSignal(t, l.Changed(), "a session")
	if err := l.Publish("forbidden", nil); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the refusal", func() bool { return l.Refused() == 1 })
	if l.Session() == 0 {
		t.Error("a refusal ended the session")
	}
}

// A bus that stops reading must not stop the publisher, and the session must say so.
func TestStuckBusDoesNotStopThePublisher(t *testing.T) {
	b := &bus{t: t}
	b.start(server.Options{})
	defer b.stop()
	gate := &gate{inner: b}
	l, err := Connect(Options{Dialer: gate, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wantSignal(t, l.Changed(), "a session")
	gate.hold()
	defer gate.release()

	start := time.Now()
	sent := 0
	for l.Session() != 0 && sent < 1000 {
		if err := l.Publish("a", make([]byte, 100<<10)); err != nil {
			t.Fatal(err)
		}
		sent++
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("publishing to a stuck bus took %s", took)
	}
	if sent == 1000 {
		t.Error("100 MB went to a bus that does not read")
	}
	gate.release()
	waitFor(t, "the session to go on", func() bool { return l.Session() == 1 })
}

// gate forwards between the link and the server and can stop reading from the link.
type gate struct {
	inner nats.CustomDialer
	held  sync.Mutex
	once  sync.Once
}

func (g *gate) hold()    { g.held.Lock() }
func (g *gate) release() { g.once.Do(g.held.Unlock) }

func (g *gate) Dial(network, address string) (net.Conn, error) {
	out, err := g.inner.Dial(network, address)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	near, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		return nil, err
	}
	far, err := ln.Accept()
	if err != nil {
		return nil, err
	}
	go func() {
		defer far.Close()
		io.Copy(far, out)
	}()
	go func() {
		defer out.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := far.Read(buf)
			if err != nil {
				return
			}
			g.held.Lock()
			_, err = out.Write(buf[:n])
			g.held.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return near, nil
}

func TestConnectNeedsADialer(t *testing.T) {
	if _, err := Connect(Options{}); err == nil {
		t.Error("Connect without a dialer gave no error")
	}
}
