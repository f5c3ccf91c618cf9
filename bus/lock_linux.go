package bus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockStore keeps a second bus out of the store, which nats-server itself does not. The lock ends with the file or the
// process.
func lockStore(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot use the store %q, which must exist and belong to the user of the bus: %w", dir, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("another bus uses the store %q, stop it or give this one another store", dir)
	} else if err != nil {
		err = fmt.Errorf("cannot lock the store %q: %w", dir, err)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
