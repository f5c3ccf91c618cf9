package pidlock

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "up.pid")
	if err := os.WriteFile(path, []byte("left over from long ago"), 0o644); err != nil {
		t.Fatal(err)
	}
	first, err := Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(path)
	var held *HeldError
	if !errors.As(err, &held) || held.PID != os.Getpid() || !strings.Contains(held.Error(), path) {
		t.Errorf("a second one gets %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := Acquire(path)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	second.Release()
}

// Holders remove the file before they release it, as `vedette up` does with its whole directory.
func TestAFileThatIsRemovedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "up.pid")
	var holders, turns atomic.Int32
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range 50 {
				l, err := Acquire(path)
				if _, held := errors.AsType[*HeldError](err); held {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold the lock at once", n)
				}
				turns.Add(1)
				holders.Add(-1)
				os.Remove(path)
				l.Release()
			}
		})
	}
	work.Wait()
	if turns.Load() == 0 {
		t.Error("nobody ever got the lock")
	}
}

func TestALockThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	if _, err := Acquire(filepath.Join(dir, "absent", "up.pid")); err == nil {
		t.Error("a lock in a directory that is not there was taken")
	}
	if err := os.Symlink("elsewhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(filepath.Join(dir, "link")); err == nil {
		t.Error("a symbolic link was followed")
	}
}
