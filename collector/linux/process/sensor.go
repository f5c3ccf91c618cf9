// Package process turns the records of the process sensor's eBPF programs into events. It copies what the kernel wrote and
// judges none of it.
package process

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

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
	allow  allowList
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

// Run reads records and adds their events to the sink until Detach, and then to the last that was made. It owns the calling
// goroutine's thread: blocking in the kernel there is cheaper than waking the Go scheduler's.
//
// A flush follows the first event at once when the last flush is older than the linger; under load there is one per linger.
func (s *Sensor) Run(sink core.Sink, lost func(pb.Class, pb.LossCause, uint64)) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	d := newDecoder(s.allow)
	var record ringbuf.Record
	past := time.Unix(1, 0)
	for {
		s.reader.SetDeadline(time.Time{})
		for read := 0; ; read++ {
			err := s.reader.ReadInto(&record)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				if read == 0 {
					break
				}
				sink.Flush()
				time.Sleep(s.linger)
				read = -1
				continue
			}
			if errors.Is(err, ringbuf.ErrFlushed) || errors.Is(err, ringbuf.ErrClosed) {
				sink.Flush()
				return nil
			}
			if err != nil {
				return fmt.Errorf("cannot read the ring buffer of the process sensor: %w", err)
			}
			if read == 0 {
				d.wallOffset = wallOffset()
				s.reader.SetDeadline(past)
			}
			ev, err := d.decode(record.RawSample)
			if err != nil {
				lost(pb.Class_CLASS_PROCESS, pb.LossCause_LOSS_CAUSE_MALFORMED, 1)
				continue
			}
			if ev != nil {
				sink.Add(ev)
			}
		}
	}
}

// Counters adds what the kernel side has made and lost.
func (s *Sensor) Counters(c *core.Counters) error {
	k, err := s.kernel.Counters()
	if err != nil {
		return err
	}
	class := pb.Class_CLASS_PROCESS
	c.Made[class] += k.Made + k.Missed
	for cause, n := range map[pb.LossCause]uint64{
		pb.LossCause_LOSS_CAUSE_RING_FULL:      k.LostRingFull,
		pb.LossCause_LOSS_CAUSE_SCRATCH:        k.LostScratch,
		pb.LossCause_LOSS_CAUSE_PROGRAM_MISSED: k.Missed,
		pb.LossCause_LOSS_CAUSE_ARGUMENTS:      k.CutArguments,
		pb.LossCause_LOSS_CAUSE_ENVIRONMENT:    k.CutEnvironment,
		pb.LossCause_LOSS_CAUSE_PATH:           k.CutPath,
		pb.LossCause_LOSS_CAUSE_READ_FAULT:     k.ReadFault,
	} {
		c.Lost[class][cause] += n
	}
	return nil
}

// Attachments says of every program whether it runs in the kernel, and why not.
func (s *Sensor) Attachments() []*pb.Attachment {
	var out []*pb.Attachment
	for _, a := range s.kernel.Attachments() {
		runs := s.kernel.Runs(a.Name)
		at := &pb.Attachment{
			Name: a.Name, Hook: a.Hook, Attached: a.Err == nil,
			RunCount: runs.Count, RunTimeNs: uint64(runs.Time), Missed: runs.Missed,
		}
		if a.Err != nil {
			at.Reason = a.Err.Error()
		}
		out = append(out, at)
	}
	return out
}

func bootTime() int64 { return clock(unix.CLOCK_BOOTTIME) }

// wallOffset is what turns a boot time into Unix time, in ns, now.
func wallOffset() int64 { return clock(unix.CLOCK_REALTIME) - clock(unix.CLOCK_BOOTTIME) }

func clock(id int32) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		// Both clocks exist on every kernel we load on.
		return 0
	}
	return ts.Nano()
}
