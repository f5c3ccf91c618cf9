package door

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// maxSocketPath leaves room in sockaddr_un for the name under which a socket is made ready.
const maxSocketPath = 100

// Unix is a listening Unix socket that removes its own path, and only its own, when it is closed.
type Unix struct {
	*net.UnixListener
	path string
	made os.FileInfo
}

// ListenUnix binds a Unix socket with the given permissions, in the group of its directory. It takes the place of a
// socket that a dead process left behind, and never that of a living one.
func ListenUnix(path string, mode os.FileMode) (*Unix, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("socket path %q has %d bytes, the limit is %d: use a shorter one with --socket", path, len(path), maxSocketPath)
	}
	if err := checkVacant(path); err != nil {
		return nil, err
	}
	// Bound under another name first: nobody can connect before the permissions are right, and the rename takes the place
	// of a stale socket in one step.
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot remove %q: %w", fresh, err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w; its directory must exist and belong to the user of the bus", path, err)
	}
	l.SetUnlinkOnClose(false)
	u := &Unix{UnixListener: l, path: path}
	if err := u.publish(fresh, mode); err != nil {
		l.Close()
		os.Remove(fresh)
		return nil, err
	}
	return u, nil
}

func checkVacant(path string) error {
	old, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look at %q: %w", path, err)
	}
	if old.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%q exists and is not a socket, remove it or use --socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("another bus is listening on %q, stop it or use --socket", path)
	}
	return nil
}

func (u *Unix) publish(fresh string, mode os.FileMode) error {
	dir, err := os.Stat(filepath.Dir(u.path))
	if err != nil {
		return fmt.Errorf("cannot look at the directory of %q: %w", u.path, err)
	}
	// Fails when the bus's user is not in the group; the mode then speaks for the user's own group.
	if stat, ok := dir.Sys().(*syscall.Stat_t); ok {
		_ = os.Lchown(fresh, -1, int(stat.Gid))
	}
	if err := os.Chmod(fresh, mode); err != nil {
		return fmt.Errorf("cannot set permissions of %q: %w", fresh, err)
	}
	if u.made, err = os.Lstat(fresh); err != nil {
		return fmt.Errorf("cannot look at %q: %w", fresh, err)
	}
	if err := os.Rename(fresh, u.path); err != nil {
		return fmt.Errorf("cannot put the socket in its place: %w", err)
	}
	return nil
}

// Close stops listening and removes the path unless another socket has taken it.
func (u *Unix) Close() error {
	if now, err := os.Lstat(u.path); err == nil && os.SameFile(now, u.made) {
		os.Remove(u.path)
	}
	return u.UnixListener.Close()
}
