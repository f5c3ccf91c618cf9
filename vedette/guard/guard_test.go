package guard

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary plays the guard and the supervisor too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "be-guard":
			exitWith(Run(Descriptor, io.Discard))
		case "be-supervisor":
			exitWith(supervisor())
		}
	}
	goleak.VerifyTestMain(m)
}

func exitWith(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// supervisor hands a sleeping child to a guard, prints the pids of both and waits to be killed.
func supervisor() error {
	g, err := Start(os.Args[0], "be-guard")
	if err != nil {
		return err
	}
	child, pidfd, err := sleeper()
	if err != nil {
		return err
	}
	if err := g.Adopt(pidfd); err != nil {
		return err
	}
	fmt.Println(g.cmd.Process.Pid, child.Process.Pid)
	select {}
}

func sleeper() (*exec.Cmd, int, error) {
	pidfd := -1
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{PidFD: &pidfd}
	return cmd, pidfd, cmd.Start()
}

func TestAKilledSupervisorLeavesNoProcess(t *testing.T) {
	cmd := exec.Command(os.Args[0], "be-supervisor")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var guardPID, childPID int
	if _, err := fmt.Fscan(out, &guardPID, &childPID); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	waitGone(t, "child", childPID)
	waitGone(t, "guard", guardPID)
}

// waitGone waits until pid is gone or a zombie: nobody may be there to reap an orphan in a container.
func waitGone(t *testing.T, what string, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("the %s (pid %d) outlived its supervisor", what, pid)
}

func TestReleaseHarmsNobody(t *testing.T) {
	g, err := Start(os.Args[0], "be-guard")
	if err != nil {
		t.Fatal(err)
	}
	child, pidfd, err := sleeper()
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pidfd)
	if err := g.Adopt(pidfd); err != nil {
		t.Fatal(err)
	}
	if err := g.Release(); err != nil {
		t.Fatal(err)
	}
	if err := child.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the child is gone: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait()
}

func TestManyRestartsDoNotFillTheGuard(t *testing.T) {
	ours, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(theirs.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	done := make(chan error, 1)
	go func() { done <- Run(fd, io.Discard) }()
	g := &Guard{conn: ours}
	before := openFiles(t)
	for range 50 {
		pidfd := -1
		cmd := exec.Command("true")
		cmd.SysProcAttr = &syscall.SysProcAttr{PidFD: &pidfd}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		if err := g.Adopt(pidfd); err != nil {
			t.Fatal(err)
		}
		syscall.Close(pidfd)
	}
	waitUntil(t, func() bool { return openFiles(t) <= before+2 })
	if _, err := ours.Write([]byte{release}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	ours.Close()
}

func waitUntil(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came to hold")
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestRunByHandIsRefused(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if err := Run(fd, io.Discard); err == nil || !strings.Contains(err.Error(), "not by hand") {
		t.Errorf("got %v", err)
	}
}

func TestStartOfNothing(t *testing.T) {
	if _, err := Start("/no/such/program"); err == nil {
		t.Error("a guard that does not exist was started")
	}
}
