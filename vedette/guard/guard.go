// Package guard ends processes whose supervisor died without a chance to end them itself (kill -9). The parent-death
// signal of Linux does not suffice: the kernel clears it when a process changes its identity, as the collector does.
//
// The guard is a process of its own that holds a pidfd of every child and the other end of a socket. It sits in the socket
// until the supervisor lets it go, or is gone.
package guard

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The protocol: each message is one byte, adopt with one pidfd attached, or release.
const (
	adopt   = 'a'
	release = 'r'
)

// Guard is the supervisor's end. Its methods may be called from any goroutine.
type Guard struct {
	cmd *exec.Cmd

	mu   sync.Mutex
	conn *net.UnixConn
}

// Start starts the guard: program with args must call Run. The caller must Release it. The guard leads a process group of
// its own, so that the terminal's Ctrl-C passes it by.
func Start(program string, args ...string) (*Guard, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	cmd.Env = []string{}
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		ours.Close()
		return nil, fmt.Errorf("cannot start the guard %q: %w", program, err)
	}
	return &Guard{cmd: cmd, conn: ours}, nil
}

// Adopt has the guard watch over the process behind pidfd, which stays the caller's.
func (g *Guard) Adopt(pidfd int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, _, err := g.conn.WriteMsgUnix([]byte{adopt}, syscall.UnixRights(pidfd), nil); err != nil {
		return fmt.Errorf("cannot hand a process to the guard: %w", err)
	}
	return nil
}

// Release ends the guard without harm to the processes, and waits for it.
func (g *Guard) Release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, err := g.conn.Write([]byte{release})
	if err != nil {
		// Not released, it would take the closing of the socket for the supervisor's death.
		err = errors.Join(fmt.Errorf("cannot release the guard: %w", err), g.cmd.Process.Kill())
	}
	g.conn.Close()
	if waited := g.cmd.Wait(); waited != nil && err == nil {
		err = fmt.Errorf("the guard ended with %w", waited)
	}
	return err
}

func socketPair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make the guard's socket: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "guard")
	conn, err := unixConn(fds[0])
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn, theirs, nil
}

// unixConn takes fd over.
func unixConn(fd int) (*net.UnixConn, error) {
	file := os.NewFile(uintptr(fd), "guard")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("cannot use the guard's socket: %w", err)
	}
	uc, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("the guard's socket is a %T, not a Unix socket", conn)
	}
	return uc, nil
}

// Descriptor is where Start puts the guard's end of the socket.
const Descriptor = 3

// Run is the guard's process. It returns nil once the supervisor has let it go. When the supervisor is gone without that, it
// kills every process that is still alive and reports them on out.
func Run(fd int, out io.Writer) error {
	conn, err := unixConn(fd)
	if err != nil {
		return fmt.Errorf("%w; the guard is started by \"vedette up\", not by hand", err)
	}
	defer conn.Close()
	var adopted []int
	defer func() {
		for _, pidfd := range adopted {
			unix.Close(pidfd)
		}
	}()
	data, rights := make([]byte, 16), make([]byte, unix.CmsgSpace(4))
	for {
		n, nr, _, _, err := conn.ReadMsgUnix(data, rights)
		fds := descriptors(rights[:nr])
		switch {
		case err != nil || n == 0:
			return killAll(append(adopted, fds...), out)
		case data[0] == release:
			return nil
		}
		adopted = append(ended(adopted), fds...)
	}
}

// ended closes and drops the processes that have ended, so that a supervisor that restarts its children for years does not
// fill the guard's descriptor table.
func ended(adopted []int) []int {
	alive := adopted[:0]
	for _, pidfd := range adopted {
		if exited(pidfd, 0) {
			unix.Close(pidfd)
			continue
		}
		alive = append(alive, pidfd)
	}
	return alive
}

// exited waits up to timeout for the process behind pidfd.
func exited(pidfd int, timeout time.Duration) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(timeout.Milliseconds()))
	return err == nil && n > 0
}

func descriptors(rights []byte) []int {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	var all []int
	for _, m := range messages {
		if fds, err := syscall.ParseUnixRights(&m); err == nil {
			all = append(all, fds...)
		}
	}
	return all
}

// killAll kills the newest process first: the collector before the bus that it speaks to.
func killAll(adopted []int, out io.Writer) error {
	w := bufio.NewWriter(out)
	defer w.Flush()
	var failed error
	for _, pidfd := range slices.Backward(adopted) {
		if exited(pidfd, 0) {
			continue
		}
		if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			failed = errors.Join(failed, fmt.Errorf("cannot kill a process of a dead supervisor: %w", err))
			continue
		}
		exited(pidfd, 5*time.Second)
		fmt.Fprintln(w, "killed a process whose supervisor died")
	}
	return failed
}
