package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/peercred"
	"github.com/vedette-edr/vedette/proto/subject"
)

const hostID = "bench"

// system is a Vedette under measurement, with its alerts and health subscribed.
type system struct {
	up     *exec.Cmd
	output bytes.Buffer
	nc     *nats.Conn
	alerts chan arrival

	mu     sync.Mutex
	health map[string]*pb.Health
}

type arrival struct {
	alert *ecs.Alert
	at    time.Time
}

func startSystem(bin, rules, prefix string) (*system, error) {
	s := &system{alerts: make(chan arrival, 1<<16), health: map[string]*pb.Health{}}
	s.up = exec.Command(filepath.Join(bin, "vedette"), "up", "--no-follow", "--prefix", prefix, "--bin", bin, "--rules", rules, "--host-id", hostID)
	s.up.Stdout, s.up.Stderr = &s.output, &s.output
	if err := s.up.Start(); err != nil {
		return nil, err
	}
	dialer := &peercred.Dialer{Path: filepath.Join(prefix, "run/vedette/bus/bus.sock")}
	deadline := time.Now().Add(30 * time.Second)
	for {
		nc, err := nats.Connect("nats://vedette", nats.SetCustomDialer(dialer), nats.SkipHostLookup(), nats.CustomInboxPrefix("_INBOX_operator"))
		if err == nil {
			s.nc = nc
			break
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("the bus did not come up: %w", err), s.stop())
		}
		time.Sleep(50 * time.Millisecond)
	}
	if _, err := s.nc.Subscribe(subject.AllAlerts(hostID), func(m *nats.Msg) {
		at := time.Now()
		if a, err := ecs.Decode(m.Data); err == nil {
			select {
			case s.alerts <- arrival{a, at}:
			default:
			}
		}
	}); err != nil {
		return nil, err
	}
	if _, err := s.nc.Subscribe(subject.AllHealth(hostID), func(m *nats.Msg) {
		h := &pb.Health{}
		if h.UnmarshalVTUnsafe(m.Data) == nil {
			s.mu.Lock()
			s.health[h.Component] = h
			s.mu.Unlock()
		}
	}); err != nil {
		return nil, err
	}
	for {
		s.mu.Lock()
		n := len(s.health)
		s.mu.Unlock()
		if n == 3 {
			return s, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(errors.New("not every component is heard"), s.stop())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *system) pid(component string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.health[component].GetPid())
}

// fresh waits for what a component says of itself from now on.
func (s *system) fresh(component string) (*pb.Health, error) {
	now := time.Now().UnixNano()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		h := s.health[component]
		s.mu.Unlock()
		if h.GetWallTimeNs() > now {
			return h, nil
		}
	}
	return nil, fmt.Errorf("nothing was heard of %s for 10 s", component)
}

// flows is what became of the collector's events so far, by class.
func (s *system) flows() (map[pb.Class]classRate, error) {
	h, err := s.fresh(subject.Collector)
	if err != nil {
		return nil, err
	}
	flows := map[pb.Class]classRate{}
	for _, f := range h.Flows {
		flows[f.Class] = classRate{Made: f.Made, Lost: f.Lost}
	}
	for _, loss := range h.Losses {
		if loss.Cause == pb.LossCause_LOSS_CAUSE_THROTTLED {
			f := flows[loss.Class]
			f.Withheld, f.Lost = loss.Count, f.Lost-min(f.Lost, loss.Count)
			flows[loss.Class] = f
		}
	}
	return flows, nil
}

// cpu is what Vedette's processes have run so far, in seconds.
func (s *system) cpu() (float64, error) {
	sum := 0.0
	for _, c := range []string{subject.Collector, subject.Bus, subject.Analyzer} {
		one, err := cpuSeconds(s.pid(c))
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

func (s *system) stop() error {
	if s.nc != nil {
		s.nc.Close()
	}
	if err := s.up.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	if err := s.up.Wait(); err != nil {
		return fmt.Errorf("vedette up: %w\n%s", err, s.output.Bytes())
	}
	return nil
}

// cpuSeconds sums what the threads of a process have run, in finer steps than the ticks of /proc/PID/stat.
func cpuSeconds(pid int) (float64, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, path := range tasks {
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		ns, err := strconv.ParseFloat(strings.Fields(string(b))[0], 64)
		if err != nil {
			return 0, err
		}
		sum += ns / 1e9
	}
	return sum, nil
}

// residentMiB is VmRSS of a process.
func residentMiB(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if name, value, _ := strings.Cut(line, ":"); name == "VmRSS" {
			kib, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", pid)
}
