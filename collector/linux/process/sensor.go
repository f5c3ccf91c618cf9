// Package process turns the records of the process sensor's eBPF programs into events. It copies what the kernel wrote and
// judges none of it.
package process

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf/ringbuf"

	kernel "github.com/vedette-edr/vedette/bpf/process"
	"github.com/vedette-edr/vedette/collector/core"
	pb "github.com/vedette-edr/vedette/proto"
)

// Options tunes a Sensor. The zero value is a sensible host.
type Options struct {
	// RingBytes is the size of the ring buffer between kernel and collector; 0 means the kernel side's default.
	RingBytes uint32
	// Linger is the time from one flush to the next under load; 0 means DefaultLinger.
	Linger time.Duration
	// Environment names the variables that leave the host's memory; nil means DefaultEnvironment.
	Environment []string
}

// DefaultLinger keeps the p99 from system call to alert under 10 ms.
const DefaultLinger = 5 * time.Millisecond

// Sensor reads the ring buffer and seeds. Counters, Attachments and Seed may be called from any goroutine while Run runs.
type Sensor struct {
	kernel *kernel.Sensor
	reader *ringbuf.Reader
	linger time.Duration
	allow  *allowList
	missed atomic.Uint64
}

// Open loads the kernel side. Nothing is made before Attach.
func Open(o Options) (*Sensor, error) {
	if o.Linger == 0 {
		o.Linger = DefaultLinger
	}
	if o.Environment == nil {
		o.Environment = DefaultEnvironment()
	}
	k, err := kernel.Load(kernel.Options{RingBytes: o.RingBytes})
	if err != nil {
		return nil, err
	}
	r, err := ringbuf.NewReader(k.Events())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot map the ring buffer of the process sensor: %w", err), k.Close())
	}
	return &Sensor{kernel: k, reader: r, linger: o.Linger, allow: newAllowList(o.Environment)}, nil
}

// Attach starts the kernel side. From here on events wait in the ring.
func (s *Sensor) Attach() { s.kernel.Attach() }

// Detach stops the kernel side and lets Run end once it has read what was made.
func (s *Sensor) Detach() error {
	return errors.Join(s.kernel.Detach(), s.reader.Flush())
}

// Close frees the kernel side. Run must have returned.
func (s *Sensor) Close() error {
	return errors.Join(s.reader.Close(), s.kernel.Close())
}

// Run reads records and adds their events to the sink until Detach, and then to the last that was made.
//
// Only an exec wakes it. The first exec after a pause is flushed at once; the next ones wait until a linger has passed since
// the last flush, and under load Run looks once per linger. What comes without an exec waits for at most tailWait.
func (s *Sensor) Run(sink core.Sink, lost func(pb.Class, pb.LossCause, uint64)) error {
	l := ringLoop{kernel: s.kernel, reader: s.reader, decoder: newDecoder(s.allow), sink: sink, lost: lost, linger: s.linger}
	return l.run()
}

// Counters adds what the kernel side has made and lost.
func (s *Sensor) Counters(c *core.Counters) error {
	k, err := s.kernel.Counters()
	if err != nil {
		return err
	}
	class := pb.Class_CLASS_PROCESS
	missed := s.missed.Load()
	c.Made[class] += k.Made + missed
	for cause, n := range map[pb.LossCause]uint64{
		pb.LossCause_LOSS_CAUSE_RING_FULL:      k.LostRingFull,
		pb.LossCause_LOSS_CAUSE_SCRATCH:        k.LostScratch,
		pb.LossCause_LOSS_CAUSE_PROGRAM_MISSED: missed,
		pb.LossCause_LOSS_CAUSE_ARGUMENTS:      k.CutArguments,
		pb.LossCause_LOSS_CAUSE_ENVIRONMENT:    k.CutEnvironment,
		pb.LossCause_LOSS_CAUSE_PATH:           k.CutPath,
		pb.LossCause_LOSS_CAUSE_READ_FAULT:     k.ReadFault,
	} {
		c.Lost[class][cause] += n
	}
	return nil
}

// Attachments says of every program whether it runs in the kernel, and why not. It asks the kernel, which Counters, called
// with every batch, does not: what programs missed is as old as the last call.
func (s *Sensor) Attachments() []*pb.Attachment {
	var out []*pb.Attachment
	var missed uint64
	for _, a := range s.kernel.Attachments() {
		runs := s.kernel.Runs(a.Name)
		missed += runs.Missed
		at := &pb.Attachment{
			Name: a.Name, Hook: a.Hook, Attached: a.Err == nil,
			RunCount: runs.Count, RunTimeNs: uint64(runs.Time), Missed: runs.Missed,
		}
		if a.Err != nil {
			at.Reason = a.Err.Error()
		}
		out = append(out, at)
	}
	s.missed.Store(missed)
	return out
}
