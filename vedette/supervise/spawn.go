package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// process is one life of a child.
type process struct {
	cmd *exec.Cmd
	// done is closed when the process was reaped and its output was read to the end; state is then set.
	done  chan struct{}
	state string
}

// spawner starts processes on one OS thread of its own: the kernel sends the parent-death signal when the *thread* that made
// a child ends, and the Go runtime ends idle threads as it likes. A child also inherits what was given up by that thread.
type spawner struct {
	requests chan spawnRequest
}

type spawnRequest struct {
	cmd  *exec.Cmd
	done chan<- error
}

// newSpawner makes the thread; prepare is run on it before the first process and fails every start when it fails.
func newSpawner(prepare func() error) *spawner {
	s := &spawner{requests: make(chan spawnRequest)}
	go func() {
		// Never unlocked: the thread ends with the goroutine, so what it gave up is missed by nobody.
		runtime.LockOSThread()
		var failed error
		prepared := false
		for r := range s.requests {
			if !prepared {
				failed, prepared = prepare(), true
			}
			if failed != nil {
				r.done <- failed
				continue
			}
			r.done <- r.cmd.Start()
		}
	}()
	return s
}

// confine takes from the calling thread, for itself and all that it starts, every way to more rights: no_new_privs, an empty
// bounding set, no ambient capabilities. The rights that it has are left, or it could not start a process as another user.
func confine() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot set no_new_privs: %w", err)
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot clear the ambient capabilities: %w", err)
	}
	for capability := range uintptr(64) {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			// The kernel knows no capability from here on.
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot drop capability %d from the bounding set: %w", capability, err)
		}
	}
	return nil
}

func (s *spawner) close() { close(s.requests) }

// start runs c. Its output goes to out line by line until the process and all that inherited its output have ended.
func (s *spawner) start(c Child, out io.Writer, adopt func(pidfd int) error) (*process, error) {
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir = "/"
	cmd.Env = c.Env
	if cmd.Env == nil {
		cmd.Env = []string{}
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot make a pipe for the output of %s: %w", c.Name, err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	pidfd := -1
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: c.Credential,
		Pdeathsig:  syscall.SIGKILL,
		// Ctrl-C in the terminal is for the supervisor, which then stops its children in their order.
		Setpgid: true,
		PidFD:   &pidfd,
	}
	started := make(chan error, 1)
	s.requests <- spawnRequest{cmd, started}
	err = <-started
	write.Close()
	if err != nil {
		read.Close()
		return nil, fmt.Errorf("cannot start %s: %w", c.Name, err)
	}
	// Kernels before 5.3 have no pidfd.
	if pidfd >= 0 {
		err = adopt(pidfd)
		syscall.Close(pidfd)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go p.reap(read, out)
	if err != nil {
		p.signal(syscall.SIGKILL)
		<-p.done
		return nil, fmt.Errorf("cannot start %s: %w", c.Name, err)
	}
	return p, nil
}

func (p *process) reap(read *os.File, out io.Writer) {
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		// An output that fails must not block the child on a full pipe.
		if _, err := io.Copy(out, read); err != nil {
			_, _ = io.Copy(io.Discard, read)
		}
	}()
	p.endGroup()
	// The state says how it ended; the error says the same.
	_ = p.cmd.Wait()
	p.state = p.cmd.ProcessState.String()
	<-copied
	read.Close()
	close(p.done)
}

// endGroup waits for the process to end and kills what it left behind in its process group. That happens before the process
// is reaped, while nobody else can have the group's number.
func (p *process) endGroup() {
	for {
		err := unix.Waitid(unix.P_PID, p.pid(), nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == nil {
			_ = syscall.Kill(-p.pid(), syscall.SIGKILL)
			return
		}
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// signal does nothing once the process was reaped.
func (p *process) signal(sig syscall.Signal) { _ = p.cmd.Process.Signal(sig) }
