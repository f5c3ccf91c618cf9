package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/vedette/bustest"
	"github.com/vedette-edr/vedette/vedette/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){
		"vedette": func() {
			ctx, stop := signal.NotifyContext(context.Background(), cli.Signals()...)
			code := cli.Run(ctx, "1.2.3", os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
			stop()
			os.Exit(code)
		},
		"vedette-analyzer":  func() { os.Exit(part(subject.Analyzer)) },
		"vedette-collector": func() { os.Exit(part(subject.Collector)) },
	})
}

// leakChecked looks for goroutines that are left when all tests have passed.
type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	code := l.m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			// The race detector would sleep a second at the end of every command.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Setenv("TZ", "UTC")
			for i := range 4 {
				pair, err := nkeys.CreateUser()
				if err != nil {
					return err
				}
				public, err := pair.PublicKey()
				if err != nil {
					return err
				}
				env.Setenv(fmt.Sprint("NKEY", i+1), public)
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "bus": bus, "alert": alert, "events": events, "heartbeats": heartbeats, "subscribed": subscribed,
			"lists": lists,
		},
	})
}

// exits runs a command and checks its exit code: exits CODE vedette ...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\n%s%s", got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// scriptT gives a script's bus what it needs of a test.
type scriptT struct{ ts *testscript.TestScript }

func (s scriptT) Helper()           {}
func (s scriptT) Cleanup(f func())  { s.ts.Defer(f) }
func (s scriptT) Error(args ...any) { s.ts.Logf("%s", fmt.Sprint(args...)) }
func (s scriptT) Fatal(args ...any) { s.ts.Fatalf("%s", fmt.Sprint(args...)) }

// running has the bus of each script.
var running sync.Map

func busOf(ts *testscript.TestScript) *bustest.Bus {
	b, ok := running.Load(ts)
	if !ok {
		ts.Fatalf("the script has no bus")
	}
	return b.(*bustest.Bus)
}

// bus starts a bus and sets $PREFIX.
func bus(ts *testscript.TestScript, _ bool, _ []string) {
	b := bustest.Start(scriptT{ts})
	running.Store(ts, b)
	ts.Defer(func() { running.Delete(ts) })
	ts.Setenv("PREFIX", b.Prefix)
}

// alert stores the documents in a file, one a line: alert LEVEL FILE.
func alert(ts *testscript.TestScript, _ bool, args []string) {
	b := busOf(ts)
	for i, line := range strings.Split(strings.TrimSpace(ts.ReadFile(args[1])), "\n") {
		b.Alert(args[0], fmt.Sprint(args[1], i), []byte(line))
	}
}

// subscribed waits until a command in the background listens to a subject that contains the text.
func subscribed(ts *testscript.TestScript, _ bool, args []string) {
	b := busOf(ts)
	for deadline := time.Now().Add(10 * time.Second); !b.Subscribed(args[0]); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("nobody subscribed to %s", args[0])
		}
	}
}

// events publishes a batch with an exec and an exit, twice: the second is one that the collector sends again.
func events(ts *testscript.TestScript, _ bool, _ []string) {
	b := busOf(ts)
	actor := func(pid uint32) *pb.Actor {
		return &pb.Actor{Process: &pb.ProcessKey{Pid: pid, StartTimeNs: 5}, Parent: &pb.ProcessKey{Pid: 1}, Comm: []byte("cat"), Uid: 1000}
	}
	batch := &pb.EventBatch{
		Host: bustest.Host, Instance: 7, Number: 1, Class: pb.Class_CLASS_PROCESS,
		Events: []*pb.Event{
			{Class: pb.Class_CLASS_PROCESS, Sequence: 1, WallTimeNs: 1_700_000_000e9, Actor: actor(42), Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{
				Executable: &pb.File{Path: []byte("/usr/bin/cat")}, Arguments: []byte("cat\x00\x1b[2J\x00"),
			}}},
			{Class: pb.Class_CLASS_PROCESS, Sequence: 2, WallTimeNs: 1_700_000_001e9, Actor: actor(42), Payload: &pb.Event_Exit{Exit: &pb.ProcessExit{Code: 1}}},
		},
	}
	data, err := batch.MarshalVT()
	ts.Check(err)
	for range 2 {
		b.Publish(subject.Events(bustest.Host, pb.Class_CLASS_PROCESS), data)
	}
}

