package peercred

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func listen(t *testing.T) (*net.UnixListener, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, path
}

func TestOfSeesBothEnds(t *testing.T) {
	l, path := listen(t)
	client, err := (&Dialer{Path: path}).Dial("tcp", "ignored:4222")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	want := Credentials{PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	for end, conn := range map[string]syscall.Conn{"client": client.(syscall.Conn), "server": server} {
		got, err := Of(conn)
		if err != nil || got != want {
			t.Errorf("peer seen from the %s: %+v, %v; want %+v", end, got, err, want)
		}
	}
}

func TestOfClosedConnection(t *testing.T) {
	_, path := listen(t)
	conn, err := (&Dialer{Path: path}).Dial("", "")
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := Of(conn.(syscall.Conn)); err == nil {
		t.Fatal("no error for a closed connection")
	}
}

func TestDialChecksWhoListens(t *testing.T) {
	_, path := listen(t)
	uid := uint32(os.Getuid())
	f := func(want []uint32, admitted bool) {
		t.Helper()
		conn, err := (&Dialer{Path: path, WantUIDs: want}).Dial("", "")
		if err == nil {
			conn.Close()
		}
		if admitted != (err == nil) || !admitted && !errors.Is(err, ErrPeer) {
			t.Errorf("WantUIDs %v: error %v, want admitted %v", want, err, admitted)
		}
	}
	f(nil, true)
	f([]uint32{uid}, true)
	f([]uint32{uid + 1, uid}, true)
	f([]uint32{uid + 1}, false)
}

func TestDialSaysWhatToDo(t *testing.T) {
	l, stale := listen(t)
	l.SetUnlinkOnClose(false)
	l.Close()
	for _, path := range []string{filepath.Join(t.TempDir(), "absent"), stale} {
		_, err := (&Dialer{Path: path}).Dial("", "")
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "vedette up") {
			t.Errorf("error %v, want one that names %s and the remedy", err, path)
		}
	}
}
