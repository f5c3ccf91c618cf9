package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// fileStorm does operations on files by processes that do so many each, and returns how many there were.
func fileStorm(t *testing.T, operations, each int) uint64 {
	t.Helper()
	dir, err := os.MkdirTemp("", "filestorm")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	out, err := exec.Command(tool(t, "filestorm"), dir, strconv.Itoa(operations), strconv.Itoa(each)).Output()
	if err != nil {
		t.Fatalf("filestorm: %v", err)
	}
	var done, processes uint64
	var seconds float64
	if _, err := fmt.Sscan(string(out), &done, &seconds, &processes); err != nil {
		t.Fatalf("filestorm says %q: %v", out, err)
	}
	t.Logf("%d operations by %d processes in %.1f s", done, processes, seconds)
	return done
}

// flows waits until the sums of processes and files close, and returns both.
func flows(t *testing.T, s *system) (process, file *pb.Flow, h *pb.Health) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; {
		h := s.lastHealth(t, subject.Collector)
		open := 0
		for _, f := range h.Flows {
			switch f.Class {
			case pb.Class_CLASS_PROCESS:
				process = f
			case pb.Class_CLASS_FILE:
				file = f
			default:
				continue
			}
			// The machine goes on living, so a few events are always under way.
			if f.Made-f.Acknowledged-f.Lost >= 200 {
				open++
			}
		}
		if open == 0 && process != nil && file != nil {
			return process, file, h
		}
		if time.Now().After(deadline) {
			t.Fatalf("the sum does not close: %v", h.Flows)
		}
	}
}

func losses(h *pb.Health, class pb.Class) map[pb.LossCause]uint64 {
	found := map[pb.LossCause]uint64{}
	for _, l := range h.Losses {
		if l.Class == class {
			found[l.Cause] += l.Count
		}
	}
	return found
}

// Half of the storm is made by two processes, which exceed their budget; the other half by so many that none does, more than can
// be carried. Programs that raise alerts go on all the while: their events have a ring of their own.
func TestAStormOfFilesCostsNoProcess(t *testing.T) {
	needRoot(t)
	s := start(t)
	defer stopOrFail(t, s)
	_, before, _ := flows(t, s)
	m := marker(t)
	var operations uint64
	n := storm(t, m, 200, 12, func() {
		operations = fileStorm(t, 250_000, 125_000) + fileStorm(t, 250_000, 300)
	})
	exactlyOnce(t, s, m, n)
	process, file, h := flows(t, s)
	if process.Lost != 0 {
		t.Errorf("%d of %d events of processes were lost", process.Lost, process.Made)
	}
	if made := file.Made - before.Made; made < operations {
		t.Errorf("%d operations on files were made and %d events numbered", operations, made)
	}
	lost := losses(h, pb.Class_CLASS_FILE)
	if lost[pb.LossCause_LOSS_CAUSE_THROTTLED] < operations/4 {
		t.Errorf("of %d events, half of them by two processes, %d were withheld", operations, lost[pb.LossCause_LOSS_CAUSE_THROTTLED])
	}
	sum := uint64(0)
	for _, count := range lost {
		sum += count
	}
	if sum < file.Lost {
		t.Errorf("%d events were lost, and causes are told of %d", file.Lost, sum)
	}
	assertNothingUnexplained(t, s)
	t.Logf("files: %d made, %d acknowledged, lost %v; processes: %d made, %d lost", file.Made, file.Acknowledged, lost, process.Made, process.Lost)
}
