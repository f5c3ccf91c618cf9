package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
)

// marker makes the arguments of one act unlike any other's.
func marker(t *testing.T) string {
	return fmt.Sprintf("vedette-%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), time.Now().UnixNano())
}

func do(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

func copyTool(t *testing.T, from, to string) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}

func trueDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestArgumentsOf200KiBArriveIntact(t *testing.T) {
	s := running(t)
	m := marker(t)
	args := []string{m}
	for i := range 25 {
		args = append(args, strings.Repeat(string(rune('a'+i)), 8<<10))
	}
	do(t, exec.Command("/bin/true", args...))
	got := s.exec(t, m).GetExec()
	want := strings.Join(append([]string{"/bin/true"}, args...), "\x00")
	if string(got.Arguments) != want || got.ArgumentsSize != uint64(len(want)+1) {
		t.Errorf("%d of %d bytes of arguments arrived, or others", len(got.Arguments), len(want))
	}
}

func TestPathsAreTrue(t *testing.T) {
	s := running(t)
	dir := trueDir(t)
	noop := tool(t, "noop")

	t.Run("symbolic link", func(t *testing.T) {
		m, link := marker(t), filepath.Join(dir, "innocent")
		if err := os.Symlink(noop, link); err != nil {
			t.Fatal(err)
		}
		do(t, exec.Command(link, m))
		e := s.exec(t, m).GetExec()
		if string(e.Executable.Path) != noop || string(e.Filename) != link {
			t.Errorf("executable %q as given %q, want %q and %q", e.Executable.Path, e.Filename, noop, link)
		}
	})
	t.Run("script behind a symbolic link", func(t *testing.T) {
		m, script, link := marker(t), filepath.Join(dir, "real.sh"), filepath.Join(dir, "link.sh")
		if err := os.WriteFile(script, []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(script, link); err != nil {
			t.Fatal(err)
		}
		do(t, exec.Command(link, m))
		e := s.exec(t, m).GetExec()
		shell, err := filepath.EvalSymlinks("/bin/sh")
		if err != nil {
			t.Fatal(err)
		}
		if string(e.Script.GetPath()) != script || string(e.Executable.Path) != shell || string(e.Interpreter) != "/bin/sh" {
			t.Errorf("script %q run by %q (%q), want %q, %q", e.Script.GetPath(), e.Executable.Path, e.Interpreter, script, shell)
		}
	})
	t.Run("memfd", func(t *testing.T) {
		m := marker(t)
		b, err := os.ReadFile(noop)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := unix.MemfdCreate("payload", 0)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), "payload")
		defer f.Close()
		if _, err := f.Write(b); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/proc/self/fd/3", m)
		cmd.ExtraFiles = []*os.File{f}
		do(t, cmd)
		e := s.exec(t, m).GetExec()
		if string(e.Executable.Path) != "memfd:payload" || e.Executable.Flags&uint32(pb.FileFlag_FILE_FLAG_MEMFD) == 0 {
			t.Errorf("executable %q with flags %d, want memfd:payload flagged", e.Executable.Path, e.Executable.Flags)
		}
	})
	t.Run("deleted file", func(t *testing.T) {
		m := marker(t)
		path := copyTool(t, noop, filepath.Join(dir, "gone"))
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/proc/self/fd/3", m)
		cmd.ExtraFiles = []*os.File{f}
		do(t, cmd)
		e := s.exec(t, m).GetExec()
		if string(e.Executable.Path) != path || e.Executable.Flags&uint32(pb.FileFlag_FILE_FLAG_DELETED) == 0 {
			t.Errorf("executable %q with flags %d, want %q flagged deleted", e.Executable.Path, e.Executable.Flags, path)
		}
	})
	t.Run("chroot", func(t *testing.T) {
		m, jail := marker(t), filepath.Join(dir, "jail")
		if err := os.Mkdir(jail, 0o755); err != nil {
			t.Fatal(err)
		}
		copyTool(t, noop, filepath.Join(jail, "sh"))
		cmd := exec.Command("/sh", m)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: jail}
		do(t, cmd)
		e := s.exec(t, m).GetExec()
		if string(e.Executable.Path) != jail+"/sh" || string(e.RootDirectory) != jail || string(e.Filename) != "/sh" {
			t.Errorf("executable %q in root %q, want %q in %q", e.Executable.Path, e.RootDirectory, jail+"/sh", jail)
		}
	})
}

