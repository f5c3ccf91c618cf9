package core

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

var sunk int

// marshalCost is the baseline: the CPU time of protobuf-go encoding the same event, in nanoseconds.
func marshalCost(b *testing.B, ev *pb.Event) float64 {
	b.Helper()
	const n = 20_000
	start := cpuTime(b)
	for range n {
		data, err := proto.Marshal(ev)
		if err != nil {
			b.Fatal(err)
		}
		sunk += len(data)
	}
	return float64(cpuTime(b)-start) / n
}

// compare starts to measure the CPU time of the process; the returned function reports it as a multiple of marshalCost, taken
// before and after since other work on the machine comes and goes.
func compare(b *testing.B, ev *pb.Event) (report func()) {
	before := marshalCost(b, ev)
	start := cpuTime(b)
	return func() {
		used := float64(cpuTime(b)-start) / float64(b.N)
		base := (before + marshalCost(b, ev)) / 2
		b.ReportMetric(base, "cpu-ns/proto.Marshal")
		b.ReportMetric(used, "cpu-ns/event")
		b.ReportMetric(used/base, "xproto.Marshal")
	}
}

// BenchmarkAdd is the sensor's share without the bus: encode, close and keep an exec of about 500 bytes.
func BenchmarkAdd(b *testing.B) {
	c := offline(b)
	ev, sink := sampleEvent(), c.Sink()
	b.SetBytes(int64(ev.SizeVT()))
	b.ReportAllocs()
	n := uint64(0)
	report := compare(b, ev)
	for b.Loop() {
		n++
		ev.Cpu, ev.Sequence = uint32(n%4), n
		sink.Add(ev)
		if n%batchEvents == 0 {
			takeAll(b, c)
		}
	}
	report()
}

// BenchmarkEndToEnd is the way of an exec to an acknowledgement, through a bus in the same process; the
// reader does not decode.
func BenchmarkEndToEnd(b *testing.B) {
	bus := newBus(b, server.Options{})
	nc := bus.mustClient()
	r := run(b, bus, Options{ShutdownWait: time.Millisecond})
	ev, sink := sampleEvent(), r.Sink()

	var bytes, number uint64
	if _, err := nc.Subscribe(subject.AllEvents(host), func(m *nats.Msg) {
		number++
		if bytes += uint64(len(m.Data)); bytes < 1<<20 && number%64 != 0 && len(m.Data) > 50_000 {
			return
		}
		bytes = 0
		data, _ := (&pb.Ack{Instance: r.Instance(), Number: number}).MarshalVT()
		if err := nc.Publish(subject.Control(host, subject.Ack), data); err != nil {
			b.Error(err)
		}
	}); err != nil {
		b.Fatal(err)
	}
	if err := nc.FlushTimeout(10 * time.Second); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(ev.SizeVT()))
	b.ReportAllocs()
	n := uint64(0)
	report := compare(b, ev)
	for b.Loop() {
		n++
		r.kernel.emit(sink, ev, process, uint32(n%4), n)
		if n%(64*batchEvents) == 0 {
			waitRoom(r.Collector)
		}
	}
	sink.Flush()
	// An acknowledgement for the rest, which may be below the reader's threshold.
	waitFor(b, "the rest", func() bool {
		data, _ := (&pb.Ack{Instance: r.Instance(), Number: r.spool.Stats().Newest}).MarshalVT()
		return nc.Publish(subject.Control(host, subject.Ack), data) == nil && r.spool.Stats().Batches == 0
	})
	if lost := r.flow(process).Lost; lost > 0 {
		b.Errorf("%d events lost", lost)
	}
	report()
}

// waitRoom keeps a benchmark from making more than the reader can take.
func waitRoom(c *Collector) {
	for c.spool.Stats().Bytes > 16<<20 {
		time.Sleep(time.Millisecond)
	}
}
