package rings

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// doorbell waits for a record in the doorbell's ring. It waits in the Go runtime's poller, where a goroutine costs one wake-up of one
// thread. A thread that waits in a system call of its own, as ringbuf.Reader's does, costs several: the runtime's monitor, which
// sleeps while everything is parked, then looks every 20 us for a while whether to take the processor away from that call.
type doorbell struct {
	reader *ringbuf.Reader
	file   *os.File
	raw    syscall.RawConn
	record ringbuf.Record
}

func openDoorbell(m *ebpf.Map) (*doorbell, error) {
	fd, err := unix.FcntlInt(uintptr(m.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot duplicate the doorbell's descriptor: %w", err)
	}
	// The sign by which os.NewFile knows what it may give to the poller; a map heeds it in nothing.
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot poll the doorbell: %w", err), unix.Close(fd))
	}
	d := &doorbell{file: os.NewFile(uintptr(fd), "doorbell")}
	if d.raw, err = d.file.SyscallConn(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot poll the doorbell: %w", err), d.file.Close())
	}
	if d.reader, err = ringbuf.NewReader(m); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot map the doorbell: %w", err), d.file.Close())
	}
	// What rang is all that a record says: nobody waits for it to come.
	d.reader.SetDeadline(time.Unix(1, 0))
	return d, nil
}

// wait returns when the doorbell has rung since the last wait, at the given time, or after interrupt.
func (d *doorbell) wait(until time.Time) error {
	if err := d.file.SetReadDeadline(until); err != nil {
		return fmt.Errorf("cannot wait for events: %w", err)
	}
	err := d.raw.Read(func(uintptr) bool { return d.reader.AvailableBytes() > 0 })
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("cannot wait for events: %w", err)
	}
	for d.reader.AvailableBytes() > 0 {
		if err := d.reader.ReadInto(&d.record); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("cannot read the doorbell: %w", err)
		}
	}
	return nil
}

// interrupt ends a wait; it may run beside one.
func (d *doorbell) interrupt() error { return d.file.SetReadDeadline(time.Unix(1, 0)) }

func (d *doorbell) close() error { return errors.Join(d.reader.Close(), d.file.Close()) }
