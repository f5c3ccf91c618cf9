// Package memory turns the records of the memory sensor's eBPF programs into events. It copies what the kernel wrote and judges
// none of it.
package memory

import (
	"fmt"

	kernel "github.com/vedette-edr/vedette/bpf/memory"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/collector/linux/frame"
	pb "github.com/vedette-edr/vedette/proto"
)

// Decoder turns records into events. It owns one event of each kind and fills it anew, so decoding allocates nothing. Not safe
// for concurrent use.
type Decoder struct {
	frame    *frame.Frame
	throttle frame.Throttle

	region pb.MemoryRegion
	file   pb.File
	target pb.ProcessKey

	memoryMap     pb.MemoryMap
	memoryProtect pb.MemoryProtect
	processTrace  pb.ProcessTrace
	processMemory pb.ProcessMemory
	handleSteal   pb.HandleSteal
	signal        pb.Signal

	mapEvent     pb.Event_MemoryMap
	protectEvent pb.Event_MemoryProtect
	traceEvent   pb.Event_ProcessTrace
	memoryEvent  pb.Event_ProcessMemory
	handleEvent  pb.Event_HandleSteal
	signalEvent  pb.Event_Signal
}

// NewDecoder returns a decoder of the class memory.
func NewDecoder() *Decoder {
	d := &Decoder{frame: frame.New(pb.Class_CLASS_MEMORY)}
	d.memoryMap.Region, d.memoryProtect.Region = &d.region, &d.region
	d.mapEvent.MemoryMap = &d.memoryMap
	d.protectEvent.MemoryProtect = &d.memoryProtect
	d.traceEvent.ProcessTrace = &d.processTrace
	d.memoryEvent.ProcessMemory = &d.processMemory
	d.handleEvent.HandleSteal = &d.handleSteal
	d.signalEvent.Signal = &d.signal
	return d
}

// Decode implements rings.Decoder.
func (d *Decoder) Decode(kind record.Kind, rec []byte) (*pb.Event, error) {
	switch kind {
	case record.Memory:
		return d.decode(rec)
	case record.Throttled:
		return d.throttle.Decode(d.frame, rec)
	}
	return nil, fmt.Errorf("%w: kind %d is not of this sensor", record.ErrMalformed, kind)
}

func (d *Decoder) decode(rec []byte) (*pb.Event, error) {
	r, path, err := kernel.Parse(rec)
	if err != nil {
		return nil, err
	}
	d.frame.Header(&r.Header)
	ev := &d.frame.Event
	switch r.Operation {
	case kernel.Map:
		d.fillRegion(r, path)
		ev.Payload = &d.mapEvent
	case kernel.Protect:
		d.fillRegion(r, path)
		d.memoryProtect.OldProtection = r.OldProtection
		ev.Payload = &d.protectEvent
	case kernel.Trace:
		p := &d.processTrace
		p.Target = d.targetOf(r)
		p.Request, p.Address, p.Data, p.Error = r.Number, r.Address, r.Length, r.Error
		ev.Payload = &d.traceEvent
	case kernel.Read, kernel.Write, kernel.Procfs:
		p := &d.processMemory
		p.Target = d.targetOf(r)
		p.Address, p.Length, p.Error = r.Address, r.Length, r.Error
		p.Write, p.Method = r.Operation != kernel.Read, method(r.Operation)
		ev.Payload = &d.memoryEvent
	case kernel.Handle:
		p := &d.handleSteal
		p.Target = d.targetOf(r)
		p.Descriptor_, p.Error = int32(r.Number), r.Error
		ev.Payload = &d.handleEvent
	case kernel.Signal:
		p := &d.signal
		p.Target = d.targetOf(r)
		p.Number, p.Code, p.Delivered, p.Error = r.Number, r.Code, r.Delivered != 0, r.Error
		ev.Payload = &d.signalEvent
	default:
		return nil, fmt.Errorf("%w: operation %d is unknown", record.ErrMalformed, r.Operation)
	}
	return ev, nil
}

func method(o kernel.Operation) string {
	switch o {
	case kernel.Read:
		return "process_vm_readv"
	case kernel.Write:
		return "process_vm_writev"
	}
	return "procfs"
}

func (d *Decoder) fillRegion(r *kernel.Record, path []byte) {
	d.region.Address, d.region.Length = r.Address, r.Length
	d.region.Protection, d.region.Flags = r.Number, r.Flags
	d.region.File = nil
	if r.File.Mode != 0 {
		frame.SetFile(&d.file, &r.File, path, r.Actor.MountNS)
		d.region.File = &d.file
	}
}

// targetOf is nil when the process is not known.
func (d *Decoder) targetOf(r *kernel.Record) *pb.ProcessKey {
	if r.Target.TGID == 0 {
		return nil
	}
	frame.SetKey(&d.target, &r.Target)
	return &d.target
}
