package file

import (
	"os"
	"path/filepath"
	"testing"

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

func observe(t *testing.T) *observer {
	t.Helper()
	// Tests do more than anybody else.
	return observeWith(t, lane.Options{}, Options{Budget: 1 << 40})
}

func observeWith(t *testing.T, lanes lane.Options, options Options) *observer {
	t.Helper()
	spec, err := loadFile()
	if err != nil {
		t.Fatal(err)
	}
	scratch, err := lane.ScratchBytes(spec)
	if err != nil {
		t.Fatal(err)
	}
	o := &observer{options: options}
	o.Observer = sensortest.Observe(t, sensortest.Options{
		Lanes: lanes, ScratchBytes: scratch, Classes: []lane.Class{lane.File},
		Load: func(b sensor.Base) ([]syscalls.Sensor, error) {
			var err error
			if o.sensor, err = Load(b, o.options); err != nil {
				return nil, err
			}
			return []syscalls.Sensor{o.sensor.Sensor}, nil
		},
	})
	if o.sensor.NamesUnknown != nil {
		t.Fatal(o.sensor.NamesUnknown)
	}
	return o
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
