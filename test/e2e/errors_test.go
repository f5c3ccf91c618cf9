package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/test/live"
)

// refuses runs a command that must fail with a code other than 0, soon, and with a sentence that names all of words.
func refuses(t *testing.T, cmd *exec.Cmd, words ...string) {
	t.Helper()
	var out live.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(40*time.Second, func() { _ = cmd.Process.Signal(os.Interrupt) })
	defer timer.Stop()
	err := cmd.Wait()
	if err == nil || cmd.ProcessState.ExitCode() <= 0 {
		t.Errorf("%v ended with %v, want an exit code", cmd.Args, err)
	}
	for _, w := range words {
		if !strings.Contains(out.String(), w) {
			t.Errorf("%v does not say %q:\n%s", cmd.Args, w, out.String())
		}
	}
	if strings.Contains(out.String(), "goroutine ") {
		t.Errorf("%v panicked:\n%s", cmd.Args, out.String())
	}
}

func upIn(t *testing.T, prefix string, flags ...string) *exec.Cmd {
	t.Helper()
	rules, err := filepath.Abs("../../rules")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(prefix) })
	return exec.Command(bin(t, "vedette"), append([]string{
		"up", "--prefix", prefix, "--bin", filepath.Dir(bin(t, "vedette")), "--rules", rules, "--host-id", "errors",
	}, flags...)...)
}

func writeConfig(t *testing.T, prefix, component, text string) {
	t.Helper()
	dir := filepath.Join(prefix, "etc/vedette")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, component+".conf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMistakesAreAnsweredInWords(t *testing.T) {
	needRoot(t)
	t.Run("unknown key", func(t *testing.T) {
		for _, component := range []string{"collector", "analyzer", "bus"} {
			prefix := newPrefix(t)
			writeConfig(t, prefix, component, "log.levle = \"info\"\n")
			refuses(t, upIn(t, prefix), component+".conf:1", "log.levle")
		}
	})
	t.Run("bad value", func(t *testing.T) {
		prefix := newPrefix(t)
		writeConfig(t, prefix, "collector", "# a comment\nspool.max = \"many\"\n")
		refuses(t, upIn(t, prefix), "collector.conf:2", "spool.max")
	})
	t.Run("taken port", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		prefix := newPrefix(t)
		writeConfig(t, prefix, "bus", "tls.listen = \""+l.Addr().String()+"\"\n")
		refuses(t, upIn(t, prefix, "--tls"), l.Addr().String(), "tls.listen")
	})
	t.Run("a second one", func(t *testing.T) {
		s := running(t)
		cmd := upIn(t, newPrefix(t))
		for i, a := range cmd.Args {
			if a == "--prefix" {
				cmd.Args[i+1] = s.Prefix
			}
		}
		refuses(t, cmd, "already")
	})
	t.Run("no BTF", func(t *testing.T) {
		cmd := upIn(t, newPrefix(t))
		script := "mount -t tmpfs none /sys/kernel/btf && exec \"$@\""
		cmd = exec.Command("/bin/sh", append([]string{"-c", script, "sh"}, cmd.Args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		refuses(t, cmd, "BTF", "CONFIG_DEBUG_INFO_BTF")
		collector := exec.Command("/bin/sh", "-c", script, "sh", bin(t, "vedette-collector"), "run", "--host-id", "errors", "--user", "65534")
		collector.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		refuses(t, collector, "BTF", "5.8")
	})
	t.Run("no root", func(t *testing.T) {
		// The programs may lie where only root can go; handed over open, they still start.
		for name, args := range map[string][]string{
			"vedette": {"up"}, "vedette-collector": {"run", "--host-id", "errors", "--user", "65534"},
		} {
			f, err := os.Open(bin(t, name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			cmd := exec.Command("/proc/self/fd/3", args...)
			cmd.Dir = "/"
			cmd.ExtraFiles = []*os.File{f}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			refuses(t, cmd, "sudo")
		}
	})
	t.Run("the analyzer as root", func(t *testing.T) {
		refuses(t, exec.Command(bin(t, "vedette-analyzer"), "run", "--host-id", "errors"), "root")
	})
}

func TestABadRuleIsNamedAndTheOthersGoOn(t *testing.T) {
	needRoot(t)
	rules := trueDir(t)
	do(t, exec.Command("cp", "-r", "../../rules/sigma", rules))
	bad := filepath.Join(rules, "sigma/linux/bad.yml")
	if err := os.WriteFile(bad, []byte("title: Bad\nlogsource: {product: linux, category: process_creation}\ndetection:\n  selection:\n    Image|sideways: x\n  condition: selection\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := start(t, "--rules", rules)
	defer stopOrFail(t, s)
	h := s.lastHealth(t, "analyzer")
	if h.Rules.Refused != 1 || h.Rules.Loaded < 15 || !strings.Contains(strings.Join(h.Rules.Problems, "\n"), "bad.yml:5") {
		t.Errorf("rules are %v, want one refused with its line and the others loaded", h.Rules)
	}
}
