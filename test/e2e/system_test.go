// Package e2e drives the real kernel, the real bus and the real analyzer under its restricted user, the way a user does:
// through the binaries in bin/ and `vedette up`.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/peercred"
	"github.com/vedette-edr/vedette/proto/subject"
)

// hostID is the host token of every system under test, so that subjects can be spelled.
const hostID = "e2e"

// startTimeout is for a loaded machine; an idle one is ready in about a second.
const startTimeout = 60 * time.Second

func TestMain(m *testing.M) {
	if act := os.Getenv(actVariable); act != "" {
		os.Exit(performAct(act))
	}
	code := m.Run()
	if shared.system != nil {
		if err := shared.system.stop(); err != nil {
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
type system struct {
	prefix string
	up     *exec.Cmd
	output *lockedBuffer
	done   chan error
	nc     *nats.Conn
	alerts mailbox[*ecs.Alert]
	events mailbox[*pb.Event]
	health mailbox[*pb.Health]
}

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
	prefix, err := os.MkdirTemp("", "vedette-e2e")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(prefix, 0o755); err != nil {
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
	s := &system{prefix: prefix, output: &lockedBuffer{}, done: make(chan error, 1)}
	args := append([]string{
		"up", "--prefix", prefix, "--bin", filepath.Dir(bin(t, "vedette")), "--rules", rules, "--host-id", hostID,
	}, flags...)
	s.up = exec.Command(bin(t, "vedette"), args...)
	s.up.Stdout, s.up.Stderr = s.output, s.output
	s.up.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.up.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.up.Wait() }()
	if err := s.connect(hostID); err != nil {
		s.kill()
		t.Fatalf("%v\n--- what vedette up said:\n%s", err, s.output)
	}
	for _, component := range []string{subject.Bus, subject.Analyzer, subject.Collector} {
		if _, err := s.health.wait(startTimeout, func(h *pb.Health) bool { return h.Component == component }); err != nil {
			s.kill()
			t.Fatalf("%s is not heard: %v\n--- what vedette up said:\n%s", component, err, s.output)
		}
	}
	return s
}

func (s *system) socket() string { return filepath.Join(s.prefix, "run/vedette/bus/bus.sock") }

// connect subscribes as the operator that root is.
func (s *system) connect(host string) error {
	deadline := time.Now().Add(startTimeout)
	dialer := &peercred.Dialer{Path: s.socket()}
	for {
		nc, err := nats.Connect("nats://vedette", nats.SetCustomDialer(dialer), nats.SkipHostLookup(),
			nats.CustomInboxPrefix("_INBOX_operator"), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
		if err == nil {
			s.nc = nc
			break
		}
		select {
		case err := <-s.done:
			s.done <- err
			return fmt.Errorf("vedette up ended: %w", errors.Join(err, errEnded))
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the bus did not come up: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	subscribe := func(subject string, f func(*nats.Msg)) error {
		sub, err := s.nc.Subscribe(subject, f)
		if err != nil {
			return err
		}
		return sub.SetPendingLimits(-1, 512<<20)
	}
	return errors.Join(
		subscribe(subject.AllAlerts(host), func(m *nats.Msg) {
			if a, err := ecs.Decode(m.Data); err == nil {
				s.alerts.put(a)
			}
		}),
		subscribe(subject.AllHealth(host), func(m *nats.Msg) {
			h := &pb.Health{}
			if err := h.UnmarshalVTUnsafe(m.Data); err == nil {
				s.health.put(h)
			}
		}),
		subscribe(subject.AllEvents(host), func(m *nats.Msg) {
			b := &pb.EventBatch{}
			if err := b.UnmarshalVTUnsafe(m.Data); err == nil {
				s.events.put(b.Events...)
			}
		}),
		s.nc.Flush(),
	)
}

var errEnded = errors.New("it should run until it is told to stop")

// stop ends the system as Ctrl-C does, and fails when it does not end well.
func (s *system) stop() error {
	if s.nc != nil {
		s.nc.Close()
	}
	if err := s.up.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case err := <-s.done:
		s.done <- err
		os.RemoveAll(s.prefix)
		if err != nil {
			return fmt.Errorf("vedette up: %w\n%s", err, s.output)
		}
		return nil
	case <-time.After(30 * time.Second):
		s.kill()
		return fmt.Errorf("vedette up did not stop within 30 s\n%s", s.output)
	}
}

func (s *system) kill() {
	_ = syscall.Kill(-s.up.Process.Pid, syscall.SIGKILL)
	<-s.done
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
	h, err := s.health.wait(20*time.Second, func(h *pb.Health) bool { return h.Component == component && h.WallTimeNs > now })
	if err != nil {
		t.Fatalf("no health of the %s: %v", component, err)
	}
	return h
}

// exec waits for the exec event of a process whose arguments hold marker.
func (s *system) exec(t *testing.T, marker string) *pb.Event {
	t.Helper()
	ev, err := s.events.wait(20*time.Second, func(ev *pb.Event) bool {
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
	a, err := s.alerts.wait(20*time.Second, f)
	if err != nil {
		t.Fatalf("no alert about %s: %v", what, err)
	}
	return a
}

// mailbox keeps everything that came, so that it does not matter whether one waits before or after.
type mailbox[T any] struct {
	mu    sync.Mutex
	all   []T
	grown chan struct{}
}

func (m *mailbox[T]) put(v ...T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, v...)
	if m.grown != nil {
		close(m.grown)
		m.grown = nil
	}
}

func (m *mailbox[T]) wait(timeout time.Duration, f func(T) bool) (T, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	for next := 0; ; {
		m.mu.Lock()
		all := m.all
		if m.grown == nil {
			m.grown = make(chan struct{})
		}
		grown := m.grown
		m.mu.Unlock()
		for ; next < len(all); next++ {
			if f(all[next]) {
				return all[next], nil
			}
		}
		select {
		case <-grown:
		case <-ctx.Done():
			var none T
			return none, fmt.Errorf("none of %d within %s", len(all), timeout)
		}
	}
}

func (m *mailbox[T]) count(f func(T) bool) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, v := range m.all {
		if f(v) {
			n++
		}
	}
	return n
}

func (m *mailbox[T]) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = nil
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
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
