package door

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/proto/peercred"
	"github.com/vedette-edr/vedette/proto/unixconn"
)

// ServeUnix admits the given users in their roles until ctx ends; it closes l. The caller must not change uids afterwards.
func (d *Door) ServeUnix(ctx context.Context, l *net.UnixListener, uids map[uint32]access.Role) error {
	return d.serve(ctx, unixListener{l}, func(conn net.Conn) { d.receiveUnix(conn, uids) })
}

// unixListener's connections do not wake the bus when a client has read.
type unixListener struct{ *net.UnixListener }

func (l unixListener) Accept() (net.Conn, error) {
	conn, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return unixconn.Wrap(conn)
}

func (d *Door) receiveUnix(conn net.Conn, uids map[uint32]access.Role) {
	peer, err := peercred.Of(conn.(syscall.Conn))
	if err != nil {
		d.refuse(UnknownUID, err.Error())
		return
	}
	owner := fmt.Sprintf("uid %d", peer.UID)
	conn.SetDeadline(time.Now().Add(d.opts.HandshakeTimeout))
	if err := d.hostLobby.take(owner); err != nil {
		// No time for a conversation; a client that reads before it writes still learns why.
		d.refuse(peer.UID, err.Error())
		conn.Write(append(d.hello.line(), refusal(err.Error())...))
		return
	}
	leaveLobby := sync.OnceFunc(func() { d.hostLobby.release(owner) })
	defer leaveLobby()

	// The greeting comes before any refusal: a client takes no other first line, and would not show the reason.
	if _, err := conn.Write(d.hello.line()); err != nil {
		d.refuse(peer.UID, err.Error())
		return
	}
	in := bufio.NewReaderSize(conn, maxLine)
	line, err := readLine(in)
	if err != nil {
		d.noConnect(conn, peer.UID, err)
		return
	}
	role, ok := uids[peer.UID]
	if !ok {
		d.turnAway(conn, peer.UID, fmt.Sprintf("uid %d has no role on this bus, give it one with the keys uid.* of bus.conf", peer.UID))
		return
	}
	c, err := parseConnect(line)
	if err != nil {
		d.turnAway(conn, peer.UID, err.Error())
		return
	}
	if err := d.host.take(owner); err != nil {
		d.turnAway(conn, peer.UID, err.Error())
		return
	}
	defer d.host.release(owner)
	d.admit(visitor{
		raw: conn, conn: conn, in: in, leaveLobby: leaveLobby,
		guest: Guest{Role: role, UID: peer.UID, PID: peer.PID},
	}, c)
}
