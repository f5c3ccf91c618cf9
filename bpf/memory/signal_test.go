package memory

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func acts() map[string]func([]string) error {
	return map[string]func([]string) error{
		"idle": idle, "nap": nap, "old-personality": oldPersonality, "flips": flips, "trace-me": traceMe,
		"inside-namespace": insideNamespace, "kill": killAct, "die-before-child": dieBeforeChild,
	}
}

func nap([]string) error {
	time.Sleep(20 * time.Second)
	return nil
}

// winch does nothing to a Go program, and is delivered.
const winch = unix.SIGWINCH

type info struct {
	number, errno, code int32
	_                   [29]int32
}

func TestCallsThatSignalOneProcess(t *testing.T) {
	o := observe(t)
	c := start(t, "idle", nil)
	pid := c.Process.Pid
	pidfd, err := unix.PidfdOpen(pid, 0)
	must(t, err)
	defer unix.Close(pidfd)
	queue := func(code int32) uintptr { return uintptr(unsafe.Pointer(&info{number: int32(winch), code: code})) }
	call := func(n uintptr, args ...uintptr) func() {
		return func() {
			args = append(args, 0, 0, 0, 0)
			if _, _, errno := unix.RawSyscall6(n, args[0], args[1], args[2], args[3], 0, 0); errno != 0 {
				t.Helper()
				t.Error(errno)
			}
		}
	}
	f := func(what string, code int32, perform func()) {
		t.Helper()
		o.toTarget(t, what, c.key, Record{Operation: Signal, Number: uint32(winch), Code: code, Delivered: 1}, perform)
		// Another one while this one is pending would not be delivered.
		time.Sleep(20 * time.Millisecond)
	}
	p, w := uintptr(pid), uintptr(winch)
	f("kill", 0, call(unix.SYS_KILL, p, w))
	f("tkill", -6, call(unix.SYS_TKILL, p, w))
	f("tgkill", -6, call(unix.SYS_TGKILL, p, p, w))
	f("rt_sigqueueinfo", -1, call(unix.SYS_RT_SIGQUEUEINFO, p, w, queue(-1)))
	f("rt_tgsigqueueinfo", -7, call(unix.SYS_RT_TGSIGQUEUEINFO, p, p, w, queue(-7)))
	f("pidfd_send_signal", 0, call(unix.SYS_PIDFD_SEND_SIGNAL, uintptr(pidfd), w, 0))
	directory, err := os.Open(fmt.Sprintf("/proc/%d", pid))
	must(t, err)
	defer directory.Close()
	f("pidfd_send_signal to a directory of procfs", 0, call(unix.SYS_PIDFD_SEND_SIGNAL, directory.Fd(), w, 0))

	o.toTarget(t, "a number that is none", c.key, Record{Operation: Signal, Number: 99, Error: int32(unix.EINVAL)}, func() {
		if err := unix.Kill(pid, 99); err != unix.EINVAL {
			t.Error(err)
		}
	})
	o.one(t, "to nobody", seen{Record: Record{Operation: Signal, Number: 15, Error: int32(unix.ESRCH)}}, func() {
		if err := unix.Kill(1<<30, 15); err != unix.ESRCH {
			t.Error(err)
		}
	})
	o.toTarget(t, "the last one", c.key, Record{Operation: Signal, Number: 9, Delivered: 1}, func() { must(t, unix.Kill(pid, 9)) })
}

func TestSignalsThatAreNotReported(t *testing.T) {
	o := observe(t)
	c := start(t, "idle", nil)
	o.none(t, "number 0", func() { must(t, unix.Kill(c.Process.Pid, 0)) })
	o.none(t, "SIGCHLD", func() { must(t, unix.Kill(c.Process.Pid, unix.SIGCHLD)) })
	o.none(t, "to oneself", func() {
		must(t, unix.Kill(os.Getpid(), winch))
		must(t, unix.Tgkill(os.Getpid(), unix.Gettid(), winch))
	})
	pidfd, err := unix.PidfdOpen(os.Getpid(), 0)
	must(t, err)
	defer unix.Close(pidfd)
	o.none(t, "to oneself by a descriptor", func() { must(t, unix.PidfdSendSignal(pidfd, winch, nil, 0)) })
	o.none(t, "a timer", func() {
		if _, err := unix.Setitimer(unix.ItimerReal, unix.Itimerval{Value: unix.Timeval{Usec: 1000}}); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Millisecond)
	})
	pid := run(t, "trace-me", nil)
	for _, s := range o.of(t, pid) {
		if s.Operation == Signal {
			t.Errorf("the end of a process is reported as %+v", s)
		}
	}
}

