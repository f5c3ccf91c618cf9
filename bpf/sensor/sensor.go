// Package sensor loads the object of one sensor onto what all sensors share, and keeps a set of sensors: their lanes, their
// objects and the table that hands system calls to them.
package sensor

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf/btf"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/loader"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

// Base is what the objects of all sensors are loaded onto. It stays its owner's.
type Base struct {
	Lanes *lane.Lanes
	// Types is what has been parsed of the kernel's BTF.
	Types *btf.Cache
}

// Source describes the object of a sensor.
type Source struct {
	// Name of the sensor, under which its checksum is known.
	Name   string
	Object []byte
	// Handlers are the programs that system calls are handed to.
	Handlers []syscalls.Handler
	// MaxEntries of the object's own maps, where the object leaves them open.
	MaxEntries map[string]uint32
	// Variables are constants of the programs besides those that every sensor has: cpus, calls and
	// tracepoints_are_preemptible.
	Variables map[string]any
	// Calls says that the object includes bpf/include/call.h.
	Calls bool
}

// Load puts a sensor's maps and programs into the kernel. What the kernel refuses is among the object's attachments.
func Load(b Base, s Source) (*loader.Object, error) {
	variables := map[string]any{
		"cpus":                        uint32(b.Lanes.CPUs()),
		"tracepoints_are_preemptible": loader.TracepointsArePreemptible(),
	}
	if s.Calls {
		maps.Copy(variables, syscalls.Constants())
	}
	maps.Copy(variables, s.Variables)
	return loader.Load(s.Name, s.Object, loader.Settings{
		MaxEntries: s.MaxEntries, Variables: variables, Shared: b.Lanes.Maps(), Called: syscalls.Called(s.Handlers), Types: b.Types,
	})
}

// Set is a number of sensors that run together. Methods but Close are safe for concurrent use.
type Set struct {
	lanes    *lane.Lanes
	sensors  []syscalls.Sensor
	dispatch *loader.Object
}

// NewSet takes over the lanes and the sensors, and loads the table of system calls. On failure all of them are closed.
func NewSet(b Base, sensors ...syscalls.Sensor) (*Set, error) {
	s := &Set{lanes: b.Lanes, sensors: sensors}
	if slices.ContainsFunc(sensors, func(one syscalls.Sensor) bool { return len(one.Handlers) > 0 }) {
		var err error
		if s.dispatch, err = syscalls.Load(b.Types, sensors...); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot watch system calls: %w", err), s.Close())
		}
	}
	return s, nil
}

// Lanes gives the shared maps.
func (s *Set) Lanes() *lane.Lanes { return s.lanes }

// Objects lists what is loaded, the table of system calls last.
func (s *Set) Objects() []*loader.Object {
	var all []*loader.Object
	for _, one := range s.sensors {
		all = append(all, one.Object)
	}
	if s.dispatch != nil {
		all = append(all, s.dispatch)
	}
	return all
}

// Attach starts the sensors. What could not be attached is told by Attachments.
func (s *Set) Attach() {
	for _, o := range s.Objects() {
		o.Attach()
	}
}

// Detach stops the sensors; what they have made can still be read.
func (s *Set) Detach() error {
	var errs []error
	for _, o := range slices.Backward(s.Objects()) {
		errs = append(errs, o.Detach())
	}
	return errors.Join(errs...)
}

// Attachment is a program of a set with how often it ran.
type Attachment struct {
	loader.Attachment
	Runs loader.Runs
}

// Attachments lists every program, and why one is missing.
func (s *Set) Attachments() []Attachment {
	var all []Attachment
	for _, o := range s.Objects() {
		for _, a := range o.Attachments() {
			all = append(all, Attachment{a, o.Runs(a.Name)})
		}
	}
	return all
}

// Close detaches the programs and frees everything, the lanes too.
func (s *Set) Close() error {
	var errs []error
	for _, o := range slices.Backward(s.Objects()) {
		errs = append(errs, o.Close())
	}
	return errors.Join(append(errs, s.lanes.Close())...)
}
