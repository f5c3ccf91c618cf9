// Package door lets clients in to a NATS server that does not listen by itself. The door greets, finds out who is there,
// opens a connection inside the process and logs it in with the login of the client's role; from then on it only carries
// bytes, and the server's accounts and permissions hold.
//
// A client costs the server nothing until it is known, and the door limits what one user can hold of it, so a flood of
// connections hurts only its author.
package door

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/bus/access"
)

// UnknownUID stands for a peer whose user could not be found out.
const UnknownUID = 1<<32 - 1

// Limits of the door, in connections.
const (
	// MaxHost bounds all connections through Unix sockets; one user has at most maxHostPerUser of them.
	MaxHost        = 256
	maxHostPerUser = 32
	// maxReaderPerUser bounds the readers that one local user runs, and those that share one key.
	maxReaderPerUser = 8
	// The lobby holds connections that have not said yet who they are.
	maxLobby        = 128
	maxLobbyPerUser = 8
)

// partingTime is for a last word to a client that may not listen.
const partingTime = 100 * time.Millisecond

// refusedUsers bounds the table of who was turned away; the rest counts for UnknownUID.
const refusedUsers = 64

// Options are what a Door needs. Dial, Logins and Log are required.
type Options struct {
	// Dial opens a new connection to the server, inside the process.
	Dial func() (net.Conn, error)
	// Logins are the server's users, as its configuration names them.
	Logins access.Logins
	Log    zerolog.Logger
	// Refresh, if set, is called before an unknown key is refused, and may call SetReaders: a key that was added a moment
	// ago then works at once. Any goroutine may call it.
	Refresh func()
	// HandshakeTimeout bounds the time from accepting to CONNECT; 0 means two seconds.
	HandshakeTimeout time.Duration
}

// Guest is one client that is in.
type Guest struct {
	Role access.Role
	UID  uint32
	// PID is 0 for clients that came through TLS.
	PID int32
	// Reader is the name of the reader's key, Nkey its public key; both are empty on the Unix socket.
	Reader, Nkey string
}

// Door admits clients. Its methods may be called concurrently.
type Door struct {
	opts  Options
	hello info
	log   zerolog.Logger

	hostLobby, host    *quota
	tlsLobby, tlsUsers *quota
	keys               *quota
	seats              chan access.Login

	mu      sync.Mutex
	closed  bool
	conns   map[net.Conn]*Guest // by accepted connection; nil while in the lobby
	refused map[uint32]uint64
	readers map[string]string
	work    sync.WaitGroup
}

// New makes a door to a server that is ready for connections. The caller closes it.
func New(o Options) (*Door, error) {
	if o.HandshakeTimeout == 0 {
		o.HandshakeTimeout = 2 * time.Second
	}
	seats := len(o.Logins.Readers)
	d := &Door{
		opts: o,
		// A flood makes as many lines as it makes connections; the counters stay exact.
		log:       o.Log.Sample(&zerolog.BurstSampler{Burst: 10, Period: time.Second}),
		hostLobby: newQuota("unfinished connections", maxLobbyPerUser, maxLobby),
		host:      newQuota("connections", maxHostPerUser, MaxHost),
		tlsLobby:  newQuota("unfinished connections", maxLobbyPerUser, maxLobby),
		tlsUsers:  newQuota("reader connections", maxReaderPerUser, seats),
		keys:      newQuota("reader connections", maxReaderPerUser, seats),
		seats:     make(chan access.Login, seats),
		conns:     make(map[net.Conn]*Guest),
		refused:   make(map[uint32]uint64),
	}
	for _, login := range o.Logins.Readers {
		d.seats <- login
	}
	conn, err := o.Dial()
	if err != nil {
		return nil, fmt.Errorf("cannot reach the server behind the door: %w", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(o.HandshakeTimeout))
	if d.hello, err = greeting(conn); err != nil {
		return nil, err
	}
	return d, nil
}

// Close ends all connections and waits for them. The Serve methods must have been told to stop before.
func (d *Door) Close() {
	d.mu.Lock()
	d.closed = true
	for conn := range d.conns {
		conn.Close()
	}
	d.mu.Unlock()
	d.work.Wait()
}

// Guests lists the clients that are in, in no order.
func (d *Door) Guests() []Guest {
	d.mu.Lock()
	defer d.mu.Unlock()
	var in []Guest
	for _, g := range d.conns {
		if g != nil {
			in = append(in, *g)
		}
	}
	return in
}

// Refused returns how many connections of each user were turned away since the start.
func (d *Door) Refused() map[uint32]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.refused)
}