func TestTheSameProcessIDIsNotTheSameProcess(t *testing.T) {
	s := running(t)
	m := marker(t)
	out, err := exec.Command(tool(t, "samepid"), "/bin/true", m+"-first", m+"-second").CombinedOutput()
	if err != nil {
		t.Fatalf("samepid: %v\n%s", err, out)
	}
	// samepid itself has both markers among its arguments; its children have them first.
	of := func(argument string) *pb.Event {
		t.Helper()
		ev, err := s.Events.Wait(20*time.Second, func(ev *pb.Event) bool {
			return string(ev.GetExec().GetArguments()) == "/bin/true\x00"+argument
		})
		if err != nil {
			t.Fatalf("no exec event of %s: %v", argument, err)
		}
		return ev
	}
	first, second := of(m+"-first"), of(m+"-second")
	if a, b := first.Actor.Process, second.Actor.Process; a.Pid != b.Pid || a.StartTimeNs == b.StartTimeNs {
		t.Errorf("the processes are %v and %v, want the same id and other start times", a, b)
	}

	t.Run("in alerts", func(t *testing.T) {
		m := marker(t)
		do(t, exec.Command(tool(t, "samepid"), tool(t, "noop"), "stratum+tcp://"+m+"-first", "stratum+tcp://"+m+"-second"))
		of := func(which string) *ecs.Alert {
			t.Helper()
			return s.alert(t, which, func(a *ecs.Alert) bool {
				return len(a.Process.Args) == 2 && a.Process.Args[1] == "stratum+tcp://"+m+which
			})
		}
		first, second := of("-first").Process, of("-second").Process
		if first.PID != second.PID || first.EntityID == second.EntityID || first.Parent.EntityID != second.Parent.EntityID {
			t.Errorf("the alerts are about %d %s and %d %s, want one id, two entities and one parent", first.PID, first.EntityID, second.PID, second.EntityID)
		}
	})

	t.Run("when ids wrap in a small namespace", func(t *testing.T) {
		// Since 6.14 every pid namespace has its own limit; a small one makes ids wrap after a few hundred processes.
		m := marker(t)
		script := `mount -t proc proc /proc && echo 400 > /proc/sys/kernel/pid_max || exit 9
i=0; while [ $i -lt 900 ]; do /bin/true "$0-$i"; i=$((i+1)); done`
		cmd := exec.Command("/bin/sh", "-c", script, m)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 9 {
			t.Skipf("needs a pid_max of its own in a pid namespace (Linux 6.14): %s", out)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		s.exec(t, m+"-899")
		keys, ids := map[string]bool{}, map[uint32]int{}
		s.Events.Count(func(ev *pb.Event) bool {
			if e := ev.GetExec(); e != nil && bytes.Contains(e.Arguments, []byte("/bin/true\x00"+m+"-")) {
				keys[fmt.Sprint(ev.Actor.Process)] = true
				ids[ev.Actor.NamespacePid]++
			}
			return false
		})
		reused := 0
		for _, n := range ids {
			if n > 1 {
				reused++
			}
		}
		if len(keys) != 900 || reused == 0 {
			t.Errorf("%d distinct processes with %d ids used twice, want 900 and some", len(keys), reused)
		}
	})
}

func TestAlertKnowsAChainOf3000Processes(t *testing.T) {
	s := running(t)
	const depth = 3000
	m := marker(t)
	payload := trigger(t, m)
	do(t, exec.Command(tool(t, "chain"), append([]string{fmt.Sprint(depth)}, payload...)...))
	a := s.alert(t, "the last of the chain", func(a *ecs.Alert) bool {
		return strings.Contains(a.Process.CommandLine, m) && !strings.Contains(a.Process.CommandLine, "/chain")
	})
	// The test, its parents up to init, and chain itself come on top.
	if a.Vedette.AncestorsCount < depth {
		t.Errorf("the alert counts %d ancestors, want at least %d", a.Vedette.AncestorsCount, depth)
	}
	if len(a.Vedette.Ancestors) == 0 || a.Vedette.Ancestors[0].Name != "chain" {
		t.Errorf("the nearest ancestors are %+v, want chain", a.Vedette.Ancestors)
	}
}

func TestProcessesFromBeforeAreKnown(t *testing.T) {
	s := running(t)
	m := marker(t)
	payload := trigger(t, m)
	do(t, exec.Command(payload[0], payload[1:]...))
	a := s.alert(t, "a child of this test", func(a *ecs.Alert) bool { return strings.Contains(a.Process.CommandLine, m) })
	// This test ran before the collector was started, so only seeding can know it.
	if a.Process.Parent == nil || a.Process.Parent.PID != uint32(os.Getpid()) || !strings.Contains(a.Process.Parent.Executable, "e2e.test") {
		t.Errorf("the parent is %+v, want this test", a.Process.Parent)
	}
	for _, up := range a.Vedette.Ancestors {
		if up.Incomplete {
			t.Errorf("ancestor %d is not known", up.PID)
		}
	}
}
