package identity

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/sensortest"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

// Acts need a process of their own: the test binary runs again with the act's name in this variable.
const actVariable = "VEDETTE_TEST_ACT"

func TestMain(m *testing.M) {
	name := os.Getenv(actVariable)
	if name == "" {
		os.Exit(sensortest.Run(m))
	}
	// What an act executes is no act.
	os.Unsetenv(actVariable)
	runtime.LockOSThread()
	if err := acts()[name](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// observer runs the sensor against the live kernel and keeps every record until it is asked for.
type observer struct {
	*sensortest.Observer
	known *ebpf.Map
	sets  *ebpf.Map
	state *ebpf.Map
	seen  []Record
}

// shared is the sensor that most tests look through, one after the other: loading it takes an emulated kernel seconds.
var shared *observer

// observe gives the shared sensor as if it had seen nothing yet.
func observe(t *testing.T) *observer {
	t.Helper()
	if shared == nil {
		o := &observer{}
		o.Observer = sensortest.Keep(t, o.options(t))
		shared = o
	}
	shared.drain(t)
	shared.seen = nil
	return shared
}

// observeAlone loads a sensor for one test, which may do with it what it likes.
func observeAlone(t *testing.T) *observer {
	t.Helper()
	o := &observer{}
	o.Observer = sensortest.Observe(t, o.options(t))
	return o
}

// options say how to load the observer's sensor.
func (o *observer) options(t *testing.T) sensortest.Options {
	t.Helper()
	spec, err := loadIdentity()
	if err != nil {
		t.Fatal(err)
	}
	scratch, err := lane.ScratchBytes(spec)
	if err != nil {
		t.Fatal(err)
	}
	return sensortest.Options{
		ScratchBytes: scratch, Classes: []lane.Class{lane.Identity},
		Load: func(b sensor.Base) ([]syscalls.Sensor, error) {
			s, err := Load(b)
			if err != nil {
				return nil, err
			}
			o.known, o.sets, o.state = s.Object.Map(mapKnown), s.Object.Map(mapSets), s.Object.Map(mapState)
			return []syscalls.Sensor{s}, nil
		},
	}
}

// mark makes a record of this process: a capability that does not exist cannot be dropped.
func mark(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_CAPBSET_DROP, 63, 0, 0, 0); !errors.Is(err, unix.EINVAL) {
		t.Fatalf("dropping capability 63 gives %v, want EINVAL", err)
	}
}

// drain reads what there is, up to a mark that is made now.
func (o *observer) drain(t *testing.T) {
	t.Helper()
	mark(t)
	marked, since := false, time.Now()
	o.Drain(t, func(kind record.Kind, rec []byte) {
		want(t, "kind", kind, record.Identity)
		r, err := Parse(rec)
		if err != nil {
			t.Fatal(err)
		}
		if r.Actor.Process.TGID == uint32(os.Getpid()) && call(r) == "prctl" && r.Error == int32(unix.EINVAL) {
			marked = true
			return
		}
		o.seen = append(o.seen, *r)
	}, func() bool {
		// The kernel may have passed the sensor by: see unmissed.
		if !marked && time.Since(since) > time.Second {
			mark(t)
			since = time.Now()
		}
		return !marked
	})
}

// unmissed does an act again during which the kernel has passed a program by, as it does from 7.0 on when the program runs on the
// CPU already and was preempted there. Nobody can tell then what should have been seen.
func (o *observer) unmissed(t *testing.T, act func() []Record) []Record {
	t.Helper()
	missed := func() (n uint64) {
		for _, a := range o.Set.Attachments() {
			n += a.Runs.Missed
		}
		return n
	}
	for range 20 {
		before := missed()
		all := act()
		after := missed()
		if after == before {
			return all
		}
		t.Logf("%d runs were missed: once more", after-before)
	}
	t.Fatal("runs were missed 20 times in a row")
	return nil
}

// of returns the records of a process and of its children that were read, and forgets all.
func (o *observer) of(t *testing.T, pid int) []Record {
	t.Helper()
	o.drain(t)
	var own []Record
	for _, r := range o.seen {
		if r.Actor.Process.TGID == uint32(pid) || r.Actor.Parent.TGID == uint32(pid) {
			own = append(own, r)
		}
	}
	o.seen = nil
	return own
}

// act performs an act in a process of its own and returns what that process is said to have done.
func (o *observer) act(t *testing.T, name string) []Record {
	t.Helper()
	return o.unmissed(t, func() []Record {
		cmd := actor(t, name)
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		return o.of(t, cmd.Process.Pid)
	})
}

func actor(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), actVariable+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

// one is act for an act of one record.
func (o *observer) one(t *testing.T, name string) Record {
	t.Helper()
	all := o.act(t, name)
	if len(all) != 1 {
		t.Fatalf("%s makes %d records, want 1: %+v", name, len(all), all)
	}
	return all[0]
}

func call(r *Record) string { return syscalls.Names()[r.Call] }

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// ownStatus reads the numbers of /proc/self/status that are written in hexadecimal.
func ownStatus(t *testing.T) map[string]uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]uint64{}
	for line := range strings.Lines(string(status)) {
		name, digits, _ := strings.Cut(line, ":")
		if n, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 64); err == nil {
			numbers[name] = n
		}
	}
	return numbers
}

func ownNamespace(t *testing.T, name string) uint32 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat("/proc/self/ns/"+name, &st); err != nil {
		t.Fatal(err)
	}
	return uint32(st.Ino)
}

// ownLogin reads what the audit system keeps of this process; kernels without it keep nothing.
func ownLogin(t *testing.T, name string) uint32 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/" + name)
	if errors.Is(err, os.ErrNotExist) {
		return ^uint32(0)
	}
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}
