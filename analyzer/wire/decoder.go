package wire

import (
	"fmt"

	pb "github.com/vedette-edr/vedette/proto"
)

// Numbers of the payload fields that the process sensor makes, in proto/event.proto.
const (
	PayloadExec    = 20
	PayloadFork    = 21
	PayloadExit    = 22
	PayloadSeed    = 23
	PayloadSeedEnd = 24
)

const (
	firstPayload = 20
	lastPayload  = 299
)

// Payload gives the field number of an encoded event's payload, 0 when it has none. It reads only the frames of the
// event's fields.
func Payload(body []byte) (int, error) {
	c := cursor{data: body}
	for c.more() {
		f, err := c.next()
		if err != nil {
			return 0, err
		}
		if f.number >= firstPayload && f.number <= lastPayload && f.kind == lengthed {
			return f.number, nil
		}
	}
	return 0, nil
}

// Decoder turns encoded events into Events, always in the same memory. The zero value is ready; it is not safe for
// concurrent use.
type Decoder struct {
	ev   pb.Event
	exec pb.Event_Exec
	seed pb.Event_Seed
	fork pb.Event_Fork
	exit pb.Event_Exit
	end  pb.Event_SeedEnd
}

// Decode gives the event in body. The event and all it points at alias body and belong to the decoder: both are good until
// the next Decode.
func (d *Decoder) Decode(body []byte) (*pb.Event, error) {
	kind, err := Payload(body)
	if err != nil {
		return nil, err
	}
	d.ev.Actor.ReturnToVTPool()
	d.ev.Reset()
	d.prepare(kind)
	if err := d.ev.UnmarshalVTUnsafe(body); err != nil {
		return nil, fmt.Errorf("%w: cannot decode event: %w", ErrMalformed, err)
	}
	return &d.ev, nil
}

// prepare puts the kept payload of a kind into the event: the generated code decodes into a payload that is there already
// and allocates one that is not.
func (d *Decoder) prepare(kind int) {
	switch kind {
	case PayloadExec:
		if d.exec.Exec == nil {
			d.exec.Exec = &pb.ProcessExec{}
		}
		d.exec.Exec.ResetVT()
		d.ev.Payload = &d.exec
	case PayloadSeed:
		if d.seed.Seed == nil {
			d.seed.Seed = &pb.ProcessExec{}
		}
		d.seed.Seed.ResetVT()
		d.ev.Payload = &d.seed
	case PayloadFork:
		if d.fork.Fork == nil {
			d.fork.Fork = &pb.ProcessFork{}
		}
		d.fork.Fork.ResetVT()
		d.ev.Payload = &d.fork
	case PayloadExit:
		if d.exit.Exit == nil {
			d.exit.Exit = &pb.ProcessExit{}
		}
		d.exit.Exit.ResetVT()
		d.ev.Payload = &d.exit
	case PayloadSeedEnd:
		if d.end.SeedEnd == nil {
			d.end.SeedEnd = &pb.SeedEnd{}
		}
		d.end.SeedEnd.Reset()
		d.ev.Payload = &d.end
	}
}
