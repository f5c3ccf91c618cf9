package door

import (
	"net"
	"os"
	"testing"
)

func TestPeerUID(t *testing.T) {
	f := func(network, listen string) {
		t.Helper()
		l, err := net.Listen(network, listen)
		if err != nil {
			t.Logf("no %s here: %v", network, err)
			return
		}
		defer l.Close()
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		if got := peerUID(server); got != uint32(os.Getuid()) {
			t.Errorf("%s: uid %d, want %d", l.Addr(), got, os.Getuid())
		}
		client.Close()
		server.Close()
		if got := peerUID(server); got != UnknownUID {
			t.Errorf("%s: uid %d for a socket that is gone", l.Addr(), got)
		}
	}
	f("tcp4", "127.0.0.1:0")
	f("tcp6", "[::1]:0")
	f("tcp", ":0")
}

func TestPeerUIDOfOtherConnections(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if got := peerUID(a); got != UnknownUID {
		t.Errorf("uid %d", got)
	}
}

// The answer comes from the kernel, but nothing in it is taken on trust.
func FuzzParseDiag(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 16))
	f.Add([]byte{36, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	full := make([]byte, 88)
	full[0], full[4] = 88, 20
	f.Add(full)
	f.Fuzz(func(t *testing.T, reply []byte) { parseDiag(reply) })
}