// killAct sends a signal as a user who may not.
func killAct(args []string) error {
	pid, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	if err := unix.Kill(pid, winch); err != unix.EPERM {
		return fmt.Errorf("kill: %w", err)
	}
	return nil
}

func TestSignalsThatAreRefused(t *testing.T) {
	o := observe(t)
	own := keyOf(t, os.Getpid())
	cmd := exec.Command("/proc/self/exe", strconv.Itoa(os.Getpid()))
	cmd.Env = append(os.Environ(), actVariable+"=kill")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1234, Gid: 1234}}
	must(t, cmd.Run())
	got := o.of(t, cmd.Process.Pid)
	for i := range got {
		got[i] = near(t, got[i], own)
	}
	same(t, "a refused signal", got, seen{Record: Record{Operation: Signal, Target: own, Number: uint32(winch), Error: int32(unix.EPERM)}})
}

func TestSignalsToAGroup(t *testing.T) {
	o := observe(t)
	first := start(t, "idle", &syscall.SysProcAttr{Setpgid: true})
	second := start(t, "idle", &syscall.SysProcAttr{Setpgid: true, Pgid: first.Process.Pid})
	got := o.act(t, func() { must(t, unix.Kill(-first.Process.Pid, winch)) })
	want := map[uint32]int{uint32(first.Process.Pid): 1, uint32(second.Process.Pid): 1}
	for i, s := range got {
		if i == len(got)-1 {
			break
		}
		want[s.Target.TGID]--
		s.Target.TGID, s.Target.StartTime = 0, 0
		same(t, "the effect", []seen{s}, seen{Record: Record{Operation: Signal, Number: uint32(winch), Delivered: 1}})
	}
	if len(got) != 3 || want[uint32(first.Process.Pid)] != 0 || want[uint32(second.Process.Pid)] != 0 {
		t.Fatalf("the records are %+v, want one for each process and the call", got)
	}
	same(t, "the call", got[2:], seen{Record: Record{Operation: Signal, Number: uint32(winch), Delivered: 1}})
}

// dieBeforeChild leaves a child that the kernel kills for it.
func dieBeforeChild([]string) error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), actVariable+"=nap")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd.Start()
}

func TestASignalThatTheDeathOfTheParentSends(t *testing.T) {
	o := observe(t)
	pid := run(t, "die-before-child", nil)
	o.drain(t, func() bool { return len(o.of(t, pid)) == 0 })
	got := o.of(t, pid)
	if len(got) != 1 || got[0].Target.TGID <= uint32(pid) || got[0].Target.StartTime == 0 {
		t.Fatalf("the records are %+v", got)
	}
	got[0].Target.TGID, got[0].Target.StartTime = 0, 0
	same(t, "the signal", got, seen{Record: Record{Operation: Signal, Number: 9, Delivered: 1}})
}

func TestEveryEventIsAccountedFor(t *testing.T) {
	o := observeAlone(t)
	c := start(t, "idle", nil)
	for range 300 {
		must(t, unix.Kill(c.Process.Pid, winch))
	}
	must(t, o.Set.Detach())
	if got := len(o.of(t, os.Getpid())); got != 300 {
		t.Errorf("%d of 300 signals are reported", got)
	}
	counters, err := o.Set.Lanes().Counters(4)
	must(t, err)
	if counters.Made-counters.Lost() != o.Read || counters.Lost() != 0 {
		t.Errorf("the counters are %+v, read were %d", counters, o.Read)
	}
}
