package memory

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/sensortest"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

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

func observe(t *testing.T) *observer {
	t.Helper()
	spec, err := loadMemory()
	if err != nil {
		t.Fatal(err)
	}
	scratch, err := lane.ScratchBytes(spec)
	if err != nil {
		t.Fatal(err)
	}
	return &observer{Observer: sensortest.Observe(t, sensortest.Options{
		ScratchBytes: scratch, Classes: []lane.Class{lane.Memory},
		Load: func(b sensor.Base) ([]syscalls.Sensor, error) {
			s, err := Load(b)
			return []syscalls.Sensor{s}, err
		},
	})}
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
			t.Fatalf("record of kind %d", kind)
		}
	}, more)
}

// of gives the records that a process has made so far.
func (o *observer) of(t *testing.T, pid int) []seen {
	t.Helper()
	o.drain(t, func() bool { return false })
	var all []seen
	for _, s := range o.seen {
		if s.Actor.Process.TGID == uint32(pid) {
			all = append(all, s)
		}
	}
	return all
}

func TestAnonymous(t *testing.T) {
	o := observe(t)
	_, err := unix.Mmap(-1, 0, 8192, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	b, err := unix.Mmap(-1, 0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	unix.Mprotect(b, unix.PROT_READ|unix.PROT_EXEC)
	for _, s := range o.of(t, os.Getpid()) {
		t.Logf("%+v", s)
	}
}
