package bus

import (
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/bus/access"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// eventBytes is the size of a typical exec event; a batch has batchEvents of them.
const (
	eventBytes  = 422
	batchEvents = 64
)

// BenchmarkEvents carries batches from a collector to an analyzer. CPU is that of the whole process: publisher, bus and
// subscriber. The baseline connects both inside the process, without socket and bridge.
func BenchmarkEvents(b *testing.B) {
	for _, way := range []struct {
		name    string
		connect func(*testBus, access.Role) *nats.Conn
	}{
		{"inprocess", func(tb *testBus, r access.Role) *nats.Conn {
			login := map[access.Role]access.Login{access.Collector: tb.logins.Collector, access.Analyzer: tb.logins.Analyzer}[r]
			nc, err := nats.Connect("", nats.InProcessServer(tb.ns), nats.UserInfo(login.User, login.Password))
			if err != nil {
				b.Fatal(err)
			}
			return nc
		}},
		{"unix", func(tb *testBus, r access.Role) *nats.Conn { return tb.as(b, r) }},
	} {
		b.Run(way.name, func(b *testing.B) {
			tb := start(b, testOptions(b))
			collector, analyzer := way.connect(tb, access.Collector), way.connect(tb, access.Analyzer)
			defer collector.Close()
			defer analyzer.Close()
			carry(b, collector, analyzer)
		})
	}
}

func carry(b *testing.B, collector, analyzer *nats.Conn) {
	const window = 100 // batches in flight: less than nats-server's limit of pending bytes
	received := make(chan struct{}, window)
	sub, err := analyzer.Subscribe(subject.AllEvents(host), func(*nats.Msg) { received <- struct{}{} })
	if err != nil {
		b.Fatal(err)
	}
	defer sub.Unsubscribe()
	if err := analyzer.Flush(); err != nil {
		b.Fatal(err)
	}
	batch := make([]byte, batchEvents*eventBytes)
	events := subject.Events(host, pb.Class_CLASS_PROCESS)
	b.ReportAllocs()
	b.SetBytes(int64(len(batch)))
	before := cpuTime(b)
	b.ResetTimer()
	inFlight := 0
	for range b.N {
		if inFlight == window {
			<-received
			inFlight--
		}
		if err := collector.Publish(events, batch); err != nil {
			b.Fatal(err)
		}
		inFlight++
	}
	for ; inFlight > 0; inFlight-- {
		<-received
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N*batchEvents), "cpu-ns/event")
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
