// Package pidlock lets one process at a time run with a directory, and tells the others which process that is.
package pidlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Lock is held until Release or the end of the process, however it ends.
type Lock struct {
	f *os.File
}

// HeldError says who holds the lock; PID is 0 when that cannot be told.
type HeldError struct {
	Path string
	PID  int
}

// Error implements error.
func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("another process holds %q", e.Path)
	}
	return fmt.Sprintf("process %d holds %q", e.PID, e.Path)
}

// Acquire takes the lock and writes this process's id into the file. It returns a *HeldError at once when another process
// has it. A file that is left over does no harm.
func Acquire(path string) (*Lock, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o644)
		if err != nil {
			return nil, fmt.Errorf("cannot open the lock: %w", err)
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			held := &HeldError{Path: path, PID: read(f)}
			f.Close()
			return nil, held
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("cannot lock %q: %w", path, err)
		}
		// The holder before may have removed the file between our opening and locking it.
		current, err := sameFile(f, path)
		if err == nil && current {
			err = write(f)
		}
		if err == nil && current {
			return &Lock{f: f}, nil
		}
		f.Close()
		if err != nil {
			return nil, err
		}
	}
}

func sameFile(f *os.File, path string) (bool, error) {
	ours, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("cannot check the lock %q: %w", path, err)
	}
	there, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot check the lock %q: %w", path, err)
	}
	return os.SameFile(ours, there), nil
}

func write(f *os.File) error {
	text := strconv.Itoa(os.Getpid()) + "\n"
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("cannot write the lock %q: %w", f.Name(), err)
	}
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		return fmt.Errorf("cannot write the lock %q: %w", f.Name(), err)
	}
	return nil
}

func read(f *os.File) int {
	text := make([]byte, 32)
	n, _ := f.ReadAt(text, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		return 0
	}
	return pid
}

// Release gives the lock back. The file may be removed before that, never after.
func (l *Lock) Release() error {
	if err := l.f.Close(); err != nil {
		return fmt.Errorf("cannot release the lock: %w", err)
	}
	return nil
}
