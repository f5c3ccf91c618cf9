package childlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxFile bounds each of the two files of a component: the current one and the one before it, which ends in ".1".
const maxFile = 4 << 20

// file is a log of bounded size. The directory may belong to somebody with fewer rights than the writer (the analyzer owns
// the one of the alerts), so nothing that stands there is trusted: no link is followed and no foreign file is written to.
type file struct {
	path string
	f    *os.File
	size int64
	max  int64
}

func openFile(path string, most int64) (*file, error) {
	l := &file{path: path, max: most}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *file) open() error {
	const flags = os.O_WRONLY | os.O_APPEND | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	f, err := os.OpenFile(l.path, flags, 0)
	if err == nil && !ownRegular(f) {
		f.Close()
		f, err = nil, errForeign
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			if err := os.Remove(l.path); err != nil {
				return fmt.Errorf("cannot open log %q: something else stands there: %w", l.path, err)
			}
		}
		if f, err = os.OpenFile(l.path, flags|os.O_CREATE|os.O_EXCL, 0o640); err != nil {
			return fmt.Errorf("cannot create log %q: %w", l.path, err)
		}
		if err := shareWithGroup(f, filepath.Dir(l.path)); err != nil {
			f.Close()
			return fmt.Errorf("cannot create log %q: %w", l.path, err)
		}
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("cannot open log %q: %w", l.path, err)
	}
	l.f, l.size = f, info.Size()
	return nil
}

var errForeign = errors.New("not our own regular file")

func ownRegular(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid() && st.Nlink == 1
}

// shareWithGroup lets the group of the directory read f: log shippers are members of it.
func shareWithGroup(f *os.File, dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok && os.Geteuid() == 0 {
		if err := f.Chown(-1, int(st.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(0o640)
}

// write appends b, which ends in a line end, and turns to a new file when this one is full.
func (l *file) write(b []byte) error {
	if l.size+int64(len(b)) > l.max && l.size > 0 {
		if err := os.Rename(l.path, l.path+".1"); err != nil {
			return fmt.Errorf("cannot rotate log %q: %w", l.path, err)
		}
		l.f.Close()
		l.f = nil
		if err := l.open(); err != nil {
			return err
		}
	}
	n, err := l.f.Write(b)
	l.size += int64(n)
	if err != nil {
		return fmt.Errorf("cannot write log %q: %w", l.path, err)
	}
	return nil
}

func (l *file) close() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}
