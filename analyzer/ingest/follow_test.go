package ingest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/analyzer/position"
	pb "github.com/vedette-edr/vedette/proto"
)

// simulation is a collector, a bus that loses, doubles and delays, and an analyzer that is killed, all under one random
// source and one clock, so that any fault can be played again.
type simulation struct {
	t   *testing.T
	rng *rand.Rand
	now time.Time

	// The collector.
	instance   uint64
	made, sent uint64
	batches    map[uint64][]byte
	unacked    uint64
	events     uint64
	losses     uint64
	toAnalyzer []message
	toCollect  []message

	// The analyzer.
	follow *follower
	saved  []byte
	// handled are the events of the present run of the analyzer, in order; safe is how many of them are safe.
	handled []uint64
	safe    uint64
	// done are the events of earlier runs that were safe.
	done     []uint64
	progress chan struct{}
}

// message is on its way: a batch, an answer, an acknowledgement or a resume.
type message struct {
	batch    []byte
	position *pb.Position
	number   uint64
	ack      *pb.Ack
	resume   *pb.Resume
}

func (s *simulation) Handle(_ *Origin, ev *pb.Event) error {
	if _, ok := ev.Payload.(*pb.Event_Exit); ok {
		s.handled = append(s.handled, ev.Sequence)
	}
	return nil
}

func (s *simulation) Mark() uint64              { return uint64(len(s.handled)) }
func (s *simulation) Settled() uint64           { return s.safe }
func (s *simulation) Progress() <-chan struct{} { return s.progress }

// send puts a message on its way, unless the bus loses it. An error is what a client sees while it is disconnected.
func (s *simulation) send(to *[]message, m message) error {
	switch s.rng.IntN(20) {
	case 0:
		return errors.New("the bus is away")
	case 1:
		return nil
	case 2:
		*to = append(*to, m)
	}
	*to = append(*to, m)
	return nil
}

func (s *simulation) resume(number uint64, r *pb.Resume) error {
	return s.send(&s.toCollect, message{resume: r, number: number})
}

func (s *simulation) ack(a *pb.Ack) error {
	if a.Instance == s.instance && a.Number > s.made {
		s.t.Fatalf("batch %d is acknowledged, only %d were made", a.Number, s.made)
	}
	return s.send(&s.toCollect, message{ack: a})
}

func (s *simulation) save(encoded []byte) error {
	s.saved = slices.Clone(encoded)
	return nil
}

// make makes a batch of up to three events, one in ten shed.
func (s *simulation) make(seeds bool) {
	s.made++
	b := &pb.EventBatch{Host: "h", BootId: "b", Instance: s.instance, Number: s.made, Class: pb.Class_CLASS_PROCESS}
	if seeds {
		b.Events = []*pb.Event{{Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{}}}}
	} else {
		first := s.events + 1
		n := uint64(1 + s.rng.IntN(3))
		for range n {
			s.events++
			b.Events = append(b.Events, &pb.Event{Sequence: s.events, Payload: &pb.Event_Exit{Exit: &pb.ProcessExit{}}})
		}
		b.Ranges = []*pb.SequenceRange{{First: first, Last: s.events, Count: n}}
		if s.rng.IntN(10) == 0 {
			s.losses += n
			b.Shed, b.Events = true, nil
		}
	}
	b.Losses = []*pb.Loss{{Class: b.Class, Cause: pb.LossCause_LOSS_CAUSE_SPOOL_FULL, Count: s.losses}}
	data, err := b.MarshalVT()
	if err != nil {
		s.t.Fatal(err)
	}
	s.batches[s.made] = data
	s.pump()
}

// window is how many batches are sent without acknowledgement.
const window = 16

func (s *simulation) pump() {
	for s.sent < s.made && s.sent+1 < s.unacked+window {
		s.sent++
		_ = s.send(&s.toAnalyzer, message{batch: s.batches[s.sent]})
	}
}

func (s *simulation) rewind(from uint64) {
	s.sent = max(from, s.unacked) - 1
	s.pump()
}

func (s *simulation) collect(m message) {
	switch {
	case m.ack != nil && m.ack.Instance == s.instance:
		for s.unacked <= m.ack.Number {
			delete(s.batches, s.unacked)
			s.unacked++
		}
		s.sent = max(s.sent, s.unacked-1)
		s.pump()
	case m.resume != nil:
		next := s.unacked
		if m.resume.Instance == s.instance {
			next = max(next, m.resume.NextNumber)
		}
		p := &pb.Position{Instance: s.instance, NextNumber: next, NewestNumber: s.made}
		_ = s.send(&s.toAnalyzer, message{position: p, number: m.number})
		s.rewind(next)
		if m.resume.Seed {
			s.make(true)
		}
	}
}

