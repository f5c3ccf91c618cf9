package unixconn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Conn is a connection through a Unix socket. Besides what net.Conn says, reads may run beside writes, and a write that has to wait
// for the other side holds a thread.
type Conn struct {
	local, remote net.Addr

	// readable is an epoll that holds the socket and asks about reading alone. It is what the Go runtime polls.
	readable *os.File
	wait     syscall.RawConn

	// mu keeps the descriptor open while it is used.
	mu     sync.RWMutex
	fd     int
	closed bool

	reading sync.Mutex
	receive func(uintptr) bool // receiveOnce, made once
	into    []byte
	got     int
	err     error

	writing       sync.Mutex
	writeDeadline atomic.Int64 // Unix time in nanoseconds, 0 for none
}

var _ net.Conn = (*Conn)(nil)

func wrap(conn *net.UnixConn) (net.Conn, error) {
	defer conn.Close()
	c := &Conn{local: conn.LocalAddr(), remote: conn.RemoteAddr(), fd: -1}
	raw, err := conn.SyscallConn()
	if err == nil {
		var dupErr error
		err = raw.Control(func(fd uintptr) { c.fd, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
		err = errors.Join(err, dupErr)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot duplicate the connection's descriptor: %w", err)
	}
	if err := c.poll(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot poll the connection: %w", err), unix.Close(c.fd))
	}
	return c, nil
}

func (c *Conn) poll() error {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	// The sign by which os.NewFile knows what it may give to the poller.
	err = unix.SetNonblock(epoll, true)
	if err == nil {
		err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP})
	}
	if err != nil {
		return errors.Join(err, unix.Close(epoll))
	}
	c.readable = os.NewFile(uintptr(epoll), "epoll")
	c.receive = c.receiveOnce
	if c.wait, err = c.readable.SyscallConn(); err != nil {
		return errors.Join(err, c.readable.Close())
	}
	return nil
}

// use runs f with the descriptor, which stays open meanwhile.
func (c *Conn) use(f func(fd int) error) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return net.ErrClosed
	}
	return f(c.fd)
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.reading.Lock()
	defer c.reading.Unlock()
	c.into = p
	waited := c.wait.Read(c.receive)
	c.into = nil
	switch {
	case errors.Is(waited, os.ErrDeadlineExceeded):
		return 0, c.failed("read", os.ErrDeadlineExceeded)
	case waited != nil:
		return 0, c.failed("read", net.ErrClosed)
	case c.err != nil:
		return 0, c.failed("read", c.err)
	case c.got == 0:
		return 0, io.EOF
	}
	return c.got, nil
}

// receiveOnce reports whether there is an outcome.
func (c *Conn) receiveOnce(uintptr) bool {
	c.got, c.err = c.transfer(unix.SYS_RECVFROM, c.into)
	return !errors.Is(c.err, unix.EAGAIN)
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	done := 0
	for {
		if deadline := c.writeDeadline.Load(); deadline != 0 && time.Now().UnixNano() >= deadline {
			return done, c.failed("write", os.ErrDeadlineExceeded)
		}
		n, err := c.tryWrite(p[done:])
		done += n
		if err != nil || done == len(p) {
			return done, err
		}
		if err := c.waitWritable(); err != nil {
			return done, c.failed("write", err)
		}
	}
}

// TryWrite writes what the socket takes at once, possibly nothing.
func (c *Conn) TryWrite(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.tryWrite(p)
}

func (c *Conn) tryWrite(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := c.transfer(unix.SYS_SENDTO, p[done:])
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		if err != nil {
			return done, c.failed("write", err)
		}
		done += n
	}
	return done, nil
}

// pollSlice bounds how long a change of the deadline, or a Close, goes unnoticed by a write that waits.
const pollSlice = 100 * time.Millisecond

func (c *Conn) waitWritable() error {
	slice := pollSlice
	if deadline := c.writeDeadline.Load(); deadline != 0 {
		slice = max(0, min(slice, time.Until(time.Unix(0, deadline))))
	}
	fds := []unix.PollFd{{Events: unix.POLLOUT}}
	if err := c.use(func(fd int) error { fds[0].Fd = int32(fd); return nil }); err != nil {
		return err
	}
	// If the descriptor is closed and given to another file meanwhile, the answer is about that, and the next write finds out.
	_, err := unix.Poll(fds, int(slice.Milliseconds())+1)
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	return err
}

// transfer receives or sends once and does not wait, so the runtime need not know of the call.
func (c *Conn) transfer(call uintptr, p []byte) (int, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	for {
		n, _, errno := syscall.RawSyscall6(call, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		}
		return 0, errno
	}
}

func (c *Conn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: "unix", Source: c.local, Addr: c.remote, Err: err}
}

// CloseWrite says that nothing more will be sent.
func (c *Conn) CloseWrite() error {
	return c.use(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
}

// Close implements net.Conn. Reads and writes that wait return.
func (c *Conn) Close() error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return c.failed("close", net.ErrClosed)
	}
	// Nobody uses the descriptor any more; closing the other waits for a reader to let go.
	return errors.Join(c.readable.Close(), unix.Close(c.fd))
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.readable.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		c.writeDeadline.Store(0)
		return nil
	}
	c.writeDeadline.Store(max(1, t.UnixNano()))
	return nil
}

// SyscallConn gives the descriptor to questions, such as who the peer is; the Read and Write of what it returns do not wait.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return control{c}, nil }

type control struct{ conn *Conn }

func (r control) Control(f func(fd uintptr)) error {
	return r.conn.use(func(fd int) error { f(uintptr(fd)); return nil })
}

func (r control) Read(f func(fd uintptr) bool) error {
	return r.Control(func(fd uintptr) { f(fd) })
}

func (r control) Write(f func(fd uintptr) bool) error {
	return r.Control(func(fd uintptr) { f(fd) })
}
