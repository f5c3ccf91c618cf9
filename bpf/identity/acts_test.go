package identity

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// raw makes one call in this thread alone, as no C library does it.
func raw(number uintptr, arguments ...uintptr) error {
	var a [6]uintptr
	copy(a[:], arguments)
	if _, _, errno := unix.RawSyscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
		return errno
	}
	return nil
}

const none = ^uintptr(0)

// refused is nil when a call failed with the error.
func refused(err error, with syscall.Errno) error {
	if !errors.Is(err, with) {
		return fmt.Errorf("the call gives %v, want %w", err, with)
	}
	return nil
}

// setgroups replaces the supplementary groups.
func setgroups(gids ...uint32) error {
	return raw(unix.SYS_SETGROUPS, uintptr(len(gids)), uintptr(unsafe.Pointer(unsafe.SliceData(gids))))
}

// Capabilities by number.
const (
	capNetRaw   = unix.CAP_NET_RAW
	capSysPtrac = unix.CAP_SYS_PTRACE
)

// keep gives up all effective and permitted capabilities but these.
func keep(set uint64) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{{Effective: uint32(set), Permitted: uint32(set)}, {Effective: uint32(set >> 32), Permitted: uint32(set >> 32)}}
	return raw(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])))
}

// own is how a thread finds its namespaces.
func joins(name string, flags int) error {
	fd, err := unix.Open("/proc/thread-self/ns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return raw(unix.SYS_SETNS, uintptr(fd), uintptr(flags))
}

// leaves makes another namespace and comes back; the way back is the second record.
func leaves(name string, flag int) error {
	fd, err := unix.Open("/proc/thread-self/ns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := raw(unix.SYS_UNSHARE, uintptr(flag)); err != nil {
		return err
	}
	return raw(unix.SYS_SETNS, uintptr(fd), 0)
}

// acts are what a process can do, by name.
func acts() map[string]func() error {
	call := func(number uintptr, arguments ...uintptr) func() error {
		return func() error { return raw(number, arguments...) }
	}
	prctl := func(arguments ...uintptr) func() error { return call(unix.SYS_PRCTL, arguments...) }
	// as lets a user without capabilities do it.
	as := func(act func() error) func() error {
		return func() error {
			if err := raw(unix.SYS_SETRESUID, 1234, 1234, 1234); err != nil {
				return err
			}
			return act()
		}
	}
	return map[string]func() error{
		"nothing": func() error { return nil },
		"setuid":  call(unix.SYS_SETUID, 1234), "setgid": call(unix.SYS_SETGID, 4321),
		"setreuid": call(unix.SYS_SETREUID, 1, 2), "setregid": call(unix.SYS_SETREGID, 3, 4),
		"setresuid": call(unix.SYS_SETRESUID, 0, 5, 6), "setresgid": call(unix.SYS_SETRESGID, 7, 8, 9),
		"setfsuid": call(unix.SYS_SETFSUID, 10), "setfsgid": call(unix.SYS_SETFSGID, 11),
		"setgroups":  func() error { return setgroups(20, 30) },
		"capset":     func() error { return keep(1<<capNetRaw | 1<<capSysPtrac) },
		"drop":       prctl(unix.PR_CAPBSET_DROP, capNetRaw),
		"keepcaps":   prctl(unix.PR_SET_KEEPCAPS, 1),
		"securebits": prctl(unix.PR_SET_SECUREBITS, 1<<5),
		"same": func() error {
			return errors.Join(
				raw(unix.SYS_SETUID, 0), raw(unix.SYS_SETRESGID, none, none, none), raw(unix.SYS_SETREUID, none, none),
				setgroups(20, 30), setgroups(30, 20), raw(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&[]byte("name\x00")[0]))),
				raw(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1), raw(unix.SYS_UNSHARE, unix.CLONE_FILES), joins("uts", 0),
			)
		},
		"refused": as(func() error {
			return errors.Join(
				refused(raw(unix.SYS_SETUID, 0), unix.EPERM), refused(raw(unix.SYS_SETRESGID, 0, 0, 0), unix.EPERM),
				refused(setgroups(0), unix.EPERM), refused(keep(1<<capNetRaw), unix.EPERM),
				refused(raw(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, capNetRaw), unix.EPERM),
				refused(raw(unix.SYS_UNSHARE, unix.CLONE_NEWNET), unix.EPERM),
				refused(raw(unix.SYS_SETNS, 0, unix.CLONE_NEWUTS), unix.EINVAL),
				refused(raw(unix.SYS_CLONE, unix.CLONE_NEWUTS|uintptr(unix.SIGCHLD)), unix.EPERM),
				refused(raw(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&[11]uint64{unix.CLONE_NEWIPC})), 88), unix.EPERM),
			)
		}),
		"net":         func() error { return leaves("net", unix.CLONE_NEWNET) },
		"uts and ipc": call(unix.SYS_UNSHARE, unix.CLONE_NEWUTS|unix.CLONE_NEWIPC|unix.CLONE_FILES),
		"pid":         call(unix.SYS_UNSHARE, unix.CLONE_NEWPID),
		"mount":       call(unix.SYS_UNSHARE, unix.CLONE_NEWNS|unix.CLONE_NEWCGROUP),
		"exec after": as(func() error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			return syscall.Exec(self, []string{"self"}, append(os.Environ(), actVariable+"=nothing"))
		}),
	}
}
