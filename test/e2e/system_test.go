// Package e2e drives the real kernel, the real bus and the real analyzer under its restricted user, the way a user does:
// through the binaries in bin/ and `vedette up`.
package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/test/live"
)

// hostID is the host token of every system under test, so that subjects can be spelled.
const hostID = "e2e"

func TestMain(m *testing.M) {
	if act := os.Getenv(actVariable); act != "" {
		os.Exit(performAct(act))
	}
	code := m.Run()
	if shared.system != nil {
		if err := shared.system.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "cannot stop the shared system:", err)
			code = 1
		}
	}
	os.RemoveAll(toolDir)
	os.Exit(code)
}

var toolDir string

// needRoot is the one thing that these tests cannot do without.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to load eBPF programs and to start processes as other users")
	}
}

// bin is the path of a built program.
func bin(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("VEDETTE_BIN")
	if dir == "" {
		dir = "../../bin"
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; run make build first", err)
	}
	return path
}

var tools sync.Map

// tool compiles one of test/programs and gives its path, which every user can reach.
func tool(t testing.TB, name string) string {
	t.Helper()
	if path, ok := tools.Load(name); ok {
		return path.(string)
	}
	if toolDir == "" {
		dir, err := os.MkdirTemp("", "vedette-tools")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		toolDir = dir
	}
	path := filepath.Join(toolDir, name)
	args := []string{"-O2", "-Wall", "-Werror", "-static", "-o", path, "../programs/" + name + ".c"}
	if name == "noop" {
		args = append([]string{"-nostdlib"}, args...)
	}
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("cannot compile %s: %v\n%s", name, err, out)
	}
	tools.Store(name, path)
	return path
}

// system is one running Vedette.
type system struct{ *live.System }

var shared struct {
	once   sync.Once
	system *system
}

// running gives the system that most tests share.
func running(t *testing.T) *system {
	t.Helper()
	needRoot(t)
	shared.once.Do(func() { shared.system = start(t) })
	if shared.system == nil {
		t.Fatal("the shared system did not start")
	}
	return shared.system
}

// newPrefix makes a directory that the restricted users can pass through.
func newPrefix(t testing.TB) string {
	t.Helper()
	prefix, err := live.NewPrefix()
	if err != nil {
		t.Fatal(err)
	}
	return prefix
}

// start runs `vedette up` in a prefix of its own and waits until all three components are heard.
func start(t testing.TB, flags ...string) *system {
	t.Helper()
	return startIn(t, newPrefix(t), flags...)
}

func startIn(t testing.TB, prefix string, flags ...string) *system {
	t.Helper()
	rules, err := filepath.Abs("../../rules")
	if err != nil {
		t.Fatal(err)
	}
	s, err := live.Start(filepath.Dir(bin(t, "vedette")), rules, hostID, prefix, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return &system{s}
}

// pid of a component, as its last health message says.
func (s *system) pid(t *testing.T, component string) int {
	t.Helper()
	return int(s.lastHealth(t, component).Pid)
}

// lastHealth waits for a message made from now on.
func (s *system) lastHealth(t *testing.T, component string) *pb.Health {
	t.Helper()
	now := time.Now().UnixNano()
	h, err := s.Health.Wait(20*time.Second, func(h *pb.Health) bool { return h.Component == component && h.WallTimeNs > now })
	if err != nil {
		t.Fatalf("no health of the %s: %v", component, err)
	}
	return h
}

// exec waits for the exec event of a process whose arguments hold marker.
func (s *system) exec(t *testing.T, marker string) *pb.Event {
	t.Helper()
	ev, err := s.Events.Wait(20*time.Second, func(ev *pb.Event) bool {
		return ev.GetExec() != nil && bytes.Contains(ev.GetExec().Arguments, []byte(marker))
	})
	if err != nil {
		t.Fatalf("no exec event with %q: %v", marker, err)
	}
	return ev
}

// alert waits for an alert that satisfies f.
func (s *system) alert(t *testing.T, what string, f func(*ecs.Alert) bool) *ecs.Alert {
	t.Helper()
	a, err := s.Alerts.Wait(20*time.Second, f)
	if err != nil {
		t.Fatalf("no alert about %s: %v", what, err)
	}
	return a
}

// uidOf is the user id of one of Vedette's accounts.
func uidOf(t *testing.T, name string) uint32 {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(uid)
}

func gidOf(t *testing.T, name string) uint32 {
	t.Helper()
	g, err := user.LookupGroup(name)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(g.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(gid)
}

// status reads a field of /proc/PID/status.
func status(t *testing.T, pid int, field string) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if name, value, _ := strings.Cut(line, ":"); name == field {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	t.Fatalf("/proc/%d/status has no field %s", pid, field)
	return ""
}
