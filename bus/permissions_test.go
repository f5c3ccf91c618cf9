package bus

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/bus/access"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// permissionTable says what each role may do with each subject: p publish, s subscribe. It is written by hand, so that a
// change of package access that opens something shows here.
const permissionTable = `
SUBJECT                                  collector analyzer operator reader
vedette.v1.h1.events.process             p         s        s        -
vedette.v1.h1.events.file                p         s        s        -
vedette.v1.h1.events.>                   p         s        s        -
vedette.v1.h2.events.process             -         -        -        -
vedette.v1.*.events.>                    -         -        -        -
vedette.v1.h1.alerts.high                -         p        s        s
vedette.v1.h1.alerts.>                   -         p        s        s
vedette.v1.*.alerts.>                    -         -        -        s
vedette.v1.h2.alerts.high                -         -        -        s
vedette.v1.h1.health.collector           p         -        s        -
vedette.v1.h1.health.analyzer            -         p        s        -
vedette.v1.h1.health.bus                 -         -        s        -
vedette.v1.h1.health.>                   -         -        s        -
vedette.v1.h2.health.collector           -         -        -        -
vedette.v1.h1.control.ack                s         p        s        -
vedette.v1.h1.control.resume             s         p        s        -
vedette.v1.h1.control.fetch              s         p        s        -
vedette.v1.h1.control.seed               s         -        ps       -
vedette.v1.h1.control.other              s         -        s        -
vedette.v1.h1.control.>                  s         p        s        -
vedette.v1.h2.control.seed               -         -        -        -
vedette.v1.h2.control.ack                -         -        -        -
vedette.v1.rules.stable                  -         -        -        -
$JS.API.STREAM.INFO.ALERTS               -         p        p        -
_ALERTS.INFO                             -         p        p        -
$JS.API.DIRECT.GET.ALERTS                -         -        p        p
$JS.API.DIRECT.GET.ALERTS.x              -         -        p        p
$JS.API.STREAM.MSG.GET.ALERTS            -         -        -        -
$JS.API.STREAM.MSG.DELETE.ALERTS         -         -        -        -
$JS.API.STREAM.CREATE.ALERTS             -         -        -        -
$JS.API.STREAM.UPDATE.ALERTS             -         -        -        -
$JS.API.STREAM.DELETE.ALERTS             -         -        -        -
$JS.API.STREAM.PURGE.ALERTS              -         -        -        -
$JS.API.STREAM.SNAPSHOT.ALERTS           -         -        -        -
$JS.API.STREAM.RESTORE.ALERTS            -         -        -        -
$JS.API.STREAM.CREATE.OTHER              -         -        -        -
$JS.API.STREAM.NAMES                     -         -        -        -
$JS.API.CONSUMER.CREATE.ALERTS           -         -        -        -
$JS.API.CONSUMER.CREATE.ALERTS.c         -         -        -        -
$JS.API.INFO                             -         -        -        -
$JS.API.>                                -         -        -        -
$JS.ACK.ALERTS.c.1.1.1.1.1               -         -        -        -
$SYS.REQ.SERVER.PING                     -         -        -        -
$SYS.REQ.USER.INFO                       -         -        -        -
$SYS.>                                   -         -        -        -
_R_.x.y                                  -         -        -        -
_INBOX.x                                 -         -        -        -
_INBOX_collector.x                       -         -        -        -
_INBOX_analyzer.x                        -         s        -        -
_INBOX_analyzer.>                        -         s        -        -
_INBOX_operator.x                        -         -        s        -
_INBOX_reader.x                          -         -        -        s
_INBOX_bus.x                             -         -        -        -
other                                    -         -        -        -
*                                        -         -        -        -
>                                        -         -        -        -
`

func TestPermissions(t *testing.T) {
	b := start(t, testOptions(t))
	checkPermissions(t, func(t *testing.T, r access.Role) *nats.Conn { return b.as(t, r) })
}

// A reader with a key has the rights of a reader on the socket.
func TestPermissionsThroughTLS(t *testing.T) {
	b := start(t, testOptions(t))
	lines := strings.Split(strings.TrimSpace(permissionTable), "\n")
	nc := b.asReader(t, "alice")
	for _, line := range lines[1:] {
		fields := strings.Fields(line)
		checkPermission(t, nc, "reader through TLS", fields[0], fields[4])
	}
}

func checkPermissions(t *testing.T, connect func(*testing.T, access.Role) *nats.Conn) {
	lines := strings.Split(strings.TrimSpace(permissionTable), "\n")
	roles := strings.Fields(lines[0])[1:]
	for column, role := range roles {
		t.Run(role, func(t *testing.T) {
			nc := connect(t, access.Role(role))
			for _, line := range lines[1:] {
				fields := strings.Fields(line)
				checkPermission(t, nc, role, fields[0], fields[column+1])
			}
		})
	}
}

