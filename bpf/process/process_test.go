package process

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestIdentity(t *testing.T) {
	o := observe(t)
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 1234, Gid: 4321},
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS,
		Setsid:     true,
	}
	e := o.run(t, cmd)
	want(t, "uid", e.UID, 1234)
	want(t, "effective uid", e.EUID, 1234)
	want(t, "gid", e.GID, 4321)
	want(t, "effective capabilities", e.CapEffective, 0)
	want(t, "bounding capabilities", e.CapBounding, ownBoundingSet(t))
	want(t, "pid in its namespace", e.Actor.NamespacePID, 1)
	want(t, "session", e.Session, e.Actor.Process.TGID)
	own := func(name string) uint32 {
		var st unix.Stat_t
		if err := unix.Stat("/proc/self/ns/"+name, &st); err != nil {
			t.Fatal(err)
		}
		return uint32(st.Ino)
	}
	want(t, "mount namespace", e.MountNS, own("mnt"))
	want(t, "network namespace", e.NetworkNS, own("net"))
	want(t, "user namespace", e.UserNS, own("user"))
	if e.UTSNS == own("uts") || e.PIDNS == own("pid") {
		t.Error("the new pid and uts namespaces are reported as the old ones")
	}
	fork := o.forks[e.Actor.Process.TGID]
	want(t, "fork's child start", fork.Child.StartTime, e.Actor.Process.StartTime)
	want(t, "fork's pid in the new namespace", fork.ChildNamespacePID, 1)
}

func ownBoundingSet(t *testing.T) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if digits, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return set
		}
	}
	t.Fatal("/proc/self/status has no CapBnd")
	return 0
}

func TestExecByAThreadKeepsTheProcess(t *testing.T) {
	o := observe(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), actVariable+"=exec-from-thread")
	e := o.run(t, cmd)
	pid := e.Actor.Process.TGID
	want(t, "executable", e.texts[TextExecutable], realPath(t, "/bin/true"))
	want(t, "process", pid, uint32(cmd.Process.Pid))
	want(t, "start time", e.Actor.Process.StartTime, o.forks[pid].Child.StartTime)
	if e.CallingThread == 0 || e.CallingThread == pid {
		t.Errorf("calling thread is %d, want another thread of process %d", e.CallingThread, pid)
	}
}

func TestExitTellsStatusAndSignal(t *testing.T) {
	o := observe(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The Go runtime gives the process several threads; one exit is reported, with the status of exit_group.
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), actVariable+"=exit-7")
	e := o.run(t, cmd)
	want(t, "status", o.exits[e.Actor.Process.TGID].Status, 7<<8)

	e = o.run(t, exec.Command("/bin/sh", "-c", "kill -TERM $$"))
	want(t, "status", o.exits[e.Actor.Process.TGID].Status, uint32(syscall.SIGTERM))
}
