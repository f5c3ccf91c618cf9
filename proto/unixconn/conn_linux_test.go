package unixconn

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/nettest"
	"golang.org/x/sys/unix"
)

// pair is two connected sockets.
func pair(t *testing.T) (a, b *net.UnixConn) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err = net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	b, err = l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return a, b
}

// wrapped is a pair of which one end is wrapped.
func wrapped(t *testing.T) (c *Conn, other *net.UnixConn) {
	t.Helper()
	a, b := pair(t)
	conn, err := Wrap(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*Conn), b
}

func TestItIsANetConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := pair(t)
		if c1, err = Wrap(a); err != nil {
			return nil, nil, nil, err
		}
		if c2, err = Wrap(b); err != nil {
			return nil, nil, nil, errors.Join(err, c1.Close())
		}
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	})
}

// wakeUps counts how often this process has given its processor away by itself.
func wakeUps(t *testing.T) int64 {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return u.Nvcsw
}

// The process sleeps while the other side, another process, reads what it was sent.
func TestReadingByTheOtherSideWakesNobody(t *testing.T) {
	const messages = 200
	woken := func(wrap bool) int64 {
		a, b := pair(t)
		var c net.Conn = a
		if wrap {
			var err error
			if c, err = Wrap(a); err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		// Someone waits for the connection to become readable, as in every NATS client.
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = c.Read(make([]byte, 1))
		}()
		file, err := b.File()
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
		if err := unix.SetNonblock(int(file.Fd()), false); err != nil {
			t.Fatal(err)
		}
		for range messages {
			if _, err := c.Write([]byte("message")); err != nil {
				t.Fatal(err)
			}
		}
		before := wakeUps(t)
		// A thread of this process reads, but it neither sleeps nor is it known to the runtime's poller.
		for range messages {
			var buf [7]byte
			if _, err := unix.Read(int(file.Fd()), buf[:]); err != nil {
				t.Fatal(err)
			}
			sleepUnseen(200 * time.Microsecond)
		}
		n := wakeUps(t) - before
		file.Close()
		<-ended
		return n
	}
	// The runtime's monitor wakes by itself, on a busy machine more often: what wakes the process every time shows every time.
	const attempts = 5
	var plain, calm int64
	for range attempts {
		plain, calm = woken(false)-messages, woken(true)-messages
		t.Logf("%d reads by the other side: %d wake-ups with net.UnixConn, %d with this", messages, plain, calm)
		if calm <= messages/5 {
			return
		}
	}
	t.Errorf("%d reads by the other side have woken the process %d times, want hardly any; net.UnixConn is woken %d times", messages, calm, plain)
}

// sleepUnseen sleeps in a system call that the runtime does not know of; it counts as one wake-up.
func sleepUnseen(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_, _, _ = syscall.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

func TestTryWriteDoesNotWait(t *testing.T) {
	c, other := wrapped(t)
	sent := 0
	piece := make([]byte, 64<<10)
	for {
		n, err := c.TryWrite(piece)
		if err != nil {
			t.Fatal(err)
		}
		sent += n
		if n < len(piece) {
			break
		}
	}
	go func() {
		_, _ = c.Write([]byte("end"))
		c.CloseWrite()
	}()
	got, err := io.ReadAll(other)
	if err != nil || len(got) != sent+3 || !strings.HasSuffix(string(got), "end") {
		t.Errorf("%d bytes came, %v; want %d and \"end\"", len(got), err, sent)
	}
}

func TestCloseEndsAWriteThatWaits(t *testing.T) {
	c, _ := wrapped(t)
	result := make(chan error)
	go func() {
		for {
			if _, err := c.Write(make([]byte, 64<<10)); err != nil {
				result <- err
				return
			}
		}
	}()
	time.Sleep(20 * time.Millisecond)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-result:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("the write ends with %v, want net.ErrClosed", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the write still waits")
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a second Close says %v, want net.ErrClosed", err)
	}
}

func TestTheOtherSideHangsUp(t *testing.T) {
	c, other := wrapped(t)
	if _, err := other.Write([]byte("last")); err != nil {
		t.Fatal(err)
	}
	other.Close()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "last" {
		t.Errorf("%q, %v; want the last words", got, err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("a write says %v, want EPIPE, and no signal", err)
	}
}

func TestDeadlineOfAWriteThatWaits(t *testing.T) {
	c, _ := wrapped(t)
	if err := c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := c.Write(make([]byte, 64<<10))
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the write ends with %v, want os.ErrDeadlineExceeded", err)
		}
		return
	}
}

func BenchmarkPingPong(b *testing.B) {
	for _, kind := range []string{"net.UnixConn", "unixconn"} {
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(b.TempDir(), "s")})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			x, err := net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
			if err != nil {
				b.Fatal(err)
			}
			y, err := l.AcceptUnix()
			if err != nil {
				b.Fatal(err)
			}
			ends := []net.Conn{x, y}
			if kind == "unixconn" {
				for i, e := range []*net.UnixConn{x, y} {
					if ends[i], err = Wrap(e); err != nil {
						b.Fatal(err)
					}
				}
			}
			defer ends[0].Close()
			go func() {
				defer ends[1].Close()
				_, _ = io.Copy(ends[1], ends[1])
			}()
			buf := make([]byte, 64)
			for b.Loop() {
				if _, err := ends[0].Write(buf); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(ends[0], buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
