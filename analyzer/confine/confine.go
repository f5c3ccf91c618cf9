// Package confine keeps the analyzer the process that decides and has no privilege: it refuses to run with any, and closes
// the ways to get some later.
package confine

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrPrivileged is wrapped by Check's error.
var ErrPrivileged = errors.New("the analyzer must not have privileges, because it reads what attackers write")

const remedy = "start it through `vedette up`, or as its own user: sudo -u vedette-analyzer vedette-analyzer run"

// Check refuses a process that runs as root or has a capability.
func Check() error {
	if os.Getuid() == 0 || os.Geteuid() == 0 {
		return fmt.Errorf("refusing to run as root (uid 0): %w; %s", ErrPrivileged, remedy)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("cannot read the capabilities of this process: %w", err)
	}
	have := uint64(sets[0].Permitted|sets[0].Effective) | uint64(sets[1].Permitted|sets[1].Effective)<<32
	if have != 0 {
		return fmt.Errorf("refusing to run with capabilities (%#x): %w; %s", have, ErrPrivileged, remedy)
	}
	return nil
}

// Lock makes sure that the process can gain no privilege by executing a program, and that no other process of the same user
// can read its memory. It is to be called first of all in main: where the flag cannot be set on threads that run already,
// it starts the program anew and does not return.
func Lock() error {
	// A process without CAP_SETPCAP cannot shrink its bounding set; with no_new_privs the set has no use any more.
	set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err != nil {
		return fmt.Errorf("cannot read no_new_privs: %w", err)
	}
	if set == 0 {
		if err := setNoNewPrivileges(); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("cannot clear the ambient capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot keep other processes out of the memory: %w", err)
	}
	return nil
}

func setNoNewPrivileges() error {
	_, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	if errno == 0 {
		return nil
	}
	if errno != syscall.ENOTSUP {
		return fmt.Errorf("cannot set no_new_privs: %w", errno)
	}
	// Programs built with cgo may have threads that Go does not know. A program that is executed inherits the flag from the
	// thread that executes it and begins with that thread alone.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot set no_new_privs: %w", err)
	}
	if err := syscall.Exec("/proc/self/exe", os.Args, os.Environ()); err != nil {
		return fmt.Errorf("cannot start anew with no_new_privs: %w", err)
	}
	return nil
}
