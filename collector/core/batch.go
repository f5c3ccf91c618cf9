package core

import (
	"math/bits"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/vedette-edr/vedette/collector/core/spool"
	pb "github.com/vedette-edr/vedette/proto"
)

const (
	batchEvents = 128
	// headerRoom is kept for what is appended at the close: at most 128 ranges of 36 bytes, the losses and the identity.
	headerRoom = 16 << 10
	// batchBytes bounds the events of a batch so that it stays under 200 KiB with its header.
	batchBytes = 200<<10 - headerRoom
	// eventBytes is the largest event that can travel, alone in its batch.
	eventBytes = spool.MaxPayload - 4*headerRoom
	// keptBuffer is the capacity above which a lane does not keep its buffer after a large event.
	keptBuffer = 256 << 10

	eventsTag = 15<<3 | byte(protowire.BytesType)
)

// lane is the open batch of one class: events already encoded, and the header that closes them.
type lane struct {
	class pb.Class

	mu     sync.Mutex
	buf    []byte
	events int
	// ranges are kept for reuse; header.Ranges holds those of the open batch.
	ranges []*pb.SequenceRange
	header pb.EventBatch
	sealed bool

	read     uint64
	seeded   uint64
	lastSeen int // index of the range used last
}

func (l *lane) init(class pb.Class, opts Options) {
	l.class = class
	l.header.Host, l.header.BootId, l.header.Instance, l.header.Class = opts.Host, opts.BootID, opts.Instance, class
}

// add encodes the event into the open batch and reports whether a batch was closed.
func (c *Collector) add(l *lane, ev *pb.Event) (closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read++
	if ev.Cpu == SeedCPU {
		l.seeded++
		ev.Sequence = l.seeded
	}
	if l.sealed {
		c.ledger.add(l.class, pb.LossCause_LOSS_CAUSE_SHUTDOWN, 1)
		return false
	}
	size := ev.SizeVT()
	whole := 1 + protowire.SizeBytes(size)
	if whole > eventBytes {
		c.ledger.add(l.class, pb.LossCause_LOSS_CAUSE_OVERSIZED, 1)
		return false
	}
	if l.events > 0 && len(l.buf)+whole > batchBytes {
		c.closeAfterProcess(l)
		closed = true
	}
	if l.events == 0 {
		c.open.Or(1 << l.class)
	}
	start := len(l.buf)
	l.grow(whole)
	l.buf = append(l.buf[:start], eventsTag)
	l.buf = protowire.AppendVarint(l.buf, uint64(size))
	l.buf = l.buf[:start+whole]
	if _, err := ev.MarshalToSizedBufferVT(l.buf[start+whole-size:]); err != nil {
		// Only an event that is changed during Add can come here.
		l.buf = l.buf[:start]
		c.log.Error().Err(err).Stringer("class", l.class).Msg("BUG: cannot encode an event")
		c.ledger.add(l.class, pb.LossCause_LOSS_CAUSE_MALFORMED, 1)
		return closed
	}
	l.events++
	l.cover(ev.Cpu, ev.Sequence)
	l.header.WallOffsetNs = ev.WallTimeNs - int64(ev.KernelTimeNs)
	if l.events >= batchEvents || len(l.buf) >= batchBytes {
		c.closeAfterProcess(l)
		closed = true
	}
	return closed
}

// grow makes room for n more bytes.
func (l *lane) grow(n int) {
	if need := len(l.buf) + n; need > cap(l.buf) {
		buf := make([]byte, len(l.buf), max(need, 2*cap(l.buf), 4096))
		copy(buf, l.buf)
		l.buf = buf
	}
}

// cover adds one event to the range of its CPU.
func (l *lane) cover(cpu uint32, sequence uint64) {
	used := l.header.Ranges
	if l.lastSeen >= len(used) || used[l.lastSeen].Cpu != cpu {
		for l.lastSeen = 0; l.lastSeen < len(used) && used[l.lastSeen].Cpu != cpu; l.lastSeen++ {
		}
	}
	if l.lastSeen < len(used) {
		r := used[l.lastSeen]
		r.First, r.Last = min(r.First, sequence), max(r.Last, sequence)
		r.Count++
		return
	}
	if len(used) == len(l.ranges) {
		l.ranges = append(l.ranges, &pb.SequenceRange{})
	}
	l.header.Ranges = l.ranges[:len(used)+1]
	r := l.ranges[len(used)]
	r.Cpu, r.First, r.Last, r.Count = cpu, sequence, sequence, 1
}

// close appends the header to the open batch, gives it to the spool and starts anew; called with l.mu held.
func (c *Collector) close(l *lane) {
	c.open.And(^uint32(1 << l.class))
	if l.events == 0 {
		return
	}
	l.header.Losses = c.ledger.losses()
	l.buf = appendHeader(l.buf, &l.header)
	c.spool.Push(l.class, l.events, l.buf)
	l.buf, l.events, l.header.Ranges = l.buf[:0], 0, nil
	if cap(l.buf) > keptBuffer {
		l.buf = nil
	}
}

// closeAfterProcess closes a full batch, and before it the open one of the process class: who reads an event has then been told
// of every process that began before it. Called with l.mu held; the process lane's lock comes after any other lane's.
func (c *Collector) closeAfterProcess(l *lane) {
	if p := &c.lanes[pb.Class_CLASS_PROCESS]; p != l {
		p.mu.Lock()
		c.close(p)
		p.mu.Unlock()
	}
	c.close(l)
}

// closeOpen closes every open batch.
func (c *Collector) closeOpen() {
	for open := c.open.Load(); open != 0; open &= open - 1 {
		l := &c.lanes[bits.TrailingZeros32(open)]
		l.mu.Lock()
		c.close(l)
		l.mu.Unlock()
	}
}

// seal makes every later Add count its event as lost at shutdown.
func (c *Collector) seal() {
	for i := range c.lanes {
		l := &c.lanes[i]
		l.mu.Lock()
		c.close(l)
		l.sealed = true
		l.mu.Unlock()
	}
}

func (l *lane) countRead(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read += n
}

// appendTombstone appends a batch that says that events of the class were given up. The spool calls it while locked.
func (c *Collector) appendTombstone(dst []byte, class pb.Class) []byte {
	return appendHeader(dst, &pb.EventBatch{
		Host: c.opts.Host, BootId: c.opts.BootID, Instance: c.opts.Instance, Class: class, Shed: true,
		Losses: c.ledger.known(),
	})
}

// appendHeader appends the fields of h, whose order among the fields of a message is free.
func appendHeader(dst []byte, h *pb.EventBatch) []byte {
	size := h.SizeVT()
	dst = slices.Grow(dst, size)
	start := len(dst)
	dst = dst[:start+size]
	if _, err := h.MarshalToSizedBufferVT(dst[start:]); err != nil {
		// Marshalling into a buffer of its own size fails on nothing but a header that is changed meanwhile.
		return dst[:start]
	}
	return dst
}
