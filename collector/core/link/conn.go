package link

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// queueLimit bounds what a connection holds for a bus that does not read. A publisher that heeds Session stops after one
	// flush of nats.go, far below.
	queueLimit = 8 << 20
	// stuckAfter is how long the bus may read nothing at all before the connection is given up.
	stuckAfter = 10 * time.Second
)

var errQueueFull = errors.New("the bus does not read and the queue is full")

// conn is a network connection whose Write never waits: what the socket does not take at once goes to a queue, which a
// goroutine writes. The goroutine lives only while there is a queue.
type conn struct {
	net.Conn
	// try writes what the socket takes at once. It is nil where that cannot be tried; then everything takes the queue.
	try     func([]byte) (int, error)
	writers *sync.WaitGroup
	drained func()

	busy atomic.Bool
	down atomic.Bool

	mu    sync.Mutex
	queue []byte
	spare []byte
	err   error
}

func newConn(inner net.Conn, writers *sync.WaitGroup, drained func()) *conn {
	c := &conn{Conn: inner, writers: writers, drained: drained}
	switch inner := inner.(type) {
	case interface{ TryWrite([]byte) (int, error) }:
		c.try = inner.TryWrite
	case syscall.Conn:
		if raw, err := inner.SyscallConn(); err == nil && canTryWrite {
			c.try = func(p []byte) (int, error) { return tryWrite(raw, p) }
		}
	}
	return c
}

// ready reports whether the connection stands and its queue is empty.
func (c *conn) ready() bool { return !c.down.Load() && !c.busy.Load() }

// Write takes all of p at once, or fails because the connection is down.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	rest := p
	if !c.busy.Load() && c.try != nil {
		n, err := c.try(p)
		if err != nil {
			c.fail(err)
			return n, err
		}
		rest = p[n:]
	}
	if len(rest) == 0 {
		return len(p), nil
	}
	if len(c.queue)+len(rest) > queueLimit {
		c.fail(errQueueFull)
		return len(p) - len(rest), errQueueFull
	}
	c.queue = append(c.queue, rest...)
	if !c.busy.Load() {
		c.busy.Store(true)
		c.writers.Add(1)
		go c.drain()
	}
	return len(p), nil
}

// drain writes the queue until it is empty or the connection fails.
func (c *conn) drain() {
	defer c.writers.Done()
	for {
		c.mu.Lock()
		if c.err != nil || len(c.queue) == 0 {
			c.queue, c.spare = nil, nil
			c.busy.Store(false)
			c.mu.Unlock()
			c.drained()
			return
		}
		chunk := c.queue
		c.queue, c.spare = c.spare[:0], nil
		c.mu.Unlock()

		err := c.writeAll(chunk)

		c.mu.Lock()
		c.spare = chunk
		if err != nil {
			c.fail(err)
		}
		c.mu.Unlock()
	}
}

// writeAll fails when the other side reads nothing for a while; a slow reader may take as long as it needs.
func (c *conn) writeAll(p []byte) error {
	for len(p) > 0 {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(stuckAfter)); err != nil {
			return err
		}
		n, err := c.Conn.Write(p)
		p = p[n:]
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return fmt.Errorf("cannot write %d bytes to the bus: %w", len(p), err)
		}
	}
	return nil
}

// fail ends the connection for the first reason given; called with mu held.
func (c *conn) fail(err error) {
	c.down.Store(true)
	if c.err == nil {
		c.err = err
		c.Conn.Close()
	}
}

// Read marks the connection as down before nats.go learns of it and begins to make a new one.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.down.Store(true)
	}
	return n, err
}

// Close ends the connection.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down.Store(true)
	if c.err != nil {
		return nil
	}
	c.err = net.ErrClosed
	return c.Conn.Close()
}

// SetDeadline concerns reading alone: writes do not wait.
func (c *conn) SetDeadline(t time.Time) error { return c.Conn.SetReadDeadline(t) }

// SetWriteDeadline does nothing: writes do not wait, and the deadline of the queue's own writes must stay.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
