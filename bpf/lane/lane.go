// Package lane holds the maps that all sensors share: for every value class a ring buffer and the counters that account for
// its events, and the doorbell on which the one reader sleeps. A flood in one class cannot cost another class's events.
package lane

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
)

// Class is a value class; the numbers are those of Class in proto/event.proto and enum event_class in bpf/include/core.h.
type Class uint32

// The classes that have a lane.
const (
	Process  Class = 1
	Kernel   Class = 2
	Identity Class = 3
	Memory   Class = 4
	File     Class = 10

	// Count is one more than the largest class.
	Count = 11
)

// Classes lists them in the order of their value.
func Classes() []Class { return []Class{Process, Kernel, Identity, Memory, File} }

// String is the name of the class in lower case, as in the name of its ring.
func (c Class) String() string {
	switch c {
	case Process:
		return "process"
	case Kernel:
		return "kernel"
	case Identity:
		return "identity"
	case Memory:
		return "memory"
	case File:
		return "file"
	}
	return fmt.Sprintf("class %d", uint32(c))
}

// Options sizes the rings in bytes by class, each a power of two of at least one page; a class without a size gets
// DefaultRingBytes.
type Options struct {
	RingBytes map[Class]uint32
}

// DefaultRingBytes of a class. The process ring holds about 5,000 execs, more than a second of the busiest host we measured.
func DefaultRingBytes(c Class) uint32 {
	switch c {
	case Process:
		return 4 << 20
	case File:
		return 8 << 20
	}
	return 1 << 20
}

const (
	mapCounters  = "counters"
	mapDoorbell  = "doorbell"
	mapReader    = "reader_states"
	mapScratch   = "scratch_slots"
	scratchSlots = 3
)

// cpuCounters mirrors struct cpu_counters of bpf/include/core.h.
type cpuCounters struct {
	Made           uint64
	LostRingFull   uint64
	LostScratch    uint64
	CutArguments   uint64
	CutEnvironment uint64
	CutPath        uint64
	ReadFault      uint64
	LostMapFull    uint64
	LostThrottled  uint64
	_              [7]uint64
}

// Counters of one class are totals over all CPUs since the lanes were opened.
type Counters struct {
	// Made events were numbered; each was delivered or is counted in one of the Lost fields.
	Made, LostRingFull, LostScratch, LostMapFull, LostThrottled uint64
	// Delivered events of which a part is missing.
	CutArguments, CutEnvironment, CutPath, ReadFault uint64
}

// Lanes are the shared maps. All methods but Close are safe for concurrent use.
type Lanes struct {
	cpus     int
	maps     map[string]*ebpf.Map
	counters *ebpf.Memory
	reader   *ebpf.Memory
	barrier  atomic.Uint64
}

// ScratchBytes is the size of struct scratch of bpf/include/scratch.h, as an object that uses it describes it.
func ScratchBytes(spec *ebpf.CollectionSpec) (uint32, error) {
	m := spec.Maps[mapScratch]
	if m == nil {
		return 0, fmt.Errorf("BUG: the object has no map %q", mapScratch)
	}
	return m.ValueSize, nil
}

