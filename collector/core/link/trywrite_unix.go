//go:build unix

package link

import (
	"errors"
	"syscall"
)

const canTryWrite = true

// tryWrite writes what the socket takes at once, possibly nothing.
func tryWrite(raw syscall.RawConn, p []byte) (int, error) {
	var n int
	var err error
	waitErr := raw.Write(func(fd uintptr) bool {
		for n < len(p) {
			var m int
			m, err = syscall.Write(int(fd), p[n:])
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			if errors.Is(err, syscall.EAGAIN) {
				err = nil
				break
			}
			if err != nil || m == 0 {
				break
			}
			n += m
		}
		return true
	})
	return n, errors.Join(err, waitErr)
}
