//go:build !linux

package peercred

import (
	"errors"
	"net"
)

// Of always fails: this platform has no SO_PEERCRED.
func Of(*net.UnixConn) (Credentials, error) {
	return Credentials{}, errors.New("cannot read the peer's credentials: not supported on this platform")
}