// Open makes the maps. scratchBytes is the size of a slot of scratch memory, see ScratchBytes.
func Open(o Options, scratchBytes uint32) (*Lanes, error) {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("cannot count the CPUs: %w", err)
	}
	l := &Lanes{cpus: cpus, maps: map[string]*ebpf.Map{}}
	specs := []*ebpf.MapSpec{
		{Name: mapCounters, Type: ebpf.Array, KeySize: 4, ValueSize: uint32(unsafe.Sizeof(cpuCounters{})), MaxEntries: uint32(Count * cpus), Flags: mmapable},
		{Name: mapReader, Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: mmapable},
		{Name: mapScratch, Type: ebpf.Array, KeySize: 4, ValueSize: scratchBytes, MaxEntries: uint32(cpus * scratchSlots)},
		{Name: mapDoorbell, Type: ebpf.RingBuf, MaxEntries: 4096},
	}
	for _, c := range Classes() {
		size := o.RingBytes[c]
		if size == 0 {
			size = DefaultRingBytes(c)
		}
		if size < 4096 || size&(size-1) != 0 {
			return nil, fmt.Errorf("ring size %d of class %s must be a power of two of at least 4096 bytes", size, c)
		}
		specs = append(specs, &ebpf.MapSpec{Name: ringName(c), Type: ebpf.RingBuf, MaxEntries: size})
	}
	for _, spec := range specs {
		m, err := ebpf.NewMap(spec)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cannot create map %q: %w", spec.Name, err), l.Close())
		}
		l.maps[spec.Name] = m
	}
	if err := l.mapMemory(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

const mmapable = 1 << 10 // BPF_F_MMAPABLE

// mapMemory maps what is read and written after the start, when no capability is left, and freezes the counters against
// every writer but the programs.
func (l *Lanes) mapMemory() error {
	if err := l.maps[mapCounters].Freeze(); err != nil {
		return fmt.Errorf("cannot freeze the counters: %w", err)
	}
	var err error
	if l.counters, err = l.maps[mapCounters].Memory(); err != nil {
		return fmt.Errorf("cannot map the counters: %w", err)
	}
	if l.reader, err = l.maps[mapReader].Memory(); err != nil {
		return fmt.Errorf("cannot map the reader's state: %w", err)
	}
	return nil
}

func ringName(c Class) string { return "ring_" + c.String() }

// Maps gives the shared maps by the names that the objects have for them. They stay the lanes'.
func (l *Lanes) Maps() map[string]*ebpf.Map { return l.maps }

// CPUs is the number of CPUs that there may be.
func (l *Lanes) CPUs() int { return l.cpus }

// Ring is the ring buffer of a class. It stays the lanes'.
func (l *Lanes) Ring(c Class) *ebpf.Map { return l.maps[ringName(c)] }

// Doorbell is the ring buffer on which the reader sleeps; a record in it says no more than that there is something to read.
// It stays the lanes'.
func (l *Lanes) Doorbell() *ebpf.Map { return l.maps[mapDoorbell] }

// Wants is what the reader is woken for; the numbers are those of enum reader_wants in bpf/include/ring.h.
type Wants uint64

const (
	// WantsHurry is an exec, an event of the kernel class, or a ring that is a quarter full.
	WantsHurry Wants = 1
	// WantsAnything is every event but a fork or an exit.
	WantsAnything Wants = 2
)

// Sleeps tells the kernel side that the reader is about to sleep: the next event of those rings the doorbell, once. The reader
// looks at the rings once more after the call and before it sleeps.
func (l *Lanes) Sleeps(until Wants) error {
	var word [8]byte
	binary.NativeEndian.PutUint64(word[:], uint64(until))
	if _, err := l.reader.WriteAt(word[:], 0); err != nil {
		return fmt.Errorf("cannot set the reader's state: %w", err)
	}
	// A full barrier: the look at the rings must not come before the store.
	l.barrier.Add(1)
	return nil
}

// Counters sums what the programs have counted of a class.
func (l *Lanes) Counters(c Class) (Counters, error) {
	var sum Counters
	var one cpuCounters
	buffer := unsafe.Slice((*byte)(unsafe.Pointer(&one)), unsafe.Sizeof(one))
	for cpu := range l.cpus {
		at := (int64(c)*int64(l.cpus) + int64(cpu)) * int64(len(buffer))
		if _, err := l.counters.ReadAt(buffer, at); err != nil {
			return Counters{}, fmt.Errorf("cannot read the counters of class %s on CPU %d: %w", c, cpu, err)
		}
		sum.Made += one.Made
		sum.LostRingFull += one.LostRingFull
		sum.LostScratch += one.LostScratch
		sum.LostMapFull += one.LostMapFull
		sum.LostThrottled += one.LostThrottled
		sum.CutArguments += one.CutArguments
		sum.CutEnvironment += one.CutEnvironment
		sum.CutPath += one.CutPath
		sum.ReadFault += one.ReadFault
	}
	return sum, nil
}

// Lost is the number of whole events that were given up.
func (c Counters) Lost() uint64 {
	return c.LostRingFull + c.LostScratch + c.LostMapFull + c.LostThrottled
}

// Close frees the maps; the sensors must have been closed before.
func (l *Lanes) Close() error {
	var errs []error
	for _, m := range l.maps {
		errs = append(errs, m.Close())
	}
	l.maps = nil
	return errors.Join(errs...)
}