func (s *simulation) deliver(m message) {
	var err error
	if m.batch != nil {
		err = s.follow.batchArrived(s.now, m.batch)
	} else {
		err = s.follow.positionArrived(s.now, m.number, m.position.Instance, m.position.NextNumber, m.position.NewestNumber)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// startAnalyzer begins a run with what the run before had saved. What that had handled beyond is handled again.
func (s *simulation) startAnalyzer() {
	s.done = append(s.done, s.handled[:s.ackedEvents()]...)
	s.handled, s.safe = nil, 0
	opts := Options{Host: "h", Log: zerolog.Nop(), Store: &position.Store{}, AckEvery: 50 * time.Millisecond}
	opts.setDefaults()
	if s.saved != nil {
		last, err := position.Decode(s.saved)
		if err != nil {
			s.t.Fatal(err)
		}
		opts.Last = last
	}
	s.follow = newFollower(s, s, opts)
	s.follow.start(s.now)
}

// ackedEvents is how many of the handled events belong to batches up to the saved position.
func (s *simulation) ackedEvents() int {
	if s.saved == nil {
		return 0
	}
	last, err := position.Decode(s.saved)
	if err != nil {
		s.t.Fatal(err)
	}
	flows := last.Tally.Flows(nil)
	if len(flows) == 0 {
		return 0
	}
	return int(flows[0].Received) - len(s.done)
}

func (s *simulation) step() {
	s.now = s.now.Add(time.Duration(s.rng.IntN(20)) * time.Millisecond)
	switch s.rng.IntN(12) {
	case 0:
		s.make(false)
	case 3:
		if s.rng.IntN(20) == 0 {
			s.rewind(0)
		}
	case 4:
		if s.rng.IntN(100) == 0 {
			s.startAnalyzer()
		}
	case 5:
		s.safe = uint64(len(s.handled))
	case 6:
		if s.rng.IntN(50) == 0 {
			// A restart of the bus loses all that is on its way.
			s.toAnalyzer, s.toCollect = nil, nil
			s.follow.reconnected(s.now)
			s.rewind(0)
		}
	default:
		s.carry(1 + s.rng.IntN(8))
	}
	if err := s.follow.tick(s.now); err != nil {
		s.t.Fatal(err)
	}
}

// carry brings up to n messages each way to their ends.
func (s *simulation) carry(n int) {
	for range n {
		if len(s.toCollect) > 0 {
			m := s.toCollect[0]
			s.toCollect = s.toCollect[1:]
			s.collect(m)
		}
		if len(s.toAnalyzer) > 0 {
			m := s.toAnalyzer[0]
			s.toAnalyzer = s.toAnalyzer[1:]
			s.deliver(m)
		}
	}
}

// finish lets everything come to rest: nothing more is made, and the collector sends again what stays unacknowledged.
func (s *simulation) finish() {
	for range 2000 {
		if s.unacked > s.made {
			return
		}
		s.rewind(0)
		for range 50 {
			s.carry(10)
			s.safe = uint64(len(s.handled))
			s.now = s.now.Add(20 * time.Millisecond)
			if err := s.follow.tick(s.now); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	s.t.Fatalf("the stream does not come to rest: %d of %d batches are acknowledged", s.unacked-1, s.made)
}

// Whatever the bus does and whenever the analyzer is killed, every event that was not shed is handled, once in effect, in
// order, and the sum closes.
func TestProtocolUnderFaults(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := &simulation{
				t: t, rng: rand.New(rand.NewPCG(seed, 9)), now: time.Unix(1000, 0), instance: 7, unacked: 1,
				batches: map[uint64][]byte{}, progress: make(chan struct{}),
			}
			s.startAnalyzer()
			for range 4000 {
				s.step()
			}
			s.finish()
			s.done = append(s.done, s.handled...)
			if uint64(len(s.done))+s.losses != s.events {
				t.Errorf("%d events made, %d handled, %d lost: the sum does not close", s.events, len(s.done), s.losses)
			}
			if !slices.IsSorted(s.done) || len(slices.Compact(slices.Clone(s.done))) != len(s.done) {
				t.Error("events were handled twice or out of order")
			}
			status := s.follow.status()
			if f := status.Flows[0]; f.Received != uint64(len(s.done)) || f.Missing != s.losses || f.Unexplained != 0 {
				t.Errorf("the flow is %+v, want %d received, %d missing and explained", f, len(s.done), s.losses)
			}
			if status.Skipped > 0 {
				t.Errorf("%d batches were given up", status.Skipped)
			}
		})
	}
}
