package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/proto/ecs"
)

func TestAStockClientWithTheCredentialReadsAlertsAndNothingElse(t *testing.T) {
	needRoot(t)
	prefix := newPrefix(t)
	writeConfig(t, prefix, "bus", "tls.listen = \"127.0.0.1:14222\"\n")
	s := startIn(t, prefix, "--tls")
	defer stopOrFail(t, s)
	out := trueDir(t)
	do(t, exec.Command(bin(t, "vedette"), "creds", "reader", "--prefix", s.Prefix, "--out", out, "--name", "siem"))

	if _, err := nats.Connect("tls://127.0.0.1:14222", nats.RootCAs(filepath.Join(out, "ca.pem")), nats.MaxReconnects(0)); err == nil {
		t.Error("a client without a credential could connect")
	}
	if _, err := nats.Connect("nats://127.0.0.1:14222", nats.MaxReconnects(0)); err == nil {
		t.Error("a client without TLS could connect")
	}

	key, err := nats.NkeyOptionFromSeed(filepath.Join(out, "siem.nk"))
	if err != nil {
		t.Fatal(err)
	}
	refusals := make(chan error, 16)
	var nc *nats.Conn
	// The bus looks for new readers once a second.
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		nc, err = nats.Connect("tls://127.0.0.1:14222", nats.RootCAs(filepath.Join(out, "ca.pem")), key,
			nats.CustomInboxPrefix("_INBOX_reader"), nats.MaxReconnects(0),
			nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refusals <- err }))
		if err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		t.Fatalf("the reader cannot connect: %v", err)
	}
	defer nc.Close()
	alerts, err := nc.SubscribeSync("vedette.v1.*.alerts.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	m := marker(t)
	payload := trigger(t, m)
	do(t, exec.Command(payload[0], payload[1:]...))
	for {
		msg, err := alerts.NextMsg(20 * time.Second)
		if err != nil {
			t.Fatalf("no alert reached the reader: %v", err)
		}
		var document map[string]any
		if err := json.Unmarshal(msg.Data, &document); err != nil {
			t.Fatalf("the alert %q is not JSON: %v", msg.Data, err)
		}
		if strings.Contains(string(msg.Data), m) {
			break
		}
	}
	for _, subject := range []string{"vedette.v1." + hostID + ".events.process", "vedette.v1." + hostID + ".health.collector", ">"} {
		if _, err := nc.SubscribeSync(subject); err != nil {
			continue
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-refusals:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("subscribing to %s gives %v, want a permission violation", subject, err)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("the reader may subscribe to %s", subject)
		}
	}
}

func TestAlertsReachTheFileTheStreamAndTheTerminal(t *testing.T) {
	s := running(t)
	m := marker(t)
	payload := trigger(t, m)
	do(t, exec.Command(payload[0], payload[1:]...))
	live := s.alert(t, "the act", func(a *ecs.Alert) bool { return strings.Contains(a.Process.CommandLine, m) })

	f, err := os.Open(filepath.Join(s.Prefix, "var/log/vedette/alerts.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if a, err := ecs.Decode(lines.Bytes()); err != nil {
			t.Errorf("a line of the file is no alert: %v", err)
		} else if a.Event.ID == live.Event.ID {
			found++
		}
	}
	if found != 1 {
		t.Errorf("the alert stands %d times in the file, want once", found)
	}
	out, err := exec.Command(bin(t, "vedette"), "alerts", "--prefix", s.Prefix, "--since", "1m", "--follow=false", "--no-color").CombinedOutput()
	if err != nil {
		t.Fatalf("vedette alerts: %v\n%s", err, out)
	}
	if !strings.Contains(string(out), m) || strings.Contains(string(out), "\x1b") {
		t.Errorf("vedette alerts does not show the alert in plain text: %s", out)
	}
	if shown := s.Output.String(); !strings.Contains(shown, m) {
		t.Errorf("vedette up does not show the alert")
	}
}

func TestStatusClosesTheSum(t *testing.T) {
	s := running(t)
	// Other tests have done what a warning is due for, so the verdict may be 1; 2 would mean that something is missing.
	cmd := exec.Command(bin(t, "vedette"), "status", "--prefix", s.Prefix, "--json")
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("vedette status: %v\n%s", err, out)
	}
	var status struct {
		Components []struct {
			Name    string
			Running bool
		}
		Sum struct {
			Made, Delivered, Pending, Lost uint64
			InFlight                       uint64 `json:"in_flight"`
			Closes                         bool
		}
	}
	if err := json.Unmarshal(out, &status); err != nil {
		t.Fatalf("status is not JSON: %v\n%s", err, out)
	}
	sum := status.Sum
	if !sum.Closes || sum.Made == 0 || sum.Made != sum.Delivered+sum.Pending+sum.Lost+sum.InFlight {
		t.Errorf("the sum is %+v, want it to close", sum)
	}
	if len(status.Components) != 3 {
		t.Errorf("%d components are shown, want 3", len(status.Components))
	}
}
