// Package spool keeps encoded batches, within a bound of bytes, until the analyzer has said that they are safe.
//
// A batch first waits, without a number. Next numbers the batches in the order in which they are handed to the bus, and from
// then on a batch stays, to be sent again as often as needed, until Acknowledge names its number. When the bound is reached,
// whole waiting batches are given up: classes of 10 and above before classes 1 to 9, the oldest first. A batch that has
// been handed to the bus once is never given up, so what is counted as lost has not been seen by anyone. In the place of the
// batches given up, one empty batch for each class, a tombstone, takes a number and tells the reader.
//
// A Spool is safe for concurrent use and no call waits for anything but its short lock.
package spool

import (
	"errors"
	"fmt"
	"math/bits"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	pb "github.com/vedette-edr/vedette/proto"
)

// Classes is the number of value classes that a spool can hold: pb.Class values below it.
const Classes = 32

// MaxPayload is the size in bytes of the largest batch that a spool takes, including the room for its number.
const MaxPayload = 1 << 20

const (
	firstLowClass = 10
	numberField   = 5
	// What an entry costs beside its buffer, rounded up.
	entryBytes = 64
	// Tag and longest varint of the number.
	numberRoom = 11
)

// ErrNumber is returned for a batch number that was never given.
var ErrNumber = errors.New("no such batch number")

// Options say how much a spool may hold. All fields are required.
type Options struct {
	// Limit bounds the memory of all batches in bytes; one tombstone for each class may come on top. It must be at least
	// twice Window and twice MaxPayload.
	Limit int64
	// Window bounds the memory in bytes of what is handed to the bus and not acknowledged. One batch always fits.
	Window int64
	// Lost is told of events that were given up. It is called with the spool locked and must not call back.
	Lost func(class pb.Class, cause pb.LossCause, events uint64)
	// Tombstone appends the encoding, without number, of a batch of the class that says its events were given up. It is
	// called with the spool locked and must not call back.
	Tombstone func(dst []byte, class pb.Class) []byte
}

// Batch is what Next hands out. Payload belongs to the spool and is valid until Done.
type Batch struct {
	Class   pb.Class
	Number  uint64
	Payload []byte
}

// Flow counts the events of one class since the start.
type Flow struct {
	// Published counts events in batches handed to the bus at least once, Acknowledged those confirmed safe, Pending those
	// still kept.
	Published, Acknowledged, Pending uint64
}

// Stats is the state of a spool at one moment.
type Stats struct {
	Bytes, Limit int64
	Batches      uint64
	// Oldest is the lowest number not acknowledged, 0 when there is none. Newest is the highest number given, or that will
	// have been given once everything that waits is handed out.
	Oldest, Newest uint64
	// Resent counts batches handed out again.
	Resent uint64
}

// Spool holds the batches. Its zero value is not usable; call New.
type Spool struct {
	opts Options

	mu sync.Mutex
	// sent holds the numbered batches without a hole: sent.at(i) has the number sent.at(0).number+i. Those before cursor
	// are handed out and not acknowledged, and weigh inFlight; the others are to be handed out again.
	sent     fifo
	cursor   int
	inFlight int64
	// waiting holds the batches without a number, high value first.
	waiting [2]fifo
	serial  uint64
	next    uint64
	// given is the highest number for which Done reported success.
	given uint64
	// gaps has a bit for each class whose tombstone is due.
	gaps    uint32
	pinned  uint64
	orphan  []byte
	scratch []byte
	buffers buffers
	bytes   int64
	resent  uint64
	flows   [Classes]Flow
}

// New returns an empty spool, or an error that names the wrong option.
func New(opts Options) (*Spool, error) {
	switch {
	case opts.Lost == nil || opts.Tombstone == nil:
		return nil, errors.New("cannot make a spool: BUG: Lost and Tombstone must be set")
	case opts.Window <= 0:
		return nil, fmt.Errorf("cannot make a spool with a window of %d bytes: it must be positive", opts.Window)
	case opts.Limit < 2*opts.Window || opts.Limit < 2*MaxPayload:
		return nil, fmt.Errorf("cannot make a spool of %d bytes: it must hold at least %d, twice its window and twice its largest batch",
			opts.Limit, max(2*opts.Window, 2*MaxPayload))
	}
	return &Spool{opts: opts, next: 1, buffers: buffers{limit: opts.Window}}, nil
}

