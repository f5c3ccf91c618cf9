package door

import (
	"io"
	"net"
	"time"
)

const (
	// bufferSize is per direction. nats-server reads and writes at most 64 KiB at a time, so more would stay unused.
	bufferSize = 64 << 10
	// writeTimeout closes a client that takes nothing. It is longer than the server's own deadline, which can only tell
	// that the bridge is stuck, and shorter than anyone's patience.
	writeTimeout = 5 * time.Second
	// linger is how long a client that the server has closed may still talk, so that it reads why.
	linger = time.Second
)

// bridge carries bytes between a client and the server until either ends, and closes both. first was read from the
// client already. A client that shuts down only its sending side has ended its session, as with any NATS server: what it
// sent is processed, what was on its way to it may be lost.
func bridge(client, server net.Conn, first []byte) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		up(server, client, first)
		server.Close()
	}()
	down(client, server)
	server.Close()
	hangUp(client)
	client.SetReadDeadline(time.Now().Add(linger))
	<-done
	client.Close()
}

// up copies from the client; when the server no longer takes it, the rest is thrown away until the client ends or
// bridge's deadline passes: closing at once would reset the connection and lose the server's last words.
func up(server, client net.Conn, first []byte) {
	if len(first) > 0 {
		if _, err := server.Write(first); err != nil {
			io.Copy(io.Discard, client)
			return
		}
	}
	buf := make([]byte, bufferSize)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			if _, err := server.Write(buf[:n]); err != nil {
				io.Copy(io.Discard, client)
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// down copies from the server. Each write has its own deadline, since neither end of a pipe hears of the other's fate
// while a write to the client hangs.
func down(client, server net.Conn) {
	g := newGathering()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.fill(server)
	}()
	var buf []byte
	for {
		var more bool
		buf, more = g.take(buf)
		if len(buf) > 0 {
			client.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err := client.Write(buf); err != nil {
				client.Close()
				server.Close()
				break
			}
		}
		if !more {
			break
		}
	}
	g.stop()
	<-ended
}

// hangUp says that nothing more will come, and leaves the reading side open.
func hangUp(client net.Conn) {
	if half, ok := client.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}
