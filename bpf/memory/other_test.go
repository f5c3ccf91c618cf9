package memory

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/record"
)

// mark lies at the same address in every process of this binary, which is not relocated.
var mark = uint64(0x1122334455667788)

// toTarget wants f to do one thing to a process.
func (o *observer) toTarget(t *testing.T, what string, target record.Key, want Record, f func()) {
	t.Helper()
	got := o.act(t, f)
	for i := range got {
		got[i] = near(t, got[i], target)
	}
	want.Target = target
	same(t, what, got, seen{Record: want})
}

func ptrace(request, pid int, address, data uintptr) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(pid), address, data, 0, 0)
	return errno
}

func wantErrno(t *testing.T, what string, got, want unix.Errno) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestTracing(t *testing.T) {
	o := observe(t)
	c := start(t, "idle", nil)
	pid := c.Process.Pid
	// Only the thread that has attached may go on.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f := func(what string, request int, address, data uintptr, want unix.Errno) {
		t.Helper()
		o.toTarget(t, what, c.key, Record{
			Operation: Trace, Number: uint32(request), Address: uint64(address), Length: uint64(data), Error: int32(want),
		}, func() { wantErrno(t, what, ptrace(request, pid, address, data), want) })
	}
	f("attach", unix.PTRACE_ATTACH, 0, 0, 0)
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		t.Fatal(err)
	}
	f("attach again", unix.PTRACE_ATTACH, 0, 0, unix.EPERM)
	address := uintptr(unsafe.Pointer(&mark))
	f("poke data", unix.PTRACE_POKEDATA, address, 77, 0)
	f("poke text", unix.PTRACE_POKETEXT, address, 78, 0)
	f("poke where nothing is", unix.PTRACE_POKEDATA, 8, 1, unix.EIO)
	f("poke a debug register", unix.PTRACE_POKEUSR, 848+7*8, 0, 0)
	var registers unix.PtraceRegs
	o.none(t, "reading registers", func() {
		wantErrno(t, "reading registers", ptrace(unix.PTRACE_GETREGS, pid, 0, uintptr(unsafe.Pointer(&registers))), 0)
	})
	f("set registers", unix.PTRACE_SETREGS, 0, uintptr(unsafe.Pointer(&registers)), 0)
	vector := unix.Iovec{Base: (*byte)(unsafe.Pointer(&registers)), Len: uint64(unsafe.Sizeof(registers))}
	f("set a set of registers", unix.PTRACE_SETREGSET, 1, uintptr(unsafe.Pointer(&vector)), 0)
	o.none(t, "detach", func() { wantErrno(t, "detach", ptrace(unix.PTRACE_DETACH, pid, 0, 0), 0) })
	f("seize", unix.PTRACE_SEIZE, 0, 0, 0)
	o.one(t, "attach to nobody", seen{Record: Record{Operation: Trace, Number: unix.PTRACE_ATTACH, Error: int32(unix.ESRCH)}}, func() {
		wantErrno(t, "attach to nobody", ptrace(unix.PTRACE_ATTACH, 1<<30, 0, 0), unix.ESRCH)
	})
}

