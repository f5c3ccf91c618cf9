// Package process is the process sensor's kernel side: its eBPF programs, the layout of their records and the counters that
// account for every one of them. It decides nothing about what the records mean.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/vedette-edr/vedette/bpf/loader"
)

// Options sizes the sensor. The zero value is a sensible host.
type Options struct {
	// RingBytes of the event ring, a power of two of at least one page; 0 means DefaultRingBytes.
	RingBytes uint32
}

// DefaultRingBytes holds about 5,000 execs, more than a second of the busiest host we measured.
const DefaultRingBytes = 4 << 20

const (
	mapCounters  = "counters"
	mapEvents    = "events"
	mapReader    = "reader_states"
	mapScratch   = "scratch_slots"
	mapExited    = "exited"
	programSeed  = "process_seed"
	scratchSlots = 3
	// Exits that may still be in flight on kernels that do not name the last thread.
	exitedKeys = 4096
)

// Sensor is the loaded process sensor.
type Sensor struct {
	object  *loader.Object
	cpus    int
	memory  *ebpf.Memory
	reader  *ebpf.Memory
	barrier atomic.Uint64
}

// cpuCounters mirrors struct cpu_counters of bpf/include/core.h.
type cpuCounters struct {
	Made           uint64
	LostRingFull   uint64
	LostScratch    uint64
	CutArguments   uint64
	CutEnvironment uint64
	CutPath        uint64
	ReadFault      uint64
	_              [9]uint64
}

// Counters are totals over all CPUs since the sensor was loaded.
type Counters struct {
	// Made events were numbered; each was delivered or is counted in one of the Lost fields.
	Made, LostRingFull, LostScratch uint64
	// Delivered events of which a part is missing.
	CutArguments, CutEnvironment, CutPath, ReadFault uint64
}

