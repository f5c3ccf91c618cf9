package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/subject"
)

// trigger is a command that some rule of rules/sigma/linux surely catches, once, with the marker in its arguments.
func trigger(t *testing.T, marker string) []string {
	t.Helper()
	return []string{tool(t, "noop"), "-o", "stratum+tcp://" + marker + ":3333"}
}

// settled waits until the collector's sum closes with nothing pending, and returns it.
func settled(t *testing.T, s *system) *pb.Flow {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		h := s.lastHealth(t, subject.Collector)
		for _, f := range h.Flows {
			// The machine goes on living, so a few events are always under way.
			if f.Class == pb.Class_CLASS_PROCESS && f.Made-f.Acknowledged-f.Lost < 200 && f.Pending < 200 {
				return f
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the sum does not close: %v", h.Flows)
		}
	}
}

// storm starts programs that each raise one alert and returns how many it started.
func storm(t *testing.T, m string, rate int, seconds float64, meanwhile func()) int {
	t.Helper()
	payload := trigger(t, m)
	// execload gives its programs the marker and a number.
	cmd := exec.Command(tool(t, "execload"), payload[0], strconv.Itoa(rate), fmt.Sprint(seconds), "stratum+tcp://"+m)
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	meanwhile()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.Fields(out.String())[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// exactlyOnce waits for one alert per program of a storm and fails on a missing or a double one.
func exactlyOnce(t *testing.T, s *system, m string, want int) {
	t.Helper()
	seen := map[string]int{}
	gather := func() {
		clear(seen)
		s.Alerts.Count(func(a *ecs.Alert) bool {
			if n := len(a.Process.Args); n == 3 && strings.Contains(a.Process.Args[1], m) {
				seen[a.Process.Args[2]+" "+a.Rule.ID]++
			}
			return false
		})
	}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		gather()
		if len(seen) >= want || time.Now().After(deadline) {
			break
		}
	}
	if len(seen) != want {
		t.Errorf("%d of %d programs raised an alert", len(seen), want)
	}
	double := 0
	for _, n := range seen {
		if n > 1 {
			double++
		}
	}
	if double > 0 {
		t.Errorf("%d alerts came more than once", double)
	}
}

// These tests kill parts of a system, so each has one of its own.

func TestNothingIsLostInAStorm(t *testing.T) {
	needRoot(t)
	s := start(t)
	defer stopOrFail(t, s)
	m := marker(t)
	n := storm(t, m, 1000, 5, func() {})
	exactlyOnce(t, s, m, n)
	f := settled(t, s)
	if f.Lost != 0 {
		t.Errorf("%d of %d events were lost at a rate that the machine can carry", f.Lost, f.Made)
	}
	t.Logf("%d programs, %d events", n, f.Made)
}

func TestNothingIsLostWhenTheAnalyzerIsKilled(t *testing.T) {
	needRoot(t)
	s := start(t)
	defer stopOrFail(t, s)
	m := marker(t)
	n := storm(t, m, 400, 8, func() {
		for range 3 {
			time.Sleep(1500 * time.Millisecond)
			if err := syscall.Kill(s.pid(t, subject.Analyzer), syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
	})
	if f := settled(t, s); f.Lost != 0 {
		t.Errorf("%d of %d events were lost", f.Lost, f.Made)
	}
	assertNothingUnexplained(t, s)
	exactlyOnceLater(t, s, m, n)
}

func TestNothingIsLostWhenTheBusIsKilled(t *testing.T) {
	needRoot(t)
	s := start(t)
	defer stopOrFail(t, s)
	m := marker(t)
	n := storm(t, m, 400, 8, func() {
		for range 2 {
			time.Sleep(2500 * time.Millisecond)
			if err := syscall.Kill(s.pid(t, subject.Bus), syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
	})
	if f := settled(t, s); f.Lost != 0 {
		t.Errorf("%d of %d events were lost", f.Lost, f.Made)
	}
	assertNothingUnexplained(t, s)
	exactlyOnceLater(t, s, m, n)
}

// exactlyOnceLater looks where alerts are kept: in the stream, as anyone who asks later sees it, and in the file. A
// subscriber of the moment may have missed some while the bus was away, or have seen some again, under the same id, that an
// analyzer raised before and after it was killed.
func exactlyOnceLater(t *testing.T, s *system, m string, want int) {
	t.Helper()
	out, err := exec.Command(bin(t, "vedette"), "alerts", "--prefix", s.Prefix, "--since", "5m", "--follow=false", "--json").Output()
	if err != nil {
		t.Fatalf("vedette alerts: %v", err)
	}
	file, err := os.ReadFile(filepath.Join(s.Prefix, "var/log/vedette/alerts.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	for where, lines := range map[string]string{"stream": string(out), "file": string(file)} {
		t.Log(where)
		s.Alerts.Clear()
		for line := range strings.Lines(lines) {
			a, err := ecs.Decode([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			s.Alerts.Put(a)
		}
		exactlyOnce(t, s, m, want)
	}
}

func assertNothingUnexplained(t *testing.T, s *system) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		h := s.lastHealth(t, subject.Analyzer)
		unexplained := uint64(0)
		for _, f := range h.Flows {
			unexplained += f.Unexplained
		}
		if unexplained == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the analyzer misses %d events that nobody counted as lost", unexplained)
		}
	}
}

func stopOrFail(t *testing.T, s *system) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