// Push adds a copy of an encoded batch that lacks only its number. It never fails: what does not fit any more is given up and
// told to Options.Lost.
func (s *Spool) Push(class pb.Class, events int, payload []byte) {
	if class < 0 || class >= Classes || len(payload)+numberRoom > MaxPayload {
		s.opts.Lost(class, pb.LossCause_LOSS_CAUSE_OVERSIZED, uint64(events))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.makeRoom(class, footprint(len(payload)+numberRoom)) {
		s.shed(class, events)
		return
	}
	e := entry{class: class, events: events, serial: s.serial, payload: append(s.buffers.get(len(payload)+numberRoom), payload...)}
	s.serial++
	s.bytes += e.footprint()
	s.flows[class].Pending += uint64(events)
	s.waiting[tier(class)].push(e)
}

// makeRoom gives up waiting batches until size more bytes fit; false means that the newcomer is the one to give up.
func (s *Spool) makeRoom(class pb.Class, size int64) bool {
	for s.bytes+size > s.opts.Limit {
		var victim entry
		switch {
		case s.waiting[low].len() > 0:
			victim = s.waiting[low].pop()
		case tier(class) == high && s.waiting[high].len() > 0:
			victim = s.waiting[high].pop()
		default:
			return false
		}
		s.release(victim)
		s.flows[victim.class].Pending -= uint64(victim.events)
		s.shed(victim.class, victim.events)
	}
	return true
}

func (s *Spool) shed(class pb.Class, events int) {
	s.gaps |= 1 << class
	s.opts.Lost(class, pb.LossCause_LOSS_CAUSE_SPOOL_FULL, uint64(events))
}

func (s *Spool) release(e entry) {
	s.bytes -= e.footprint()
	s.buffers.put(e.payload)
}

// Next hands out the batch that is to be published now; false means that nothing waits or that the window is full. Every
// batch handed out must be given to Done before the next call of Next: there is one publisher at a time.
func (s *Spool) Next() (Batch, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cursor == s.sent.len() && !s.number() {
		return Batch{}, false
	}
	e := s.sent.at(s.cursor)
	if s.inFlight > 0 && s.inFlight+e.footprint() > s.opts.Window {
		return Batch{}, false
	}
	s.inFlight += e.footprint()
	s.cursor++
	if e.number <= s.given {
		s.resent++
	}
	s.pinned = e.number
	return Batch{Class: e.class, Number: e.number, Payload: e.payload}, true
}

// number moves what comes first among the waiting batches, when the window has room for it, to the numbered ones.
func (s *Spool) number() bool {
	var e entry
	first, second := &s.waiting[high], &s.waiting[low]
	if second.len() > 0 && (first.len() == 0 || second.at(0).serial < first.at(0).serial) {
		first = second
	}
	switch {
	case s.gaps != 0:
		class := pb.Class(bits.TrailingZeros32(s.gaps))
		s.gaps &^= 1 << class
		e = entry{class: class}
		s.entomb(&e)
	case first.len() > 0:
		if s.inFlight > 0 && s.inFlight+first.at(0).footprint() > s.opts.Window {
			return false
		}
		e = first.pop()
	default:
		return false
	}
	e.number = s.next
	s.next++
	e.payload = appendNumber(e.payload, e.number)
	s.sent.push(e)
	return true
}

// entomb gives e, which holds no buffer, the payload of a tombstone.
func (s *Spool) entomb(e *entry) {
	e.events = 0
	s.scratch = s.opts.Tombstone(s.scratch[:0], e.class)
	e.payload = append(s.buffers.get(len(s.scratch)+numberRoom), s.scratch...)
	s.bytes += e.footprint()
}

// Done says that the batch from Next has been published, or, with sent false, that it has to be handed out again.
func (s *Spool) Done(b Batch, sent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unpin()
	if sent {
		s.count(b.Number)
		return
	}
	if i := s.index(b.Number); i >= 0 && i < s.cursor {
		s.seek(i)
	}
}

// Refuse gives up the events of the batch from Next, because the bus can never carry it, and puts a tombstone with the same
// number in its place, to be handed out next. It stands for Done. It returns false, and works like Done with sent false, when
// the batch is itself a tombstone.
func (s *Spool) Refuse(b Batch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unpin()
	i := s.index(b.Number)
	if i < 0 {
		return true
	}
	s.seek(min(i, s.cursor))
	e := s.sent.at(i)
	if e.events == 0 {
		return false
	}
	s.release(*e)
	s.flows[e.class].Pending -= uint64(e.events)
	s.opts.Lost(e.class, pb.LossCause_LOSS_CAUSE_OVERSIZED, uint64(e.events))
	s.entomb(e)
	e.payload = appendNumber(e.payload, e.number)
	return true
}

// unpin lets go of the batch handed out last. A batch that was acknowledged while the publisher held it leaves its buffer
// here, so that nobody fills it before the publisher has let go.
func (s *Spool) unpin() {
	s.pinned = 0
	if s.orphan != nil {
		s.buffers.put(s.orphan)
		s.orphan = nil
	}
}

// count books the events of the batch as published, once.
func (s *Spool) count(number uint64) {
	for s.given < number {
		s.given++
		if i := s.index(s.given); i >= 0 {
			e := s.sent.at(i)
			s.flows[e.class].Published += uint64(e.events)
		}
	}
}

// Acknowledge frees every batch up to and including number and returns how many that were. Repeating an older
// acknowledgement frees nothing; a number that was never given is ErrNumber.
func (s *Spool) Acknowledge(number uint64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number >= s.next {
		return 0, fmt.Errorf("cannot acknowledge batch %d of %d: %w", number, s.next-1, ErrNumber)
	}
	freed := 0
	for s.sent.len() > 0 && s.sent.at(0).number <= number {
		// The answer may overtake Done.
		s.count(s.sent.at(0).number)
		e := s.sent.pop()
		if s.cursor > 0 {
			s.cursor--
			s.inFlight -= e.footprint()
		}
		s.flows[e.class].Acknowledged += uint64(e.events)
		s.flows[e.class].Pending -= uint64(e.events)
		if e.number == s.pinned {
			s.bytes -= e.footprint()
			s.orphan = e.payload
		} else {
			s.release(e)
		}
		freed++
	}
	return freed, nil
}

// Rewind makes Next hand out again everything from the given number on, or, with 0 or a number already acknowledged, all
// that is not acknowledged. It returns the number that comes first. A number that was never given is ErrNumber and rewinds
// to the oldest.
func (s *Spool) Rewind(number uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	i := 0
	switch {
	case number > s.next:
		err = fmt.Errorf("cannot continue at batch %d of %d: %w", number, s.next-1, ErrNumber)
	case number == s.next:
		i = s.sent.len()
	default:
		i = max(s.index(number), 0)
	}
	s.seek(i)
	if i < s.sent.len() {
		return s.sent.at(i).number, err
	}
	return s.next, err
}

// index gives the place in sent of a number, negative when it is not there.
func (s *Spool) index(number uint64) int {
	if s.sent.len() == 0 || number < s.sent.at(0).number || number >= s.next {
		return -1
	}
	return int(number - s.sent.at(0).number)
}

func (s *Spool) seek(i int) {
	s.cursor = i
	s.inFlight = 0
	for j := range i {
		s.inFlight += s.sent.at(j).footprint()
	}
}

// Unacknowledged returns the oldest number handed out and not acknowledged; false when there is none.
func (s *Spool) Unacknowledged() (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cursor == 0 {
		return 0, false
	}
	return s.sent.at(0).number, true
}

// Abandon gives up everything that is left and tells Options.Lost under the given cause. Nothing may be pushed afterwards.
func (s *Spool) Abandon(cause pb.LossCause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range []*fifo{&s.sent, &s.waiting[high], &s.waiting[low]} {
		for f.len() > 0 {
			e := f.pop()
			s.bytes -= e.footprint()
			s.flows[e.class].Pending -= uint64(e.events)
			if e.events > 0 {
				s.opts.Lost(e.class, cause, uint64(e.events))
			}
		}
	}
	s.cursor, s.inFlight, s.gaps = 0, 0, 0
}

// Flow returns the counts of one class.
func (s *Spool) Flow(class pb.Class) Flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flows[class]
}

// Stats returns the state of the spool.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.waiting[high].len() + s.waiting[low].len()
	st := Stats{
		Bytes: s.bytes, Limit: s.opts.Limit, Batches: uint64(s.sent.len() + waiting), Resent: s.resent,
		Newest: s.next - 1 + uint64(waiting+bits.OnesCount32(s.gaps)),
	}
	if st.Newest >= s.next || s.sent.len() > 0 {
		st.Oldest = s.next - uint64(s.sent.len())
	}
	return st
}

func appendNumber(payload []byte, number uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(payload, numberField, protowire.VarintType), number)
}

const (
	high = 0
	low  = 1
)

func tier(class pb.Class) int {
	if class >= firstLowClass {
		return low
	}
	return high
}
