package link

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/vedette-edr/vedette/bus"
	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/proto/peercred"
	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/vedette/alertlog"
	"github.com/vedette-edr/vedette/vedette/exit"
	"github.com/vedette-edr/vedette/vedette/layout"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testHost = "h1"

// realBus runs Vedette's own bus, where this test's user has the given role, or none.
type realBus struct {
	prefix string
	layout layout.Layout
	where  bus.Listening
}

func startBus(t *testing.T, role access.Role) *realBus {
	t.Helper()
	prefix, err := os.MkdirTemp("/tmp", "vd-link-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(prefix) })
	l, err := layout.Under(prefix)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(l.BusRun, 0o755), os.MkdirAll(l.BusState, 0o700)); err != nil {
		t.Fatal(err)
	}
	uids := map[uint32]access.Role{4294967294: access.Operator}
	if role != "" {
		uids[uint32(os.Geteuid())] = role
	}
	ctx, cancel := context.WithCancel(context.Background())
	started := make(chan bus.Listening, 1)
	done := make(chan error, 1)
	go func() {
		done <- bus.Run(ctx, bus.Options{
			Host: testHost, Socket: l.Socket, StoreDir: l.BusState, UIDs: uids, TLSListen: "127.0.0.1:0",
			Started: func(where bus.Listening) { started <- where },
		})
	}()
	t.Cleanup(cancel)
	select {
	case err := <-done:
		t.Fatal(err)
		return nil
	case where := <-started:
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return &realBus{prefix: prefix, layout: l, where: where}
	}
}

func TestAReaderReadsBackAndFollowsThroughTLS(t *testing.T) {
	b := startBus(t, access.Analyzer)
	creds := filepath.Join(t.TempDir(), "creds")
	if _, err := bus.AddReader(b.layout.BusState, creds, "siem"); err != nil {
		t.Fatal(err)
	}
	analyzer, err := nats.Connect("nats://vedette", nats.SetCustomDialer(&peercred.Dialer{Path: b.layout.Socket}),
		nats.SkipHostLookup(), nats.CustomInboxPrefix(access.Inbox(access.Analyzer)))
	if err != nil {
		t.Fatal(err)
	}
	defer analyzer.Close()
	publish := func(id string) {
		t.Helper()
		m := nats.NewMsg(subject.Alerts(testHost, "high"))
		m.Header.Set(nats.MsgIdHdr, id)
		m.Data = []byte(id)
		if _, err := analyzer.RequestMsg(m, 10*time.Second); err != nil {
			t.Error(err)
		}
	}
	for i := range 300 {
		publish(fmt.Sprint("a", i))
	}

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var l *Link
	// The bus takes a new key over within a second.
	for l == nil {
		if l, err = Open(ctx, Options{Server: "tls://" + b.where.TLS.String(), Creds: creds}); err != nil && ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	defer l.Conn.Close()
	var work sync.WaitGroup
	defer work.Wait()
	n := 0
	err = alertlog.Read(ctx, l.Conn, alertlog.Options{Host: l.Host, Follow: true}, func(rec alertlog.Record) error {
		if want := fmt.Sprint("a", n); rec.ID != want || string(rec.Data) != want || rec.Sequence == 0 {
			return fmt.Errorf("got alert %q with sequence %d, want %q", rec.ID, rec.Sequence, want)
		}
		if n++; n == 300 {
			work.Go(func() { publish("a300"); publish("a301") })
		}
		if n == 302 {
			return alertlog.ErrStop
		}
		return nil
	})
	if err != nil || n != 302 {
		t.Errorf("after %d alerts: %v", n, err)
	}

	if err := read(l, subject.AllEvents(testHost)); !errors.Is(err, nats.ErrPermissionViolation) || exit.Code(Refused(err)) != exit.Refused {
		t.Errorf("a reader that asks for events gets %v", err)
	}
}

// read waits for one message.
func read(l *Link, name string) error {
	sub, err := l.Conn.SubscribeSync(name)
	if err != nil {
		return err
	}
	_, err = sub.NextMsg(10 * time.Second)
	return err
}

func TestTheHealthOfARealBusIsSeen(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: another user does not ask for the operator's inbox")
	}
	b := startBus(t, access.Operator)
	l, err := Open(context.Background(), Options{Prefix: b.prefix, HostID: testHost})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Conn.Close()
	if err := read(l, subject.Health(testHost, subject.Bus)); err != nil {
		t.Error(err)
	}
	n := 0
	if err := alertlog.Read(context.Background(), l.Conn, alertlog.Options{Newest: 5}, func(alertlog.Record) error { n++; return nil }); err != nil || n != 0 {
		t.Errorf("an empty stream gives %d alerts, %v", n, err)
	}
}

func TestAUserWithoutARoleIsTold(t *testing.T) {
	b := startBus(t, "")
	_, err := Open(context.Background(), Options{Prefix: b.prefix, HostID: testHost})
	if err == nil || exit.Code(err) != exit.Refused || !strings.Contains(err.Error(), "uid.reader of bus.conf") {
		t.Errorf("got %v", err)
	}
}

func TestASquatterIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give a directory away")
	}
	b := startBus(t, access.Operator)
	if err := os.Chown(b.layout.BusRun, 64001, 64000); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), Options{Prefix: b.prefix, HostID: testHost})
	if err == nil || !strings.Contains(err.Error(), "uid 0 runs it, expected one of [64001]") {
		t.Errorf("got %v", err)
	}
}

func TestHostID(t *testing.T) {
	l, err := layout.Under(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if id, err := HostID(l, "given"); id != "given" || err != nil {
		t.Errorf("got %q, %v", id, err)
	}
	if err := os.MkdirAll(l.Run, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(HostIDFile(l), []byte("noted\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if id, err := HostID(l, ""); id != "noted" || err != nil {
		t.Errorf("got %q, %v", id, err)
	}
	if _, err := HostID(l, "a.b"); exit.Code(err) != exit.Refused {
		t.Errorf("a bad id gives %v", err)
	}
}

func TestSeedFile(t *testing.T) {
	dir := t.TempDir()
	f := func(path, want, failure string) {
		t.Helper()
		got, err := seedFile(path)
		if got != want || (err == nil) != (failure == "") || err != nil && !strings.Contains(err.Error(), failure) {
			t.Errorf("seedFile(%q) = %q, %v", path, got, err)
		}
	}
	f(dir, "", "0 files")
	f(dir+"/absent", "", "cannot find the credentials")
	one := filepath.Join(dir, "one.nk")
	if err := os.WriteFile(one, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f(dir, one, "")
	f(one, one, "")
	if err := os.WriteFile(filepath.Join(dir, "two.nk"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f(dir, "", "2 files")
}
