package app_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/analyzer/bustest"
	"github.com/vedette-edr/vedette/analyzer/collectortest"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// child is an analyzer in a process of its own.
type child struct {
	t   *testing.T
	bus *bustest.Bus
	dir string
	cmd *exec.Cmd
}

func (c *child) start() {
	c.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	c.cmd = exec.Command(self)
	c.cmd.Env = append(os.Environ(), asAnalyzer+"="+c.bus.Address(), inDir+"="+c.dir)
	c.cmd.Stderr = os.Stderr
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = c.cmd.Process.Kill() })
}

func (c *child) kill() {
	c.t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = c.cmd.Wait()
}

// Kill -9 of the analyzer and restarts of the bus at any moment: every program has its one alert in the stream and in the
// file, every event is counted once, and nothing is unexplained.
func TestKillsLoseAndDoubleNothing(t *testing.T) {
	bus, dir := bustest.New(t), newDir(t)
	last := make(chan *pb.Health, 10000)
	_, err := bus.Connect("operator").Subscribe(subject.Health(host, subject.Analyzer), func(m *nats.Msg) {
		h := &pb.Health{}
		if err := h.UnmarshalVTUnsafe(m.Data); err == nil {
			last <- h
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	c := collectortest.New(t, bus.Connect("collector"), host, 7, 500*time.Millisecond)
	c.Living(shellSeed())
	analyzer := &child{t: t, bus: bus, dir: dir}
	analyzer.start()
	c.WaitAcked()

	var want []string
	n := 0
	send := func(batches int) {
		for range batches {
			var events []*pb.Event
			for range 4 {
				n++
				want = append(want, fmt.Sprint(n))
				events = append(events, life(n, "marker")...)
			}
			c.Send(process, uint32(n/4%2), events...)
			time.Sleep(time.Millisecond)
		}
	}
	send(5)
	for i := range 4 {
		send(15)
		analyzer.kill()
		send(10)
		if i%2 == 1 {
			bus.Stop()
			send(5)
			bus.Start()
		}
		analyzer.start()
		send(5)
	}
	c.WaitAcked()
	made := uint64(0)
	until(t, "every event is counted", func() bool {
		h := <-last
		made = uint64(3*n) + seeds(c)
		return len(h.Flows) == 1 && h.Flows[0].Received == made && h.Flows[0].Unexplained == 0
	})
	if err := analyzer.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := analyzer.cmd.Wait(); err != nil {
		t.Errorf("the analyzer ends with %v", err)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, numbers(t, streamLines(bus))); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, numbers(t, fileLines(t, dir))); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
}

// seeds is how many seeds and ends of lists were sent.
func seeds(c *collectortest.Collector) uint64 {
	n := uint64(0)
	for _, r := range c.Resumes() {
		if r.Seed {
			n += 2
		}
	}
	return n
}
