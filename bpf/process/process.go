// Package process is the process sensor's kernel side: its eBPF programs, the layout of their records and the counters that
// account for every one of them. It decides nothing about what the records mean.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/loader"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/sensor"
)

const (
	mapExited   = "exited"
	programSeed = "process_seed"
	// Exits that may still be in flight on kernels that do not name the last thread.
	exitedKeys = 4096
)

// Sensor is the loaded process sensor.
type Sensor struct {
	object *loader.Object
}

// ScratchBytes is the size of a slot of scratch memory, for lane.Open.
func ScratchBytes() (uint32, error) {
	spec, err := loadProcess()
	if err != nil {
		return 0, fmt.Errorf("cannot read the object of the process sensor: %w", err)
	}
	return lane.ScratchBytes(spec)
}

// Load puts the sensor's maps and programs into the kernel. Nothing is made before its object is attached.
func Load(b sensor.Base) (*Sensor, error) {
	variables := map[string]any{}
	if n, err := loader.KernelFuncParams(b.Types, "sched_process_exit"); err == nil {
		variables["exit_says_group_dead"] = n >= 2
	}
	object, err := sensor.Load(b, sensor.Source{
		Name: "process", Object: _ProcessBytes, Variables: variables, MaxEntries: map[string]uint32{mapExited: exitedKeys},
	})
	if err != nil {
		return nil, err
	}
	return &Sensor{object}, nil
}

// CanSeed reports whether the caller may list the running processes: an old kernel wants CAP_BPF for it.
func (s *Sensor) CanSeed() error {
	r, err := s.object.Iterate(programSeed)
	if err != nil {
		return fmt.Errorf("cannot list the running processes: %w", err)
	}
	return r.Close()
}

// Seeds calls each for every process that is alive, with a record of kind record.Seed that is valid during the call.
func (s *Sensor) Seeds(ctx context.Context, each func(rec []byte) error) error {
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
				return fmt.Errorf("cannot list the running processes: %w: %d bytes are left over", record.ErrMalformed, have)
			}
			return ctx.Err()
		}
		if have == len(buffer) {
			return fmt.Errorf("cannot list the running processes: %w: a record larger than %d bytes", record.ErrMalformed, have)
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

// Object is what is loaded. It stays the sensor's.
func (s *Sensor) Object() *loader.Object { return s.object }
