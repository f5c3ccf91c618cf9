// Package link is the collector's connection to the bus: a nats.go connection that comes back by itself, keeps nothing while
// it is down, and never makes a publisher wait.
//
// nats.go writes to its socket, and makes new connections, while it holds the lock that Publish needs. Two things keep a stuck
// bus from stopping a sensor: the connection takes every write at once, into a queue when the socket is full (conn), and
// Session says, without touching nats.go, whether publishing is possible now.
package link

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

const (
	reconnectWait   = 100 * time.Millisecond
	reconnectJitter = 50 * time.Millisecond
	// The lock of nats.go is held while a connection is made.
	dialTimeout = time.Second
	// Two unanswered pings end a connection to a bus that hangs.
	pingInterval = 5 * time.Second
)

// Options say how to reach the bus.
type Options struct {
	// Dialer opens the connection and decides by itself where to; the network and address that it is given mean nothing.
	// Required.
	Dialer nats.CustomDialer
	// Name is what the bus calls this client in its logs.
	Name string
	// InboxPrefix is the subject prefix that the bus lets this client receive replies on; "_INBOX_collector" when empty.
	InboxPrefix string
	Log         zerolog.Logger
}

// Link is a connection to the bus. Safe for concurrent use.
type Link struct {
	nc      *nats.Conn
	log     zerolog.Logger
	changed chan struct{}
	refused atomic.Uint64

	// live is the connection of the present session, nil before the first. It is replaced when the bus has accepted a new one.
	live    atomic.Pointer[session]
	mu      sync.Mutex
	dialed  *conn
	started uint64
	writers sync.WaitGroup
}

type session struct {
	id   uint64
	conn *conn
}

// Connect starts to connect and returns at once: while the bus is not there, the link tries again for ever, every 100 to
// 150 ms. It fails only on options that can never work. The caller ends it with Close.
func Connect(opts Options) (*Link, error) {
	if opts.Dialer == nil {
		return nil, errors.New("cannot connect to the bus: BUG: Dialer must be set")
	}
	prefix := opts.InboxPrefix
	if prefix == "" {
		prefix = "_INBOX_collector"
	}
	l := &Link{log: opts.Log, changed: make(chan struct{}, 1)}
	nc, err := nats.Connect("nats://vedette",
		nats.Name(opts.Name),
		nats.SetCustomDialer(dialer{l, opts.Dialer}),
		// The address means nothing, and a look-up would wait for DNS at every attempt.
		nats.SkipHostLookup(),
		nats.CustomInboxPrefix(prefix),
		nats.Timeout(dialTimeout),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectJitter, reconnectJitter),
		// What is published while the bus is away must fail at once: the spool keeps it.
		nats.ReconnectBufSize(-1),
		nats.PingInterval(pingInterval),
		nats.ConnectHandler(l.established),
		nats.ReconnectHandler(l.established),
		nats.DisconnectErrHandler(l.lost),
		nats.ErrorHandler(l.asyncError),
		nats.NoCallbacksAfterClientClose(),
	)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the bus: %w", err)
	}
	l.nc = nc
	return l, nil
}

// dialer puts a conn around every connection that the caller's dialer makes.
type dialer struct {
	link  *Link
	inner nats.CustomDialer
}

// SkipTLSHandshake tells nats.go that the dialer decides about encryption.
func (d dialer) SkipTLSHandshake() bool { return true }

// Dial opens one connection.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	inner, err := d.inner.Dial(network, address)
	if err != nil {
		return nil, err
	}
	c := newConn(inner, &d.link.writers, d.link.notify)
	d.link.mu.Lock()
	d.link.dialed = c
	d.link.mu.Unlock()
	return c, nil
}

// established runs in a goroutine of nats.go after the bus has accepted a connection.
func (l *Link) established(nc *nats.Conn) {
	// It may run late, when that connection has broken and the next is being made: IsConnected waits for the outcome.
	if !nc.IsConnected() {
		return
	}
	l.mu.Lock()
	l.started++
	s := &session{id: l.started, conn: l.dialed}
	l.live.Store(s)
	l.mu.Unlock()
	l.log.Info().Uint64("session", s.id).Msg("connected to the bus")
	l.notify()
}

func (l *Link) lost(_ *nats.Conn, err error) {
	l.log.Warn().Err(err).Msg("lost the bus; events wait in the spool until it is back")
}

func (l *Link) asyncError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) {
		l.refused.Add(1)
	}
	ev := l.log.Warn().Err(err)
	if sub != nil {
		ev = ev.Str("subject", sub.Subject)
	}
	ev.Msg("the bus reports an error")
}

func (l *Link) notify() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Session returns the number of the present session with the bus, counted from 1, or 0 while nothing can be published
// without waiting: no connection, or bytes queued because the bus does not read. It never waits. What was published in an
// earlier session may not have arrived.
func (l *Link) Session() uint64 {
	s := l.live.Load()
	if s == nil || !s.conn.ready() {
		return 0
	}
	return s.id
}

// Changed receives a value after Session has begun to return something other than 0, whether or not anyone was listening.
func (l *Link) Changed() <-chan struct{} { return l.changed }

// Publish hands a message to nats.go, which copies it. A nil error does not say that the bus has it. nats.ErrMaxPayload means
// that the bus would refuse a message of that size.
func (l *Link) Publish(subject string, payload []byte) error {
	if err := l.nc.Publish(subject, payload); err != nil {
		return fmt.Errorf("cannot publish %d bytes on %q: %w", len(payload), subject, err)
	}
	return nil
}

// Subscribe delivers the messages of a subject, in every session, to a channel that the caller owns and that the link never
// closes; messages that find it full are dropped. The caller ends it with Unsubscribe.
func (l *Link) Subscribe(subject string, to chan *nats.Msg) (*nats.Subscription, error) {
	sub, err := l.nc.ChanSubscribe(subject, to)
	if err != nil {
		return nil, fmt.Errorf("cannot subscribe to %q: %w", subject, err)
	}
	return sub, nil
}

// Flush waits until the bus has read everything published so far, or for the given time.
func (l *Link) Flush(timeout time.Duration) error {
	if err := l.nc.FlushTimeout(timeout); err != nil {
		return fmt.Errorf("cannot flush to the bus within %s: %w", timeout, err)
	}
	return nil
}

// Refused counts how often the bus refused a subject, as outside the permissions, since the start.
func (l *Link) Refused() uint64 { return l.refused.Load() }

// Close ends the connection and waits for the goroutines of this package.
func (l *Link) Close() {
	l.nc.Close()
	l.writers.Wait()
}
