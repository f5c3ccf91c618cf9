package layout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestUnder(t *testing.T) {
	f := func(prefix, socket, config string) {
		t.Helper()
		l, err := Under(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if l.Socket != socket {
			t.Errorf("socket under %q is %q, want %q", prefix, l.Socket, socket)
		}
		if got := l.ConfigFile("bus"); got != config {
			t.Errorf("configuration under %q is %q, want %q", prefix, got, config)
		}
	}
	f("", "/run/vedette/bus/bus.sock", "/etc/vedette/bus.conf")
	f("/", "/run/vedette/bus/bus.sock", "/etc/vedette/bus.conf")
	f("/opt/x/", "/opt/x/run/vedette/bus/bus.sock", "/opt/x/etc/vedette/bus.conf")
}

func TestASocketPathTheKernelCannotHold(t *testing.T) {
	_, err := Under("/" + strings.Repeat("p", 90))
	if err == nil || !strings.Contains(err.Error(), "--prefix") {
		t.Errorf("got %v, want an error with the remedy", err)
	}
}

func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "vd-layout-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMakeGivesEachDirectoryItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give directories away")
	}
	l, err := Under(openTempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	owners := Owners{BusUID: 64001, AnalyzerUID: 64002, GID: 64000}
	defer syscall.Umask(syscall.Umask(0o077))
	for range 2 {
		if err := l.Make(owners); err != nil {
			t.Fatal(err)
		}
	}
	f := func(path string, uid, gid uint32, mode fs.FileMode) {
		t.Helper()
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		st := info.Sys().(*syscall.Stat_t)
		if st.Uid != uid || st.Gid != gid || info.Mode().Perm() != mode {
			t.Errorf("%s has %d:%d %04o, want %d:%d %04o", path, st.Uid, st.Gid, info.Mode().Perm(), uid, gid, mode)
		}
	}
	f(l.Run, 0, 0, 0o755)
	f(l.BusRun, 64001, 64000, 0o750)
	f(l.BusState, 64001, 64000, 0o700)
	f(l.AnalyzerState, 64002, 64000, 0o700)
	f(l.Log, 64002, 64000, 0o750)

	if err := l.Clear(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(l.Run); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the runtime directory is still there: %v", err)
	}
	if _, err := os.Lstat(l.BusState); err != nil {
		t.Errorf("state was removed: %v", err)
	}
}

func TestMakeFollowsNoSymbolicLink(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give directories away")
	}
	prefix := openTempDir(t)
	l, err := Under(prefix)
	if err != nil {
		t.Fatal(err)
	}
	victim := filepath.Join(prefix, "victim")
	if err := errors.Join(os.Mkdir(victim, 0o700), os.MkdirAll(l.State, 0o755), os.Symlink(victim, l.BusState)); err != nil {
		t.Fatal(err)
	}
	if err := l.Make(Owners{BusUID: 64001, AnalyzerUID: 64002, GID: 64000}); err == nil {
		t.Error("a symbolic link was taken for the directory")
	}
	info, err := os.Stat(victim)
	if err != nil {
		t.Fatal(err)
	}
	if info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Error("the directory behind the link was given away")
	}
}

func TestReachable(t *testing.T) {
	dir := openTempDir(t)
	inner := filepath.Join(dir, "closed", "inner")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Reachable(inner); err != nil {
		t.Errorf("open directories are refused: %v", err)
	}
	if err := os.Chmod(filepath.Dir(inner), 0o700); err != nil {
		t.Fatal(err)
	}
	err := Reachable(inner)
	if err == nil || !strings.Contains(err.Error(), "closed") || !strings.Contains(err.Error(), "--prefix") {
		t.Errorf("got %v, want an error that names the closed directory and the remedy", err)
	}
}
