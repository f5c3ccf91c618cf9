package file

import (
	"runtime"
	"syscall"
)

// setFSUID runs act in a thread that is another user to file systems.
func setFSUID(uid int, act func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(uid); err != nil {
		return err
	}
	act()
	return syscall.Setfsuid(0)
}