// serve accepts until ctx ends, and closes l.
func (d *Door) serve(ctx context.Context, l net.Listener, receive func(net.Conn)) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("listener %q was closed: %w", l.Addr(), err)
		case err != nil:
			// Out of descriptors, or the client gave up: both pass.
			d.log.Warn().Err(err).Msg("cannot accept a connection")
			sleep(ctx, 50*time.Millisecond)
			continue
		}
		if !d.enrol(conn) {
			conn.Close()
			continue
		}
		d.work.Go(func() {
			defer d.forget(conn)
			receive(conn)
		})
	}
}

func sleep(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (d *Door) enrol(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.conns[conn] = nil
	}
	return !d.closed
}

func (d *Door) forget(conn net.Conn) {
	conn.Close()
	d.mu.Lock()
	delete(d.conns, conn)
	d.mu.Unlock()
}

// refuse counts and logs a connection that was turned away.
func (d *Door) refuse(uid uint32, reason string) {
	d.mu.Lock()
	key := uid
	if _, known := d.refused[uid]; !known && len(d.refused) >= refusedUsers {
		key = UnknownUID
	}
	d.refused[key]++
	d.mu.Unlock()
	d.log.Warn().Uint32("uid", uid).Str("reason", reason).Msg("connection refused")
}

// login returns the server's user for a role, and what gives it back.
func (d *Door) login(r access.Role) (access.Login, func(), error) {
	keep := func() {}
	switch r {
	case access.Collector:
		return d.opts.Logins.Collector, keep, nil
	case access.Analyzer:
		return d.opts.Logins.Analyzer, keep, nil
	case access.Operator:
		return d.opts.Logins.Operator, keep, nil
	case access.Reader:
		select {
		case seat := <-d.seats:
			return seat, func() { d.seats <- seat }, nil
		default:
			return access.Login{}, nil, fmt.Errorf("all %d reader seats are taken", cap(d.seats))
		}
	}
	return access.Login{}, nil, fmt.Errorf("role %q cannot come in from outside", r)
}

// visitor is a client on its way in.
type visitor struct {
	// raw is the connection as it was accepted, conn the same or the TLS session on it, in what was read ahead from conn.
	raw, conn net.Conn
	in        *bufio.Reader
	guest     Guest
	// leaveLobby gives the visitor's place in the lobby to the next. It may be called more than once.
	leaveLobby func()
}

// admit logs a visitor in, whose role is known, and carries its bytes until it leaves.
func (d *Door) admit(v visitor, c connect) {
	login, giveBack, err := d.login(v.guest.Role)
	if err != nil {
		d.turnAway(v.conn, v.guest.UID, err.Error())
		return
	}
	defer giveBack()
	server, err := d.opts.Dial()
	if err != nil {
		d.turnAway(v.conn, v.guest.UID, "the bus is shutting down")
		return
	}
	defer server.Close()
	if err := enter(server, c, login, d.opts.HandshakeTimeout); err != nil {
		d.turnAway(v.conn, v.guest.UID, "the bus is not ready: "+err.Error())
		return
	}
	first, err := v.in.Peek(v.in.Buffered())
	if err != nil {
		d.refuse(v.guest.UID, err.Error())
		return
	}
	v.conn.SetDeadline(time.Time{})
	if !d.seat(v.raw, v.guest) {
		return
	}
	v.leaveLobby()
	d.opts.Log.Debug().Str("user", login.User).Uint32("uid", v.guest.UID).Int32("pid", v.guest.PID).Str("reader", v.guest.Reader).Msg("connected")
	bridge(v.conn, server, first)
}

// seat notes who a connection is, unless its key was withdrawn or the door closed meanwhile.
func (d *Door) seat(raw net.Conn, g Guest) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, valid := d.readers[g.Nkey]; g.Nkey != "" && !valid || d.closed {
		return false
	}
	d.conns[raw] = &g
	return true
}

func (d *Door) turnAway(client net.Conn, uid uint32, reason string) {
	d.refuse(uid, reason)
	d.sayNo(client, reason)
}

// sayNo tells a client why it has to leave, and waits for it to hang up or for the deadline.
func (d *Door) sayNo(client net.Conn, reason string) {
	client.SetDeadline(time.Now().Add(d.opts.HandshakeTimeout))
	// The client is on its way out; whether it heard why is its own affair.
	if _, err := client.Write(refusal(reason)); err == nil {
		hangUp(client)
		io.CopyN(io.Discard, client, maxLine)
	}
}

// noConnect turns away a client whose first line did not come. It has had its time: nobody waits for it to hang up.
func (d *Door) noConnect(client net.Conn, uid uint32, err error) {
	reason := fmt.Sprintf("no CONNECT came: %v", err)
	d.refuse(uid, reason)
	client.SetDeadline(time.Now().Add(partingTime))
	client.Write(refusal(reason))
}
