package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/bus/access"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// Users of the tests that act as somebody else; none of them needs to exist.
const (
	collectorUID = 61001
	analyzerUID  = 61002
	strangerUID  = 61003
)

func TestTheKernelSaysWhoIsCalling(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.UIDs = map[uint32]access.Role{collectorUID: access.Collector, analyzerUID: access.Analyzer}
	b := start(t, o)
	f := func(uid uint32, want string) {
		t.Helper()
		got := play(t, actor(t, uid, actConnect, b.where.Socket, "collector"))
		if !strings.Contains(got, want) {
			t.Errorf("uid %d: %q, want %q", uid, got, want)
		}
	}
	f(collectorUID, "in as collector\n")
	f(analyzerUID, "in as analyzer\n")
	f(strangerUID, "uid 61003 has no role on this bus")
	f(0, "uid 0 has no role on this bus")
	if n := b.door.Refused()[strangerUID]; n == 0 {
		t.Error("the refused connection was not counted")
	}
}

// Whatever a client says of itself, its role stays that of its user.
func TestCredentialsOfClientsAreIgnored(t *testing.T) {
	b := start(t, testOptions(t))
	for what, opt := range map[string]nats.Option{
		"password": nats.UserInfo(b.logins.Operator.User, b.logins.Operator.Password),
		"token":    nats.Token(b.logins.Operator.Password),
	} {
		nc := b.as(t, access.Collector, opt)
		checkPermission(t, nc, "collector with "+what, subject.AllEvents(host), "-")
		checkPermission(t, nc, "collector with "+what, subject.Events(host, pb.Class_CLASS_PROCESS), "p")
	}
}

func TestFirstLineMustBeConnect(t *testing.T) {
	t.Parallel()
	b := start(t, testOptions(t))
	f := func(line, want string) {
		t.Helper()
		conn, greeting := rawDial(t, "unix", b.sockets[access.Collector])
		if !strings.HasPrefix(greeting, "INFO {") || strings.Contains(greeting, "nonce") || strings.Contains(greeting, "connect_urls") {
			t.Errorf("greeting %q", greeting)
		}
		if _, err := io.WriteString(conn, line); err != nil {
			t.Fatal(err)
		}
		// What the bus has not read may make the kernel report a reset, behind the bus's last words.
		got, err := io.ReadAll(conn)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) || !strings.Contains(string(got), want) {
			t.Errorf("after %.30q: %q, %v; want %q", line, got, err, want)
		}
	}
	f("PUB vedette.v1.h1.events.process 1\r\nx\r\n", "-ERR 'a client must begin with CONNECT")
	f("PING\r\n", "-ERR 'a client must begin with CONNECT")
	f("CONNECT {\r\n", "-ERR 'cannot decode CONNECT")
	f("CONNECT []\r\n", "-ERR 'cannot decode CONNECT")
	f("CONNECT {\"name\":\""+strings.Repeat("x", 8<<10)+"\"}\r\n", "-ERR 'no CONNECT came: the first line is longer than 4096 bytes'")
	f("CONNECT {}", "-ERR 'no CONNECT came")
}

// A client without a library, from CONNECT to a message, in one write.
func TestRawClient(t *testing.T) {
	b := start(t, testOptions(t))
	events := subscribe(t, b.as(t, access.Analyzer), subject.AllEvents(host))
	conn, _ := rawDial(t, "unix", b.sockets[access.Collector])
	line := "connect {\"verbose\":false,\"pass\":\"x\",\"USER\":\"operator\"}\r\n" +
		"PUB vedette.v1.h1.events.process 5\r\nhello\r\nPING\r\n"
	if _, err := io.WriteString(conn, line); err != nil {
		t.Fatal(err)
	}
	if got, err := readUntil(conn, "PONG\r\n"); err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	receive(t, events, "hello")

	// A client that only shuts down its sending side has said everything: it is processed and the bus hangs up.
	if _, err := io.WriteString(conn, "PUB vedette.v1.h1.events.process 3\r\nbye\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(conn); err != nil {
		t.Errorf("after half-close: %q, %v", rest, err)
	}
	receive(t, events, "bye")
	eventually(t, "the guest is forgotten", func() error {
		if n := len(b.door.Guests()); n != 1 {
			return fmt.Errorf("%d guests, want the analyzer alone", n)
		}
		return nil
	})
}

// 500 connections at a time by another user keep nobody else out.
func TestFloodHurtsItsAuthor(t *testing.T) {
	for _, flooder := range []struct {
		name string
		uid  uint32
	}{{"stranger", strangerUID}, {"analyzer", analyzerUID}} {
		t.Run(flooder.name, func(t *testing.T) {
			o := testOptions(t)
			o.UIDs = map[uint32]access.Role{uint32(os.Getuid()): access.Collector, analyzerUID: access.Analyzer}
			b := start(t, o)
			flood := actor(t, flooder.uid, actFlood, "unix", b.where.Socket)
			stop := run(t, flood)
			defer stop()
			// New connections of the collector, while the flood goes on.
			for range 10 {
				began := time.Now()
				nc, err := connectUnix(b.where.Socket, access.Collector)
				if err != nil {
					t.Fatal(err)
				}
				nc.Close()
				if took := time.Since(began); took > time.Second {
					t.Errorf("the collector needed %s to connect", took)
				}
			}
			eventually(t, "refusals are counted", func() error {
				if n := b.door.Refused()[flooder.uid]; n < 100 {
					return fmt.Errorf("%d refused", n)
				}
				return nil
			})
		})
	}
}

