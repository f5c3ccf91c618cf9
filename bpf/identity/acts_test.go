package identity

import (
	"errors"
	"fmt"
	"os"
	"runtime"
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

// born makes a child by clone or clone3, has it make one call and end, and waits for it. In the child lives nothing of Go's
// runtime but this thread: whatever may grow the stack or hand over to another goroutine would wait forever there.
func born(number, a, b uintptr, then ...uintptr) error {
	var c [2]uintptr
	copy(c[:], then)
	pid, errno := bear(number, a, b, c[0], c[1])
	if errno != 0 {
		return errno
	}
	_, err := unix.Wait4(int(pid), nil, 0, nil)
	return err
}

//go:norace
//go:nosplit
func bear(number, a, b, then, argument uintptr) (uintptr, syscall.Errno) {
	pid, _, errno := syscall.RawSyscall(number, a, b, 0)
	if pid != 0 || errno != 0 {
		return pid, errno
	}
	if then != 0 {
		syscall.RawSyscall(then, argument, 0, 0)
	}
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
}

// fork is a plain one.
func fork(then ...uintptr) error { return born(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, then...) }

// becomes replaces the program by another one, or itself, that does nothing.
func becomes(path string) error {
	return unix.Exec(path, []string{"self"}, append(os.Environ(), actVariable+"=nothing"))
}

// login gives the thread a login, or, with 4294967295, takes it away.
func login(uid string) error { return os.WriteFile("/proc/thread-self/loginuid", []byte(uid), 0) }

// told says on its output which thread acts, and waits for a word before it does.
func told(act func() error) func() error {
	return func() error {
		fmt.Println(unix.Gettid())
		if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
			return err
		}
		return act()
	}
}

// Program that an act executes.
const programVariable = "VEDETTE_TEST_PROGRAM"

const none = ^uintptr(0)

// refused is nil when a call failed with the error.
func refused(err error, with syscall.Errno) error {
	if errors.Is(err, with) {
		return nil
	}
	if err == nil {
		return fmt.Errorf("the call succeeds, want %w", with)
	}
	return fmt.Errorf("the call is refused with another error: %w", err)
}

// setgroups replaces the supplementary groups.
func setgroups(gids ...uint32) error {
	return raw(unix.SYS_SETGROUPS, uintptr(len(gids)), uintptr(unsafe.Pointer(unsafe.SliceData(gids))))
}

// Capabilities by number.
const (
	capNetRaw    = unix.CAP_NET_RAW
	capSysPtrace = unix.CAP_SYS_PTRACE
)

// keep gives up all effective and permitted capabilities but these.
func keep(set uint64) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{{Effective: uint32(set), Permitted: uint32(set)}, {Effective: uint32(set >> 32), Permitted: uint32(set >> 32)}}
	return raw(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])))
}

// joins enters the namespace that the thread is in.
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
		"capset":     func() error { return keep(1<<capNetRaw | 1<<capSysPtrace) },
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
				refused(raw(unix.SYS_SETUID, 0), unix.EPERM), refused(raw(unix.SYS_SETRESGID, 7, 7, 7), unix.EPERM),
				refused(setgroups(0), unix.EPERM), refused(keep(1<<capNetRaw), unix.EPERM),
				refused(raw(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, capNetRaw), unix.EPERM),
				refused(raw(unix.SYS_UNSHARE, unix.CLONE_NEWNET), unix.EPERM),
				refused(raw(unix.SYS_SETNS, 0, unix.CLONE_NEWUTS), unix.EINVAL),
				refused(raw(unix.SYS_CLONE, unix.CLONE_NEWUTS|uintptr(unix.SIGCHLD)), unix.EPERM),
				refused(raw(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&[11]uint64{unix.CLONE_NEWIPC})), 88), unix.EPERM),
			)
		}),
		"clone": func() error {
			return born(unix.SYS_CLONE, unix.CLONE_NEWUTS|unix.CLONE_NEWPID|uintptr(unix.SIGCHLD), 0)
		},
		"clone3": func() error {
			arguments := [11]uint64{0: unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWTIME, 4: uint64(unix.SIGCHLD)}
			return born(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&arguments)), 88)
		},
		// The child is the only thread of its process, which a new user namespace wants.
		"user": func() error { return fork(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) },
		"exec from a thread": func() error {
			// This is the leader or not; one of two threads is not.
			failed := make(chan error)
			leads := unix.Gettid() == unix.Getpid()
			act := func() error { return errors.Join(setgroups(60), becomes("/proc/self/exe")) }
			if !leads {
				return act()
			}
			go func() {
				runtime.LockOSThread()
				failed <- act()
			}()
			return <-failed
		},
		"told, then setgroups":   told(func() error { return setgroups(40) }),
		"told, then fork":        told(func() error { return fork() }),
		"told, then exec":        told(func() error { return becomes("/proc/self/exe") }),
		"told, then exit":        told(func() error { return nil }),
		"told, then failed exec": told(func() error { return refused(unix.Exec("/nowhere", nil, nil), unix.ENOENT) }),
		"login":                  func() error { return errors.Join(login("1234"), setgroups(50)) },
		"login and logout": func() error {
			return errors.Join(login("1234"), fork(), login("4294967295"), setgroups(50))
		},
		"become another by exec": as(func() error { return becomes(os.Getenv(programVariable)) }),
		"regain by exec":         func() error { return errors.Join(keep(1<<capNetRaw), becomes("/proc/self/exe")) },
		"net":                    func() error { return leaves("net", unix.CLONE_NEWNET) },
		"uts and ipc":            call(unix.SYS_UNSHARE, unix.CLONE_NEWUTS|unix.CLONE_NEWIPC|unix.CLONE_FILES),
		"pid":                    call(unix.SYS_UNSHARE, unix.CLONE_NEWPID),
		"mount":                  call(unix.SYS_UNSHARE, unix.CLONE_NEWNS|unix.CLONE_NEWCGROUP),
		"exec after":             as(func() error { return becomes("/proc/self/exe") }),
	}
}
