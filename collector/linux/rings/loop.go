package rings

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/collector/core"
	pb "github.com/vedette-edr/vedette/proto"
)

// tailWait is how long a fork or exit may lie in the ring when nothing that matters follows it.
const tailWait = 100 * time.Millisecond

// leastPace is the least time between two flushes that no event hurries, unless linger is longer.
const leastPace = 25 * time.Millisecond

// loop is the one goroutine that reads the rings. A wake-up costs a Go process more CPU than decoding a hundred events
// (70 to 100 us on the machine we measured, half of it when the sleep is hidden from the Go scheduler), and each flush wakes the
// bus and the analyzer too, so all of this is about waking seldom.
type loop struct {
	*Reader
	sink core.Sink
	lost Lost

	added     bool // since the last flush
	at        time.Time
	hurriedAt time.Time // the last flush of what hurried
	turns     int       // since there was a pause
	leaving   bool
}

// found says what a look at the rings has brought.
type found struct {
	// hurried events are to be flushed now; the others that matter may wait for pace.
	hurried, matter int
}

// run returns when the reader is closed, or flushed and then empty.
func (l *loop) run() error {
	for busy := false; ; {
		var got found
		paced := false
		var err error
		if busy {
			l.sleep()
		} else {
			got, paced, err = l.wait()
		}
		if err == nil {
			err = l.drain(&got)
		}
		if err != nil {
			return err
		}
		if l.leaving || got.hurried > 0 || time.Since(l.at) >= l.pace() {
			l.flush(got.hurried > 0)
		}
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
		busy = l.leaving || got.hurried > 1 || got.hurried == 1 && (busy || paced)
		l.turns++
		if !busy {
			l.turns = 0
		}
	}
}

// pace is the least time between two flushes when no event hurries.
func (l *loop) pace() time.Duration { return max(leastPace, l.linger) }

// wait blocks until an event rings or it is time to look: at the end of the pace, or else after tailWait. When the last
// flush of what hurried is too young for another, it sleeps until it is not and says so.
func (l *loop) wait() (got found, paced bool, err error) {
	wants, until := lane.WantsAnything, time.Now().Add(tailWait)
	if end := l.at.Add(l.pace()); time.Now().Before(end) {
		// What comes together with the event that was just flushed would wake us once more each time.
		wants, until = lane.WantsHurry, end
	}
	if err := l.lanes.Sleeps(wants); err != nil {
		return got, false, err
	}
	// An event that came before the kernel side heard that we sleep is in its ring now.
	if err = l.drain(&got); err != nil || got.hurried > 0 || got.matter > 0 && wants == lane.WantsAnything {
		return got, false, err
	}
	if err := l.doorbell.wait(until); err != nil {
		return got, false, err
	}
	if time.Since(l.hurriedAt) < l.linger {
		l.sleep()
		paced = true
	}
	return got, paced, nil
}

// drain handles all records that are in the rings, oldest first, without waiting, and adds to what was found.
func (l *loop) drain(got *found) error {
	for {
		var oldest *ring
		for _, r := range l.rings {
			if err := r.fill(); err != nil {
				return err
			}
			if r.have && (oldest == nil || r.time < oldest.time) {
				oldest = r
			}
		}
		if oldest == nil {
			return nil
		}
		oldest.have = false
		l.handle(oldest, got)
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

// handle hands one record on.
func (l *loop) handle(r *ring, got *found) {
	kind, err := record.KindOf(r.head.RawSample)
	var ev *pb.Event
	if err == nil {
		ev, err = r.decoder.Decode(kind, r.head.RawSample)
	}
	if err != nil {
		l.lost(r.class, pb.LossCause_LOSS_CAUSE_MALFORMED, 1)
		return
	}
	if ev == nil {
		return
	}
	l.sink.Add(ev)
	l.added = true
	if kind == record.Fork || kind == record.Exit {
		return
	}
	got.matter++
	// The kernel side rings for the same: see wake_reader in bpf/include/ring.h.
	if kind == record.Exec || r.class == pb.Class_CLASS_KERNEL {
		got.hurried++
	}
}

func (l *loop) flush(hurried bool) {
	if !l.added {
		return
	}
	l.added = false
	l.sink.Flush()
	l.at = time.Now()
	if hurried {
		l.hurriedAt = l.at
	}
	// The connection writes in a goroutine of its own; let it, before this one holds the processor in a sleep.
	runtime.Gosched()
}

// steady is how many turns without a pause make a load that lasts.
const steady = 16

// sleep sleeps until a linger has passed since the last flush of what hurried. Under a load that lasts, the system call is hidden from the Go
// scheduler, which would otherwise hand this processor to another thread and back; whoever wants to stop the world waits for a
// linger at most. In a short burst that costs more than it spares: the runtime's monitor takes the processor for busy and looks at it
// every 20 us until some 10 ms have gone by.
func (l *loop) sleep() {
	left := l.linger - time.Since(l.hurriedAt)
	if left <= 0 {
		return
	}
	if l.turns < steady {
		time.Sleep(left)
		return
	}
	ts := unix.NsecToTimespec(int64(left))
	// An interrupted sleep only makes the next look come early.
	_, _, _ = syscall.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}
