// Package evasion performs, for real, each act that the sensors report, in every way that is known to slip past a sensor, and
// asserts what the collector publishes of it.
//
// On a machine with a C compiler the tests compile the acts and run `vedette up` from bin/. Elsewhere, such as in a virtual
// machine with another kernel, three variables make them do neither: VEDETTE_EVASION_SOCKET is the socket of a bus that runs,
// VEDETTE_EVASION_HOST the host id of its Vedette, and VEDETTE_EVASION_PROGRAMS the directory with test/programs, compiled.
// VEDETTE_EVASION_SHARE, as 2/3, leaves out combinations that other machines try: see isOurs.
package evasion

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/test/live"
)

// lackingStatus is how an act ends that this kernel cannot do.
const lackingStatus = 77

// endTimeout is for a virtual machine that is emulated; elsewhere an event comes within milliseconds.
const endTimeout = 20 * time.Second

// tests is what all tests share. They run one after the other.
var tests struct {
	once     sync.Once
	system   *live.System
	err      error
	programs string
	// dumb are the programs whose end was not seen once: waiting for each of their acts would take hours.
	dumb map[string]bool
}

func TestMain(m *testing.M) {
	code := m.Run()
	if tests.system != nil {
		if err := tests.system.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "cannot stop the system:", err)
			code = 1
		}
	}
	if tests.programs != "" && os.Getenv("VEDETTE_EVASION_PROGRAMS") == "" {
		os.RemoveAll(tests.programs)
	}
	os.Exit(code)
}

// ready starts what the tests share, once.
func ready(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to load eBPF programs and to act as other users")
	}
	tests.once.Do(func() { tests.err = prepare() })
	if tests.err != nil {
		t.Fatal(tests.err)
	}
}

