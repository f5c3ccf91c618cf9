package status

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/vedette/exit"
	"github.com/vedette-edr/vedette/vedette/term"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", path, diff)
	}
}

var now = time.Unix(1_700_000_000, 0)

// beat is a heartbeat, so many seconds before now.
func beat(component string, ago int, change func(*pb.Health)) *pb.Health {
	at := now.Add(-time.Duration(ago) * time.Second)
	m := &pb.Health{
		Host: "h1", Component: component, Instance: 7, Version: "0.1.0", Pid: 100,
		WallTimeNs: at.UnixNano(), StartedWallTimeNs: now.Add(-2 * time.Hour).UnixNano(),
		Resources: &pb.Resources{ResidentBytes: 20 << 20, CpuTimeNs: uint64(60e9 - 20e6*float64(ago)), Uid: 990, NoNewPrivileges: true},
	}
	change(m)
	return m
}

// healthy is a Vedette that is well: 100 process events a second, all delivered but the newest ten.
func healthy() map[string]Heartbeats {
	two := func(component string, change func(m *pb.Health, ago uint64)) Heartbeats {
		return Heartbeats{
			Before: beat(component, 1, func(m *pb.Health) { change(m, 1) }),
			Last:   beat(component, 0, func(m *pb.Health) { change(m, 0) }),
		}
	}
	return map[string]Heartbeats{
		"bus": two("bus", func(m *pb.Health, _ uint64) {
			m.Peers = []*pb.Peer{{Role: "collector", Uid: 991, Pid: 101}, {Role: "reader", Uid: 1000, Refused: 2}}
		}),
		"collector": two("collector", func(m *pb.Health, ago uint64) {
			m.Pid, m.Resources.Uid, m.Resources.Capabilities = 101, 991, 1<<38|1<<39
			m.Attachments = []*pb.Attachment{{Name: "process_exec", Hook: "tp_btf/sched_process_exec", Attached: true, RunCount: 10, RunTimeNs: 20000}}
			m.Flows = []*pb.Flow{
				{Class: pb.Class_CLASS_PROCESS, Made: 1000 - 100*ago, Acknowledged: 980 - 100*ago, Pending: 10},
				{Class: pb.Class_CLASS_FILE},
			}
			m.Spool = &pb.Spool{Bytes: 4096, LimitBytes: 64 << 20, Batches: 1}
		}),
		"analyzer": two("analyzer", func(m *pb.Health, ago uint64) {
			m.Pid, m.Resources.Uid = 102, 992
			m.Flows = []*pb.Flow{{Class: pb.Class_CLASS_PROCESS, Received: 985 - 100*ago, Unexplained: 3 * (1 - ago)}}
			m.Rules = &pb.RuleCounts{Loaded: 18}
			m.Alerts = &pb.AlertCounts{Raised: 4, Published: 4, Written: 4}
		}),
	}
}

func report(change func(map[string]Heartbeats)) *Report {
	beats := healthy()
	change(beats)
	return Compute("h1", beats, now)
}

func TestAHealthyVedette(t *testing.T) {
	r := report(func(map[string]Heartbeats) {})
	if len(r.Warnings) > 0 || r.ExitCode() != exit.OK {
		t.Errorf("it warns: %v, %s", r.Warnings, r.Verdict)
	}
	want := Sum{Class: "process", Made: 1000, Delivered: 980, Pending: 10, InFlight: 10, Closes: true, PerSecond: 100, Received: 985}
	if diff := cmp.Diff(want, r.Classes[1]); diff != "" {
		t.Error(diff)
	}
	if got := r.Components[0].CPUPercent; got < 1.99 || got > 2.01 {
		t.Errorf("CPU is %v %%, want 2", got)
	}
	golden(t, "healthy.txt", Render(r, term.Palette{}))
	doc, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "healthy.json", string(doc)+"\n")
}

func TestATroubledVedette(t *testing.T) {
	r := report(func(beats map[string]Heartbeats) {
		c := beats["collector"].Last
		c.Flows[0].Acknowledged, c.Flows[0].Lost = 800, 40
		c.Losses = []*pb.Loss{
			{Class: pb.Class_CLASS_PROCESS, Cause: pb.LossCause_LOSS_CAUSE_RING_FULL, Count: 40},
			{Class: pb.Class_CLASS_PROCESS, Cause: pb.LossCause_LOSS_CAUSE_ENVIRONMENT, Count: 5},
		}
		c.Attachments = append(c.Attachments, &pb.Attachment{Name: "process_exit", Hook: "tp_btf/sched_process_exit", Reason: "EPERM\x1b[2J"})
		c.Warnings = []string{"the memory limit could not be raised; run it as root"}
		a := beats["analyzer"]
		a.Before.Flows[0].Unexplained = 2
		a.Last.Rules = &pb.RuleCounts{Loaded: 17, Refused: 1, Problems: []string{"a.yml:3:1: unknown key \x1b]0;x\x07"}}
		a.Last.Resources.Capabilities = 1
	})
	if r.ExitCode() != exit.Warning {
		t.Errorf("the verdict is %q", r.Verdict)
	}
	golden(t, "troubled.txt", Render(r, term.Palette{}))
}

