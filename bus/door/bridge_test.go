package door

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// socketPair is a connected pair of Unix sockets.
func socketPair(t *testing.T) (client, door *net.UnixConn) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	return dialled, accepted
}

// bridged connects a client's socket to a server's pipe; done closes when the bridge has ended.
func bridged(t *testing.T, first string) (client *net.UnixConn, server net.Conn, done chan struct{}) {
	client, inner := socketPair(t)
	pipe, server := net.Pipe()
	done = make(chan struct{})
	go func() {
		defer close(done)
		bridge(inner, pipe, []byte(first))
	}()
	t.Cleanup(func() { client.Close(); server.Close(); <-done })
	return client, server, done
}

func ended(t *testing.T, done chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the bridge did not end")
	}
}

// Every byte arrives in order, both ways at once, in pieces of any size.
func TestBridgeCarries(t *testing.T) {
	client, server, done := bridged(t, "first ")
	up, down := noise(3<<20), noise(5<<20)
	send := func(to io.Writer, data []byte) {
		for len(data) > 0 {
			n := min(len(data), 1+rand.IntN(200<<10))
			if _, err := to.Write(data[:n]); err != nil {
				t.Error(err)
				return
			}
			data = data[n:]
		}
	}
	go send(client, up)
	go send(server, down)
	gotDown := make(chan []byte)
	go func() {
		b := make([]byte, len(down))
		io.ReadFull(client, b)
		gotDown <- b
	}()
	gotUp := make([]byte, len("first ")+len(up))
	if _, err := io.ReadFull(server, gotUp); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(gotUp, append([]byte("first "), up...)) {
		t.Error("what the client sent arrived changed")
	}
	if !bytes.Equal(<-gotDown, down) {
		t.Error("what the server sent arrived changed")
	}
	client.Close()
	ended(t, done)
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// The server's last words reach a client that is still talking.
func TestBridgeServerHangsUp(t *testing.T) {
	client, server, done := bridged(t, "")
	if _, err := client.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(server, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	go func() {
		server.Write([]byte("-ERR 'no'\r\n"))
		server.Close()
	}()
	if got, err := io.ReadAll(client); err != nil || string(got) != "-ERR 'no'\r\n" {
		t.Errorf("%q, %v", got, err)
	}
	client.Close()
	ended(t, done)
}

// A client that neither reads nor hangs up is gone once the server has closed it.
func TestBridgeIdleClientIsClosed(t *testing.T) {
	_, server, done := bridged(t, "")
	server.Close()
	ended(t, done)
}

// A half-closed client has said everything, and the server hears it all.
func TestBridgeClientHalfCloses(t *testing.T) {
	client, server, done := bridged(t, "")
	go func() {
		client.Write([]byte("last"))
		client.CloseWrite()
	}()
	if got, err := io.ReadAll(server); err != nil || string(got) != "last" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the client reads %v, want the end", err)
	}
	ended(t, done)
}

// A client that takes nothing does not hold the bridge for ever, even if the server were to wait.
func TestBridgeStuckClient(t *testing.T) {
	t.Parallel()
	_, server, done := bridged(t, "")
	go func() {
		for {
			if _, err := server.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}()
	ended(t, done)
}