func traceMe([]string) error {
	if errno := ptrace(unix.PTRACE_TRACEME, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func TestTraceMeNamesTheParent(t *testing.T) {
	o := observe(t)
	pid := run(t, "trace-me", nil)
	own := keyOf(t, os.Getpid())
	got := o.of(t, pid)
	for i := range got {
		got[i] = near(t, got[i], own)
	}
	same(t, "PTRACE_TRACEME", got, seen{Record: Record{Operation: Trace, Target: own}})
}

func TestMemoryOfAnotherProcess(t *testing.T) {
	o := observe(t)
	c := start(t, "idle", nil)
	pid := c.Process.Pid
	address := uintptr(unsafe.Pointer(&mark))
	local := make([]byte, 8)
	vector := []unix.Iovec{{Base: &local[0], Len: 8}}
	remote := []unix.RemoteIovec{{Base: address, Len: 5}, {Base: address, Len: 3}}
	f := func(what string, operation Operation, remote []unix.RemoteIovec, want unix.Errno) {
		t.Helper()
		call := unix.ProcessVMReadv
		if operation == Write {
			call = unix.ProcessVMWritev
		}
		length := 0
		for _, r := range remote {
			length += r.Len
		}
		o.toTarget(t, what, c.key, Record{Operation: operation, Address: uint64(remote[0].Base), Length: uint64(length), Error: int32(want)}, func() {
			n, err := call(pid, vector, remote, 0)
			if want == 0 && (n != length || err != nil) || want != 0 && !errors.Is(err, want) {
				t.Errorf("%s: %d bytes, %v", what, n, err)
			}
		})
	}
	f("reading", Read, remote, 0)
	f("writing", Write, remote, 0)
	f("reading where nothing is", Read, []unix.RemoteIovec{{Base: 8, Len: 8}}, unix.EFAULT)
	o.none(t, "reading one's own", func() {
		if _, err := unix.ProcessVMReadv(os.Getpid(), vector, remote, 0); err != nil {
			t.Error(err)
		}
	})
	o.one(t, "writing to nobody", seen{Record: Record{Operation: Write, Address: uint64(address), Length: 8, Error: int32(unix.ESRCH)}}, func() {
		if _, err := unix.ProcessVMWritev(1<<30, vector, remote, 0); err != unix.ESRCH {
			t.Error(err)
		}
	})
}

func TestDescriptorsOfAnotherProcess(t *testing.T) {
	o := observe(t)
	c := start(t, "idle", nil)
	pidfd, err := unix.PidfdOpen(c.Process.Pid, 0)
	must(t, err)
	defer unix.Close(pidfd)
	o.toTarget(t, "a descriptor", c.key, Record{Operation: Handle, Number: 1}, func() {
		fd, err := unix.PidfdGetfd(pidfd, 1, 0)
		must(t, err)
		unix.Close(fd)
	})
	o.toTarget(t, "a descriptor that is not open", c.key, Record{Operation: Handle, Number: 999, Error: int32(unix.EBADF)}, func() {
		if _, err := unix.PidfdGetfd(pidfd, 999, 0); err != unix.EBADF {
			t.Error(err)
		}
	})
	o.one(t, "what is no process", seen{Record: Record{Operation: Handle, Number: 1, Error: int32(unix.EBADF)}}, func() {
		f, err := os.Open("/dev/null")
		must(t, err)
		defer f.Close()
		if _, err := unix.PidfdGetfd(int(f.Fd()), 1, 0); err != unix.EBADF {
			t.Error(err)
		}
	})
	own, err := unix.PidfdOpen(os.Getpid(), 0)
	must(t, err)
	defer unix.Close(own)
	o.none(t, "a descriptor of one's own", func() {
		fd, err := unix.PidfdGetfd(own, 1, 0)
		must(t, err)
		unix.Close(fd)
	})
}

// insideNamespace signals its child by the number that the child has in this pid namespace.
func insideNamespace([]string) error {
	attributes := os.ProcAttr{Env: []string{actVariable + "=nap"}, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}}
	p, err := os.StartProcess("/proc/self/exe", []string{"nap"}, &attributes)
	if err != nil {
		return err
	}
	if err := unix.Kill(p.Pid, unix.SIGKILL); err != nil {
		return err
	}
	_, err = p.Wait()
	return err
}

func TestNumbersMeanWhatTheyMeanToTheCaller(t *testing.T) {
	o := observe(t)
	pid := run(t, "inside-namespace", &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID})
	got := o.of(t, pid)
	if len(got) != 1 || got[0].Operation != Signal || got[0].Number != 9 || got[0].Error != 0 || got[0].Delivered != 1 {
		t.Fatalf("the signal is reported as %+v", got)
	}
	// Numbers in the new namespace are small, and the child's real one follows its parent's.
	if target := got[0].Target; target.TGID <= uint32(pid) || target.StartTime == 0 {
		t.Errorf("the target is %+v, want a process after %d", target, pid)
	}
}
