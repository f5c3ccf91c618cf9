package core

import (
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	pb "github.com/vedette-edr/vedette/proto"
)

// sense adds events of one lane in bursts until stop is closed, and returns how many.
func sense(k *kernel, sink Sink, class pb.Class, cpu uint32, pace time.Duration, ev *pb.Event, stop <-chan struct{}) uint64 {
	rnd := rand.New(rand.NewPCG(uint64(class), uint64(cpu)))
	var n uint64
	for {
		for range rnd.IntN(300) {
			n++
			k.emit(sink, ev, class, cpu, n)
		}
		sink.Flush()
		select {
		case <-stop:
			return n
		case <-time.After(time.Duration(rnd.Int64N(int64(pace)))):
		}
	}
}

// sensors run one sense in a goroutine for each lane; the returned function stops them and says what each has made.
func sensors(r *runner, pace time.Duration, ev func() *pb.Event, lanes ...laneKey) (finish func() map[laneKey]uint64) {
	stop := make(chan struct{})
	made := map[laneKey]uint64{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, lane := range lanes {
		wg.Go(func() {
			n := sense(r.kernel, r.Sink(), lane.class, lane.cpu, pace, ev(), stop)
			mu.Lock()
			defer mu.Unlock()
			made[lane] = n
		})
	}
	return func() map[laneKey]uint64 {
		close(stop)
		wg.Wait()
		return made
	}
}

// havoc kills and restarts the bus and the analyzer at random moments for a while; both are up at the end.
func havoc(b *bus, m *memory, lasts time.Duration, rnd *rand.Rand) (kill func()) {
	kill = startAnalyzer(b, m)
	pause := func(most time.Duration) { time.Sleep(time.Duration(rnd.Int64N(int64(most)))) }
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		pause(250 * time.Millisecond)
		switch rnd.IntN(3) {
		case 0:
			b.kill()
			pause(100 * time.Millisecond)
			b.start()
		case 1:
			kill()
			pause(100 * time.Millisecond)
			kill = startAnalyzer(b, m)
		case 2:
			kill()
			b.kill()
			pause(50 * time.Millisecond)
			kill = startAnalyzer(b, m)
			pause(50 * time.Millisecond)
			b.start()
		}
	}
	return kill
}

func checkFaults(t *testing.T, m *memory) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, fault := range m.faults {
		t.Error(fault)
	}
}

// The heart of it: whatever dies and comes back, every event arrives exactly once and in order, and the sum closes.
func TestNothingIsLostWhileBusAndAnalyzerDie(t *testing.T) {
	b := newBus(t, server.Options{})
	r := run(t, b, Options{SpoolLimit: 256 << 20, HealthInterval: 50 * time.Millisecond, ResendAfter: 200 * time.Millisecond})
	m := newMemory()
	lanes := []laneKey{{process, 0}, {process, 1}, {file, 0}, {network, 3}}
	finish := sensors(r, 80*time.Millisecond, sampleEvent, lanes...)
	seed := rand.Uint64()
	kill := havoc(b, m, 4*time.Second, rand.New(rand.NewPCG(seed, 0)))
	defer kill()
	made := finish()

	waitFor(t, "everything to be acknowledged", func() bool { return r.spool.Stats().Batches == 0 })
	r.wantClosed(t)
	checkFaults(t, m)
	var total uint64
	for _, lane := range lanes {
		total += made[lane]
		sequences := m.taken[lane]
		if uint64(len(sequences)) != made[lane] {
			t.Errorf("%v: %d events made, %d taken", lane, made[lane], len(sequences))
		}
		for i, sequence := range sequences {
			if sequence != uint64(i)+1 {
				t.Errorf("%v: event %d came as number %d", lane, sequence, i+1)
				break
			}
		}
	}
	for _, f := range r.health(openGauge()).Flows {
		if f.Lost != 0 || f.Pending != 0 || f.Published != f.Acknowledged {
			t.Errorf("%s: %v", f.Class, f)
		}
	}
	t.Logf("havoc seed %d: %d events, %d batches sent again", seed, total, r.spool.Stats().Resent)
}

// With a spool too small for what happens while nobody reads, what is missing is exactly what is counted, and high value
// survives.
func TestLossesOfASmallSpoolAreExact(t *testing.T) {
	b := newBus(t, server.Options{})
	r := run(t, b, Options{
		SpoolLimit: 4 << 20, Window: 512 << 10, HealthInterval: 50 * time.Millisecond, ResendAfter: 200 * time.Millisecond,
	})
	lanes := []laneKey{{process, 0}, {file, 0}, {file, 1}, {network, 0}}
	// Without an analyzer, until a lot has been given up.
	finish := sensors(r, 5*time.Millisecond, func() *pb.Event { return largeEvent(2 << 10) }, lanes[1:]...)
	process := sensors(r, 400*time.Millisecond, sampleEvent, lanes[0])
	waitFor(t, "the spool to overflow", func() bool {
		return r.lost(file, pb.LossCause_LOSS_CAUSE_SPOOL_FULL) > 1000 && r.lost(network, pb.LossCause_LOSS_CAUSE_SPOOL_FULL) > 1000
	})
	m := newMemory()
	kill := havoc(b, m, 2*time.Second, rand.New(rand.NewPCG(1, 2)))
	defer kill()
	made := finish()
	maps.Copy(made, process())
	waitFor(t, "everything to be acknowledged", func() bool { return r.spool.Stats().Batches == 0 })
	r.wantClosed(t)
	checkFaults(t, m)

	missing := map[pb.Class]uint64{}
	for _, lane := range lanes {
		last := uint64(0)
		for _, sequence := range m.taken[lane] {
			if sequence <= last {
				t.Fatalf("%v: event %d came after %d", lane, sequence, last)
			}
			last = sequence
		}
		missing[lane.class] += made[lane] - uint64(len(m.taken[lane]))
	}
	for class, n := range missing {
		if lost := r.lost(class, pb.LossCause_LOSS_CAUSE_SPOOL_FULL); lost != n {
			t.Errorf("%s: %d events are missing, %d are counted as lost", class, n, lost)
		}
	}
	if missing[lanes[0].class] != 0 {
		t.Errorf("%d process events were given up, though there were others", missing[lanes[0].class])
	}
	if m.shed[file] == 0 || m.shed[network] == 0 {
		t.Errorf("tombstones came for %v", m.shed)
	}
	if m.losses["CLASS_FILE LOSS_CAUSE_SPOOL_FULL"] == 0 {
		t.Error("the batches did not carry the counters of loss")
	}
}
