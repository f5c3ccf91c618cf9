package bus

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/bus/door"
	"github.com/vedette-edr/vedette/proto/peercred"
)

const (
	host  = "h1"
	other = "h2"
)

func TestMain(m *testing.M) {
	if act := os.Getenv(actVariable); act != "" {
		os.Exit(runActor(act))
	}
	goleak.VerifyTestMain(m)
}

// testBus is a bus in this process, with one more socket for each role: the test process has only one uid, so each socket
// gives that uid another role.
type testBus struct {
	*bus
	ctx     context.Context
	sockets map[access.Role]string
	where   Listening
	log     *logBuffer
}

// logBuffer keeps what the bus logs, for tests of what a user is told.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// openDir is a directory that other users may enter, unlike t.TempDir.
func openDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vedette-bus-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func testOptions(t testing.TB) Options {
	dir := openDir(t)
	store := filepath.Join(dir, "store")
	if err := os.Mkdir(store, 0o700); err != nil {
		t.Fatal(err)
	}
	return Options{
		Host:       host,
		Socket:     filepath.Join(dir, "bus.sock"),
		SocketMode: 0o666,
		StoreDir:   store,
		TLSListen:  "127.0.0.1:0",
	}
}

// start runs a bus until the test ends.
func start(t testing.TB, o Options) *testBus {
	t.Helper()
	b := &testBus{sockets: make(map[access.Role]string), log: &logBuffer{}}
	log := zerolog.New(b.log)
	o.Log = &log
	up := make(chan Listening, 1)
	o.Started = func(l Listening) { up <- l }
	ctx, cancel := context.WithCancel(t.Context())
	b.ctx = ctx
	opened, err := open(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	b.bus = opened
	var work sync.WaitGroup
	work.Go(func() {
		if err := opened.serve(ctx); err != nil {
			t.Errorf("bus: %v", err)
		}
	})
	for _, role := range []access.Role{access.Collector, access.Analyzer, access.Operator, access.Reader} {
		path := filepath.Join(filepath.Dir(o.Socket), string(role))
		l, err := door.ListenUnix(path, 0o666)
		if err != nil {
			t.Error(err)
			continue
		}
		b.sockets[role] = path
		work.Go(func() {
			defer l.Close()
			opened.door.ServeUnix(ctx, l.UnixListener, map[uint32]access.Role{uint32(os.Getuid()): role})
		})
	}
	t.Cleanup(func() {
		cancel()
		work.Wait()
		opened.close()
	})
	b.where = <-up
	return b
}

// as connects in a role, through the Unix socket.
func (b *testBus) as(t testing.TB, role access.Role, opts ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := connectUnix(b.sockets[role], role, opts...)
	if err != nil {
		t.Fatalf("%s: %v", role, err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func connectUnix(path string, role access.Role, opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect("nats://vedette", append([]nats.Option{
		nats.SetCustomDialer(&peercred.Dialer{Path: path}), nats.SkipHostLookup(),
		nats.CustomInboxPrefix(access.Inbox(role)),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
		nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond), nats.ReconnectJitter(0, 0),
	}, opts...)...)
}

// newReader makes a key and returns what a stock client needs to use it.
func (b *testBus) newReader(t testing.TB, name string) (Reader, []nats.Option) {
	t.Helper()
	r, err := AddReader(b.opts.StoreDir, filepath.Join(t.TempDir(), "out"), name)
	if err != nil {
		t.Fatal(err)
	}
	nkey, err := nats.NkeyOptionFromSeed(r.SeedFile)
	if err != nil {
		t.Fatal(err)
	}
	return r, []nats.Option{
		nats.RootCAs(r.CAFile), nkey, nats.CustomInboxPrefix(access.Inbox(access.Reader)),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
		nats.ReconnectWait(20 * time.Millisecond), nats.ReconnectJitter(0, 0), nats.MaxReconnects(-1),
	}
}

func (b *testBus) url() string { return "tls://" + b.where.TLS.String() }

// asReader connects with a new key through TLS.
func (b *testBus) asReader(t testing.TB, name string) *nats.Conn {
	t.Helper()
	_, opts := b.newReader(t, name)
	nc, err := nats.Connect(b.url(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// eventually waits until f succeeds.
func eventually(t testing.TB, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// subscribe returns a subscription that the server knows of.
func subscribe(t testing.TB, nc *nats.Conn, subject string) *nats.Subscription {
	t.Helper()
	sub, err := nc.SubscribeSync(subject)
	if err == nil {
		err = nc.FlushTimeout(5 * time.Second)
	}
	if err != nil {
		t.Fatalf("subscribe %s: %v", subject, err)
	}
	if last := nc.LastError(); last != nil {
		t.Fatalf("subscribe %s: %v", subject, last)
	}
	return sub
}

func receive(t testing.TB, sub *nats.Subscription, want string) *nats.Msg {
	t.Helper()
	m, err := sub.NextMsg(5 * time.Second)
	if err != nil || string(m.Data) != want {
		t.Fatalf("on %s: got %v, %v; want %q", sub.Subject, m, err, want)
	}
	return m
}

// silent checks that nothing has come; what could have caused a message must have been flushed before.
func silent(t testing.TB, sub *nats.Subscription) {
	t.Helper()
	if m, err := sub.NextMsg(100 * time.Millisecond); err == nil {
		t.Errorf("%s received %q with reply %q: %q", sub.Subject, m.Subject, m.Reply, m.Data)
	}
}

func publish(t testing.TB, nc *nats.Conn, subject, body string) {
	t.Helper()
	if err := nc.Publish(subject, []byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := nc.FlushTimeout(5 * time.Second); err != nil {
		t.Fatal(err)
	}
}

func isUnknownAuthority(err error) bool {
	var unknown x509.UnknownAuthorityError
	return errors.As(err, &unknown)
}

// rawDial speaks to a listener without a NATS client, and returns the greeting.
func rawDial(t testing.TB, network, address string) (net.Conn, string) {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	line, err := readUntil(conn, "\n")
	if err != nil {
		t.Fatal(err)
	}
	return conn, line
}

func readUntil(conn net.Conn, end string) (string, error) {
	var got strings.Builder
	one := make([]byte, 1)
	for !strings.HasSuffix(got.String(), end) {
		if _, err := conn.Read(one); err != nil {
			return got.String(), fmt.Errorf("after %q: %w", got.String(), err)
		}
		got.WriteByte(one[0])
	}
	return got.String(), nil
}
