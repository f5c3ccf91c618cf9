// Package privilege gives up what the collector needs only to start: its identity as root, its capabilities, and the way
// back to either. It works on all threads of the process and needs a binary without cgo.
package privilege

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Set is a set of Linux capabilities, capability N at bit N.
type Set uint64

// Of returns the set of the given capabilities (unix.CAP_*).
func Of(capabilities ...int) Set {
	var s Set
	for _, c := range capabilities {
		s |= 1 << c
	}
	return s
}

// Identity is a user to become.
type Identity struct {
	UID, GID int
}

// ErrNoUser says that the account to become does not exist.
var ErrNoUser = errors.New("no such user")

// Lookup finds an account by its name, or takes "UID" and "UID:GID" as they are, for containers without accounts.
func Lookup(name string) (Identity, error) {
	if id, ok := numeric(name); ok {
		return id, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return Identity{}, fmt.Errorf("cannot become user %q: %w; create it with: useradd --system --no-create-home --shell /usr/sbin/nologin %s", name, ErrNoUser, name)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return Identity{}, fmt.Errorf("cannot become user %q: its id %q is not a number", name, u.Uid)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return Identity{}, fmt.Errorf("cannot become user %q: its group %q is not a number", name, u.Gid)
	}
	return Identity{uid, gid}, nil
}

func numeric(name string) (Identity, bool) {
	u, g, both := strings.Cut(name, ":")
	if !both {
		g = u
	}
	uid, err := strconv.ParseUint(u, 10, 31)
	if err != nil {
		return Identity{}, false
	}
	gid, err := strconv.ParseUint(g, 10, 31)
	return Identity{int(uid), int(gid)}, err == nil
}

// Effective returns the capabilities of the calling thread.
func Effective() (Set, error) {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if err := unix.Capget(&h, &d[0]); err != nil {
		return 0, fmt.Errorf("cannot read the process's capabilities: %w", err)
	}
	return Set(d[0].Effective) | Set(d[1].Effective)<<32, nil
}

// Without runs f on a thread on which only the capabilities of keep are effective, and returns what f returns. The others
// stay permitted and come back afterwards; so one can find out what still works before giving them up for good.
func Without(keep Set, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var before [2]unix.CapUserData
	if err := unix.Capget(&h, &before[0]); err != nil {
		return fmt.Errorf("cannot read the thread's capabilities: %w", err)
	}
	during := before
	during[0].Effective &= uint32(keep)
	during[1].Effective &= uint32(keep >> 32)
	if err := unix.Capset(&h, &during[0]); err != nil {
		return fmt.Errorf("cannot try without capabilities: %w", err)
	}
	failure := f()
	// With another set than the rest of the process the thread would be of no use to anybody.
	if err := unix.Capset(&h, &before[0]); err != nil {
		return errors.Join(failure, fmt.Errorf("cannot take capabilities back: %w", err))
	}
	return failure
}

// Drop makes the process run as id with the capabilities of keep and no way to gain others: supplementary groups and the
// bounding set are emptied and no_new_privs is set. A process that is not root keeps its user. A parent-death signal, which
// the change of user disarms, is armed again.
func Drop(id Identity, keep Set, death ParentDeath) error {
	// Only with CAP_SETPCAP can the bounding set shrink; without it no_new_privs alone closes the way.
	if have, err := Effective(); err == nil && have&Of(unix.CAP_SETPCAP) != 0 {
		for c := 0; c <= lastCapability(); c++ {
			if err := onAllThreads(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, uintptr(c), 0); err != nil {
				return fmt.Errorf("cannot drop capability %d from the bounding set: %w", c, err)
			}
		}
	}
	if os.Geteuid() == 0 && id.UID != 0 {
		if err := onAllThreads(unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1, 0); err != nil {
			return fmt.Errorf("cannot keep capabilities across the change of user: %w", err)
		}
		if err := syscall.Setgroups(nil); err != nil {
			return fmt.Errorf("cannot leave the supplementary groups: %w", err)
		}
		if err := syscall.Setresgid(id.GID, id.GID, id.GID); err != nil {
			return fmt.Errorf("cannot become group %d: %w", id.GID, err)
		}
		if err := syscall.Setresuid(id.UID, id.UID, id.UID); err != nil {
			return fmt.Errorf("cannot become user %d: %w", id.UID, err)
		}
	}
	if err := setAll(keep); err != nil {
		return err
	}
	if err := onAllThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return fmt.Errorf("cannot set no_new_privs: %w", err)
	}
	if death.signal != 0 {
		if err := onAllThreads(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(death.signal), 0); err != nil {
			return fmt.Errorf("cannot arm the parent-death signal again: %w", err)
		}
		if os.Getppid() != death.parent {
			return errors.New("the parent process ended during the start")
		}
	}
	return nil
}

// Threads share neither capabilities nor flags, so each is told.
func setAll(keep Set) error {
	h, d := header(keep)
	// The addresses cross as plain numbers, so neither structure may move with its stack.
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&h)
	pin.Pin(&d)
	if err := onAllThreads(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&h)), uintptr(unsafe.Pointer(&d)), 0); err != nil {
		return fmt.Errorf("cannot give up capabilities: %w", err)
	}
	return nil
}

func header(keep Set) (unix.CapUserHeader, [2]unix.CapUserData) {
	low, high := uint32(keep), uint32(keep>>32)
	return unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3},
		[2]unix.CapUserData{{Effective: low, Permitted: low}, {Effective: high, Permitted: high}}
}

func onAllThreads(trap, a1, a2, a3 uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall6(trap, a1, a2, a3, 0, 0, 0); errno != 0 {
		if errno == syscall.ENOTSUP {
			return errors.New("this binary was built with cgo and cannot change all of its threads; build with CGO_ENABLED=0")
		}
		return errno
	}
	return nil
}

// ParentDeath is the signal that the kernel sends when the parent dies. The zero value is none.
type ParentDeath struct {
	signal int32
	parent int
}

// ReadParentDeath reads it. Call it first thing in main: the kernel keeps it with the thread that was started, not with the
// process.
func ReadParentDeath() (ParentDeath, error) {
	var signal int32
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&signal)
	if err := unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&signal)), 0, 0, 0); err != nil {
		return ParentDeath{}, fmt.Errorf("cannot read the parent-death signal: %w", err)
	}
	return ParentDeath{signal, os.Getppid()}, nil
}

// lastCapability is the highest one that the kernel knows; asking for a higher one fails with EINVAL.
func lastCapability() int {
	last := 0
	for c := range 64 {
		if r, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0); err != nil || r < 0 {
			break
		}
		last = c
	}
	return last
}
