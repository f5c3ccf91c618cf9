package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/sensortest"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

// Acts that need a process of their own: the test binary runs again with the act's name in this variable.
const actVariable = "VEDETTE_TEST_ACT"

func TestMain(m *testing.M) {
	switch os.Getenv(actVariable) {
	case "":
		os.Exit(sensortest.Run(m))
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
	*sensortest.Observer
	sensor *Sensor
	chunks map[string][]byte
	execs  map[uint32]*seen
	forks  map[uint32]Fork
	exits  map[uint32]Exit
}

type seen struct {
	Exec
	texts [textCount]string
}

// shared is the sensor that most tests look through, one after the other: loading it takes an emulated kernel seconds.
var shared *observer

// observe gives the shared sensor as if it had seen nothing yet.
func observe(t *testing.T) *observer {
	t.Helper()
	if shared == nil {
		o := &observer{}
		o.forget()
		o.Observer = sensortest.Keep(t, o.options(t, lane.Options{}))
		shared = o
	}
	shared.drain(t, func() bool { return false })
	shared.forget()
	return shared
}

// observeAlone loads a sensor for one test, which may do with it what it likes.
func observeAlone(t *testing.T, lanes lane.Options) *observer {
	t.Helper()
	o := &observer{}
	o.forget()
	o.Observer = sensortest.Observe(t, o.options(t, lanes))
	return o
}

// forget makes the observer one that has seen nothing.
func (o *observer) forget() {
	o.chunks, o.execs = map[string][]byte{}, map[uint32]*seen{}
	o.forks, o.exits = map[uint32]Fork{}, map[uint32]Exit{}
}

// options say how to load the observer's sensor.
func (o *observer) options(t *testing.T, lanes lane.Options) sensortest.Options {
	t.Helper()
	scratch, err := ScratchBytes()
	if err != nil {
		t.Fatal(err)
	}
	return sensortest.Options{
		Lanes: lanes, ScratchBytes: scratch, Classes: []lane.Class{lane.Process},
		Load: func(b sensor.Base) ([]syscalls.Sensor, error) {
			var err error
			if o.sensor, err = Load(b); err != nil {
				return nil, err
			}
			return []syscalls.Sensor{{Object: o.sensor.Object()}}, nil
		},
	}
}

// drain reads until the ring is empty, and until more is no longer true.
func (o *observer) drain(t *testing.T, more func() bool) {
	t.Helper()
	o.Drain(t, func(_ record.Kind, rec []byte) { o.keep(t, rec) }, more)
}

func (o *observer) counters(t *testing.T) lane.Counters {
	t.Helper()
	c, err := o.Set.Lanes().Counters(lane.Process)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (o *observer) keep(t *testing.T, rec []byte) {
	t.Helper()
	kind, err := record.KindOf(rec)
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case record.Exec:
		e, texts, err := ParseExec(rec)
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
	case record.Fork:
		f, err := ParseFork(rec)
		if err != nil {
			t.Fatal(err)
		}
		o.forks[f.Child.TGID] = *f
	case record.Exit:
		e, err := ParseExit(rec)
		if err != nil {
			t.Fatal(err)
		}
		o.exits[e.Actor.Process.TGID] = *e
	case record.Chunk:
		c, data, err := ParseChunk(rec)
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
