package keyring

import (
	"fmt"
	"os"
	"syscall"
)

// openRegular opens a file of the store, which must be a plain file with this one name: the bus's user could have put a
// pipe or a link to a foreign file there. A file that it creates gets the owner of the directory.
func openRegular(root *os.Root, name string, flags int, mode os.FileMode) (*os.File, error) {
	f, err := root.OpenFile(name, flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, mode)
	if err != nil {
		return nil, fmt.Errorf("cannot open %q: %w", name, err)
	}
	if err := checkRegular(root, f, flags&os.O_CREATE != 0); err != nil {
		f.Close()
		return nil, fmt.Errorf("refusing %q: %w", name, err)
	}
	return f, nil
}

func checkRegular(root *os.Root, f *os.File, mayBeNew bool) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	stat := info.Sys().(*syscall.Stat_t)
	if !info.Mode().IsRegular() {
		return fmt.Errorf("it is not a plain file but %s", info.Mode())
	}
	if stat.Nlink != 1 {
		return fmt.Errorf("%w (%d)", errNames, stat.Nlink)
	}
	dir, err := root.Stat(".")
	if err != nil {
		return err
	}
	owner := dir.Sys().(*syscall.Stat_t)
	if stat.Uid == owner.Uid {
		return nil
	}
	if mayBeNew && info.Size() == 0 {
		return f.Chown(int(owner.Uid), int(owner.Gid))
	}
	return fmt.Errorf("it belongs to uid %d and its directory to uid %d: give both one owner with chown", stat.Uid, owner.Uid)
}
