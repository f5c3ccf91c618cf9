package memory

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/sensortest"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

// Acts that need a process of their own: the test binary runs again with the act's name in this variable.
const actVariable = "VEDETTE_TEST_ACT"

// An act is performed by the first thread of its process. Another one that lets itself be traced would stay a zombie until its
// tracer asks for it by number, and keep the process from ending.
func init() { runtime.LockOSThread() } //nolint:gochecknoinits // only there is the first thread sure

func TestMain(m *testing.M) {
	act := os.Getenv(actVariable)
	if act == "" {
		os.Exit(sensortest.Run(m))
	}
	perform, ok := acts()[act]
	if !ok {
		fmt.Fprintln(os.Stderr, "unknown act", act)
		os.Exit(2)
	}
	if err := perform(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, act, err)
		os.Exit(1)
	}
}

// idle says that it runs and lives until its standard input ends.
func idle([]string) error {
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// observer runs the sensor against the live kernel and keeps every record.
type observer struct {
	*sensortest.Observer
	seen      []seen
	throttled []record.Throttle
}

type seen struct {
	Record
	path string
}

// shared is the sensor that most tests look through, one after the other: loading it takes an emulated kernel seconds.
var shared *observer

// observe gives the shared sensor as if it had seen nothing yet.
func observe(t *testing.T) *observer {
	t.Helper()
	if shared == nil {
		shared = &observer{Observer: sensortest.Keep(t, options(t))}
	}
	shared.drain(t, func() bool { return false })
	shared.seen, shared.throttled = nil, nil
	return shared
}

// observeAlone loads a sensor for one test, which may do with it what it likes.
func observeAlone(t *testing.T) *observer {
	t.Helper()
	return &observer{Observer: sensortest.Observe(t, options(t))}
}

func options(t *testing.T) sensortest.Options {
	t.Helper()
	spec, err := loadMemory()
	if err != nil {
		t.Fatal(err)
	}
	scratch, err := lane.ScratchBytes(spec)
	if err != nil {
		t.Fatal(err)
	}
	return sensortest.Options{
		ScratchBytes: scratch, Classes: []lane.Class{lane.Memory},
		Load: func(b sensor.Base) ([]syscalls.Sensor, error) {
			s, err := Load(b)
			return []syscalls.Sensor{s}, err
		},
	}
}

// drain reads until the ring is empty, and until more is no longer true.
func (o *observer) drain(t *testing.T, more func() bool) {
	t.Helper()
	o.Drain(t, func(kind record.Kind, rec []byte) {
		switch kind {
		case record.Memory:
			r, path, err := Parse(rec)
			if err != nil {
				t.Fatal(err)
			}
			o.seen = append(o.seen, seen{*r, string(path)})
		case record.Throttled:
			r, _, err := record.View[record.Throttle](rec)
			if err != nil {
				t.Fatal(err)
			}
			o.throttled = append(o.throttled, *r)
		default:
			t.Fatalf("a record of kind %d is not of this sensor", kind)
		}
	}, more)
}

// of gives what a process has done so far, without the headers, after a look at those.
func (o *observer) of(t *testing.T, pid int) []seen {
	t.Helper()
	o.drain(t, func() bool { return false })
	var all []seen
	for _, s := range o.seen {
		if s.Actor.Process.TGID != uint32(pid) {
			continue
		}
		if s.Sequence == 0 || s.Time == 0 || s.Actor.Process.StartTime == 0 || s.Kind != record.Memory {
			t.Errorf("the header is not filled: %+v", s.Header)
		}
		s.Header = record.Header{Flags: s.Header.Flags}
		all = append(all, s)
	}
	return all
}

// act runs f and returns what this process did in it.
func (o *observer) act(t *testing.T, f func()) []seen {
	t.Helper()
	before := len(o.of(t, os.Getpid()))
	f()
	return o.of(t, os.Getpid())[before:]
}

// one wants f to do one thing that is reported, as want has it.
func (o *observer) one(t *testing.T, what string, want seen, f func()) {
	t.Helper()
	same(t, what, o.act(t, f), want)
}

// none wants f to do nothing that is reported.
func (o *observer) none(t *testing.T, what string, f func()) {
	t.Helper()
	same(t, what, o.act(t, f))
}

func same(t *testing.T, what string, got []seen, want ...seen) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s is reported in %d records, want %d: %+v", what, len(got), len(want), got)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s, record %d:\n got %+v\nwant %+v", what, i, got[i], want[i])
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// child is another process, made of the test binary.
type child struct {
	*exec.Cmd
	stdin io.Closer
	key   record.Key
}

// start runs an act in a child and waits until it says that it runs.
func start(t *testing.T, act string, attributes *syscall.SysProcAttr, args ...string) *child {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), actVariable+"="+act)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = attributes
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	c := &child{cmd, in, keyOf(t, cmd.Process.Pid)}
	t.Cleanup(c.end)
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("act %s: %v", act, err)
	}
	return c
}

func (c *child) end() {
	c.stdin.Close()
	_ = c.Wait()
}

// run performs an act in a child to its end and returns its process id.
func run(t *testing.T, act string, attributes *syscall.SysProcAttr, args ...string) int {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	// The runtime preempts by signals, which stop a process that is traced.
	cmd.Env = append(os.Environ(), actVariable+"="+act, "GODEBUG=asyncpreemptoff=1")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = attributes
	if err := cmd.Run(); err != nil {
		t.Fatalf("act %s: %v", act, err)
	}
	return cmd.Process.Pid
}

// keyOf has the start time from procfs, which rounds it to ticks of 10 ms; the sensor's is finer: see near.
func keyOf(t *testing.T, pid int) record.Key {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	must(t, err)
	// Field 22 of proc_pid_stat(5); the name in parentheses holds no space here.
	ticks, err := strconv.ParseUint(strings.Fields(string(b))[21], 10, 64)
	must(t, err)
	return record.Key{TGID: uint32(pid), StartTime: ticks * uint64(10*time.Millisecond)}
}

// near wants a key to be that of a process, and returns the record with the key as procfs has it.
func near(t *testing.T, s seen, want record.Key) seen {
	t.Helper()
	if s.Target.TGID == want.TGID && s.Target.StartTime-want.StartTime < uint64(10*time.Millisecond) {
		s.Target = want
	}
	return s
}

// identityOf is what stat(2) says of an open file, and flags.
func identityOf(t *testing.T, fd int, flags uint32) record.FileIdentity {
	t.Helper()
	var st unix.Stat_t
	var fs unix.Statfs_t
	var stx unix.Statx_t
	must(t, unix.Fstat(fd, &st))
	must(t, unix.Fstatfs(fd, &fs))
	must(t, unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &stx))
	if fs.Type == unix.TMPFS_MAGIC {
		flags |= 8
	}
	if st.Mode&0o002 != 0 {
		flags |= 4
	}
	return record.FileIdentity{
		Device: st.Dev, Inode: st.Ino, CTime: st.Ctim.Nano(), MTime: st.Mtim.Nano(), Size: uint64(st.Size),
		Mode: st.Mode, UID: st.Uid, GID: st.Gid, Links: uint32(st.Nlink), Flags: flags,
		Filesystem: uint32(fs.Type), MountID: uint32(stx.Mnt_id),
	}
}
