// Package unixconn makes connections through Unix sockets that wake their process only when there is something to read.
//
// A net.UnixConn wakes more: the Go runtime's poller listens for writability too, and a Unix socket becomes writable, for the
// poller's eyes, each time the other side has read what was sent (unix_write_space in net/unix/af_unix.c). And every system call that
// the runtime knows of wakes its monitor thread, when that sleeps because all is idle. For processes that exchange a small message
// every few milliseconds these wake-ups cost several times what the messages do.
package unixconn

import "net"

// Wrap takes a connection over: the caller uses, and closes, what is returned. Where the platform offers nothing better that is
// the connection itself. After an error the connection is closed.
func Wrap(conn *net.UnixConn) (net.Conn, error) { return wrap(conn) }