func checkPermission(t *testing.T, nc *nats.Conn, who, subj, allowed string) {
	t.Helper()
	check := func(verb, letter string, try func() error) {
		t.Helper()
		err := try()
		if err == nil {
			err = nc.FlushTimeout(5 * time.Second)
		}
		if err != nil {
			t.Fatalf("%s, %s %s: %v", who, verb, subj, err)
		}
		last := nc.LastError()
		refused := last != nil && strings.Contains(last.Error(), `Permissions Violation for `+verb+` to "`+subj+`"`)
		if refused == strings.Contains(allowed, letter) {
			t.Errorf("%s: %s to %s refused: %v, want %v", who, verb, subj, refused, !refused)
		}
	}
	if !strings.ContainsAny(subj, "*>") {
		check("Publish", "p", func() error { return nc.Publish(subj, nil) })
	}
	check("Subscription", "s", func() error {
		sub, err := nc.SubscribeSync(subj)
		if err != nil {
			return err
		}
		// Refused subscriptions still count at the client; only 64 may be open at the server.
		defer sub.Unsubscribe()
		return nc.FlushTimeout(5 * time.Second)
	})
}

// What each role publishes arrives with those who may hear it, and with nobody else. Alerts reach the stream as well.
func TestWhoHearsWhom(t *testing.T) {
	t.Parallel()
	b := start(t, testOptions(t))
	checkFlow(t, func(r access.Role) *nats.Conn { return b.as(t, r) })
}

func checkFlow(t *testing.T, as func(access.Role) *nats.Conn) {
	collector, analyzer, operator, reader := as(access.Collector), as(access.Analyzer), as(access.Operator), as(access.Reader)
	controls := subscribe(t, collector, subject.AllControl(host))
	events := subscribe(t, analyzer, subject.AllEvents(host))
	alerts := subscribe(t, reader, subject.AllAlerts("*"))
	seen := []*nats.Subscription{
		subscribe(t, operator, subject.AllEvents(host)), subscribe(t, operator, subject.AllAlerts(host)),
		subscribe(t, operator, subject.AllHealth(host)), subscribe(t, operator, subject.AllControl(host)),
	}

	publish(t, collector, subject.Events(host, pb.Class_CLASS_PROCESS), "event")
	receive(t, events, "event")
	receive(t, seen[0], "event")

	publish(t, collector, subject.Health(host, subject.Collector), "I am well")
	expectHealth(t, seen[2], "I am well")
	publish(t, analyzer, subject.Health(host, subject.Analyzer), "so am I")
	expectHealth(t, seen[2], "so am I")

	publish(t, analyzer, subject.Control(host, subject.Ack), "ack")
	receive(t, controls, "ack")
	receive(t, seen[3], "ack")

	go func() {
		if m, err := controls.NextMsg(5 * time.Second); err == nil {
			m.Respond([]byte("position"))
		}
	}()
	answer, err := analyzer.Request(subject.Control(host, subject.Resume), []byte("resume"), 5*time.Second)
	if err != nil || string(answer.Data) != "position" {
		t.Errorf("answer to resume: %v, %v", answer, err)
	}
	receive(t, seen[3], "resume")

	// The operator may ask for a list of the living processes, and for nothing else.
	go func() {
		if m, err := controls.NextMsg(5 * time.Second); err == nil {
			m.Respond([]byte("listing"))
		}
	}()
	answer, err = operator.Request(subject.Control(host, subject.Seed), []byte("seed"), 5*time.Second)
	if err != nil || string(answer.Data) != "listing" {
		t.Errorf("answer to seed: %v, %v", answer, err)
	}
	receive(t, seen[3], "seed")

	ack, err := analyzer.Request(subject.Alerts(host, "high"), []byte("alert"), 5*time.Second)
	if err != nil || !strings.Contains(string(ack.Data), `"stream":"ALERTS"`) {
		t.Errorf("acknowledgement of an alert: %v, %v", ack, err)
	}
	receive(t, alerts, "alert")
	receive(t, seen[1], "alert")

	for _, sub := range []*nats.Subscription{controls, events, alerts, seen[0], seen[1], seen[3]} {
		silent(t, sub)
	}
}

// expectHealth skips what the bus says of itself.
func expectHealth(t *testing.T, sub *nats.Subscription, want string) {
	t.Helper()
	for {
		m, err := sub.NextMsg(5 * time.Second)
		if err != nil {
			t.Fatalf("no health %q: %v", want, err)
		}
		if m.Subject != subject.Health(host, subject.Bus) {
			if string(m.Data) != want {
				t.Errorf("health %q, want %q", m.Data, want)
			}
			return
		}
	}
}

// A request that nobody can answer fails at once, not after its time is up.
func TestRequestWithoutCollector(t *testing.T) {
	b := start(t, testOptions(t))
	_, err := b.as(t, access.Analyzer).Request(subject.Control(host, subject.Resume), nil, 5*time.Second)
	if !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("error %v, want %v", err, nats.ErrNoResponders)
	}
}