// Load puts the sensor's maps and programs into the kernel. Nothing is made before Attach.
func Load(o Options) (*Sensor, error) {
	if o.RingBytes == 0 {
		o.RingBytes = DefaultRingBytes
	}
	if o.RingBytes < 4096 || o.RingBytes&(o.RingBytes-1) != 0 {
		return nil, fmt.Errorf("ring size %d must be a power of two of at least 4096 bytes", o.RingBytes)
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("cannot count the CPUs: %w", err)
	}
	types := btf.NewCache()
	variables := map[string]any{"ring_bytes": uint64(o.RingBytes)}
	if n, err := loader.KernelFuncParams(types, "sched_process_exit"); err == nil {
		variables["exit_says_group_dead"] = n >= 2
	}
	variables["tracepoints_are_preemptible"] = loader.TracepointsArePreemptible()
	object, err := loader.Load("process", _ProcessBytes, loader.Settings{
		MaxEntries: map[string]uint32{
			mapCounters: uint32(cpus),
			mapScratch:  uint32(cpus * scratchSlots),
			mapEvents:   o.RingBytes,
			mapExited:   exitedKeys,
		},
		Variables: variables,
		Types:     types,
	})
	if err != nil {
		return nil, err
	}
	s := &Sensor{object: object, cpus: cpus}
	if err := s.mapCounters(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.reader, err = s.object.Map(mapReader).Memory(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot map the reader's state of the process sensor: %w", err), s.Close())
	}
	return s, nil
}

// Sleeps tells the kernel side that the reader of Events is about to sleep: the next exec wakes it, once. The reader looks
// at the ring once more after the call and before it sleeps.
func (s *Sensor) Sleeps() error {
	one := [8]byte{1}
	if _, err := s.reader.WriteAt(one[:], 0); err != nil {
		return fmt.Errorf("cannot set the reader's state: %w", err)
	}
	// A full barrier: the look at the ring must not come before the store.
	s.barrier.Add(1)
	return nil
}

// mapCounters freezes the counters against every writer but the programs, then maps them: reading needs no capability.
func (s *Sensor) mapCounters() error {
	m := s.object.Map(mapCounters)
	if err := m.Freeze(); err != nil {
		return fmt.Errorf("cannot freeze the counters of the process sensor: %w", err)
	}
	memory, err := m.Memory()
	if err != nil {
		return fmt.Errorf("cannot map the counters of the process sensor: %w", err)
	}
	s.memory = memory
	return nil
}

// Attach starts the sensor. What could not be attached is told by Attachments.
func (s *Sensor) Attach() { s.object.Attach() }

// Detach stops the sensor; what it has made can still be read.
func (s *Sensor) Detach() error { return s.object.Detach() }

// Attachments lists every program, and why one is missing.
func (s *Sensor) Attachments() []loader.Attachment { return s.object.Attachments() }

// Events is the ring buffer of the sensor's records. It stays the sensor's.
func (s *Sensor) Events() *ebpf.Map { return s.object.Map(mapEvents) }

// Counters sums what the programs have counted. It may be called from any goroutine until Close.
func (s *Sensor) Counters() (Counters, error) {
	var sum Counters
	var one cpuCounters
	buffer := unsafe.Slice((*byte)(unsafe.Pointer(&one)), unsafe.Sizeof(one))
	for cpu := range s.cpus {
		if _, err := s.memory.ReadAt(buffer, int64(cpu)*int64(len(buffer))); err != nil {
			return Counters{}, fmt.Errorf("cannot read the counters of CPU %d: %w", cpu, err)
		}
		sum.Made += one.Made
		sum.LostRingFull += one.LostRingFull
		sum.LostScratch += one.LostScratch
		sum.CutArguments += one.CutArguments
		sum.CutEnvironment += one.CutEnvironment
		sum.CutPath += one.CutPath
		sum.ReadFault += one.ReadFault
	}
	return sum, nil
}

// Runs tells how often a program ran, and how often the kernel did not run it for an event, which then has no number and is
// not among Counters.Made.
func (s *Sensor) Runs(program string) loader.Runs { return s.object.Runs(program) }

// CanSeed reports whether the caller may list the running processes: an old kernel wants CAP_BPF for it.
func (s *Sensor) CanSeed() error {
	r, err := s.object.Iterate(programSeed)
	if err != nil {
		return fmt.Errorf("cannot list the running processes: %w", err)
	}
	return r.Close()
}

// Seeds calls each for every process that is alive, with a record of KindSeed that is valid during the call.
func (s *Sensor) Seeds(ctx context.Context, each func(record []byte) error) error {
	r, err := s.object.Iterate(programSeed)
	if err != nil {
		return fmt.Errorf("cannot list the running processes: %w", err)
	}
	defer r.Close()
	// Records follow each other unaligned; one is copied to the front of a buffer of words to be looked at.
	words := make([]uint64, seedBufferBytes/8)
	buffer := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), seedBufferBytes)
	have := 0
	for ended := false; ; {
		for {
			size, err := ExecSize(buffer[:have])
			if err != nil || size > have {
				break
			}
			if err := each(buffer[:size:size]); err != nil {
				return err
			}
			have = copy(buffer, buffer[size:have])
		}
		if ended {
			if have != 0 {
				return fmt.Errorf("cannot list the running processes: %w: %d bytes are left over", ErrMalformed, have)
			}
			return ctx.Err()
		}
		if have == len(buffer) {
			return fmt.Errorf("cannot list the running processes: %w: a record larger than %d bytes", ErrMalformed, have)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buffer[have:])
		have += n
		if errors.Is(err, io.EOF) {
			ended = true
		} else if err != nil {
			return fmt.Errorf("cannot list the running processes: %w", err)
		}
	}
}

// Two records of the largest size.
const seedBufferBytes = 96 << 10

// Object gives tests and measurements the loaded programs.
func (s *Sensor) Object() *loader.Object { return s.object }

// Close detaches the programs and frees the maps.
func (s *Sensor) Close() error { return s.object.Close() }
