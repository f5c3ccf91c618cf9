package bus

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/bus/access"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

func TestPayloadLimit(t *testing.T) {
	b := start(t, testOptions(t))
	collector, analyzer := b.as(t, access.Collector), b.as(t, access.Analyzer)
	events := subscribe(t, analyzer, subject.AllEvents(host))
	subj := subject.Events(host, pb.Class_CLASS_FILE)
	if err := collector.Publish(subj, make([]byte, access.MaxPayload)); err != nil {
		t.Fatal(err)
	}
	if m, err := events.NextMsg(5 * time.Second); err != nil || len(m.Data) != access.MaxPayload {
		t.Fatalf("the largest message: %v", err)
	}
	if err := collector.Publish(subj, make([]byte, access.MaxPayload+1)); !errors.Is(err, nats.ErrMaxPayload) {
		t.Errorf("too large, by the library: %v", err)
	}

	// Without the library's own check the bus refuses, before it has read the payload.
	conn, _ := rawDial(t, "unix", b.sockets[access.Collector])
	fmt.Fprintf(conn, "CONNECT {}\r\nPUB %s %d\r\n", subj, access.MaxPayload+1)
	if got, _ := io.ReadAll(conn); !strings.Contains(string(got), "Maximum Payload Violation") {
		t.Errorf("too large, raw: %q", got)
	}
	silent(t, events)
	publish(t, collector, subj, "others go on")
	receive(t, events, "others go on")
}

func TestSubscriptionLimit(t *testing.T) {
	b := start(t, testOptions(t))
	nc := b.as(t, access.Operator)
	for i := range 100 {
		if _, err := nc.SubscribeSync(fmt.Sprintf("%s.%d", access.Inbox(access.Operator), i)); err != nil {
			t.Fatal(err)
		}
	}
	nc.Flush()
	if err := nc.LastError(); !errors.Is(err, nats.ErrMaxSubscriptionsExceeded) {
		t.Errorf("error %v, want %v", err, nats.ErrMaxSubscriptionsExceeded)
	}
}

// A reader that takes nothing is closed; the analyzer and other readers do not wait for it.
func TestSlowReaderHurtsItself(t *testing.T) {
	t.Run("socket", func(t *testing.T) {
		t.Parallel()
		b := start(t, testOptions(t))
		conn, _ := rawDial(t, "unix", b.sockets[access.Reader])
		checkSlowReader(t, b, conn, "CONNECT {}")
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		b := start(t, testOptions(t))
		conn, connect := b.rawReader(t, "sloth")
		checkSlowReader(t, b, conn, connect)
	})
}

func checkSlowReader(t *testing.T, b *testBus, slow net.Conn, connect string) {
	fmt.Fprintf(slow, "%s\r\nSUB %s 1\r\nPING\r\n", connect, subject.AllAlerts(host))
	if got, err := readUntil(slow, "PONG\r\n"); err != nil {
		t.Fatal(got, err)
	}
	good := b.as(t, access.Reader)
	defer good.Close()
	alerts := subscribe(t, good, subject.AllAlerts(host))
	if err := alerts.SetPendingLimits(-1, -1); err != nil {
		t.Fatal(err)
	}
	analyzer := b.as(t, access.Analyzer)
	defer analyzer.Close()

	alert := make([]byte, 256<<10)
	const n = 160 // 40 MiB, more than sockets and server hold back
	for range n {
		if _, err := analyzer.Request(subject.Alerts(host, "high"), alert, 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		if _, err := alerts.NextMsg(5 * time.Second); err != nil {
			t.Fatalf("the other reader missed alert %d: %v", i, err)
		}
	}
	eventually(t, "the slow reader is closed", func() error {
		if in := readerGuests(b); len(in) != 1 {
			return fmt.Errorf("readers %q", in)
		}
		return nil
	})
}
