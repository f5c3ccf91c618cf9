// Package sensortest runs one sensor against the live kernel for its own tests.
package sensortest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

// Observer runs a sensor and reads the records of some classes.
type Observer struct {
	Set     *sensor.Set
	readers []*ringbuf.Reader
	buffer  ringbuf.Record
	// Read counts records other than chunks.
	Read uint64
}

// Options of Observe.
type Options struct {
	Lanes        lane.Options
	ScratchBytes uint32
	// Classes whose rings are read.
	Classes []lane.Class
	// Load loads the sensors under test.
	Load func(b sensor.Base) ([]syscalls.Sensor, error)
	// MayMiss lists programs that may be refused on this kernel.
	MayMiss []string
}

// Observe loads and attaches sensors until the test ends. It fails the test when a program is not attached.
func Observe(t *testing.T, o Options) *Observer {
	t.Helper()
	obs := load(t, o)
	t.Cleanup(func() {
		if err := obs.Close(); err != nil {
			t.Error(err)
		}
	})
	return obs
}

// Close frees what an Observer holds.
func (o *Observer) Close() error {
	var errs []error
	for _, r := range o.readers {
		errs = append(errs, r.Close())
	}
	return errors.Join(append(errs, o.Set.Close())...)
}

// kept is what Run closes.
var kept []*Observer

// Keep is Observe for sensors that outlive the test, for the next ones: loading some takes an emulated kernel many seconds. Run
// closes the Observer.
func Keep(t *testing.T, o Options) *Observer {
	t.Helper()
	obs := load(t, o)
	kept = append(kept, obs)
	return obs
}

// Run is m.Run, for a TestMain whose tests keep sensors.
func Run(m *testing.M) int {
	code := m.Run()
	for _, o := range kept {
		if err := o.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}

func load(t *testing.T, o Options) *Observer {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to load eBPF programs")
	}
	lanes, err := lane.Open(o.Lanes, o.ScratchBytes)
	if err != nil {
		t.Fatal(err)
	}
	base := sensor.Base{Lanes: lanes, Types: btf.NewCache()}
	sensors, err := o.Load(base)
	if err != nil {
		t.Fatal(err)
	}
	set, err := sensor.NewSet(base, sensors...)
	if err != nil {
		t.Fatal(err)
	}
	obs := &Observer{Set: set}
	for _, c := range o.Classes {
		r, err := ringbuf.NewReader(lanes.Ring(c))
		if err != nil {
			t.Fatal(errors.Join(err, obs.Close()))
		}
		obs.readers = append(obs.readers, r)
	}
	set.Attach()
	for _, a := range set.Attachments() {
		if a.Err == nil {
			continue
		}
		if slices.Contains(o.MayMiss, a.Name) {
			t.Logf("program %s is not attached to %s: %v", a.Name, a.Hook, a.Err)
			continue
		}
		if verifier, ok := errors.AsType[*ebpf.VerifierError](a.Err); ok {
			t.Logf("%s", strings.Join(verifier.Log[max(0, len(verifier.Log)-40):], "\n"))
		}
		t.Errorf("program %s is not attached to %s: %v", a.Name, a.Hook, a.Err)
	}
	if t.Failed() {
		t.Fatal(errors.Join(errors.New("not every program is attached"), obs.Close()))
	}
	return obs
}

// patience is how long a record that must come may take; emulated machines are slow.
const patience = 20 * time.Second

// Drain hands every record to each, in the order of each ring, until the rings are empty and more is no longer true. The
// record is good during the call. It fails the test when more stays true for long although nothing comes.
func (o *Observer) Drain(t *testing.T, each func(kind record.Kind, rec []byte), more func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		some := false
		for _, r := range o.readers {
			r.SetDeadline(time.Unix(1, 0))
			for {
				err := r.ReadInto(&o.buffer)
				if errors.Is(err, os.ErrDeadlineExceeded) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				kind, err := record.KindOf(o.buffer.RawSample)
				if err != nil {
					t.Fatal(err)
				}
				if kind != record.Chunk {
					o.Read++
				}
				some = true
				each(kind, o.buffer.RawSample)
			}
		}
		if some {
			deadline = time.Now().Add(patience)
			continue
		}
		if !more() {
			return
		}
		if time.Now().After(deadline) {
			for _, a := range o.Set.Attachments() {
				t.Logf("%s: %+v", a.Name, a.Runs)
			}
			t.Fatalf("the expected record did not come: there was none for %s", patience)
		}
		time.Sleep(time.Millisecond)
	}
}
