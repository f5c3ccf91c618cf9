package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/vedette/accounts"
	"github.com/vedette-edr/vedette/vedette/status"
)

// needRoot skips where processes cannot be started as other users, and lets the test run beside others.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to start each part as its own user")
	}
	// Here and not in several vedette up at once: useradd locks the system's files without waiting.
	if _, err := accounts.Ensure(t.Context(), accounts.Host{}); err != nil {
		t.Fatal(err)
	}
	t.Parallel()
}

// output collects what a command prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) await(t *testing.T, pattern string) {
	t.Helper()
	eventually(t, func() bool { return regexp.MustCompile(pattern).MatchString(o.String()) }, func() string {
		return fmt.Sprintf("no %q in:\n%s", pattern, o)
	})
}

func eventually(t *testing.T, holds func() bool, otherwise func() string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise())
		}
	}
}

// installation is a prefix with rules, which other users may pass through.
func installation(t *testing.T) string {
	t.Helper()
	prefix, err := os.MkdirTemp("/tmp", "vd-up-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(prefix) })
	err = errors.Join(os.Chmod(prefix, 0o755), os.Mkdir(prefix+"/rules", 0o700),
		os.WriteFile(prefix+"/rules/a.yml", []byte("title: a\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return prefix
}

// upProcess is a running `vedette up`.
type upProcess struct {
	*exec.Cmd
	out  output
	done chan error
}

func startUp(t *testing.T, prefix string, more ...string) *upProcess {
	t.Helper()
	u := &upProcess{done: make(chan error, 1)}
	u.Cmd = exec.Command("vedette", append([]string{"up", "--prefix", prefix, "--rules", prefix + "/rules", "--host-id", "uptest"}, more...)...)
	u.Stdout, u.Stderr = &u.out, &u.out
	u.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	if err := u.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { u.done <- u.Wait() }()
	t.Cleanup(func() { u.Process.Kill() })
	return u
}

// end waits for the process and returns its exit code.
func (u *upProcess) end(t *testing.T) int {
	t.Helper()
	select {
	case <-u.done:
		return u.ProcessState.ExitCode()
	case <-time.After(20 * time.Second):
		t.Fatalf("it does not end:\n%s", &u.out)
		return -1
	}
}

// vedette runs a command to its end.
func vedette(t *testing.T, args ...string) (stdout string, code int) {
	t.Helper()
	cmd := exec.Command("vedette", args...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	out, err := cmd.Output()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out) + string(ended.Stderr), ended.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

func report(t *testing.T, prefix string) *status.Report {
	t.Helper()
	out, code := vedette(t, "status", "--json", "--prefix", prefix)
	var r status.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("exit code %d: %v: %s", code, err, out)
	}
	return &r
}

// procStatus is a field of /proc/PID/status, its words joined by spaces.
func procStatus(t *testing.T, pid uint32, field string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	t.Fatalf("process %d has no %s", pid, field)
	return ""
}

func number(t *testing.T, text string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

func alive(pid uint32) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestUpFromStartToNothing(t *testing.T) {
	needRoot(t)
	prefix := installation(t)
	u := startUp(t, prefix, "--tls=false")
	u.out.await(t, `watches this host`)
	u.out.await(t, `18 rules and 1 kernel programs are active; .*/alerts.ndjson`)
	u.out.await(t, `try, in another terminal: `)
	u.out.await(t, `HIGH Something odd`)

	r := report(t, prefix)
	var pids []uint32
	for i, name := range []string{"bus", "collector", "analyzer"} {
		c := r.Components[i]
		if c.Name != name || !c.Running || c.UID == 0 {
			t.Fatalf("component %s is %+v", name, c)
		}
		pids = append(pids, c.PID)
		if got := procStatus(t, c.PID, "CapEff"); got != "0000000000000000" {
			t.Errorf("%s has capabilities %s", name, got)
		}
		if name == "collector" {
			continue
		}
		for field, want := range map[string]string{"NoNewPrivs": "1", "CapBnd": "0000000000000000", "CapPrm": "0000000000000000"} {
			if got := procStatus(t, c.PID, field); got != want {
				t.Errorf("%s has %s %s, want %s", name, field, got, want)
			}
		}
	}
	if r.Host != "uptest" || !r.Sum.Closes {
		t.Errorf("status says %+v", r)
	}
	if out, code := vedette(t, "alerts", "--follow=false", "--prefix", prefix); code != 0 || !strings.Contains(out, "HIGH Something odd") {
		t.Errorf("alerts gives %d: %s", code, out)
	}
	if out, code := vedette(t, "up", "--prefix", prefix, "--rules", prefix+"/rules", "--host-id", "uptest"); code != 2 || !strings.Contains(out, fmt.Sprint("process ", u.Process.Pid, " holds")) {
		t.Errorf("a second one gives %d: %s", code, out)
	}
	if out, code := vedette(t, "creds", "reader", "--prefix", prefix, "--out", prefix+"/creds", "--name", "siem"); code != 0 || !strings.Contains(out, "follow alerts with:  vedette alerts --server tls://") {
		t.Errorf("creds gives %d: %s", code, out)
	}

	// What dies is started again, and its alerts go on.
	if err := syscall.Kill(int(r.Components[2].PID), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	u.out.await(t, `analyzer ended \(signal: killed\) after .*; starting it again in 200ms`)
	u.out.await(t, `analyzer was started again`)
	if err := syscall.Kill(int(r.Components[0].PID), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	u.out.await(t, `bus was started again`)
	eventually(t, func() bool { return strings.Count(u.out.String(), "Something odd") == 2 }, u.out.String)
	for _, again := range regexp.MustCompile(`was started again \(pid (\d+)\)`).FindAllStringSubmatch(u.out.String(), -1) {
		pids = append(pids, number(t, again[1]))
	}
	// The analyzer may have started again while there was no bus.
	if len(pids) < 5 {
		t.Errorf("three parts and two restarts make %d processes", len(pids))
	}

	if err := u.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := u.end(t); code != 0 {
		t.Errorf("it ends with %d:\n%s", code, &u.out)
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
	for _, path := range []string{"/run/vedette", "/var/lib/vedette/stage"} {
		if _, err := os.Lstat(prefix + path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	stopped := regexp.MustCompile(`(\w+) has stopped`).FindAllStringSubmatch(u.out.String(), -1)
	order := ""
	for _, s := range stopped {
		order += s[1] + " "
	}
	if order != "collector analyzer bus " {
		t.Errorf("they stopped in the order %s", order)
	}
	for _, name := range []string{"bus", "analyzer", "collector"} {
		if info, err := os.Stat(filepath.Join(prefix, "var/log/vedette", name+".log")); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("the log of %s: %v, %v", name, info, err)
		}
	}
	if strings.Contains(u.out.String(), "connection to the bus is lost") && strings.Count(u.out.String(), "is lost") > 1 {
		t.Errorf("the end is shown as a loss:\n%s", &u.out)
	}
}

func TestUpSaysWhyAPartDoesNotStart(t *testing.T) {
	needRoot(t)
	prefix := installation(t)
	if err := errors.Join(os.MkdirAll(prefix+"/etc/vedette", 0o755), os.WriteFile(prefix+"/etc/vedette/analyzer.conf", nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	u := startUp(t, prefix)
	if code := u.end(t); code != 1 {
		t.Errorf("it ends with %d", code)
	}
	for _, want := range []string{
		`analyzer | vedette-analyzer: the configuration is bad\x1b[2J`,
		"analyzer ended while it was starting (exit status 1); its log is in " + prefix,
	} {
		if !strings.Contains(u.out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &u.out)
		}
	}
	if _, err := os.Lstat(prefix + "/run/vedette"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the runtime directory is left: %v", err)
	}
}

func TestUpThatIsKilledLeavesNoProcess(t *testing.T) {
	needRoot(t)
	prefix := installation(t)
	u := startUp(t, prefix)
	u.out.await(t, "watches this host")
	ready := regexp.MustCompile(`(\w+) is ready \(pid (\d+)\)`).FindAllStringSubmatch(u.out.String(), -1)
	if len(ready) != 3 {
		t.Fatalf("%d parts are ready:\n%s", len(ready), &u.out)
	}
	if err := u.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	u.end(t)
	for _, part := range ready {
		pid := number(t, part[2])
		eventually(t, func() bool { return !alive(pid) }, func() string { return part[1] + " outlived a killed up" })
	}

	again := startUp(t, prefix, "--quiet", "--no-follow")
	eventually(t, func() bool {
		out, code := vedette(t, "alerts", "--follow=false", "--prefix", prefix, "--host-id", "uptest")
		return code == 0 && strings.Count(out, "Something odd") == 2
	}, again.out.String)
	if text := again.out.String(); text != "" {
		t.Errorf("--quiet --no-follow shows:\n%s", text)
	}
	if err := again.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := again.end(t); code != 0 {
		t.Errorf("what was left stops a new start: %d\n%s", code, &again.out)
	}
}

func TestUpWithoutRoot(t *testing.T) {
	cmd := exec.Command("vedette", "up")
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	if os.Geteuid() == 0 {
		// The program must be where another user can run it.
		path, err := exec.LookPath("vedette")
		if err != nil {
			t.Fatal(err)
		}
		program, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path = filepath.Join(installation(t), "vedette")
		if err := os.WriteFile(cmd.Path, program, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		cmd.Dir = "/"
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "needs root") || !strings.Contains(string(out), "sudo vedette up") {
		t.Errorf("got %v: %s", err, out)
	}
	if strings.Count(string(out), "\n") != 1 {
		t.Errorf("not one line: %s", out)
	}
}
