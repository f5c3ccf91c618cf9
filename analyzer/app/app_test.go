package app_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/vedette-edr/vedette/analyzer/app"
	"github.com/vedette-edr/vedette/analyzer/bustest"
	"github.com/vedette-edr/vedette/analyzer/collectortest"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/eventkey"
	"github.com/vedette-edr/vedette/proto/subject"
)

const (
	host    = "0123456789ab"
	process = pb.Class_CLASS_PROCESS
	ruleID  = "6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1b"
)

const goodRule = `title: Marked program under a shell
id: ` + ruleID + `
status: test
level: high
tags: [attack.execution, attack.t1059.004]
logsource: {category: process_creation, product: linux}
detection:
  selection:
    CommandLine|contains: marker
    ParentImage|endswith: /bash
  condition: selection
`

// The test program plays an analyzer that can be killed when this variable names a bus.
const (
	asAnalyzer = "VEDETTE_TEST_BUS"
	inDir      = "VEDETTE_TEST_DIR"
)

func TestMain(m *testing.M) {
	address := os.Getenv(asAnalyzer)
	if address == "" {
		goleak.VerifyTestMain(m)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := app.Analyze(ctx, settings(os.Getenv(inDir), dialTo(address))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type dialTo string

func (d dialTo) Dial(_, _ string) (net.Conn, error) { return net.Dial("tcp", string(d)) }

func settings(dir string, dial nats.CustomDialer) app.Settings {
	c := app.DefaultConfig()
	c.HostID, c.Rules = host, []string{filepath.Join(dir, "rules")}
	c.AlertFile, c.StateDir = filepath.Join(dir, "alerts.ndjson"), dir
	return app.Settings{Config: c, Version: "1.2.3", Log: zerolog.Nop(), Dial: dial, HealthEvery: 50 * time.Millisecond}
}

// newDir makes a directory with a rule in it.
func newDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "rules"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "rules", "good.yml"), goodRule)
	return dir
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// analyze runs an analyzer in this process until the test ends or stop is called.
func analyze(t *testing.T, s app.Settings) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Analyze(ctx, s) }()
	var err error
	stopped := false
	stop = func() error {
		if !stopped {
			stopped = true
			cancel()
			err = <-done
		}
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func shell() *pb.ProcessKey { return &pb.ProcessKey{Pid: 100, StartTimeNs: 5} }

func shellSeed() *pb.Event {
	return &pb.Event{
		KernelTimeNs: 10, Actor: &pb.Actor{Process: shell(), Tid: 100, Comm: []byte("bash")},
		Payload: &pb.Event_Seed{Seed: &pb.ProcessExec{Executable: &pb.File{Path: []byte("/usr/bin/bash")}, Arguments: []byte("-bash\x00")}},
	}
}

// life is a program under the shell, from birth to end.
func life(n int, argument string) []*pb.Event {
	key := &pb.ProcessKey{Pid: uint32(1000 + n%30000), StartTimeNs: uint64(1000 + n)}
	child := &pb.Actor{Process: key, Parent: shell(), Tid: key.Pid, Comm: []byte("prog")}
	at := uint64(n) + 2000
	arguments := fmt.Sprintf("prog\x00%s\x00%d\x00", argument, n)
	return []*pb.Event{
		{KernelTimeNs: at, WallTimeNs: time.Now().UnixNano(), Actor: &pb.Actor{Process: shell()}, Payload: &pb.Event_Fork{
			Fork: &pb.ProcessFork{Child: key, Parent: shell()},
		}},
		{KernelTimeNs: at, WallTimeNs: time.Now().UnixNano(), Actor: child, Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{
			Executable: &pb.File{Path: []byte("/usr/bin/prog")}, Arguments: []byte(arguments),
			ArgumentsSize: uint64(len(arguments)), ArgumentCount: 3,
		}}},
		{KernelTimeNs: at, WallTimeNs: time.Now().UnixNano(), Actor: child, Payload: &pb.Event_Exit{Exit: &pb.ProcessExit{}}},
	}
}

// numbers gives the last argument of the program in each alert, sorted: whose alert it is.
func numbers(t *testing.T, lines [][]byte) []string {
	t.Helper()
	out := []string{}
	for _, line := range lines {
		doc, err := ecs.Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, doc.Process.Args[2])
	}
	slices.Sort(out)
	return out
}

