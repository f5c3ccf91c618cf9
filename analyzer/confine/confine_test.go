package confine_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/analyzer/confine"
)

// The test program plays the analyzer when this variable is set.
const asChild = "VEDETTE_TEST_CONFINED"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) == "" {
		os.Exit(m.Run())
	}
	if err := confine.Check(); err != nil {
		fmt.Println("check:", err)
		os.Exit(1)
	}
	if err := confine.Lock(); err != nil {
		fmt.Println("lock:", err)
		os.Exit(1)
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, task := range tasks {
		text, err := os.ReadFile("/proc/self/task/" + task.Name() + "/status")
		if err != nil {
			fmt.Println(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "NoNewPrivs") {
				fmt.Print(line)
			}
		}
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	fmt.Println("dumpable", dumpable, err)
	os.Exit(0)
}

// child runs this program again as a user without privileges.
func child(t *testing.T, change func(*exec.Cmd)) (output string, code int) {
	t.Helper()
	// The program may lie where only its builder can go; handed over open, it still starts.
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	cmd := exec.Command("/proc/self/fd/3")
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{self}
	cmd.Env = append(os.Environ(), asChild+"=1")
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if change != nil {
		change(cmd)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func TestLockHoldsForEveryThread(t *testing.T) {
	out, code := child(t, nil)
	if code != 0 || !strings.Contains(out, "dumpable 0 <nil>") || !strings.Contains(out, "NoNewPrivs:\t1") ||
		strings.Contains(out, "NoNewPrivs:\t0") {
		t.Errorf("exit code %d, output:\n%s", code, out)
	}
}

func TestPrivilegesAreRefused(t *testing.T) {
	if os.Getuid() != 0 {
		if err := confine.Check(); err != nil {
			t.Errorf("an ordinary user is refused: %v", err)
		}
		t.Skip("SKIP: only root can try to run the analyzer with privileges")
	}
	f := func(what, want string, attr *syscall.SysProcAttr) {
		t.Helper()
		out, code := child(t, func(cmd *exec.Cmd) { cmd.SysProcAttr = attr })
		if code != 1 || !strings.Contains(out, want) || !strings.Contains(out, "vedette up") {
			t.Errorf("%s: exit code %d, output %q, want 1 and %q", what, code, out, want)
		}
	}
	f("root", "as root", nil)
	f("an ordinary user with a capability", "with capabilities (0x80)", &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: []uintptr{unix.CAP_SETUID},
	})
}
