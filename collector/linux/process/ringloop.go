package process

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	kernel "github.com/vedette-edr/vedette/bpf/process"
	"github.com/vedette-edr/vedette/collector/core"
	pb "github.com/vedette-edr/vedette/proto"
)

// tailWait is how long a fork or exit may lie in the ring when no exec follows it.
const tailWait = 100 * time.Millisecond

// ringLoop is the one goroutine that reads the ring. A wake-up costs a Go process more CPU than decoding a hundred events
// (70 to 100 us on the machine we measured, half of it when the sleep is hidden from the Go scheduler), so all of this is
// about waking seldom.
type ringLoop struct {
	kernel  *kernel.Sensor
	reader  *ringbuf.Reader
	decoder *decoder
	sink    core.Sink
	lost    func(pb.Class, pb.LossCause, uint64)
	linger  time.Duration

	record  ringbuf.Record
	added   bool // since the last flush
	flushed time.Time
}

// run returns when the reader is closed, or flushed and then empty.
func (l *ringLoop) run() error {
	for busy := false; ; {
		execs, paced := 0, false
		var err error
		if busy {
			l.sleep()
		} else {
			execs, paced, err = l.wait()
		}
		if err == nil {
			var more int
			more, err = l.drain()
			execs += more
		}
		if errors.Is(err, ringbuf.ErrFlushed) || errors.Is(err, ringbuf.ErrClosed) {
			l.sink.Flush()
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read the ring buffer of the process sensor: %w", err)
		}
		l.flush()
		// While execs keep coming, one look per linger is cheaper than letting each of them wake us.
		busy = execs > 1 || execs == 1 && (busy || paced)
	}
}

// wait blocks until an exec wakes it or tailWait has passed. It takes the first record, and when the last flush is too young
// for another, it sleeps until it is not and says so.
func (l *ringLoop) wait() (execs int, paced bool, err error) {
	if err := l.kernel.Sleeps(); err != nil {
		return 0, false, err
	}
	// An exec that came before the kernel side heard that we sleep is in the ring now.
	if execs, err = l.drain(); execs > 0 || err != nil {
		return execs, false, err
	}
	l.reader.SetDeadline(time.Now().Add(tailWait))
	err = l.reader.ReadInto(&l.record)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	execs = l.handle()
	if time.Since(l.flushed) < l.linger {
		l.sleep()
		paced = true
	}
	return execs, paced, nil
}

// drain handles all records that are in the ring, without waiting.
func (l *ringLoop) drain() (execs int, err error) {
	l.reader.SetDeadline(time.Unix(1, 0))
	for {
		err := l.reader.ReadInto(&l.record)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return execs, nil
		}
		if err != nil {
			return execs, err
		}
		execs += l.handle()
	}
}

// handle hands one record on and returns how many execs it was.
func (l *ringLoop) handle() int {
	ev, err := l.decoder.decode(l.record.RawSample)
	if err != nil {
		l.lost(pb.Class_CLASS_PROCESS, pb.LossCause_LOSS_CAUSE_MALFORMED, 1)
		return 0
	}
	if ev == nil {
		return 0
	}
	l.sink.Add(ev)
	l.added = true
	if ev.GetExec() == nil {
		return 0
	}
	return 1
}

func (l *ringLoop) flush() {
	if !l.added {
		return
	}
	l.added = false
	l.sink.Flush()
	l.flushed = time.Now()
	// The connection writes in a goroutine of its own; let it, before this one holds the processor in a sleep.
	runtime.Gosched()
}

// sleep sleeps until a linger has passed since the last flush. The system call is hidden from the Go scheduler, which would
// otherwise hand this processor to another thread and back; whoever wants to stop the world waits for a linger at most.
func (l *ringLoop) sleep() {
	left := l.linger - time.Since(l.flushed)
	if left <= 0 {
		return
	}
	ts := unix.NsecToTimespec(int64(left))
	// An interrupted sleep only makes the next look come early.
	_, _, _ = syscall.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// wallClock turns boot times into Unix times. It looks at the clocks again when a second of events has passed, so a step of
// the wall clock is followed within that.
type wallClock struct {
	offset   int64
	measured uint64
}

// at returns the Unix time of a boot time, both in ns.
func (w *wallClock) at(boot uint64) int64 {
	if w.measured == 0 || boot > w.measured+uint64(time.Second) {
		w.measured = uint64(bootTime())
		w.offset = time.Now().UnixNano() - int64(w.measured)
	}
	return int64(boot) + w.offset
}

// bootTime reads CLOCK_BOOTTIME, in ns.
func bootTime() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		// It exists on every kernel that we load on.
		return 0
	}
	return ts.Nano()
}
