// Package rings reads the ring buffers of all sensors in one goroutine, in the order in which things happened, and adds their
// events to the sink.
package rings

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf/ringbuf"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/collector/core"
	pb "github.com/vedette-edr/vedette/proto"
)

// Decoder makes events of the records of a class.
type Decoder interface {
	// Decode returns the event of a record, or nil when the record is a piece of an event to come. The event and all it holds
	// are valid until the next call and may alias the record. An error says that the record is lost.
	Decode(kind record.Kind, rec []byte) (*pb.Event, error)
}

// Lost counts n events of a class that were read and cannot be delivered, as core.Collector.Lost does.
type Lost func(class pb.Class, cause pb.LossCause, n uint64)

// Reader reads the rings of some classes. Run, called once, is its only method that may run beside Flush.
type Reader struct {
	lanes    *lane.Lanes
	doorbell *doorbell
	rings    []*ring
	linger   time.Duration
	flushed  chan struct{}
}

// ring is one class's ring and the record at its head.
type ring struct {
	class   pb.Class
	reader  *ringbuf.Reader
	decoder Decoder
	head    ringbuf.Record
	time    uint64
	have    bool
}

// DefaultLinger keeps the p99 from system call to alert under 10 ms.
const DefaultLinger = 5 * time.Millisecond

// Open maps the rings of the classes that have a decoder. linger is the time from one flush of what hurries to the next.
func Open(lanes *lane.Lanes, decoders map[lane.Class]Decoder, linger time.Duration) (*Reader, error) {
	r := &Reader{lanes: lanes, linger: linger, flushed: make(chan struct{})}
	var err error
	if r.doorbell, err = openDoorbell(lanes.Doorbell()); err != nil {
		return nil, err
	}
	for _, class := range lane.Classes() {
		decoder := decoders[class]
		if decoder == nil {
			continue
		}
		one, err := ringbuf.NewReader(lanes.Ring(class))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cannot map the ring buffer of class %s: %w", class, err), r.Close())
		}
		r.rings = append(r.rings, &ring{class: pb.Class(class), reader: one, decoder: decoder})
	}
	return r, nil
}

// Run reads records and adds their events to the sink until Flush, and then to the last that was made.
//
// Only an event that matters wakes it. The first one after a pause is flushed at once. Of the next ones execs and events of the
// kernel class wait until a linger has passed since the last flush of such, and while they keep coming Run looks once per linger; all
// others travel with them or after 25 ms. Forks and exits, which mostly come with such an event, wait for at most tailWait.
func (r *Reader) Run(sink core.Sink, lost Lost) error {
	l := loop{Reader: r, sink: sink, lost: lost}
	return l.run()
}

// Flush makes Run read what was made and return. It is called once, after the sensors were detached.
func (r *Reader) Flush() error {
	close(r.flushed)
	return r.doorbell.interrupt()
}

// Close unmaps the rings. Run must have returned.
func (r *Reader) Close() error {
	errs := []error{r.doorbell.close()}
	for _, one := range r.rings {
		errs = append(errs, one.reader.Close())
	}
	return errors.Join(errs...)
}
