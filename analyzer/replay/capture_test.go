package replay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/vedette-edr/vedette/analyzer/app"
	"github.com/vedette-edr/vedette/analyzer/bustest"
	"github.com/vedette-edr/vedette/analyzer/collectortest"
	"github.com/vedette-edr/vedette/analyzer/replay"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/capture"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/subject"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const host = "0123456789ab"

const rules = `title: Marked program under a shell
id: 6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1b
level: high
tags: [attack.execution, attack.t1059.004]
logsource: {category: process_creation, product: linux}
detection:
  selection:
    CommandLine|contains: marker
    ParentImage|endswith: /bash
  condition: selection
---
title: A user by name
id: 6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1c
level: low
logsource: {category: process_creation, product: linux}
detection:
  selection:
    User: root
    CommandLine|endswith: '7'
  condition: selection
`

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

// recorder writes what is on the bus to a file, as vedette capture does.
type recorder struct {
	mu    sync.Mutex
	file  bytes.Buffer
	out   *capture.Writer
	count uint64
}

func record(t *testing.T, nc *nats.Conn) *recorder {
	t.Helper()
	r := &recorder{}
	var err error
	r.out, err = capture.NewWriter(&r.file, capture.Header{Host: host, Started: time.Now(), Users: map[uint32]string{0: "root"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = nc.Subscribe(subject.AllEvents(host), func(m *nats.Msg) {
		r.mu.Lock()
		defer r.mu.Unlock()
		var b pb.EventBatch
		if err := b.UnmarshalVTUnsafe(m.Data); err != nil {
			t.Error(err)
		}
		// What is sent again is recorded once.
		if b.Number <= r.count {
			return
		}
		r.count++
		if err := r.out.Batch(m.Data); err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// end closes the recording of so many batches and writes it to a file.
func (r *recorder) end(t *testing.T, batches uint64, path string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		count := r.count
		r.mu.Unlock()
		if count >= batches {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d batches are recorded", count, batches)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.out.End(capture.End{Batches: r.count}); err != nil {
		t.Fatal(err)
	}
	write(t, path, r.file.String())
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
	key := &pb.ProcessKey{Pid: uint32(1000 + n), StartTimeNs: uint64(1000 + n)}
	child := &pb.Actor{Process: key, Parent: shell(), Tid: key.Pid, Comm: []byte("prog")}
	at, wall := uint64(n)+2000, int64(1_790_000_000_000_000_000)+int64(n)
	arguments := fmt.Sprintf("prog\x00%s\x00%d\x00", argument, n)
	return []*pb.Event{
		{KernelTimeNs: at, WallTimeNs: wall, Actor: &pb.Actor{Process: shell()}, Payload: &pb.Event_Fork{
			Fork: &pb.ProcessFork{Child: key, Parent: shell()},
		}},
		{KernelTimeNs: at, WallTimeNs: wall, Actor: child, Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{
			Executable: &pb.File{Path: []byte("/opt/prog")}, Arguments: []byte(arguments), ArgumentsSize: uint64(len(arguments)),
		}}},
		{KernelTimeNs: at, WallTimeNs: wall, Actor: child, Payload: &pb.Event_Exit{Exit: &pb.ProcessExit{}}},
	}
}

// What a running analyzer makes of events, a replay of their recording makes again: the same alerts, by their ids, although
// the list of processes comes after the first events.
func TestReplayOfACaptureGivesTheAlertsOfTheRunningAnalyzer(t *testing.T) {
	bus := bustest.New(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules", "rules.yml"), rules)
	recorded := record(t, bus.Connect("operator"))
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Second)
	c.Living(shellSeed())
	for n := range 3 {
		c.Send(pb.Class_CLASS_PROCESS, 0, life(n, "marker")...)
	}

	settings := app.Settings{Config: app.DefaultConfig(), Version: "1.2.3", Log: zerolog.Nop(), Dial: bus, HealthEvery: time.Second}
	settings.Config.HostID, settings.Config.Rules = host, []string{filepath.Join(dir, "rules")}
	settings.Config.AlertFile, settings.Config.StateDir = filepath.Join(dir, "alerts.ndjson"), dir
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- app.Analyze(ctx, settings) }()
	for n := 3; n < 40; n++ {
		argument := "harmless"
		if n%3 == 0 {
			argument = "marker"
		}
		c.Send(pb.Class_CLASS_PROCESS, uint32(n%4), life(n, argument)...)
	}
	c.WaitAcked()
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "events.vdc")
	recorded.end(t, c.Newest(), file)

	var live []string
	for _, m := range bus.Alerts() {
		a, err := ecs.Decode(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		live = append(live, a.Event.ID+" "+a.Rule.Name+" "+a.Process.EntityID)
	}
	var again []string
	for _, a := range replayed(t, "--rules", filepath.Join(dir, "rules"), file)[file] {
		again = append(again, a.Event.ID+" "+a.Rule.Name+" "+a.Process.EntityID)
	}
	slices.Sort(live)
	slices.Sort(again)
	if diff := cmp.Diff(live, again); diff != "" || len(live) < 15 {
		t.Errorf("%d alerts; the running analyzer (-) and the replay (+) differ:\n%s", len(live), diff)
	}
}

// A recording whose writer was killed replays up to there, and says so.
func TestReplayOfACutCapture(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules.yml"), rules)
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, capture.Header{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 9 {
		events := life(n, "marker")
		if n == 4 {
			events = []*pb.Event{shellSeed(), {Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{Processes: 1}}}}
		}
		for i, ev := range events {
			ev.Class, ev.Sequence = pb.Class_CLASS_PROCESS, uint64(10*n+i+1)
		}
		b := &pb.EventBatch{Host: host, BootId: "boot", Instance: 7, Number: uint64(n + 1), Class: pb.Class_CLASS_PROCESS, Events: events}
		data, err := b.MarshalVT()
		if err = errors.Join(err, w.Batch(data)); err != nil {
			t.Fatal(err)
		}
	}
	path := write(t, filepath.Join(dir, "events.vdc"), strings.TrimSuffix(file.String(), file.String()[file.Len()-3:]))
	stdout, stderr, err := run(t, "--rules", filepath.Join(dir, "rules.yml"), path)
	if err == nil || !strings.Contains(stderr, "the recording is cut off") || !strings.Contains(stderr, "23 events in 1 file, 7 alerts of 1 rules") {
		t.Errorf("%v\n%s", err, stderr)
	}
	// The eighth event is the exec of the third program: positions count every event of the file.
	if !strings.Contains(stdout, `"position":8,`) || strings.Count(stdout, "\n") != 7 {
		t.Errorf("alerts:\n%s", stdout)
	}
}

// run runs the command.
func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := replay.Command()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	var out, errs bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}
