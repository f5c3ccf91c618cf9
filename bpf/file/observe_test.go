package file

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf/features"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/sensortest"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

// observer runs the sensor against the live kernel and keeps the records of this process.
type observer struct {
	*sensortest.Observer
	sensor  *Sensor
	options Options
	seen    []seen
}

type seen struct {
	Record
	texts [textCount]string
}

// shared is the sensor that most tests look through: loading it costs the verifier of an emulated kernel half a minute.
var shared *observer

func TestMain(m *testing.M) {
	os.Exit(sensortest.Run(m))
}

// observe gives the shared sensor as if it had just been loaded.
func observe(t *testing.T) *observer {
	t.Helper()
	if shared == nil {
		// Tests do more than anybody else.
		o := newObserver(Options{Budget: 1 << 40})
		o.Observer = sensortest.Keep(t, o.of(t, lane.Options{}))
		shared = o
	}
	must(t, shared.sensor.SetInterest(Interest{}))
	shared.seen = nil
	return shared
}

// observeWith loads a sensor for one test.
func observeWith(t *testing.T, lanes lane.Options, options Options) *observer {
	t.Helper()
	o := newObserver(options)
	o.Observer = sensortest.Observe(t, o.of(t, lanes))
	return o
}

func newObserver(options Options) *observer { return &observer{options: options} }

// of says how to load the observer's sensor.
func (o *observer) of(t *testing.T, lanes lane.Options) sensortest.Options {
	t.Helper()
	spec, err := loadFile()
	must(t, err)
	scratch, err := lane.ScratchBytes(spec)
	must(t, err)
	return sensortest.Options{
		Lanes: lanes, ScratchBytes: scratch, Classes: []lane.Class{lane.File}, MayMiss: mayMiss(t),
		Load: func(b sensor.Base) ([]syscalls.Sensor, error) {
			var err error
			if o.sensor, err = Load(b, o.options); err != nil {
				return nil, err
			}
			return []syscalls.Sensor{o.sensor.Sensor}, o.sensor.NamesUnknown
		},
	}
}

// mayMiss has what cannot be hooked on this kernel: functions that take structs, before 6.1.
func mayMiss(t *testing.T) []string {
	t.Helper()
	version, err := features.LinuxVersionCode()
	must(t, err)
	if version < 6<<16|1<<8 {
		return []string{"file_true_chown"}
	}
	return nil
}

// drain reads what there is, and until more is no longer true.
func (o *observer) drain(t *testing.T, more func() bool) {
	t.Helper()
	o.Drain(t, func(kind record.Kind, rec []byte) {
		if kind != record.File {
			return
		}
		r, texts, err := Parse(rec)
		if err != nil {
			t.Fatal(err)
		}
		s := seen{Record: *r}
		for i, text := range texts {
			s.texts[i] = string(text)
		}
		o.seen = append(o.seen, s)
	}, more)
}

// did performs an act and returns this process's records of one operation that it made, in their order.
func (o *observer) did(t *testing.T, operation Operation, act func()) []seen {
	t.Helper()
	// The end of the act is marked by a directory that nobody else makes.
	mark := filepath.Join(t.TempDir(), "mark")
	o.drain(t, func() bool { return false })
	o.seen = nil
	act()
	if err := os.Mkdir(mark, 0o700); err != nil {
		t.Fatal(err)
	}
	marked := func() bool {
		for _, s := range o.seen {
			if s.Operation == Mkdir && s.texts[TextPath] == mark {
				return true
			}
		}
		return false
	}
	o.drain(t, func() bool { return !marked() })
	var mine []seen
	for _, s := range o.seen {
		if s.Operation == operation && s.Actor.Process.TGID == uint32(os.Getpid()) && s.texts[TextPath] != mark {
			mine = append(mine, s)
		}
	}
	return mine
}