// run starts an actor, waits for its first line, and returns what ends it.
func run(t *testing.T, cmd *exec.Cmd) (stop func()) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 100)); err != nil {
		t.Errorf("the actor said nothing: %v", err)
	}
	return func() {
		stdin.Close()
		cmd.Wait()
	}
}

// A role has a limit of connections, and says so; the next user is not concerned.
func TestTooManyConnections(t *testing.T) {
	b := start(t, testOptions(t))
	var last error
	for range 40 {
		nc, err := connectUnix(b.sockets[access.Operator], access.Operator)
		if err != nil {
			last = err
			break
		}
		defer nc.Close()
	}
	if last == nil || !strings.Contains(last.Error(), "has 32 connections already") {
		t.Errorf("error %v, want one about the limit", last)
	}
}

// Readers on the socket take seats like any other.
func TestReaderSeats(t *testing.T) {
	o := testOptions(t)
	o.ReaderSeats = 2
	b := start(t, o)
	b.as(t, access.Reader)
	second := b.as(t, access.Reader)
	_, err := connectUnix(b.sockets[access.Reader], access.Reader)
	if err == nil || !strings.Contains(err.Error(), "all 2 reader seats are taken") {
		t.Errorf("third reader: %v", err)
	}
	second.Close()
	eventually(t, "the seat is free again", func() error {
		nc, err := connectUnix(b.sockets[access.Reader], access.Reader)
		if err == nil {
			nc.Close()
		}
		return err
	})
}

func TestStartIsRefusedWithTheRemedy(t *testing.T) {
	f := func(want string, change func(o *Options)) {
		t.Helper()
		o := testOptions(t)
		change(&o)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err := Run(ctx, o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	running := start(t, testOptions(t))

	f("another bus is listening on", func(o *Options) { o.Socket = running.opts.Socket })
	f("another bus uses the store", func(o *Options) { o.StoreDir = running.opts.StoreDir })
	f("choose a free one with --tls-listen", func(o *Options) { o.TLSListen = running.where.TLS.String() })
	f("choose another with --tls-listen", func(o *Options) { o.TLSListen = "192.0.2.1:4222" })
	f("must exist and belong to the user of the bus", func(o *Options) { o.StoreDir += "/absent" })
	f("its directory must exist", func(o *Options) { o.Socket = filepath.Join(o.StoreDir, "absent", "s") })
	f("use a shorter one", func(o *Options) { o.Socket = filepath.Join(o.StoreDir, strings.Repeat("x", 100)) })
	f("is not a socket, remove it or use --socket", func(o *Options) {
		if err := os.WriteFile(o.Socket, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	f("host id", func(o *Options) { o.Host = "a.b" })
	f("host id", func(o *Options) { o.Host = "" })
	f("must be absolute", func(o *Options) { o.Socket = "bus.sock" })
	f("only printable ASCII", func(o *Options) { o.StoreDir += "\n" })
	f("unknown role", func(o *Options) { o.UIDs = map[uint32]access.Role{7: "root"} })
	f("the server's own", func(o *Options) { o.UIDs = map[uint32]access.Role{7: access.Bus} })
	f("must be host:port", func(o *Options) { o.TLSListen = "4222" })
	f("alerts must be kept", func(o *Options) { o.AlertsMaxAge = -1 })
	f("can have 8 MiB to 512 GiB", func(o *Options) { o.AlertsMaxBytes = 1 })
	f("reader seats", func(o *Options) { o.ReaderSeats = 1000 })
}

// A bus that was killed leaves its socket; the next one takes its place. A bus that ends cleans up.
func TestStaleSocket(t *testing.T) {
	o := testOptions(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: o.Socket})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		o.Started = func(Listening) {
			if info, err := os.Stat(o.Socket); err != nil || info.Mode().Perm() != 0o666 {
				t.Errorf("socket: %v, %v", info, err)
			}
			cancel()
		}
		if err := Run(ctx, o); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(o.Socket); err == nil {
			t.Error("the socket is still there")
		}
	}
}

// A client outlives the bus: it reconnects to the next one and finds its subscriptions again.
func TestReconnectAfterRestart(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.UIDs = map[uint32]access.Role{uint32(os.Getuid()): access.Operator}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	up := make(chan Listening, 1)
	o.Started = func(l Listening) { up <- l }
	go func() { done <- Run(ctx, o) }()
	<-up
	reconnected := make(chan struct{}, 1)
	nc, err := connectUnix(o.Socket, access.Operator, nats.ReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	health := subscribe(t, nc, subject.Health(host, subject.Bus))
	first := nextHealth(t, health).Instance
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	go func() { done <- Run(ctx, o) }()
	<-up
	<-reconnected
	for nextHealth(t, health).Instance == first {
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func nextHealth(t *testing.T, sub *nats.Subscription) *pb.Health {
	t.Helper()
	m, err := sub.NextMsg(5 * time.Second)
	if err != nil {
		t.Fatalf("no health: %v", err)
	}
	h := new(pb.Health)
	if err := h.UnmarshalVTUnsafe(m.Data); err != nil {
		t.Fatal(err)
	}
	return h
}
