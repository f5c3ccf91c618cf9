package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/vedette-edr/vedette/vedette/exit"
)

// file is the recording on disk.
type file struct{ *os.File }

// mayCreate refuses a path where something stands that must not be replaced.
func mayCreate(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return exit.Refuse(fmt.Errorf("cannot record to %q: %w", path, err), "")
	case !info.Mode().IsRegular():
		return exit.Refuse(fmt.Errorf("cannot record to %q: it exists and is no regular file", path), "name another file")
	case !force:
		return exit.Refuse(fmt.Errorf("the file %q exists", path), "name another one, or replace it with --force")
	}
	return nil
}

// create makes the file anew, for its owner alone. A file that is replaced is removed first and a link is never followed, so
// that nobody can have root write elsewhere.
func create(path string, force bool) (*file, error) {
	if err := mayCreate(path, force); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, exit.Refuse(fmt.Errorf("cannot replace %q: %w", path, err), "")
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, exit.Refuse(fmt.Errorf("cannot record to %q: %w", path, err), "name a file in a directory that you may write to")
	}
	if err := giveToCaller(f); err != nil {
		// A file that is never used is of no use to anybody.
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return &file{f}, nil
}

// giveToCaller gives the file to the user who called sudo: replaying it needs no rights.
func giveToCaller(f *os.File) error {
	uid, err := strconv.ParseUint(os.Getenv("SUDO_UID"), 10, 31)
	if err != nil || os.Geteuid() != 0 {
		return nil //nolint:nilerr // no number means that sudo was not there
	}
	gid, err := strconv.ParseUint(os.Getenv("SUDO_GID"), 10, 31)
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	if err := f.Chown(int(uid), int(gid)); err != nil {
		return fmt.Errorf("cannot give %q to user %d: %w", f.Name(), uid, err)
	}
	return nil
}

// finish closes the file, and removes it when there is nothing in it.
func (f *file) finish(empty bool) error {
	if err := f.Close(); err != nil {
		return fmt.Errorf("cannot close %q: %w", f.Name(), err)
	}
	if !empty {
		return nil
	}
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("cannot remove the empty %q: %w", f.Name(), err)
	}
	return nil
}
