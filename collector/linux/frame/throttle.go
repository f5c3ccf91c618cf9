package frame

import (
	"github.com/vedette-edr/vedette/bpf/record"
	pb "github.com/vedette-edr/vedette/proto"
)

// Throttle is the part of a decoder that turns records of kind record.Throttled into events. Its zero value is ready.
type Throttle struct {
	payload pb.Throttled
	event   pb.Event_Throttled
}

// Decode fills the frame's event from such a record. The event is valid until the next call.
func (t *Throttle) Decode(f *Frame, rec []byte) (*pb.Event, error) {
	r, _, err := record.View[record.Throttle](rec)
	if err != nil {
		return nil, err
	}
	f.Header(&r.Header)
	t.payload.Class = pb.Class(r.Class)
	t.payload.Withheld, t.payload.IntervalNs, t.payload.Ended = r.Withheld, r.Interval, r.Ended != 0
	t.event.Throttled = &t.payload
	f.Event.Payload = &t.event
	return &f.Event, nil
}
