package kernel

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/sensortest"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

// observer runs the sensor against the live kernel and keeps the records of acts of this process.
type observer struct {
	*sensortest.Observer
	own   []*seen
	marks int
}

type seen struct {
	Record
	texts [textCount]string
}

// shared is the sensor that most tests look through, one after the other: loading it takes an emulated kernel seconds.
var shared *observer

func TestMain(m *testing.M) {
	os.Exit(sensortest.Run(m))
}

// observe gives the shared sensor. What it has seen so far is left out by all.
func observe(t *testing.T) *observer {
	t.Helper()
	if shared == nil {
		shared = &observer{Observer: sensortest.Keep(t, options(t))}
	}
	// The call that fastened the last program is the first that was seen.
	shared.all(t, func() {})
	return shared
}

// observeAlone loads a sensor for one test, which may do with it what it likes.
func observeAlone(t *testing.T) *observer {
	t.Helper()
	o := &observer{Observer: sensortest.Observe(t, options(t))}
	o.all(t, func() {})
	return o
}

func options(t *testing.T) sensortest.Options {
	t.Helper()
	spec, err := loadKernel()
	if err != nil {
		t.Fatal(err)
	}
	scratch, err := lane.ScratchBytes(spec)
	if err != nil {
		t.Fatal(err)
	}
	return sensortest.Options{
		ScratchBytes: scratch, Classes: []lane.Class{lane.Kernel},
		Load: func(b sensor.Base) ([]syscalls.Sensor, error) {
			s, err := Load(b)
			return []syscalls.Sensor{s}, err
		},
	}
}

// of performs an act and returns the one record that it must make, before a mark that follows it.
func (o *observer) of(t *testing.T, act func()) *seen {
	t.Helper()
	all := o.all(t, act)
	if len(all) != 1 {
		for _, s := range all {
			t.Logf("%+v", *s)
		}
		t.Fatalf("%d records came, want 1", len(all))
	}
	return all[0]
}

// none performs an act that must not be told of.
func (o *observer) none(t *testing.T, act func()) {
	t.Helper()
	if all := o.all(t, act); len(all) != 0 {
		t.Errorf("a record came: %+v", all[0])
	}
}

// Nobody has a module of a name that begins so. A mark may come late, so each call has its own.
const markPrefix = "vedette-mark-"

// all performs an act and returns what came of it.
func (o *observer) all(t *testing.T, act func()) []*seen {
	t.Helper()
	o.own = nil
	act()
	o.marks++
	mark := func() {
		if err := unix.DeleteModule(o.markName(), 0); err == nil {
			t.Fatal("a module of that name was removed")
		}
	}
	mark()
	marked := time.Now()
	o.Drain(t, func(_ record.Kind, rec []byte) {
		r, texts, err := Parse(rec)
		if err != nil {
			t.Fatal(err)
		}
		if r.Actor.Process.TGID != uint32(os.Getpid()) {
			return
		}
		s := &seen{Record: *r}
		for i, text := range texts {
			s.texts[i] = string(text)
		}
		o.own = append(o.own, s)
	}, func() bool {
		if o.marked() {
			return false
		}
		// A kernel from 7.0 on may preempt the program that hands calls on, and then misses calls on that CPU.
		if time.Since(marked) > time.Second {
			mark()
			marked = time.Now()
		}
		return true
	})
	return slices.DeleteFunc(o.own, isMark)
}

func (o *observer) marked() bool {
	return slices.ContainsFunc(o.own, func(s *seen) bool { return isMark(s) && s.texts[TextName] == o.markName() })
}

func (o *observer) markName() string { return fmt.Sprint(markPrefix, o.marks) }

func isMark(s *seen) bool {
	return s.Operation == ModuleUnload && strings.HasPrefix(s.texts[TextName], markPrefix)
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// is compares all of a record but its header and what names files.
func (s *seen) is(t *testing.T, r Record, texts map[Text]string) {
	t.Helper()
	want(t, "actor", s.Actor.TID != 0 && s.Actor.Process.StartTime != 0, true)
	want(t, "kind", s.Kind, record.Kernel)
	got := s.Record
	got.Header, got.File, got.Second, got.TextLength = record.Header{}, record.FileIdentity{}, record.FileIdentity{}, [textCount]uint16{}
	if got != r {
		t.Errorf("the record is\n%+v, want\n%+v", got, r)
	}
	for i, text := range s.texts {
		want(t, "text "+string(rune('0'+i)), text, texts[Text(i)])
	}
}
