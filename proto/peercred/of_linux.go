package peercred

import (
	"fmt"
	"syscall"
)

// Of returns the credentials of the process at the other end of conn.
func Of(conn syscall.Conn) (Credentials, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Credentials{}, fmt.Errorf("cannot read the peer's credentials: %w", err)
	}
	var cred *syscall.Ucred
	var optErr error
	err = raw.Control(func(fd uintptr) {
		cred, optErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err == nil {
		err = optErr
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("cannot read the peer's credentials: %w", err)
	}
	return Credentials{PID: cred.Pid, UID: cred.Uid, GID: cred.Gid}, nil
}
