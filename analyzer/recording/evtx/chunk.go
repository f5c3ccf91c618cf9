package evtx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
)

const (
	recordSignature  = "**\x00\x00"
	recordHeaderSize = 24
	recordMinSize    = recordHeaderSize + 4
)

// recordSize gives the size of the record at a position of the chunk, when there is one that is whole.
func (r *Reader) recordSize(at int) (int, bool) {
	if at+recordMinSize > r.limit || string(r.chunk[at:at+4]) != recordSignature {
		return 0, false
	}
	size := int(binary.LittleEndian.Uint32(r.chunk[at+4:]))
	if size < recordMinSize || size > r.limit-at {
		return 0, false
	}
	return size, int(binary.LittleEndian.Uint32(r.chunk[at+size-4:])) == size
}

// nextInChunk gives nothing where no record is left.
func (r *Reader) nextInChunk() (*Record, error) {
	at := r.next
	size, ok := r.recordSize(at)
	if !ok {
		return nil, r.skip(at)
	}
	id := binary.LittleEndian.Uint64(r.chunk[at+8:])
	if at >= r.free && id != r.lastID+1 || r.free == r.filled && id <= r.lastID {
		// Left from a former use of the chunk. Had the next record been written, but not the header, as in a log that was
		// copied while in use, it would have the next number.
		r.next = r.limit
		return nil, nil
	}
	r.next, r.lastID = at+size, id
	r.record = Record{
		ID:     id,
		Offset: r.offset + int64(at),
	}
	if ticks := binary.LittleEndian.Uint64(r.chunk[at+16:]); ticks != 0 {
		r.record.Written = fileTime(ticks)
	}
	elements, err := r.decode.document(at+recordHeaderSize, at+size-4)
	if err != nil {
		return nil, &Damage{Offset: r.record.Offset, Lost: true, Reason: fmt.Sprintf("record %d: %v", id, err)}
	}
	r.record.Elements = elements
	return &r.record, nil
}

// skip goes on to the next record behind bytes that are none.
func (r *Reader) skip(at int) error {
	for search := at + 1; ; search++ {
		found := bytes.Index(r.chunk[search:r.limit], []byte(recordSignature))
		if found < 0 {
			r.next = r.limit
			break
		}
		search += found
		if _, ok := r.recordSize(search); ok {
			r.next = search
			break
		}
	}
	if isZero(r.chunk[at:r.next]) {
		if r.next == r.limit {
			return nil // filled up with zeros
		}
		return &Damage{Offset: r.offset + int64(at), Lost: true, Reason: fmt.Sprintf("%d zero bytes between records", r.next-at)}
	}
	if at >= r.free {
		return nil
	}
	return &Damage{Offset: r.offset + int64(at), Lost: true, Reason: fmt.Sprintf("%d bytes are no record", r.next-at)}
}

// fileTime turns 100 ns since 1601 into a time.
func fileTime(ticks uint64) time.Time {
	const (
		ticksPerSecond = 10_000_000
		epoch          = 11_644_473_600 // seconds from 1601 to 1970
	)
	return time.Unix(int64(ticks/ticksPerSecond)-epoch, int64(ticks%ticksPerSecond)*100).UTC()
}