func fileLines(t *testing.T, dir string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "alerts.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(bytes.Lines(text))
}

func streamLines(bus *bustest.Bus) [][]byte {
	var lines [][]byte
	for _, m := range bus.Alerts() {
		lines = append(lines, m.Data)
	}
	return lines
}

func TestFromEventToAlert(t *testing.T) {
	bus, dir := bustest.New(t), newDir(t)
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Second)
	c.Living(shellSeed())
	stop := analyze(t, settings(dir, bus))
	c.WaitAcked()
	c.Send(process, 0, life(1, "marker")...)
	c.Send(process, 0, life(2, "harmless")...)
	c.WaitAcked()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1"}, numbers(t, streamLines(bus))); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1"}, numbers(t, fileLines(t, dir))); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
	m := bus.Alerts()[0]
	doc, err := ecs.Decode(m.Data)
	if err != nil {
		t.Fatal(err)
	}
	event := eventkey.Event(host, 7, process, 0, 2)
	if m.Subject != subject.Alerts(host, "high") || doc.Event.ID != eventkey.Alert(ruleID, event) || m.Header.Get(nats.MsgIdHdr) != doc.Event.ID {
		t.Errorf("the alert %s is on %s with the message id %q", doc.Event.ID, m.Subject, m.Header.Get(nats.MsgIdHdr))
	}
	if doc.Process.Parent.Executable != "/usr/bin/bash" || doc.Threat.Tactic.ID[0] != "TA0002" || doc.Agent.Version != "1.2.3" ||
		doc.Vedette.LatencyNS <= 0 || doc.Vedette.Collector.Instance != "7" || doc.Host.OS.Kernel == "" {
		t.Errorf("the document is %s", m.Data)
	}
}

func TestHealthTellsEverything(t *testing.T) {
	bus, dir := bustest.New(t), newDir(t)
	write(t, filepath.Join(dir, "rules", "bad.yml"), strings.ReplaceAll(goodRule, "contains", "sideways"))
	beats := make(chan *pb.Health, 1000)
	_, err := bus.Connect("operator").Subscribe(subject.Health(host, subject.Analyzer), func(m *nats.Msg) {
		h := &pb.Health{}
		if err := h.UnmarshalVTUnsafe(m.Data); err != nil {
			t.Error(err)
		}
		beats <- h
	})
	if err != nil {
		t.Fatal(err)
	}
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Second)
	c.Living(shellSeed())
	analyze(t, settings(dir, bus))
	c.WaitAcked()
	c.Send(process, 0, life(1, "marker")...)
	c.Lose(process, 0, 3, false)
	c.Send(process, 0, life(2, "marker")...)
	c.WaitAcked()

	var h *pb.Health
	until(t, "the sums are there", func() bool {
		h = <-beats
		return h.Alerts.Written == 2 && h.Alerts.Published == 2 && len(h.Flows) == 1 && h.Flows[0].Received == 8
	})
	if h.Flows[0].Class != process || h.Flows[0].Unexplained != 3 {
		t.Errorf("the flow is %v, want 3 unexplained", h.Flows[0])
	}
	if h.Rules.Loaded != 1 || h.Rules.Refused != 1 || len(h.Rules.Problems) != 1 || !strings.Contains(h.Rules.Problems[0], "bad.yml:9") {
		t.Errorf("the rules are %v, want one refused with its place", h.Rules)
	}
	if h.Component != "analyzer" || h.Host != host || h.Version != "1.2.3" || h.Pid != uint32(os.Getpid()) || h.Instance == 0 {
		t.Errorf("the identity is %v", h)
	}
	if r := h.Resources; r.ResidentBytes == 0 || r.CpuTimeNs == 0 || r.Threads == 0 || r.OpenFiles == 0 || r.Uid != uint32(os.Geteuid()) {
		t.Errorf("the resources are %v", r)
	}
	if a := h.Alerts; a.Raised != 2 || a.Pending != 0 || a.Duplicates != 0 {
		t.Errorf("the alerts are %v", a)
	}
}

