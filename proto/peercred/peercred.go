// Package peercred asks the kernel who is at the other end of a Unix socket. Vedette's processes prove themselves to each
// other by the user they run as, so no secret has to be made, stored or handed over.
package peercred

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/vedette-edr/vedette/proto/unixconn"
)

// dialTimeout bounds a connection attempt to a listener whose backlog is full.
const dialTimeout = 2 * time.Second

// Credentials are the identity of a peer as the kernel recorded it: of a connecting process at connect(2), of a listening
// one at listen(2). A later change of user in that process does not alter them.
type Credentials struct {
	PID int32
	UID uint32
	GID uint32
}

// ErrPeer is wrapped by the error of Dial when a listener runs as a user that was not asked for.
var ErrPeer = errors.New("listener is not who it should be")

// Dialer connects to the bus and satisfies the CustomDialer interface of nats.go. Use it with nats.SkipHostLookup: without
// that option nats.go asks DNS for the placeholder in its URL at every attempt, and waits for the answer. Its methods may
// be called concurrently.
type Dialer struct {
	// Path of the Unix socket.
	Path string
	// WantUIDs are the users that may run the bus. Empty accepts any, which is right only where the directory of the
	// socket can be written by nobody else.
	WantUIDs []uint32
}

// Dial connects to Path; the arguments, which name a network and an address, are not used. The caller owns the
// connection. The error of a listener run by another user than WantUIDs wraps ErrPeer.
func (d *Dialer) Dial(_, _ string) (net.Conn, error) {
	dialled, err := net.DialTimeout("unix", d.Path, dialTimeout)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("no bus listens on %q, start it with `vedette up`: %w", d.Path, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("cannot reach the bus on %q, this user is not in the group of its directory: %w", d.Path, err)
	case err != nil:
		return nil, fmt.Errorf("cannot reach the bus on %q: %w", d.Path, err)
	}
	conn, err := unixconn.Wrap(dialled.(*net.UnixConn))
	if err != nil {
		return nil, fmt.Errorf("cannot use the connection to the bus on %q: %w", d.Path, err)
	}
	if len(d.WantUIDs) == 0 {
		return conn, nil
	}
	peer, err := Of(conn.(syscall.Conn))
	if err == nil && !slices.Contains(d.WantUIDs, peer.UID) {
		err = fmt.Errorf("%w: uid %d runs it, expected one of %v", ErrPeer, peer.UID, d.WantUIDs)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("refusing the listener on %q: %w", d.Path, err)
	}
	return conn, nil
}
