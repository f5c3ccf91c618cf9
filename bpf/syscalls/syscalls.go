// Package syscalls hands system calls to the sensors. Its two eBPF programs see every call of every process, at its entry and
// at its exit, through the 64-bit and the 32-bit entry alike; a table of programs leads from the few calls that somebody
// watches to the sensor's own program. The tables are frozen once they are filled: nobody can empty them later.
package syscalls

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/vedette-edr/vedette/bpf/loader"
)

// Moment is where in a call a handler runs.
type Moment int

// The moments.
const (
	Enter Moment = iota
	Exit
)

func (m Moment) String() string {
	if m == Enter {
		return "sys_enter"
	}
	return "sys_exit"
}

// Handler is a sensor's program and the calls that it takes. It must be a tp_btf program on the tracepoint of its moment.
type Handler struct {
	Program string
	Moment  Moment
	Calls   []string
}

// Called names the handlers for loader.Settings.
func Called(handlers []Handler) map[string]string {
	called := map[string]string{}
	for _, h := range handlers {
		called[h.Program] = h.Moment.String()
	}
	return called
}

// Sensor is a loaded object and those of its programs that handle calls.
type Sensor struct {
	Object   *loader.Object
	Handlers []Handler
	// Watch may be nil. It is called with true once all programs of all sensors are attached, and with false before the first
	// is detached: in between a sensor sees every call and every process, and may draw conclusions from what it does not see.
	Watch func(whole bool)
}

// Constants are the variables that every object which includes bpf/include/call.h wants.
func Constants() map[string]any {
	return map[string]any{"calls": numbers()}
}

const callNumbers = 560

// numbers is the constant calls of bpf/include/call.h.
func numbers() [callNumbers]uint32 {
	var table [callNumbers]uint32
	for i, c := range calls() {
		for _, n := range c.wide {
			table[n] |= uint32(i + 1)
		}
		for _, n := range c.narrow {
			table[n] |= uint32(i+1) << 16
		}
	}
	return table
}

// Load puts the two programs into the kernel and fills their tables with the sensors' handlers. Of each handler the sensor's
// object is told whether it can be reached. Calls are handed on from Attach of the returned object on; it must be closed
// before the sensors.
func Load(types *btf.Cache, sensors ...Sensor) (*loader.Object, error) {
	var watched [2][callNumbers]uint8
	all := calls()
	for _, s := range sensors {
		for _, h := range s.Handlers {
			if s.Object.Program(h.Program) == nil {
				continue
			}
			for _, name := range h.Calls {
				i := slices.IndexFunc(all, func(c call) bool { return c.name == name })
				if i < 0 {
					return nil, fmt.Errorf("BUG: program %s wants to handle %q, which bpf/syscalls does not know", h.Program, name)
				}
				for _, n := range slices.Concat(all[i].wide, all[i].narrow) {
					watched[h.Moment][n] = 1
				}
			}
		}
	}
	variables := Constants()
	variables["tracepoints_are_preemptible"] = loader.TracepointsArePreemptible()
	variables["watched_enter"], variables["watched_exit"] = watched[Enter], watched[Exit]
	object, err := loader.Load("syscalls", _SyscallsBytes, loader.Settings{Variables: variables, Types: types})
	if err != nil {
		return nil, err
	}
	if err := fill(object, all, sensors); err != nil {
		return nil, errors.Join(err, object.Close())
	}
	return object, nil
}

func fill(object *loader.Object, all []call, sensors []Sensor) error {
	tables := [2]*ebpf.Map{object.Map("enter_programs"), object.Map("exit_programs")}
	var taken [2]map[string]string
	taken[Enter], taken[Exit] = map[string]string{}, map[string]string{}
	for _, s := range sensors {
		for _, h := range s.Handlers {
			program := s.Object.Program(h.Program)
			if program == nil {
				continue
			}
			var errs []error
			for _, name := range h.Calls {
				if other := taken[h.Moment][name]; other != "" {
					return fmt.Errorf("BUG: programs %s and %s both want to handle %s at %s", other, h.Program, name, h.Moment)
				}
				taken[h.Moment][name] = h.Program
				i := slices.IndexFunc(all, func(c call) bool { return c.name == name })
				if err := tables[h.Moment].Put(uint32(i+1), program); err != nil {
					errs = append(errs, fmt.Errorf("cannot enter it for %s into the table of %s: %w", name, h.Moment, err))
				}
			}
			s.Object.SetCalled(h.Program, errors.Join(errs...))
		}
	}
	for _, t := range tables {
		if err := t.Freeze(); err != nil {
			return fmt.Errorf("cannot freeze the table of programs: %w", err)
		}
	}
	return nil
}

// Names lists the system calls by their value of enum call in bpf/include/call.h; CALL_NONE has an empty name.
func Names() []string {
	names := []string{""}
	for _, c := range calls() {
		names = append(names, c.name)
	}
	return names
}
