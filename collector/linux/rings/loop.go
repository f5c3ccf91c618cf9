package rings

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

	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/collector/core"
	pb "github.com/vedette-edr/vedette/proto"
)

// tailWait is how long a fork or exit may lie in the ring when nothing that matters follows it.
const tailWait = 100 * time.Millisecond

// loop is the one goroutine that reads the rings. A wake-up costs a Go process more CPU than decoding a hundred events
// (70 to 100 us on the machine we measured, half of it when the sleep is hidden from the Go scheduler), so all of this is
// about waking seldom.
type loop struct {
	*Reader
	sink core.Sink
	lost Lost

	bell    ringbuf.Record
	added   bool // since the last flush
	at      time.Time
	leaving bool
}

// run returns when the reader is closed, or flushed and then empty.
func (l *loop) run() error {
	for busy := false; ; {
		urgent, paced := 0, false
		var err error
		if busy {
			l.sleep()
		} else {
			urgent, paced, err = l.wait()
		}
		if err == nil {
			var more int
			more, err = l.drain()
			urgent += more
		}
		if err != nil {
			return err
		}
		l.flush()
		if l.leaving {
			return nil
		}
		select {
		case <-l.flushed:
			// What was made before the sensors were detached is read in one more turn.
			l.leaving = true
		default:
		}
		// While events keep coming, one look per linger is cheaper than letting each of them wake us.
		busy = l.leaving || urgent > 1 || urgent == 1 && (busy || paced)
	}
}

// wait blocks until an event rings or tailWait has passed. When the last flush is too young for another, it sleeps until it
// is not and says so.
func (l *loop) wait() (urgent int, paced bool, err error) {
	if err := l.lanes.Sleeps(); err != nil {
		return 0, false, err
	}
	// An event that came before the kernel side heard that we sleep is in its ring now.
	if urgent, err = l.drain(); urgent > 0 || err != nil {
		return urgent, false, err
	}
	l.doorbell.SetDeadline(time.Now().Add(tailWait))
	err = l.doorbell.ReadInto(&l.bell)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, ringbuf.ErrFlushed):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("cannot wait for events: %w", err)
	}
	if time.Since(l.at) < l.linger {
		l.sleep()
		paced = true
	}
	return 0, paced, nil
}

// drain handles all records that are in the rings, oldest first, without waiting, and gives how many of them matter at once.
func (l *loop) drain() (urgent int, err error) {
	for {
		var oldest *ring
		for _, r := range l.rings {
			if err := r.fill(); err != nil {
				return urgent, err
			}
			if r.have && (oldest == nil || r.time < oldest.time) {
				oldest = r
			}
		}
		if oldest == nil {
			return urgent, nil
		}
		oldest.have = false
		if l.handle(oldest) {
			urgent++
		}
	}
}

// fill takes the next record off the ring unless one is at its head already.
func (r *ring) fill() error {
	if r.have || r.reader.AvailableBytes() == 0 {
		return nil
	}
	r.reader.SetDeadline(time.Unix(1, 0))
	err := r.reader.ReadInto(&r.head)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the ring buffer of class %s: %w", r.class, err)
	}
	// A chunk has no time of its own: it goes at once, with the record that follows it.
	r.have, r.time = true, record.TimeOf(r.head.RawSample)
	return nil
}

// handle hands one record on and reports whether it matters at once.
func (l *loop) handle(r *ring) bool {
	kind, err := record.KindOf(r.head.RawSample)
	var ev *pb.Event
	if err == nil {
		ev, err = r.decoder.Decode(kind, r.head.RawSample)
	}
	if err != nil {
		l.lost(r.class, pb.LossCause_LOSS_CAUSE_MALFORMED, 1)
		return false
	}
	if ev == nil {
		return false
	}
	l.sink.Add(ev)
	l.added = true
	return kind != record.Fork && kind != record.Exit
}

func (l *loop) flush() {
	if !l.added {
		return
	}
	l.added = false
	l.sink.Flush()
	l.at = time.Now()
	// The connection writes in a goroutine of its own; let it, before this one holds the processor in a sleep.
	runtime.Gosched()
}

// sleep sleeps until a linger has passed since the last flush. The system call is hidden from the Go scheduler, which would
// otherwise hand this processor to another thread and back; whoever wants to stop the world waits for a linger at most.
func (l *loop) sleep() {
	left := l.linger - time.Since(l.at)
	if left <= 0 {
		return
	}
	ts := unix.NsecToTimespec(int64(left))
	// An interrupted sleep only makes the next look come early.
	_, _, _ = syscall.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}