func TestHealthWarns(t *testing.T) {
	bus, dir := bustest.New(t), newDir(t)
	warnings := make(chan []string, 1000)
	_, err := bus.Connect("operator").Subscribe(subject.Health(host, subject.Analyzer), func(m *nats.Msg) {
		h := &pb.Health{}
		if err := h.UnmarshalVTUnsafe(m.Data); err != nil {
			t.Error(err)
		}
		warnings <- h.Warnings
	})
	if err != nil {
		t.Fatal(err)
	}
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Second)
	c.Living(shellSeed())
	hangups := make(chan os.Signal, 1)
	s := settings(dir, bus)
	s.Reopen = hangups
	logs := filepath.Join(dir, "log")
	if err := os.Mkdir(logs, 0o755); err != nil {
		t.Fatal(err)
	}
	s.Config.AlertFile = filepath.Join(logs, "alerts.ndjson")
	analyze(t, s)
	c.WaitAcked()
	if err := os.RemoveAll(logs); err != nil {
		t.Fatal(err)
	}
	hangups <- syscall.SIGHUP
	// The signal and the event take different ways.
	time.Sleep(50 * time.Millisecond)
	bus.DeleteStream()
	c.Send(process, 0, life(1, "marker")...)
	until(t, "both faults show", func() bool {
		text := strings.Join(<-warnings, "\n")
		return strings.Contains(text, s.Config.AlertFile) && strings.Contains(text, "do not reach the stream")
	})
	if err := os.Mkdir(logs, 0o755); err != nil {
		t.Fatal(err)
	}
	bus.CreateStream()
	c.WaitAcked()
	until(t, "the faults are over", func() bool { return len(<-warnings) == 0 })
}

// logged collects lines; zerolog writes each with one call.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(line))
	return len(line), nil
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func TestAnOutageOfTheBusIsToldOnce(t *testing.T) {
	bus, dir := bustest.New(t), newDir(t)
	bus.Stop()
	log := &logged{}
	s := settings(dir, bus)
	s.Log = zerolog.New(log)
	stop := analyze(t, s)
	until(t, "the outage is told", func() bool { return log.count("the bus is away") == 1 })
	time.Sleep(600 * time.Millisecond)
	for i := 1; i <= 2; i++ {
		bus.Start()
		until(t, "the end is told", func() bool { return log.count("connected to the bus") == i })
		bus.Stop()
		until(t, "the next outage is told", func() bool { return log.count("the bus is away") == i+1 })
	}
	time.Sleep(600 * time.Millisecond)
	if n := log.count("the bus is away"); n != 3 {
		t.Errorf("three outages are told %d times: %q", n, log.lines)
	}
	if err := stop(); err != nil {
		t.Errorf("the end without a bus and without alerts gives %v", err)
	}
}

func TestStartWithoutAProcessIsToldOf(t *testing.T) {
	bus, dir := bustest.New(t), newDir(t)
	warnings := make(chan []string, 1000)
	_, err := bus.Connect("operator").Subscribe(subject.Health(host, subject.Analyzer), func(m *nats.Msg) {
		h := &pb.Health{}
		if err := h.UnmarshalVTUnsafe(m.Data); err != nil {
			t.Error(err)
		}
		warnings <- h.Warnings
	})
	if err != nil {
		t.Fatal(err)
	}
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Second)
	analyze(t, settings(dir, bus))
	c.Send(process, 0, &pb.Event{Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{}}})
	c.WaitAcked()
	until(t, "the warning", func() bool { return strings.Contains(strings.Join(<-warnings, "\n"), "1 programs were started") })
}

func TestStartRefusesWithARemedy(t *testing.T) {
	bus := bustest.New(t)
	f := func(what, want, remedy string, change func(c *app.Config)) {
		t.Helper()
		s := settings(newDir(t), bus)
		change(&s.Config)
		err := app.Analyze(t.Context(), s)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%s: got error %v, want one with %q and %q", what, err, want, remedy)
		}
	}
	f("no rules", "/nonexistent/rules", "--rules", func(c *app.Config) { c.Rules = []string{"/nonexistent/rules"} })
	f("no state directory", "/nonexistent/state", "--state", func(c *app.Config) { c.StateDir = "/nonexistent/state" })
	f("no directory for alerts", "/nonexistent/alerts", "--alerts", func(c *app.Config) { c.AlertFile = "/nonexistent/alerts" })
}
