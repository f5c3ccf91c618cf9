package core

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

func (r *reader) health() *pb.Health {
	r.t.Helper()
	h := &pb.Health{}
	if err := h.UnmarshalVTUnsafe(r.next().Data); err != nil {
		r.t.Fatal(err)
	}
	return h
}

func TestHealth(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.Health(host, subject.Collector))
	m := newMemory()
	defer startAnalyzer(b, m)()
	r := run(t, b, Options{BootID: "boot", Version: "1.2.3", HealthInterval: 50 * time.Millisecond, ShutdownWait: time.Millisecond})
	first := in.health()
	wantEqual(t, "flows of a collector that has seen nothing", len(first.Flows), 0)

	for n := range uint64(300) {
		r.kernel.emit(r.Sink(), sampleEvent(), process, 0, n+1)
	}
	r.kernel.made[process].Add(7)
	r.kernel.lost[process][pb.LossCause_LOSS_CAUSE_RING_FULL].Add(5)
	r.Lost(process, pb.LossCause_LOSS_CAUSE_MALFORMED, 2)
	r.Lost(process, pb.LossCause_LOSS_CAUSE_ARGUMENTS, 9)
	want := &pb.Flow{Class: process, Made: 307, Read: 302, Published: 256, Acknowledged: 256, Pending: 44, Lost: 7}
	var h *pb.Health
	waitFor(t, "the acknowledgement", func() bool {
		h = in.health()
		return len(h.Flows) == 1 && h.Flows[0].Acknowledged == 256
	})
	wantEqual(t, "flow", h.Flows[0], want)
	wantEqual(t, "losses", h.Losses, []*pb.Loss{
		{Class: process, Cause: pb.LossCause_LOSS_CAUSE_RING_FULL, Count: 5},
		{Class: process, Cause: pb.LossCause_LOSS_CAUSE_MALFORMED, Count: 2},
		{Class: process, Cause: pb.LossCause_LOSS_CAUSE_ARGUMENTS, Count: 9},
	})
	// The analyzer may have asked for them twice as it came up.
	h.Spool.ResentBatches = 0
	wantEqual(t, "spool", h.Spool, &pb.Spool{LimitBytes: 64 << 20, NewestNumber: 2})
	wantEqual(t, "attachments", h.Attachments, r.kernel.Attachments())
	wantEqual(t, "warnings", h.Warnings, []string{"a sentence of the source"})
	for what, ok := range map[string]bool{
		"identity": h.Host == host && h.BootId == "boot" && h.Component == "collector" && h.Version == "1.2.3" && h.Instance == r.Instance(),
		"process":  h.Pid == uint32(os.Getpid()),
		"time":     h.WallTimeNs > h.StartedWallTimeNs && time.Since(time.Unix(0, h.WallTimeNs)) < time.Minute,
	} {
		if !ok {
			t.Errorf("%s is wrong in %v", what, h)
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	res := h.Resources
	if res.ResidentBytes < 1<<20 || res.CpuTimeNs == 0 || res.Threads < 2 || res.OpenFiles < 4 || res.Uid != uint32(os.Geteuid()) {
		t.Errorf("resources: %v", res)
	}
}

func TestWarnings(t *testing.T) {
	b := newBus(t, server.Options{})
	r := idle(t, b, Options{})
	wantEqual(t, "warnings", r.warnings(nil), []string(nil))
	r.refusedControl.Store(3)
	got := r.warnings([]*pb.Loss{
		{Class: file, Cause: pb.LossCause_LOSS_CAUSE_SPOOL_FULL, Count: 40},
		{Class: process, Cause: pb.LossCause_LOSS_CAUSE_SPOOL_FULL, Count: 2},
		{Class: process, Cause: pb.LossCause_LOSS_CAUSE_OVERSIZED, Count: 1},
	})
	wantEqual(t, "warnings", got, []string{
		"42 events were given up because the spool was full; check that the bus and the analyzer run, or raise the spool's limit",
		"1 events were too large to send",
		"3 control messages made no sense; check that the analyzer has the collector's version",
	})
}

func TestShutdownWaitsForTheAnalyzer(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.Health(host, subject.Collector))
	m := newMemory()
	defer startAnalyzer(b, m)()
	r := run(t, b, Options{HealthInterval: time.Hour, ShutdownWait: 10 * time.Second})
	in.health()
	waitFor(t, "the analyzer", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.instance != 0 })
	r.kernel.emit(r.Sink(), sampleEvent(), process, 0, 1)
	r.stop()
	wantEqual(t, "last flow", in.health().Flows, []*pb.Flow{{Class: process, Made: 1, Read: 1, Published: 1, Acknowledged: 1}})
	wantEqual(t, "taken", m.count(process), uint64(1))
}

func TestShutdownCountsWhatIsLeft(t *testing.T) {
	b := newBus(t, server.Options{})
	in := newReader(t, b, subject.Health(host, subject.Collector))
	r := run(t, b, Options{HealthInterval: time.Hour, ShutdownWait: 20 * time.Millisecond})
	in.health()
	for n := range uint64(200) {
		r.kernel.emit(r.Sink(), sampleEvent(), process, 0, n+1)
	}
	r.stop()
	last := in.health()
	wantEqual(t, "last flow", last.Flows, []*pb.Flow{{Class: process, Made: 200, Read: 200, Published: 200, Lost: 200}})
	wantEqual(t, "losses", last.Losses, []*pb.Loss{{Class: process, Cause: pb.LossCause_LOSS_CAUSE_SHUTDOWN, Count: 200}})
	// A sensor that comes too late.
	r.kernel.emit(r.Sink(), sampleEvent(), process, 0, 201)
	r.Sink().Flush()
	wantEqual(t, "lost", r.lost(process, pb.LossCause_LOSS_CAUSE_SHUTDOWN), uint64(201))
	r.wantClosed(t)
}

func TestShutdownWithoutABus(t *testing.T) {
	b := newBus(t, server.Options{})
	r := run(t, b, Options{ShutdownWait: 20 * time.Millisecond})
	b.kill()
	waitFor(t, "the session to end", func() bool { return r.link.Session() == 0 })
	r.kernel.emit(r.Sink(), sampleEvent(), process, 0, 1)
	r.stop()
	wantEqual(t, "lost", r.lost(process, pb.LossCause_LOSS_CAUSE_SHUTDOWN), uint64(1))
	r.wantClosed(t)
}