func prepare() error {
	tests.dumb = map[string]bool{}
	if err := os.MkdirAll("/home", 0o755); err != nil {
		return err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs("/home", &fs); err != nil {
		return err
	}
	// ramfs has neither attributes nor file handles.
	if fs.Type == unix.RAMFS_MAGIC {
		if err := unix.Mount("tmpfs", "/home", "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("cannot mount a tmpfs on /home: %w", err)
		}
	}
	var err error
	tests.programs = os.Getenv("VEDETTE_EVASION_PROGRAMS")
	if tests.programs == "" {
		if err := compile(); err != nil {
			return err
		}
	}
	if socket := os.Getenv("VEDETTE_EVASION_SOCKET"); socket != "" {
		tests.system = live.New("")
		return tests.system.Connect(socket, os.Getenv("VEDETTE_EVASION_HOST"))
	}
	bin, err := filepath.Abs("../../bin")
	if err != nil {
		return err
	}
	if dir := os.Getenv("VEDETTE_BIN"); dir != "" {
		bin = dir
	}
	rules, err := filepath.Abs("../../rules")
	if err != nil {
		return err
	}
	prefix, err := live.NewPrefix()
	if err != nil {
		return err
	}
	tests.system, err = live.Start(bin, rules, "evasion", prefix)
	return err
}

// isOurs divides the combinations of two lists among machines, each of which tries every item of both in some of them. All of
// them are tried where VEDETTE_EVASION_SHARE does not name a share.
func isOurs(i, j int) bool {
	var share, of int
	if n, _ := fmt.Sscanf(os.Getenv("VEDETTE_EVASION_SHARE"), "%d/%d", &share, &of); n != 2 || of < 1 {
		return true
	}
	return (i+j)%of == share%of
}

// compile makes the acts: static, so that they run in a chroot and in other mount namespaces.
func compile() error {
	dir, err := os.MkdirTemp("", "vedette-acts")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	tests.programs = dir
	sources, err := filepath.Glob("../programs/evade*.c")
	if err != nil {
		return err
	}
	for _, source := range sources {
		name := strings.TrimSuffix(filepath.Base(source), ".c")
		args := []string{"-O2", "-Wall", "-Werror", "-static", "-o", filepath.Join(dir, name), source}
		if strings.HasSuffix(name, "32") {
			args = append([]string{"-m32", "-nostdlib"}, args...)
		}
		if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("cannot compile %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// program is one of the programs that perform acts, and the event of what it does at its end, which tells that no other
// event of its kind comes.
type program struct {
	name, end string
}

// directory makes an empty directory for one act. It is a home directory, so that keys in it lie where every list of sensitive
// files has them.
func directory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/home", "evasion")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// act performs an act in a directory of its own and gives the facts that it told, or skips when the kernel lacks what it needs.
func (p program) act(t *testing.T, act string, arguments ...string) facts {
	t.Helper()
	f, lacking := p.try(t, act, arguments...)
	if lacking != "" {
		t.Skip(lacking)
	}
	return f
}

// try is act that gives what the kernel lacks.
func (p program) try(t *testing.T, act string, arguments ...string) (f facts, lacking string) {
	t.Helper()
	ready(t)
	if tests.dumb[p.name] {
		t.Fatalf("nothing is tried: the end of an earlier act of %s was not reported", p.name)
	}
	tests.system.Events.Clear()
	dir := directory(t)
	cmd := exec.Command(filepath.Join(tests.programs, p.name), append([]string{act, dir}, arguments...)...)
	cmd.Dir = "/"
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == lackingStatus {
		return nil, strings.TrimSpace(complaints.String())
	}
	if err != nil {
		t.Fatalf("the act failed: %v: %v: %s", cmd.Args, err, complaints.String())
	}
	f = readFacts(t, string(out))
	f["main"] = fmt.Sprint(cmd.Process.Pid)
	f["directory"] = dir
	want := parseWant(t, f, p.end+" actor.process.pid={main}")
	if _, err := tests.system.Events.Wait(endTimeout, func(ev *pb.Event) bool { return want.difference(ev) == "" }); err != nil {
		tests.dumb[p.name] = true
		t.Fatalf("the end of the act, %q, was not reported: %v\n%s", p.end, err, told(f, want.kind))
	}
	return f, ""
}

// toldLines is as many events as a person wants to read.
const toldLines = 30

// told lists the events of the processes of an act; how they began and ended only where that is what was wanted.
func told(f facts, kind string) string {
	var b strings.Builder
	lines := 0
	actors := append(f.all("pid"), f["main"], f["maker"], f["target"])
	tests.system.Events.Count(func(ev *pb.Event) bool {
		process := ev.Class == pb.Class_CLASS_PROCESS && kind != "exec" && kind != "fork"
		if !process && lines < toldLines && slices.Contains(actors, fmt.Sprint(ev.Actor.GetProcess().GetPid())) {
			lines++
			fmt.Fprintf(&b, "  %s\n", show(ev))
		}
		return false
	})
	return b.String()
}

// expect checks that everything wanted was reported, and nothing that is not.
func expect(t *testing.T, f facts, wants ...string) {
	t.Helper()
	for _, line := range wants {
		w := parseWant(t, f, line)
		var nearest *pb.Event
		best := 1 << 30
		found := tests.system.Events.Count(func(ev *pb.Event) bool {
			d := w.difference(ev)
			if w.sameKind(ev) && d != "" && len(d) < best && fmt.Sprint(ev.Actor.GetProcess().GetPid()) == f["pid"] {
				nearest, best = ev, len(d)
			}
			return d == ""
		}) > 0
		switch {
		case found && w.absent:
			t.Errorf("reported, and should not be: %s\nevents of the act:\n%s", w.text, told(f, w.kind))
		case !found && !w.absent && nearest != nil:
			t.Errorf("not reported: %s\nthe nearest differs: %s\nevents of the act:\n%s", w.text, w.difference(nearest), told(f, w.kind))
		case !found && !w.absent:
			t.Errorf("not reported: %s\nevents of the act:\n%s", w.text, told(f, w.kind))
		}
	}
}