func TestNothingRuns(t *testing.T) {
	r := Compute("h1", nil, now)
	if r.ExitCode() != exit.Refused || len(r.Warnings) != 3 {
		t.Errorf("verdict %q with %v", r.Verdict, r.Warnings)
	}
	golden(t, "down.txt", Render(r, term.Palette{}))
	r = report(func(beats map[string]Heartbeats) {
		h := beats["analyzer"]
		h.Last.WallTimeNs = now.Add(-time.Minute).UnixNano()
	})
	if r.Verdict != NotRunning || r.Components[2].Running {
		t.Errorf("an analyzer that fell silent counts as running: %+v", r.Components[2])
	}
}

func TestTheSum(t *testing.T) {
	type flow = pb.Flow
	f := func(name string, before, last *flow, difference int64, inFlight uint64) {
		t.Helper()
		s := sum(last, before, 1)
		if s.Difference != difference || s.InFlight != inFlight || s.Closes != (difference == 0) {
			t.Errorf("%s: difference %d, in flight %d, closes %v; want %d and %d", name, s.Difference, s.InFlight, s.Closes, difference, inFlight)
		}
	}
	f("nothing happens", &flow{}, &flow{}, 0, 0)
	f("all delivered", &flow{Made: 5, Acknowledged: 5}, &flow{Made: 9, Acknowledged: 9}, 0, 0)
	f("some pending and lost", &flow{Made: 5, Acknowledged: 5}, &flow{Made: 9, Acknowledged: 5, Pending: 3, Lost: 1}, 0, 0)
	f("the newest are in the ring", &flow{Made: 5, Acknowledged: 5}, &flow{Made: 9, Acknowledged: 6}, 0, 3)
	f("older ones vanished", &flow{Made: 8, Acknowledged: 5}, &flow{Made: 9, Acknowledged: 6}, 2, 1)
	f("they stay away", &flow{Made: 9, Acknowledged: 6}, &flow{Made: 9, Acknowledged: 6}, 3, 0)
	f("counted while they flowed", &flow{Made: 5, Acknowledged: 5}, &flow{Made: 9, Acknowledged: 10}, 0, 0)
	f("delivered twice", &flow{Made: 9, Acknowledged: 11}, &flow{Made: 9, Acknowledged: 11}, -2, 0)
	f("one heartbeat only", nil, &flow{Made: 9, Acknowledged: 9}, 0, 0)
	f("one heartbeat only, one missing", nil, &flow{Made: 9, Acknowledged: 8}, 1, 0)
}

// However events flow, the account closes; whatever is taken away for longer than a heartbeat is found.
func FuzzTheSum(f *testing.F) {
	f.Add(uint16(10), uint16(5), uint16(3), uint16(1), uint16(20), uint16(0))
	f.Fuzz(func(t *testing.T, made, acked, pending, lost, more, vanished uint16) {
		accounted := uint64(acked) + uint64(pending) + uint64(lost)
		total := accounted + uint64(vanished)
		before := &pb.Flow{Made: total, Acknowledged: uint64(acked), Pending: uint64(pending), Lost: uint64(lost)}
		last := &pb.Flow{Made: total + uint64(more), Acknowledged: before.Acknowledged, Pending: before.Pending, Lost: before.Lost}
		s := sum(last, before, 1)
		if s.Difference != int64(vanished) || s.InFlight != uint64(more) {
			t.Errorf("%d vanished and %d are new, the sum says %+v", vanished, more, s)
		}
		if s.Made != s.Delivered+s.Pending+s.Lost+s.InFlight+uint64(s.Difference) {
			t.Errorf("the parts do not make the whole: %+v", s)
		}
	})
}

func TestHeartbeatsOfARestart(t *testing.T) {
	var h Heartbeats
	h.add(&pb.Health{Instance: 1, WallTimeNs: 1})
	h.add(&pb.Health{Instance: 1, WallTimeNs: 2})
	if h.Before == nil || h.Before.WallTimeNs != 1 || h.Last.WallTimeNs != 2 {
		t.Errorf("two heartbeats give %+v", h)
	}
	h.add(&pb.Health{Instance: 1, WallTimeNs: 1})
	if h.Last.WallTimeNs != 2 {
		t.Error("an old heartbeat replaced a newer one")
	}
	h.add(&pb.Health{Instance: 2, WallTimeNs: 3})
	if h.Before != nil || h.Last.Instance != 2 {
		t.Errorf("a restart gives %+v", h)
	}
}

func TestCapabilities(t *testing.T) {
	f := func(set uint64, want ...string) {
		t.Helper()
		if got := capabilities(set); !slices.Equal(got, want) {
			t.Errorf("set %#x is %v, want %v", set, got, want)
		}
	}
	f(0)
	f(1, "CAP_CHOWN")
	f(1<<21, "CAP_SYS_ADMIN")
	f(1<<38|1<<39|1<<40, "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE")
	f(1<<50, "CAP_50")
}

func TestRenderEscapes(t *testing.T) {
	r := report(func(beats map[string]Heartbeats) { beats["bus"].Last.Warnings = []string{"\x1b[2J"} })
	r.Host = "\x1b"
	if text := Render(r, term.Palette{}); strings.Contains(text, "\x1b") {
		t.Errorf("the text holds an escape: %q", text)
	}
}
