// Package bustest runs a bus for tests of the commands: a nats-server behind a Unix socket at its place in a layout, with
// the alert stream and without roles, so that a test can be every component at once and needs no root.
package bustest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/vedette/layout"
	"github.com/vedette-edr/vedette/vedette/link"
)

// Host is the host id of every test bus.
const Host = "testhost"

// T is the part of testing.TB that a Bus needs, and that a script can have as well.
type T interface {
	Helper()
	Cleanup(func())
	Error(args ...any)
	Fatal(args ...any)
}

// Bus is a running bus.
type Bus struct {
	// Prefix is what the commands get as --prefix.
	Prefix string
	// Conn may do everything.
	Conn *nats.Conn

	t      T
	server *server.Server
}

// Start runs a bus until the test ends.
func Start(t T) *Bus {
	t.Helper()
	// A path in t.TempDir can be longer than a socket address.
	prefix, err := os.MkdirTemp("", "vd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(prefix) })
	if err := os.Chmod(prefix, 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := layout.Under(prefix)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(l.BusRun, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(link.HostIDFile(l), []byte(Host+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: filepath.Join(prefix, "store"), NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	b := &Bus{Prefix: prefix, t: t, server: s}
	b.serve(l.Socket)
	if b.Conn, err = nats.Connect("", nats.InProcessServer(s)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Conn.Close)
	js, err := b.Conn.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AddStream(&nats.StreamConfig{
		Name: subject.AlertStream, Subjects: []string{subject.AllAlerts("*")}, AllowDirect: true,
	}); err != nil {
		t.Fatal(err)
	}
	return b
}

// serve bridges the socket to the server until the test ends.
func (b *Bus) serve(socket string) {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		b.t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			work.Go(func() { b.bridge(conn) })
		}
	})
	b.t.Cleanup(func() {
		listener.Close()
		work.Wait()
	})
}

func (b *Bus) bridge(conn net.Conn) {
	inside, err := b.server.InProcessConn()
	if err != nil {
		conn.Close()
		return
	}
	var both sync.WaitGroup
	pump := func(to, from net.Conn) {
		// Either end closing is the end of both.
		_, _ = io.Copy(to, from)
		to.Close()
		from.Close()
	}
	both.Go(func() { pump(inside, conn) })
	both.Go(func() { pump(conn, inside) })
	both.Wait()
}

// Publish sends one message and waits until the server has it.
func (b *Bus) Publish(subject string, data []byte) {
	b.t.Helper()
	if err := b.Conn.Publish(subject, data); err != nil {
		b.t.Error(err)
		return
	}
	if err := b.Conn.Flush(); err != nil {
		b.t.Error(err)
	}
}

// Alert stores one alert document of a severity.
func (b *Bus) Alert(severity, id string, document []byte) {
	b.t.Helper()
	m := nats.NewMsg(subject.Alerts(Host, severity))
	m.Header.Set(nats.MsgIdHdr, id)
	m.Data = document
	if err := b.store(m); err != nil {
		b.t.Error(err)
	}
}

func (b *Bus) store(m *nats.Msg) error {
	reply, err := b.Conn.RequestMsg(m, 10*time.Second)
	if err != nil {
		return fmt.Errorf("cannot store an alert: %w", err)
	}
	if len(reply.Data) == 0 {
		return errors.New("the stream did not confirm an alert")
	}
	return nil
}

// Subscribed reports whether some client listens to a subject that contains the text.
func (b *Bus) Subscribed(text string) bool {
	subs, err := b.server.Subsz(&server.SubszOptions{Subscriptions: true})
	if err != nil {
		b.t.Error(err)
		return false
	}
	return slices.ContainsFunc(subs.Subs, func(s server.SubDetail) bool { return strings.Contains(s.Subject, text) })
}