// lists makes the collector list one living process whenever it is asked to.
func lists(ts *testscript.TestScript, _ bool, _ []string) {
	b := busOf(ts)
	answer, err := (&pb.SeedAnswer{Instance: 6}).MarshalVT()
	ts.Check(err)
	number := uint64(0)
	sub, err := b.Conn.Subscribe(subject.Control(bustest.Host, subject.Seed), func(m *nats.Msg) {
		number++
		batch := &pb.EventBatch{Host: bustest.Host, Instance: 6, Number: number, Class: pb.Class_CLASS_PROCESS, Events: []*pb.Event{
			{Payload: &pb.Event_Seed{Seed: &pb.ProcessExec{}}}, {Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{Processes: 1}}},
		}}
		data, err := batch.MarshalVT()
		if err == nil {
			err = errors.Join(m.Respond(answer), b.Conn.Publish(subject.Events(bustest.Host, pb.Class_CLASS_PROCESS), data))
		}
		if err != nil {
			ts.Logf("cannot list processes: %v", err)
		}
	})
	ts.Check(err)
	ts.Check(b.Conn.Flush())
	ts.Defer(func() { ts.Check(sub.Unsubscribe()) })
}

// heartbeats publishes those of the named components until the script ends; "lossy" makes the collector lose events.
func heartbeats(ts *testscript.TestScript, _ bool, args []string) {
	b := busOf(ts)
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		for made := uint64(100); ctx.Err() == nil; made += 10 {
			for _, name := range args {
				if name == "lossy" {
					continue
				}
				m := heartbeat(name, made, bytes.Contains([]byte(strings.Join(args, " ")), []byte("lossy")))
				data, err := m.MarshalVT()
				if err != nil {
					b.Conn.Close()
					return
				}
				b.Publish(subject.Health(bustest.Host, name), data)
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	ts.Defer(func() { cancel(); work.Wait() })
}

func heartbeat(component string, made uint64, lossy bool) *pb.Health {
	m := &pb.Health{
		Host: bustest.Host, Component: component, Instance: 3, Pid: 100, Version: "1.2.3",
		WallTimeNs: time.Now().UnixNano(), StartedWallTimeNs: time.Now().Add(-time.Minute).UnixNano(),
		Resources: &pb.Resources{Uid: 990, ResidentBytes: 20 << 20},
	}
	switch component {
	case subject.Collector:
		flow := &pb.Flow{Class: pb.Class_CLASS_PROCESS, Made: made, Acknowledged: made}
		m.Flows = []*pb.Flow{flow}
		m.Attachments = []*pb.Attachment{{Name: "process_exec", Hook: "tp_btf/sched_process_exec", Attached: true}}
		if lossy {
			flow.Acknowledged, flow.Lost = made-5, 5
			m.Losses = []*pb.Loss{{Class: pb.Class_CLASS_PROCESS, Cause: pb.LossCause_LOSS_CAUSE_RING_FULL, Count: 5}}
		}
	case subject.Analyzer:
		m.Rules = &pb.RuleCounts{Loaded: 18}
		m.Flows = []*pb.Flow{{Class: pb.Class_CLASS_PROCESS, Received: made}}
	}
	return m
}

// The reference page in docs must say what the command says.
func TestTheReferencePageIsCurrent(t *testing.T) {
	var want bytes.Buffer
	if err := cli.WriteReference(&want, cli.Root("")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "docs", "cli.md")
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("%s is not current; write it anew with: vedette docs > docs/cli.md\n%s", path, diff)
	}
}
