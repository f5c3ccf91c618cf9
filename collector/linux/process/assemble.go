package process

import (
	kernel "github.com/vedette-edr/vedette/bpf/process"
)

// maxPending bounds the assemblies whose exec has not come: one per CPU and nesting is in flight, more means lost execs.
const maxPending = 64

// assembly collects the chunks of one exec, which precede its record.
type assembly struct {
	cpu         uint32
	sequence    uint64
	arguments   []byte
	environment []byte
}

// assemblies keeps what has no exec yet, oldest first. An exec that was lost for want of room leaves its chunks behind;
// they are dropped when their place is needed, and the loss is counted by the kernel side.
type assemblies struct {
	list []*assembly
	free []*assembly
}

func (as *assemblies) add(c *kernel.Chunk, data []byte) {
	a := as.find(c.CPU, c.Sequence)
	if a == nil {
		if len(as.list) == maxPending {
			as.recycle(as.list[0])
			as.list = append(as.list[:0], as.list[1:]...)
		}
		a = as.fresh()
		a.cpu, a.sequence = c.CPU, c.Sequence
		as.list = append(as.list, a)
	}
	field := &a.arguments
	if c.Field == kernel.TextEnvironment {
		field = &a.environment
	}
	// Chunks of one exec come from one CPU in their order; what does not fit the order is not part of it.
	if len(*field) == int(c.Index)*len(c.Data) {
		*field = append(*field, data...)
	}
}

// take removes and returns the assembly of an exec, valid until the next add, or nil.
func (as *assemblies) take(cpu uint32, sequence uint64) *assembly {
	for i, a := range as.list {
		if a.cpu == cpu && a.sequence == sequence {
			as.list = append(as.list[:i], as.list[i+1:]...)
			as.recycle(a)
			return a
		}
	}
	return nil
}

func (as *assemblies) find(cpu uint32, sequence uint64) *assembly {
	for _, a := range as.list {
		if a.cpu == cpu && a.sequence == sequence {
			return a
		}
	}
	return nil
}

func (as *assemblies) fresh() *assembly {
	if n := len(as.free); n > 0 {
		a := as.free[n-1]
		as.free = as.free[:n-1]
		a.arguments, a.environment = a.arguments[:0], a.environment[:0]
		return a
	}
	return &assembly{}
}

// recycle keeps one buffer: long arguments are rare, and 256 KiB each is much to hold for ever.
func (as *assemblies) recycle(a *assembly) {
	if len(as.free) == 0 {
		as.free = append(as.free, a)
	}
}
