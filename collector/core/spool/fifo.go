package spool

import (
	"math/bits"

	pb "github.com/vedette-edr/vedette/proto"
)

// entry is one batch in the spool.
type entry struct {
	payload []byte
	class   pb.Class
	events  int
	// serial orders batches that wait, number those handed out.
	serial, number uint64
}

// footprint is the memory that the batch occupies, not the bytes that it has on the wire: the bound is one of memory.
func (e *entry) footprint() int64 { return int64(cap(e.payload)) + entryBytes }

// fifo is a queue of entries in a ring that grows. A queue that has grown far gives its ring back once it is empty.
type fifo struct {
	ring []entry
	head int
	n    int
}

const keptRing = 1024

func (f *fifo) len() int { return f.n }

// at points at the i-th oldest entry, valid until the next push or pop.
func (f *fifo) at(i int) *entry { return &f.ring[(f.head+i)&(len(f.ring)-1)] }

func (f *fifo) push(e entry) {
	if f.n == len(f.ring) {
		ring := make([]entry, max(16, 2*f.n))
		for i := range f.n {
			ring[i] = *f.at(i)
		}
		f.ring, f.head = ring, 0
	}
	f.n++
	*f.at(f.n - 1) = e
}

func (f *fifo) pop() entry {
	e := *f.at(0)
	*f.at(0) = entry{}
	f.head = (f.head + 1) & (len(f.ring) - 1)
	f.n--
	if f.n == 0 && len(f.ring) > keptRing {
		f.ring, f.head = nil, 0
	}
	return e
}

// buffers keeps free buffers whose capacities are powers of two, up to limit bytes in all.
type buffers struct {
	limit int64
	bytes int64
	free  [maxSize + 1][][]byte
}

const (
	minSize = 9
	maxSize = 20
)

// sizeOf gives the power of two that holds n bytes.
func sizeOf(n int) int { return max(minSize, bits.Len(uint(n-1))) }

// footprint is what a batch of n bytes will occupy.
func footprint(n int) int64 { return 1<<sizeOf(n) + entryBytes }

// get returns an empty buffer with room for n bytes.
func (b *buffers) get(n int) []byte {
	size := sizeOf(n)
	if size > maxSize {
		return make([]byte, 0, n)
	}
	free := b.free[size]
	if len(free) == 0 {
		return make([]byte, 0, 1<<size)
	}
	buf := free[len(free)-1]
	free[len(free)-1] = nil
	b.free[size] = free[:len(free)-1]
	b.bytes -= int64(cap(buf))
	return buf
}

// put takes a buffer back. Over the limit it drops buffers of the size that has most, so that the sizes in use now are not
// kept out by those of the past.
func (b *buffers) put(buf []byte) {
	size := sizeOf(cap(buf))
	if cap(buf) != 1<<size || size > maxSize {
		return
	}
	b.free[size] = append(b.free[size], buf[:0])
	b.bytes += int64(cap(buf))
	for b.bytes > b.limit {
		most := 0
		for i := range b.free {
			if len(b.free[i])<<i > len(b.free[most])<<most {
				most = i
			}
		}
		last := len(b.free[most]) - 1
		b.free[most][last] = nil
		b.free[most] = b.free[most][:last]
		b.bytes -= 1 << most
	}
}
