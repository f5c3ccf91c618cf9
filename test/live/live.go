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
	"github.com/vedette-edr/vedette/proto/peercred"
	"github.com/vedette-edr/vedette/proto/subject"
)

// startTimeout is for a loaded machine; an idle one is ready in about a second.
const startTimeout = 60 * time.Second

// System is a running Vedette and what it says.
type System struct {
	Events Mailbox[*pb.Event]
	Health Mailbox[*pb.Health]

	nc     *nats.Conn
	up     *exec.Cmd
	prefix string
	done   chan error
	output lockedBuffer
}

// Connect listens as the operator, who must be root, to the Vedette of host that runs behind a bus's Unix socket.
func Connect(socket, host string) (*System, error) {
	s := &System{}
	if err := s.connect(socket, host); err != nil {
		return nil, err
	}
	return s, nil
}

// Start runs `vedette up` from the directory bin with its files below a directory of its own, and waits until all three
// components are heard. Whoever starts it stops it.
func Start(bin, rules, host string) (*System, error) {
	prefix, err := os.MkdirTemp("", "vedette-live")
	if err != nil {
		return nil, err
	}
	// The restricted users pass through.
	if err := os.Chmod(prefix, 0o755); err != nil {
		return nil, err
	}
	s := &System{prefix: prefix, done: make(chan error, 1)}
	s.up = exec.Command(filepath.Join(bin, "vedette"), "up", "--prefix", prefix, "--bin", bin, "--rules", rules, "--host-id", host)
	s.up.Stdout, s.up.Stderr = &s.output, &s.output
	s.up.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.up.Start(); err != nil {
		return nil, fmt.Errorf("%w; run make build first", err)
	}
	go func() { s.done <- s.up.Wait() }()
	err = s.connect(filepath.Join(prefix, "run/vedette/bus/bus.sock"), host)
	for _, component := range []string{subject.Bus, subject.Analyzer, subject.Collector} {
		if err == nil {
			_, err = s.Health.Wait(startTimeout, func(h *pb.Health) bool { return h.Component == component })
		}
	}
	if err != nil {
		s.kill()
		return nil, fmt.Errorf("vedette up is not ready: %w\n%s", err, s.output.String())
	}
	return s, nil
}

func (s *System) connect(socket, host string) error {
	dialer := &peercred.Dialer{Path: socket}
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(50 * time.Millisecond) {
		nc, err := nats.Connect("nats://vedette", nats.SetCustomDialer(dialer), nats.SkipHostLookup(),
			nats.CustomInboxPrefix("_INBOX_operator"), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
		if err == nil {
			s.nc = nc
			break
		}
		if len(s.done) > 0 {
			return fmt.Errorf("vedette up ended: %w", errEnded)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the bus did not come up: %w", err)
		}
	}
	subscribe := func(subject string, f func(*nats.Msg)) error {
		sub, err := s.nc.Subscribe(subject, f)
		if err != nil {
			return err
		}
		return sub.SetPendingLimits(-1, 512<<20)
	}
	return errors.Join(
		subscribe(subject.AllHealth(host), func(m *nats.Msg) {
			h := &pb.Health{}
			if err := h.UnmarshalVTUnsafe(m.Data); err == nil {
				s.Health.Put(h)
			}
		}),
		subscribe(subject.AllEvents(host), func(m *nats.Msg) {
			b := &pb.EventBatch{}
			if err := b.UnmarshalVTUnsafe(m.Data); err == nil {
				s.Events.Put(b.Events...)
			}
		}),
		s.nc.Flush(),
	)
}

var errEnded = errors.New("it should run until it is told to stop")

// Stop stops listening, and ends what Start started as Ctrl-C does.
func (s *System) Stop() error {
	if s.nc != nil {
		s.nc.Close()
	}
	if s.up == nil {
		return nil
	}
	if err := s.up.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case err := <-s.done:
		s.done <- err
		os.RemoveAll(s.prefix)
		if err != nil {
			return fmt.Errorf("vedette up: %w\n%s", err, s.output.String())
		}
		return nil
	case <-time.After(30 * time.Second):
		s.kill()
		return fmt.Errorf("vedette up did not stop within 30 s\n%s", s.output.String())
	}
}

func (s *System) kill() {
	_ = syscall.Kill(-s.up.Process.Pid, syscall.SIGKILL)
	<-s.done
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
