package tally

import (
	"encoding/binary"
	"errors"
	"fmt"

	pb "github.com/vedette-edr/vedette/proto"
)

// ErrEncoding is wrapped by Restore's errors.
var ErrEncoding = errors.New("not an encoded tally")

const encodingVersion = 1

// maxCounters bounds what Restore accepts.
const maxCounters = 1 << 20

// Append appends the tally in the form that Restore reads.
func (t *Tally) Append(dst []byte) []byte {
	dst = append(dst, encodingVersion)
	dst = binary.AppendUvarint(dst, t.instance)
	joined := byte(0)
	if t.joined {
		joined = 1
	}
	dst = append(dst, joined)

	counters, losses := 0, 0
	for i := range t.classes {
		t.classes[i].each(func(uint32, *counter) { counters++ })
		for cause := range firstPartial {
			if t.classes[i].counted[cause]|t.classes[i].local[cause] != 0 {
				losses++
			}
		}
	}
	dst = binary.AppendUvarint(dst, uint64(counters))
	for i := range t.classes {
		t.classes[i].each(func(cpu uint32, n *counter) {
			for _, v := range []uint64{uint64(i), uint64(cpu), n.base, n.max, n.received} {
				dst = binary.AppendUvarint(dst, v)
			}
		})
	}
	dst = binary.AppendUvarint(dst, uint64(losses))
	for i := range t.classes {
		c := &t.classes[i]
		for cause := range firstPartial {
			if c.counted[cause]|c.local[cause] != 0 {
				for _, v := range []uint64{uint64(i), uint64(cause), c.counted[cause], c.local[cause]} {
					dst = binary.AppendUvarint(dst, v)
				}
			}
		}
	}
	return dst
}

// Restore reads what Append wrote. Counting goes on as if it had never stopped.
func Restore(data []byte) (*Tally, error) {
	r := reader{rest: data}
	if version := r.byte(); r.err == nil && version != encodingVersion {
		return nil, fmt.Errorf("%w: version %d, want %d", ErrEncoding, version, encodingVersion)
	}
	t := &Tally{instance: r.number(1<<64 - 1)}
	t.joined = r.byte() == 1
	for range r.number(maxCounters) {
		class, cpu := r.number(maxClass-1), r.number(1<<32-1)
		n := counter{base: r.number(1<<64 - 1), max: r.number(1<<64 - 1), received: r.number(1<<64 - 1)}
		if r.err == nil && (n.max == 0 || n.base > n.max) {
			r.err = fmt.Errorf("%w: counter from %d to %d", ErrEncoding, n.base, n.max)
		}
		if r.err != nil {
			return nil, r.err
		}
		*t.counter(pb.Class(class), uint32(cpu), 0) = n
	}
	for range r.number(maxClass * firstPartial) {
		class, cause := r.number(maxClass-1), r.number(firstPartial-1)
		counted, local := r.number(1<<64-1), r.number(1<<64-1)
		if r.err != nil {
			return nil, r.err
		}
		t.classes[class].counted[cause], t.classes[class].local[cause] = counted, local
	}
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%w: %d bytes too many", ErrEncoding, len(r.rest))
	}
	if r.err != nil {
		return nil, r.err
	}
	return t, nil
}

// reader gives zeros once something was wrong; err says what.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) byte() byte {
	if r.err != nil || len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) number(most uint64) uint64 {
	v, n := binary.Uvarint(r.rest)
	if r.err != nil || n <= 0 || v > most {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("%w: cut or out of range, %d bytes before the end", ErrEncoding, len(r.rest))
	}
	r.rest = nil
}
