// Package wire walks an encoded EventBatch event by event, so that a batch of any size is read with the memory of one
// event. It follows proto/batch.proto and takes the fields in any order, as protobuf demands.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	pb "github.com/vedette-edr/vedette/proto"
)

// ErrMalformed is wrapped by every error about bytes that are not what proto/batch.proto promises.
var ErrMalformed = errors.New("malformed batch")

// Limits of a header, far above what a collector sends: they bound the memory that foreign bytes can claim.
const (
	maxRanges = 16384
	maxLosses = 2048
)

// Range covers Count events of one CPU between First and Last.
type Range struct {
	CPU                uint32
	First, Last, Count uint64
}

// Loss is a counter of loss since the collector's start.
type Loss struct {
	Class pb.Class
	Cause pb.LossCause
	Count uint64
}

// Batch is one encoded EventBatch. Open fills the header; Next then gives the events one after the other. The zero value
// is ready for Open, and one Batch serves any number of batches in turn.
type Batch struct {
	// Host and BootID alias the opened bytes.
	Host, BootID []byte
	Instance     uint64
	Class        pb.Class
	Number       uint64
	Ranges       []Range
	Losses       []Loss
	Shed         bool
	// WallOffsetNS is 0 when the batch does not say.
	WallOffsetNS int64
	// Events is the number of events that Next will give.
	Events int

	data []byte
	at   int
}

// Open reads the header of an encoded batch and checks the frame of every event in it. The batch keeps data until the next
// Open. After an error the batch holds nothing.
func (b *Batch) Open(data []byte) error {
	*b = Batch{Ranges: b.Ranges[:0], Losses: b.Losses[:0], data: data}
	if err := b.open(); err != nil {
		*b = Batch{Ranges: b.Ranges[:0], Losses: b.Losses[:0]}
		return err
	}
	return nil
}

func (b *Batch) open() error {
	c := cursor{data: b.data}
	for c.more() {
		f, err := c.next()
		if err != nil {
			return err
		}
		switch {
		case f.number == 1 && f.kind == lengthed:
			b.Host = f.body
		case f.number == 2 && f.kind == lengthed:
			b.BootID = f.body
		case f.number == 3 && f.kind == fixed64:
			b.Instance = f.value
		case f.number == 4 && f.kind == varint:
			b.Class = pb.Class(int32(f.value))
		case f.number == 5 && f.kind == varint:
			b.Number = f.value
		case f.number == 6 && f.kind == lengthed:
			err = b.addRange(f.body)
		case f.number == 7 && f.kind == lengthed:
			err = b.addLoss(f.body)
		case f.number == 8 && f.kind == varint:
			b.Shed = f.value != 0
		case f.number == 9 && f.kind == varint:
			b.WallOffsetNS = int64(f.value)
		case f.number == eventsField && f.kind == lengthed:
			b.Events++
		case f.number <= 9 || f.number == eventsField:
			return fmt.Errorf("%w: field %d has wire type %d", ErrMalformed, f.number, f.kind)
		}
		if err != nil {
			return err
		}
	}
	if b.Instance == 0 || b.Number == 0 {
		return fmt.Errorf("%w: instance %d and number %d must both be above 0", ErrMalformed, b.Instance, b.Number)
	}
	return nil
}

const eventsField = 15

// Next gives the encoded form of the next event, or false after the last. The bytes alias what Open was given.
func (b *Batch) Next() (body []byte, ok bool) {
	c := cursor{data: b.data, at: b.at}
	for c.more() {
		f, err := c.next()
		if err != nil {
			// Open walked the same bytes without an error.
			break
		}
		if f.number == eventsField {
			b.at = c.at
			return f.body, true
		}
	}
	b.at = len(b.data)
	return nil, false
}

// Rewind makes Next start again with the first event.
func (b *Batch) Rewind() { b.at = 0 }

func (b *Batch) addRange(body []byte) error {
	if len(b.Ranges) == maxRanges {
		return fmt.Errorf("%w: more than %d ranges", ErrMalformed, maxRanges)
	}
	var r Range
	err := varints(body, func(number int, value uint64) {
		switch number {
		case 1:
			r.CPU = uint32(value)
		case 2:
			r.First = value
		case 3:
			r.Last = value
		case 4:
			r.Count = value
		}
	})
	if err != nil {
		return err
	}
	b.Ranges = append(b.Ranges, r)
	return nil
}

func (b *Batch) addLoss(body []byte) error {
	if len(b.Losses) == maxLosses {
		return fmt.Errorf("%w: more than %d loss counters", ErrMalformed, maxLosses)
	}
	var l Loss
	err := varints(body, func(number int, value uint64) {
		switch number {
		case 1:
			l.Class = pb.Class(int32(value))
		case 2:
			l.Cause = pb.LossCause(int32(value))
		case 3:
			l.Count = value
		}
	})
	if err != nil {
		return err
	}
	b.Losses = append(b.Losses, l)
	return nil
}

func varints(body []byte, each func(number int, value uint64)) error {
	c := cursor{data: body}
	for c.more() {
		f, err := c.next()
		if err != nil {
			return err
		}
		if f.kind == varint {
			each(f.number, f.value)
		}
	}
	return nil
}

// Wire types of protobuf that proto/*.proto can produce.
const (
	varint   = 0
	fixed64  = 1
	lengthed = 2
	fixed32  = 5
)

type field struct {
	number int
	kind   int
	value  uint64
	body   []byte
}

type cursor struct {
	data []byte
	at   int
}

func (c *cursor) more() bool { return c.at < len(c.data) }

func (c *cursor) next() (field, error) {
	tag, n := binary.Uvarint(c.data[c.at:])
	if n <= 0 {
		return field{}, fmt.Errorf("%w: bad tag at byte %d", ErrMalformed, c.at)
	}
	start := c.at
	c.at += n
	f := field{number: int(tag >> 3), kind: int(tag & 7)}
	if tag>>3 == 0 || tag>>3 > 1<<29-1 {
		return field{}, fmt.Errorf("%w: field number %d at byte %d", ErrMalformed, tag>>3, start)
	}
	rest := c.data[c.at:]
	switch f.kind {
	case varint:
		f.value, n = binary.Uvarint(rest)
		if n <= 0 {
			return field{}, fmt.Errorf("%w: bad number in field %d at byte %d", ErrMalformed, f.number, start)
		}
		c.at += n
	case fixed64:
		if len(rest) < 8 {
			return field{}, fmt.Errorf("%w: field %d at byte %d ends early", ErrMalformed, f.number, start)
		}
		f.value = binary.LittleEndian.Uint64(rest)
		c.at += 8
	case fixed32:
		if len(rest) < 4 {
			return field{}, fmt.Errorf("%w: field %d at byte %d ends early", ErrMalformed, f.number, start)
		}
		f.value = uint64(binary.LittleEndian.Uint32(rest))
		c.at += 4
	case lengthed:
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return field{}, fmt.Errorf("%w: field %d at byte %d claims %d bytes of %d", ErrMalformed, f.number, start, size, len(rest))
		}
		f.body = rest[n : n+int(size) : n+int(size)]
		c.at += n + int(size)
	default:
		return field{}, fmt.Errorf("%w: field %d at byte %d has wire type %d", ErrMalformed, f.number, start, f.kind)
	}
	return f, nil
}
