// Package kernel turns the records of the kernel sensor's eBPF programs into events. It copies what the kernel wrote and judges
// none of it.
package kernel

import (
	"fmt"
	"math/bits"

	"github.com/vedette-edr/vedette/bpf/kernel"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/collector/linux/frame"
	pb "github.com/vedette-edr/vedette/proto"
)

// Decoder turns records into events. It owns one event of each kind and fills it anew, so decoding allocates nothing. Not safe
// for concurrent use.
type Decoder struct {
	frame *frame.Frame

	moduleLoad   pb.ModuleLoad
	moduleUnload pb.ModuleUnload
	operation    pb.BpfOperation
	perf         pb.PerfEventOpen
	kexec        pb.Kexec
	sysctl       pb.SysctlWrite
	key          pb.KeyOperation
	ring         pb.IoUring

	moduleLoadEvent   pb.Event_ModuleLoad
	moduleUnloadEvent pb.Event_ModuleUnload
	operationEvent    pb.Event_BpfOperation
	perfEvent         pb.Event_PerfEventOpen
	kexecEvent        pb.Event_Kexec
	sysctlEvent       pb.Event_SysctlWrite
	keyEvent          pb.Event_KeyOperation
	ringEvent         pb.Event_IoUring

	file, second pb.File
	creator      pb.ProcessKey
	remote       pb.Endpoint
	helpers      []uint32
}

// NewDecoder returns a decoder.
func NewDecoder() *Decoder {
	d := &Decoder{frame: frame.New(pb.Class_CLASS_KERNEL)}
	d.moduleLoadEvent.ModuleLoad = &d.moduleLoad
	d.moduleUnloadEvent.ModuleUnload = &d.moduleUnload
	d.operationEvent.BpfOperation = &d.operation
	d.perfEvent.PerfEventOpen = &d.perf
	d.kexecEvent.Kexec = &d.kexec
	d.sysctlEvent.SysctlWrite = &d.sysctl
	d.keyEvent.KeyOperation = &d.key
	d.ringEvent.IoUring = &d.ring
	return d
}

// Decode implements rings.Decoder.
func (d *Decoder) Decode(kind record.Kind, rec []byte) (*pb.Event, error) {
	if kind != record.Kernel {
		return nil, fmt.Errorf("%w: kind %d is unknown", record.ErrMalformed, kind)
	}
	r, texts, err := kernel.Parse(rec)
	if err != nil {
		return nil, err
	}
	d.frame.Header(&r.Header)
	event := &d.frame.Event
	name, value := texts[kernel.TextName], texts[kernel.TextValue]
	switch r.Operation {
	case kernel.ModuleLoad:
		m := &d.moduleLoad
		m.Name, m.Parameters, m.Error = name, value, r.Error
		m.FromMemory, m.Size, m.Flags = r.FromMemory != 0, r.Size, uint32(r.Flags)
		m.File = fileOf(&d.file, &r.File, texts[kernel.TextFile], r)
		event.Payload = &d.moduleLoadEvent
	case kernel.ModuleUnload:
		d.moduleUnload.Name, d.moduleUnload.Error = name, r.Error
		event.Payload = &d.moduleUnloadEvent
	case kernel.BPF:
		d.fillOperation(r, name, value)
		event.Payload = &d.operationEvent
	case kernel.Perf:
		p := &d.perf
		p.Type, p.Config, p.WithProgram, p.Error = r.Number, r.Config, r.WithProgram != 0, r.Error
		event.Payload = &d.perfEvent
	case kernel.Kexec:
		k := &d.kexec
		k.Kernel = fileOf(&d.file, &r.File, texts[kernel.TextFile], r)
		k.Initrd = fileOf(&d.second, &r.Second, texts[kernel.TextSecond], r)
		k.CommandLine, k.Flags, k.Error = value, r.Flags, r.Error
		event.Payload = &d.kexecEvent
	case kernel.Sysctl:
		s := &d.sysctl
		s.Name, s.NewValue, s.OldValue, s.Error = name, value, texts[kernel.TextOld], r.Error
		s.File = fileOf(&d.file, &r.File, texts[kernel.TextFile], r)
		event.Payload = &d.sysctlEvent
	case kernel.Keyctl, kernel.AddKey, kernel.RequestKey:
		k := &d.key
		k.Call, k.Operation = callOf(r.Operation), r.Number
		k.Type, k.Description, k.Error = name, value, r.Error
		k.Serial, k.Keyring = int32(r.ID), r.Keyring
		event.Payload = &d.keyEvent
	case kernel.RingCreate, kernel.RingRequest:
		d.fillRing(r, name, value)
		event.Payload = &d.ringEvent
	default:
		return nil, fmt.Errorf("%w: operation %d is unknown", record.ErrMalformed, r.Operation)
	}
	return event, nil
}

func (d *Decoder) fillOperation(r *kernel.Record, name, target []byte) {
	b := &d.operation
	b.Command, b.ProgramType, b.MapType, b.AttachType = r.Number, r.ProgramType, r.MapType, r.AttachType
	b.Name, b.Target, b.Id, b.Instructions, b.Error = name, target, r.ID, r.Instructions, r.Error
	b.Tag = nil
	if r.Tag != [8]byte{} {
		b.Tag = r.Tag[:]
	}
	d.helpers = d.helpers[:0]
	for i, word := range r.Helpers {
		for ; word != 0; word &= word - 1 {
			d.helpers = append(d.helpers, uint32(i*64+bits.TrailingZeros64(word)))
		}
	}
	b.Helpers = d.helpers
}

func (d *Decoder) fillRing(r *kernel.Record, path, second []byte) {
	u := &d.ring
	u.Created = r.Operation == kernel.RingCreate
	u.Opcode, u.Path, u.SecondPath = r.Number, path, second
	u.SetupFlags, u.Entries, u.Error = uint32(r.Flags), r.Entries, r.Error
	u.RingCreator, u.Remote = nil, nil
	if r.Creator.TGID != 0 {
		frame.SetKey(&d.creator, &r.Creator)
		u.RingCreator = &d.creator
	}
	if r.AddressLength != 0 {
		d.remote.Address, d.remote.Port = r.Address[:r.AddressLength], uint32(r.Port)
		u.Remote = &d.remote
	}
}

// fileOf fills a file that the record has.
func fileOf(to *pb.File, from *record.FileIdentity, path []byte, r *kernel.Record) *pb.File {
	if from.Mode == 0 {
		return nil
	}
	frame.SetFile(to, from, path, r.Actor.MountNS)
	return to
}

func callOf(o kernel.Operation) string {
	switch o {
	case kernel.AddKey:
		return "add_key"
	case kernel.RequestKey:
		return "request_key"
	}
	return "keyctl"
}
