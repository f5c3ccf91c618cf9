//go:build !linux

package peercred

import (
	"errors"
	"syscall"
)

// Of always fails: this platform has no SO_PEERCRED.
func Of(syscall.Conn) (Credentials, error) {
	return Credentials{}, errors.New("cannot read the peer's credentials: not supported on this platform")
}
