//go:build !unix

package link

import "syscall"

const canTryWrite = false

func tryWrite(syscall.RawConn, []byte) (int, error) { return 0, nil }
