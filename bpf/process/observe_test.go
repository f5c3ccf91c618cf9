package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// Acts that need a process of their own: the test binary runs again with the act's name in this variable.
const actVariable = "VEDETTE_TEST_ACT"

func TestMain(m *testing.M) {
	switch os.Getenv(actVariable) {
	case "":
		os.Exit(m.Run())
	case "exec-from-thread":
		execFromThread()
	case "exec-with-open-files":
		execWithOpenFiles(os.Args[1], os.Args[2])
	case "exit-7":
		os.Exit(7)
	}
}

// execFromThread replaces the process from a thread that does not lead it.
func execFromThread() {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		done := make(chan struct{})
		go func() { execFromThread(); close(done) }()
		<-done
		return
	}
	err := syscall.Exec("/bin/true", []string{"true", "from-thread"}, nil)
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// execWithOpenFiles replaces the process while nobody else holds its many close-on-exec files, so that exec releases them.
func execWithOpenFiles(count, program string) {
	n, err := strconv.Atoi(count)
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(n) + 100, Max: uint64(n) + 100})
	}
	for i := 0; i < n && err == nil; i++ {
		_, err = syscall.Open("/dev/null", syscall.O_CLOEXEC, 0)
	}
	if err == nil {
		err = syscall.Exec(program, []string{program}, nil)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// observer runs the sensor against the live kernel and keeps every record until it is asked for.
type observer struct {
	sensor *Sensor
	reader *ringbuf.Reader
	chunks map[string][]byte
	execs  map[uint32]*seen
	forks  map[uint32]Fork
	exits  map[uint32]Exit
	read   uint64
}

type seen struct {
	Exec
	texts [textCount]string
}

func observe(t *testing.T) *observer {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to load eBPF programs")
	}
	s, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Attach()
	for _, a := range s.Attachments() {
		if a.Err == nil {
			continue
		}
		if verifier, ok := errors.AsType[*ebpf.VerifierError](a.Err); ok {
			t.Logf("%s", strings.Join(verifier.Log[max(0, len(verifier.Log)-30):], "\n"))
		}
		t.Fatalf("program %s is not attached to %s: %v", a.Name, a.Hook, a.Err)
	}
	r, err := ringbuf.NewReader(s.Events())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return &observer{s, r, map[string][]byte{}, map[uint32]*seen{}, map[uint32]Fork{}, map[uint32]Exit{}, 0}
}

// drain reads until the ring has been empty for a moment, and until more is no longer true.
func (o *observer) drain(t *testing.T, more func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	var rec ringbuf.Record
	for {
		o.reader.SetDeadline(time.Now().Add(20 * time.Millisecond))
		err := o.reader.ReadInto(&rec)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if !more() {
				return
			}
			if time.Now().After(deadline) {
				for _, a := range o.sensor.Attachments() {
					t.Logf("%s: %+v", a.Name, o.sensor.Runs(a.Name))
				}
				t.Fatal("the expected record did not come: there was none for 10 s")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		deadline = time.Now().Add(10 * time.Second)
		o.keep(t, rec.RawSample)
	}
}

func (o *observer) keep(t *testing.T, record []byte) {
	t.Helper()
	kind, err := KindOf(record)
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case KindExec:
		e, texts, err := ParseExec(record)
		if err != nil {
			t.Fatal(err)
		}
		s := &seen{Exec: *e}
		for i, text := range texts {
			s.texts[i] = string(text)
		}
		for _, f := range []Text{TextArguments, TextEnvironment} {
			if c, ok := o.chunks[chunkKey(e.CPU, e.Sequence, f)]; ok {
				s.texts[f] = string(c)
			}
		}
		o.execs[e.Actor.Process.TGID] = s
		o.read++
	case KindFork:
		f, err := ParseFork(record)
		if err != nil {
			t.Fatal(err)
		}
		o.forks[f.Child.TGID] = *f
		o.read++
	case KindExit:
		e, err := ParseExit(record)
		if err != nil {
			t.Fatal(err)
		}
		o.exits[e.Actor.Process.TGID] = *e
		o.read++
	case KindChunk:
		c, data, err := ParseChunk(record)
		if err != nil {
			t.Fatal(err)
		}
		k := chunkKey(c.CPU, c.Sequence, c.Field)
		o.chunks[k] = append(o.chunks[k], data...)
	default:
		t.Fatalf("record of unknown kind %d", kind)
	}
}

func chunkKey(cpu uint32, sequence uint64, f Text) string { return fmt.Sprint(cpu, sequence, f) }

// run starts a command, waits for it and returns the record of its last exec.
func (o *observer) run(t *testing.T, cmd *exec.Cmd) *seen {
	t.Helper()
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := uint32(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		if _, ended := errors.AsType[*exec.ExitError](err); !ended {
			t.Fatal(err)
		}
	}
	o.drain(t, func() bool { _, ok := o.exits[pid]; return !ok })
	e := o.execs[pid]
	if e == nil {
		t.Fatalf("no exec record of process %d", pid)
	}
	return e
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(to, mode); err != nil {
		t.Fatal(err)
	}
	return to
}

func realPath(t *testing.T, path string) string {
	t.Helper()
	p, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
