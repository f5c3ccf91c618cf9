// Package bare starts a bus and a collector as their units do and nothing else, each as its own user, takes what they send and
// listens to what they say of themselves. It needs no accounts and nothing of the system but the kernel, so that it also works
// as the first process of a machine.
package bare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/peercred"
	"github.com/vedette-edr/vedette/proto/subject"
)

// Host is the token of the host in subjects.
const Host = "kernels"

// Users of the processes; nobody has these numbers.
const (
	busUser       = 64101
	collectorUser = 64102
	analyzerUser  = 64103
	group         = 64100
)

const (
	// An emulated machine under load takes its time, above all to verify programs.
	startTimeout = 10 * time.Minute
	stopTimeout  = time.Minute
)

// Options say where things are. All are required.
type Options struct {
	// Bin holds vedette and vedette-collector.
	Bin string
	// Dir is an empty directory that every user may pass through. It holds the socket and the store.
	Dir string
	// Log gets what the processes print.
	Log io.Writer
}

// System is a running bus and collector. Its methods are for one goroutine.
type System struct {
	socket  string
	started []*process
	nc      *nats.Conn
	health  *nats.Subscription
	// analyzer acknowledges what the collector sends, until it is closed; acknowledging is closed when that has ended.
	analyzer      *nats.Conn
	acknowledging chan struct{}
}

type process struct {
	name string
	cmd  *exec.Cmd
	done chan error
}

// Start returns once the collector is heard, and so has attached its programs. The caller stops what was started, in every
// case.
func Start(ctx context.Context, o Options) (*System, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s := &System{socket: filepath.Join(o.Dir, "bus", "bus.sock")}
	configs, err := prepare(o.Dir)
	if err != nil {
		return s, fmt.Errorf("cannot prepare a place for bus and collector: %w", err)
	}
	if err := s.start(o, "vedette", busUser, "bus", "--config", configs.bus, "--host-id", Host,
		"--socket", s.socket, "--store", filepath.Join(o.Dir, "store")); err != nil {
		return s, err
	}
	if err := s.connect(ctx); err != nil {
		return s, err
	}
	if err := s.acknowledge(ctx); err != nil {
		return s, err
	}
	// It starts as root and becomes its own user once its programs are attached.
	if err := s.start(o, "vedette-collector", 0, "run", "--config", configs.collector, "--host-id", Host, "--socket", s.socket,
		"--user", fmt.Sprintf("%d:%d", collectorUser, group)); err != nil {
		return s, err
	}
	_, err = s.Health(ctx)
	return s, err
}

type configFiles struct{ bus, collector string }

func prepare(dir string) (configFiles, error) {
	files := configFiles{filepath.Join(dir, "bus.conf"), filepath.Join(dir, "collector.conf")}
	for _, d := range []struct {
		name string
		mode os.FileMode
	}{{"bus", 0o750}, {"store", 0o700}} {
		path := filepath.Join(dir, d.name)
		if err := errors.Join(os.Mkdir(path, d.mode), os.Chown(path, busUser, group)); err != nil {
			return files, err
		}
	}
	bus := fmt.Sprintf("uid.collector = [\"%d\"]\nuid.analyzer = [\"%d\"]\nuid.operator = [\"0\"]\ntls.enabled = false\n", collectorUser, analyzerUser)
	// An emulated machine is too slow to do more than the usual budget allows, which tests want to see.
	collector := fmt.Sprintf("bus.user = \"%d\"\nfile.budget = 500\n", busUser)
	return files, errors.Join(os.WriteFile(files.bus, []byte(bus), 0o644), os.WriteFile(files.collector, []byte(collector), 0o644))
}

func (s *System) start(o Options, program string, uid uint32, args ...string) error {
	cmd := exec.Command(filepath.Join(o.Bin, program), args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = o.Log, o.Log
	cmd.WaitDelay = time.Second
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: group}}
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start %s: %w", program, err)
	}
	p := &process{program, cmd, make(chan error, 1)}
	go func() { p.done <- cmd.Wait() }()
	s.started = append(s.started, p)
	return nil
}

// Socket is the path of the bus's socket.
func (s *System) Socket() string { return s.socket }

// ended tells of a process that is gone.
func (s *System) ended() error {
	for _, p := range s.started {
		select {
		case err := <-p.done:
			p.done <- err
			return fmt.Errorf("%s has ended: %w", p.name, errors.Join(errEnded, err))
		default:
		}
	}
	return nil
}

var errEnded = errors.New("it should run until it is told to stop")

const pause = 50 * time.Millisecond

func (s *System) connect(ctx context.Context) error {
	dialer := &peercred.Dialer{Path: s.socket, WantUIDs: []uint32{busUser}}
	for {
		nc, err := nats.Connect("nats://vedette", nats.SetCustomDialer(dialer), nats.SkipHostLookup(),
			nats.CustomInboxPrefix("_INBOX_operator"), nats.Timeout(startTimeout))
		if err == nil {
			s.nc = nc
			if s.health, err = nc.SubscribeSync(subject.Health(Host, subject.Collector)); err != nil {
				return fmt.Errorf("cannot listen to the collector: %w", err)
			}
			return nc.FlushWithContext(ctx)
		}
		if gone := s.ended(); gone != nil {
			return gone
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot connect to the bus: %w", errors.Join(ctx.Err(), err))
		case <-time.After(pause):
		}
	}
}

// Health is what the collector says of itself, in a message made after the call.
func (s *System) Health(ctx context.Context) (*pb.Health, error) {
	now := time.Now().UnixNano()
	for {
		one, cancel := context.WithTimeout(ctx, time.Second)
		m, err := s.health.NextMsgWithContext(one)
		cancel()
		if err != nil {
			if gone := s.ended(); gone != nil {
				return nil, gone
			}
			if ctx.Err() != nil {
				return nil, fmt.Errorf("the collector is not heard: %w", err)
			}
			continue
		}
		h := &pb.Health{}
		if err := h.UnmarshalVTUnsafe(m.Data); err != nil {
			return nil, fmt.Errorf("cannot decode what the collector says of itself: %w", err)
		}
		if h.WallTimeNs > now {
			return h, nil
		}
	}
}

// Stop ends the processes, last started first, and fails when one had ended before or does not end well.
func (s *System) Stop() error {
	errs := []error{s.ended()}
	if s.nc != nil {
		s.nc.Close()
	}
	for _, p := range slices.Backward(s.started) {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, fmt.Errorf("cannot stop %s: %w", p.name, err))
		}
		select {
		case err := <-p.done:
			if err != nil {
				errs = append(errs, fmt.Errorf("%s did not end well: %w", p.name, err))
			}
		case <-time.After(stopTimeout):
			errs = append(errs, fmt.Errorf("%s (process %s) did not end within %s", p.name, strconv.Itoa(p.cmd.Process.Pid), stopTimeout), p.cmd.Process.Kill())
			<-p.done
		}
	}
	s.started = nil
	if s.analyzer != nil {
		s.analyzer.Close()
		if s.acknowledging != nil {
			<-s.acknowledging
		}
		s.analyzer = nil
	}
	return errors.Join(errs...)
}
