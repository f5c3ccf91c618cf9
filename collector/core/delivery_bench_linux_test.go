package core

import (
	"bufio"
	"context"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

const (
	deliveryBatch = 64
	// Batches under way, for both mechanisms about the window of 4 MiB.
	deliveryWindow = 128
	ackBytes       = 1 << 20
	ackInterval    = 100 * time.Millisecond
)

// BenchmarkDelivery compares the two mechanisms that lose nothing when the bus or the analyzer is killed: core NATS with an
// acknowledgement from end to end, and a JetStream stream that the reader acknowledges, in a file or in memory. Events,
// batches of 64, transport and decoding are the same; one operation is one event. It reports the CPU time of the whole process,
// which runs collector, bus and reader, and what reached the disk.
func BenchmarkDelivery(b *testing.B) {
	var base usage
	report := func(b *testing.B, used usage) {
		b.ReportMetric(used.cpu, "cpu-us/event")
		b.ReportMetric(used.disk, "disk-B/event")
		if base.cpu > 0 {
			b.ReportMetric(used.cpu/base.cpu, "xcore")
		}
	}
	b.Run("core-ack", func(b *testing.B) {
		base = usage{}
		used := deliverCore(b)
		base = used
		report(b, used)
	})
	b.Run("jetstream-memory", func(b *testing.B) { report(b, deliverStream(b, jetstream.MemoryStorage)) })
	b.Run("jetstream-file", func(b *testing.B) { report(b, deliverStream(b, jetstream.FileStorage)) })
}

// usage is what one event costs.
type usage struct{ cpu, disk float64 }

// meter measures the process from now on.
func meter(b *testing.B) (stop func() usage) {
	b.Helper()
	cpu0, disk0 := cpuTime(b), diskBytes(b)
	return func() usage {
		n := float64(b.N)
		return usage{float64((cpuTime(b) - cpu0).Microseconds()) / n, float64(diskBytes(b)-disk0) / n}
	}
}

// cpuTime is what the process has used so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// diskBytes reads write_bytes of proc_pid_io(5).
func diskBytes(b *testing.B) int64 {
	b.Helper()
	f, err := os.Open("/proc/self/io")
	if err != nil {
		b.Skip(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "write_bytes: "); ok {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("/proc/self/io has no write_bytes")
	return 0
}

// decoder decodes batches as the analyzer does and counts their events.
type decoder struct {
	events  atomic.Int64
	number  uint64
	pending int
	acked   time.Time
}

// take decodes a batch and says whether it is time to acknowledge.
func (d *decoder) take(b *testing.B, data []byte) bool {
	batch := pb.EventBatchFromVTPool()
	if err := batch.UnmarshalVTUnsafe(data); err != nil {
		b.Error(err)
	}
	if batch.Number != d.number+1 {
		b.Errorf("batch %d came after %d", batch.Number, d.number)
	}
	d.number = batch.Number
	n := int64(len(batch.Events))
	batch.ReturnToVTPool()
	d.pending += len(data)
	due := d.events.Add(n) >= int64(b.N) || d.pending >= ackBytes || time.Since(d.acked) >= ackInterval
	if due {
		d.pending, d.acked = 0, time.Now()
	}
	return due
}

// produce adds b.N events and flushes after every batch of 64.
func produce(b *testing.B, c *Collector, flushed func()) {
	ev, sink := sampleEvent(), c.Sink()
	for n := range uint64(b.N) {
		ev.Cpu, ev.Sequence = 0, n+1
		sink.Add(ev)
		if (n+1)%deliveryBatch == 0 || n+1 == uint64(b.N) {
			sink.Flush()
			flushed()
		}
	}
}

func deliverCore(b *testing.B) usage {
	bus := newBus(b, server.Options{})
	nc := bus.mustClient()
	r := run(b, bus, Options{ShutdownWait: time.Millisecond})
	var d decoder
	if _, err := nc.Subscribe(subject.AllEvents(host), func(m *nats.Msg) {
		if !d.take(b, m.Data) {
			return
		}
		data, err := (&pb.Ack{Instance: r.Instance(), Number: d.number}).MarshalVT()
		if err == nil {
			err = nc.Publish(subject.Control(host, subject.Ack), data)
		}
		if err != nil {
			b.Error(err)
		}
	}); err != nil {
		b.Fatal(err)
	}
	if err := nc.FlushTimeout(10 * time.Second); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	stop := meter(b)
	produce(b, r.Collector, func() { waitRoom(r.Collector) })
	waitFor(b, "the acknowledgements", func() bool { return r.spool.Stats().Batches == 0 })
	b.StopTimer()
	return stop()
}

// deliverStream publishes the same batches to a stream. The spool keeps a batch until the stream has it, and the stream until
// the reader has acknowledged it.
func deliverStream(b *testing.B, storage jetstream.StorageType) usage {
	bus := newBus(b, server.Options{JetStream: true, StoreDir: b.TempDir()})
	c := offline(b)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	pub, err := jetstream.New(bus.mustClient(), jetstream.WithPublishAsyncMaxPending(deliveryWindow))
	if err != nil {
		b.Fatal(err)
	}
	sub, err := jetstream.New(bus.mustClient())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := pub.CreateStream(ctx, jetstream.StreamConfig{
		Name: "EVENTS", Subjects: []string{subject.AllEvents(host)}, Storage: storage, Retention: jetstream.InterestPolicy,
		MaxBytes: 64 << 20, Discard: jetstream.DiscardNew,
	}); err != nil {
		b.Fatal(err)
	}
	consumer, err := sub.CreateConsumer(ctx, "EVENTS", jetstream.ConsumerConfig{
		Durable: "analyzer", AckPolicy: jetstream.AckAllPolicy, MaxAckPending: 4 * deliveryWindow, AckWait: time.Minute,
	})
	if err != nil {
		b.Fatal(err)
	}
	var d decoder
	done := make(chan struct{})
	consuming, err := consumer.Consume(func(m jetstream.Msg) {
		if !d.take(b, m.Data()) {
			return
		}
		if err := m.Ack(); err != nil {
			b.Error(err)
		}
		if d.events.Load() == int64(b.N) {
			close(done)
		}
	}, jetstream.PullMaxMessages(2*deliveryWindow))
	if err != nil {
		b.Fatal(err)
	}
	defer consuming.Stop()

	var under []jetstream.PubAckFuture
	var stored uint64
	settle := func() {
		select {
		case <-under[0].Ok():
		case err := <-under[0].Err():
			b.Fatal(err)
		}
		under = under[1:]
		stored++
		if _, err := c.spool.Acknowledge(stored); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	stop := meter(b)
	produce(b, c, func() {
		for {
			batch, ok := c.spool.Next()
			if !ok {
				return
			}
			future, err := pub.PublishAsync(subject.Events(host, batch.Class), batch.Payload)
			if err != nil {
				b.Fatal(err)
			}
			c.spool.Done(batch, true)
			if under = append(under, future); len(under) >= deliveryWindow-1 {
				settle()
			}
			// The stream holds at most MaxBytes; a reader that lags must slow the writer down here.
			for int64(batch.Number)*deliveryBatch-d.events.Load() > 1024*deliveryBatch {
				time.Sleep(time.Millisecond)
			}
		}
	})
	for len(under) > 0 {
		settle()
	}
	<-done
	b.StopTimer()
	return stop()
}
