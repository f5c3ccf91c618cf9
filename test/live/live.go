// Package live gives tests a running Vedette: one that they start as a user does, or one that runs already.
package live

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/peercred"
	"github.com/vedette-edr/vedette/proto/subject"
)

// StartTimeout is for a loaded machine; an idle one is ready in about a second.
const StartTimeout = 60 * time.Second

// System is a running Vedette and what it says.
type System struct {
	Alerts Mailbox[*ecs.Alert]
	Events Mailbox[*pb.Event]
	Health Mailbox[*pb.Health]

	// Conn is the operator's connection to the bus.
	Conn *nats.Conn
	// Prefix is the directory below which all files are. Only of a system that was started.
	Prefix string
	// Up is `vedette up`, Output what it said, and Done gives once how it ended.
	Up     *exec.Cmd
	Output Buffer
	Done   chan error
}

// New gives a system that Connect fills.
func New(prefix string) *System { return &System{Prefix: prefix, Done: make(chan error, 1)} }

// NewPrefix makes a directory that the restricted users can pass through.
func NewPrefix() (string, error) {
	prefix, err := os.MkdirTemp("", "vedette-live")
	if err != nil {
		return "", err
	}
	return prefix, os.Chmod(prefix, 0o755)
}

// Start runs `vedette up` from the directory bin with its files below prefix, and waits until all three components are heard.
// Whoever starts it stops it.
func Start(bin, rules, host, prefix string, flags ...string) (*System, error) {
	s := New(prefix)
	args := append([]string{"up", "--prefix", prefix, "--bin", bin, "--rules", rules, "--host-id", host}, flags...)
	s.Up = exec.Command(filepath.Join(bin, "vedette"), args...)
	s.Up.Stdout, s.Up.Stderr = &s.Output, &s.Output
	s.Up.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.Up.Start(); err != nil {
		return nil, fmt.Errorf("%w; run make build first", err)
	}
	go func() { s.Done <- s.Up.Wait() }()
	err := s.Connect(s.Socket(), host)
	for _, component := range []string{subject.Bus, subject.Analyzer, subject.Collector} {
		if err == nil {
			if _, err = s.Health.Wait(StartTimeout, func(h *pb.Health) bool { return h.Component == component }); err != nil {
				err = fmt.Errorf("%s is not heard: %w", component, err)
			}
		}
	}
	if err != nil {
		s.Kill()
		return nil, fmt.Errorf("%w\n--- what vedette up said:\n%s", err, s.Output.String())
	}
	return s, nil
}

// Socket is the bus's Unix socket below the prefix.
func (s *System) Socket() string { return filepath.Join(s.Prefix, "run/vedette/bus/bus.sock") }

// Connect listens, as the operator that root is, to the Vedette of host behind a bus's Unix socket, which may still be coming up.
func (s *System) Connect(socket, host string) error {
	dialer := &peercred.Dialer{Path: socket}
	for deadline := time.Now().Add(StartTimeout); ; time.Sleep(50 * time.Millisecond) {
		nc, err := nats.Connect("nats://vedette", nats.SetCustomDialer(dialer), nats.SkipHostLookup(),
			nats.CustomInboxPrefix("_INBOX_operator"), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
		if err == nil {
			s.Conn = nc
			break
		}
		select {
		case err := <-s.Done:
			s.Done <- err
			return fmt.Errorf("vedette up ended: %w", errors.Join(err, errEnded))
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the bus did not come up: %w", err)
		}
	}
	subscribe := func(subject string, f func(*nats.Msg)) error {
		sub, err := s.Conn.Subscribe(subject, f)
		if err != nil {
			return err
		}
		return sub.SetPendingLimits(-1, 512<<20)
	}
	type batch struct {
		instance uint64
		class    pb.Class
		number   uint64
	}
	seen := map[batch]bool{}
	return errors.Join(
		subscribe(subject.AllAlerts(host), func(m *nats.Msg) {
			if a, err := ecs.Decode(m.Data); err == nil {
				s.Alerts.Put(a)
			}
		}),
		subscribe(subject.AllHealth(host), func(m *nats.Msg) {
			h := &pb.Health{}
			if err := h.UnmarshalVTUnsafe(m.Data); err == nil {
				s.Health.Put(h)
			}
		}),
		subscribe(subject.AllEvents(host), func(m *nats.Msg) {
			b := &pb.EventBatch{}
			if err := b.UnmarshalVTUnsafe(m.Data); err != nil {
				return
			}
			// What is not acknowledged in time is sent again.
			if k := (batch{b.Instance, b.Class, b.Number}); !seen[k] {
				seen[k] = true
				s.Events.Put(b.Events...)
			}
		}),
		s.Conn.Flush(),
	)
}

var errEnded = errors.New("it should run until it is told to stop")

// Stop stops listening, ends what Start started as Ctrl-C does, and removes its files. It fails when that does not end well.
func (s *System) Stop() error {
	if s.Conn != nil {
		s.Conn.Close()
	}
	if s.Up == nil {
		return nil
	}
	if err := s.Up.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case err := <-s.Done:
		s.Done <- err
		os.RemoveAll(s.Prefix)
		if err != nil {
			return fmt.Errorf("vedette up: %w\n%s", err, s.Output.String())
		}
		return nil
	case <-time.After(30 * time.Second):
		s.Kill()
		return fmt.Errorf("vedette up did not stop within 30 s\n%s", s.Output.String())
	}
}

// Kill ends `vedette up` and its children at once.
func (s *System) Kill() {
	_ = syscall.Kill(-s.Up.Process.Pid, syscall.SIGKILL)
	<-s.Done
}

// Buffer is a bytes.Buffer that several goroutines may use.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *Buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *Buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
