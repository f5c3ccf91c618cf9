package bus

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette-edr/vedette/bus/access"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// A reply subject is chosen freely by who asks, and the answer is published with the rights of who answers. Here every
// role asks everything it may, and wants the answer to arrive with others on subjects where it cannot publish itself.
func TestAnswersCannotBeAimed(t *testing.T) {
	t.Parallel()
	b := start(t, testOptions(t))
	checkAimedAnswers(t, func(r access.Role) *nats.Conn { return b.as(t, r) })
}

func checkAimedAnswers(t *testing.T, as func(access.Role) *nats.Conn) {
	alerts := []string{"first", "second", "third"}
	conns := map[access.Role]*nats.Conn{}
	for _, r := range []access.Role{access.Collector, access.Analyzer, access.Operator, access.Reader} {
		conns[r] = as(r)
	}
	for _, a := range alerts {
		if _, err := conns[access.Analyzer].Request(subject.Alerts(host, "high"), []byte(a), 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	// The collector answers with nothing, as an unset Position would be: the form of a JetStream request to delete.
	if _, err := conns[access.Collector].Subscribe(subject.AllControl(host), func(m *nats.Msg) { m.Respond(nil) }); err != nil {
		t.Fatal(err)
	}
	victims := map[access.Role][]*nats.Subscription{}
	for r, nc := range conns {
		for _, s := range access.PermissionsOf(r, host).Subscribe {
			victims[r] = append(victims[r], subscribe(t, nc, s))
		}
	}
	for attacker, nc := range conns {
		askEverything(t, nc, attacker)
		// Answers of the stream come from a goroutine of its own.
		time.Sleep(200 * time.Millisecond)
		for r, subs := range victims {
			for _, sub := range subs {
				checkVictim(t, attacker, r, sub)
			}
		}
	}
	checkHistoryWhole(t, conns[access.Operator], alerts)
}

// askEverything sends each request that a role may make with each reply subject that it would like to reach.
func askEverything(t *testing.T, nc *nats.Conn, attacker access.Role) {
	t.Helper()
	bodies := map[string]string{"$JS.API.DIRECT.GET.ALERTS": `{"seq":1}`}
	targets := []string{
		subject.Events(host, pb.Class_CLASS_PROCESS), subject.Health(host, subject.Collector),
		subject.Health(host, subject.Analyzer), subject.Control(host, subject.Ack), subject.Alerts(host, "critical"),
		"$JS.API.STREAM.DELETE.ALERTS", "$JS.API.STREAM.PURGE.ALERTS", "$JS.API.STREAM.MSG.DELETE.ALERTS",
		"$JS.API.STREAM.UPDATE.ALERTS", "$JS.ACK.ALERTS.c.1.1.1.1.1", "$SYS.REQ.SERVER.PING",
	}
	for _, r := range access.Roles() {
		targets = append(targets, access.Inbox(r)+".x")
	}
	for _, request := range access.PermissionsOf(attacker, host).Publish {
		request = strings.Replace(request, ">", "x", 1)
		for _, target := range targets {
			body := []byte(bodies[request])
			if err := nc.PublishRequest(request, target, body); err != nil {
				t.Fatal(err)
			}
			// A trace is another thing that the server publishes for a client.
			traced := &nats.Msg{Subject: request, Reply: target, Data: body, Header: nats.Header{"Nats-Trace-Dest": {target}}}
			if err := nc.PublishMsg(traced); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := nc.FlushTimeout(5 * time.Second); err != nil {
		t.Fatal(err)
	}
}

// checkVictim takes what came: another role than the attacker's may have got only what the attacker may say anyway.
func checkVictim(t *testing.T, attacker, victim access.Role, sub *nats.Subscription) {
	t.Helper()
	for {
		m, err := sub.NextMsg(time.Millisecond)
		if err != nil {
			return
		}
		if victim != attacker && m.Subject != subject.Health(host, subject.Bus) && !may(attacker, m.Subject) {
			t.Errorf("the %s made the %s get %q on %s", attacker, victim, m.Data, m.Subject)
		}
	}
}

func may(r access.Role, subj string) bool {
	for _, allowed := range access.PermissionsOf(r, host).Publish {
		if server.SubjectsCollide(allowed, subj) {
			return true
		}
	}
	return false
}

func checkHistoryWhole(t *testing.T, operator *nats.Conn, alerts []string) {
	t.Helper()
	for i, want := range alerts {
		m, err := operator.Request("$JS.API.DIRECT.GET.ALERTS", fmt.Appendf(nil, `{"seq":%d}`, i+1), 5*time.Second)
		if err != nil || string(m.Data) != want {
			t.Errorf("alert %d is gone: %v, %v", i+1, m, err)
		}
	}
}

// Two readers share nothing: neither can send to the other or see its requests.
func TestReadersAreApart(t *testing.T) {
	t.Parallel()
	b := start(t, testOptions(t))
	if _, err := b.as(t, access.Analyzer).Request(subject.Alerts(host, "high"), []byte("old"), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	alice, mallory := b.asReader(t, "alice"), b.asReader(t, "mallory")
	live := subscribe(t, alice, subject.AllAlerts(host))
	inbox := subscribe(t, alice, access.Inbox(access.Reader)+".>")
	for _, target := range []string{subject.Alerts(host, "critical"), access.Inbox(access.Reader) + ".x"} {
		if err := mallory.PublishRequest("$JS.API.DIRECT.GET.ALERTS", target, []byte(`{"seq":1}`)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := mallory.Request("$JS.API.DIRECT.GET.ALERTS", []byte(`{"seq":1}`), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	silent(t, live)
	silent(t, inbox)
}

// History is read without consumers: by sequence, by subject, or in batches from a time on.
func TestHistory(t *testing.T) {
	b := start(t, testOptions(t))
	analyzer := b.as(t, access.Analyzer)
	const n = 20
	for i := range n {
		if _, err := analyzer.Request(subject.Alerts(host, "high"), fmt.Appendf(nil, "alert %d", i+1), 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	for who, nc := range map[string]*nats.Conn{"operator": b.as(t, access.Operator), "reader": b.asReader(t, "alice")} {
		inbox := subscribe(t, nc, access.Inbox(access.Role(who))+".history")
		since := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339Nano)
		if err := nc.PublishRequest("$JS.API.DIRECT.GET.ALERTS", inbox.Subject, fmt.Appendf(nil, `{"start_time":%q,"batch":1000}`, since)); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			receive(t, inbox, fmt.Sprintf("alert %d", i+1))
		}
		if end, err := inbox.NextMsg(5 * time.Second); err != nil || end.Header.Get("Status") != "204" {
			t.Errorf("%s: end of batch: %v, %v", who, end, err)
		}
		last, err := nc.Request("$JS.API.DIRECT.GET.ALERTS."+subject.Alerts(host, "high"), nil, 5*time.Second)
		if err != nil || string(last.Data) != fmt.Sprintf("alert %d", n) {
			t.Errorf("%s: last of subject: %v, %v", who, last, err)
		}
	}
}

// Within the duplicate window the stream takes an alert once, however often the analyzer sends it.
func TestAlertIsStoredOnce(t *testing.T) {
	b := start(t, testOptions(t))
	js, err := jetstream.New(b.as(t, access.Analyzer))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		ack, err := js.Publish(t.Context(), subject.Alerts(host, "high"), []byte("x"), jetstream.WithMsgID("same"))
		if err != nil || ack.Sequence != 1 || ack.Duplicate != (i > 0) {
			t.Errorf("publication %d: %+v, %v", i+1, ack, err)
		}
	}
}

// The analyzer checks that the stream is there; its limits are those of the options.
func TestStreamLimits(t *testing.T) {
	o := testOptions(t)
	o.AlertsMaxAge, o.AlertsMaxBytes = 2*time.Hour, 16<<20
	b := start(t, o)
	js, err := jetstream.New(b.as(t, access.Analyzer))
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), subject.AlertStream)
	if err != nil {
		t.Fatal(err)
	}
	c := s.CachedInfo().Config
	if c.MaxAge != 2*time.Hour || c.MaxBytes != 16<<20 || c.Storage != jetstream.FileStorage || !c.DenyPurge || !c.DenyDelete {
		t.Errorf("stream has %+v", c)
	}
}

// The bounds of the stream follow the options, up and down, and what is stored stays as far as it fits.
func TestStreamLimitsChange(t *testing.T) {
	o := testOptions(t)
	for i, size := range []int64{256 << 20, 16 << 20, 64 << 20} {
		t.Run(fmt.Sprint(size>>20, " MiB"), func(t *testing.T) {
			o.AlertsMaxBytes = size
			b := start(t, o)
			ack, err := b.as(t, access.Analyzer).Request(subject.Alerts(host, "high"), []byte("x"), 5*time.Second)
			if want := fmt.Sprintf(`"seq":%d}`, i+1); err != nil || !strings.Contains(string(ack.Data), want) {
				t.Errorf("%s, %v; want %s", ack.Data, err, want)
			}
		})
	}
}
