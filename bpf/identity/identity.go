// Package identity is the kernel side of the sensor for who a task is: credentials, namespaces and logins, how they change, and
// credentials that have changed although no call explains it. It decides nothing about what its records mean.
package identity

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/vedette-edr/vedette/bpf/loader"
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

func credentialCalls() []string {
	return []string{
		"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capset", "prctl",
	}
}

func namespaceCalls() []string { return []string{"setns", "unshare", "clone", "clone3"} }

func handlers() []syscalls.Handler {
	enter := append(append(credentialCalls(), namespaceCalls()...), "execve", "execveat")
	return []syscalls.Handler{
		{Program: "identity_call_enter", Moment: syscalls.Enter, Calls: enter},
		{Program: "identity_credentials_exit", Moment: syscalls.Exit, Calls: credentialCalls()},
		{Program: "identity_namespaces_exit", Moment: syscalls.Exit, Calls: namespaceCalls()},
	}
}

const (
	mapKnown = "known_credentials"
	mapSets  = "credential_sets"
	mapState = "identity_states"

	// How far an element of mapState, 32 bits, is from the next.
	elementBytes = 8
)

// stateWatch is the element of mapState that is switched: enum state of bpf/include/credentials.h.
const stateWatch uint32 = 0

// Values of enum watch in bpf/include/credentials.h.
const (
	watchOff uint32 = iota
	watchCalls
	watchAll
)

// Load puts the sensor's maps and programs into the kernel. Nothing is made before the set that it belongs to is attached.
func Load(b sensor.Base) (syscalls.Sensor, error) {
	seed := make([]byte, 8)
	// It never fails: crypto/rand ends the program where the kernel has no randomness.
	_, _ = rand.Read(seed)
	variables := map[string]any{"digest_seed": binary.NativeEndian.Uint64(seed)}
	if n, err := loader.KernelFuncParams(b.Types, "sched_process_exit"); err == nil {
		variables["exit_says_group_dead"] = n >= 2
	}
	object, err := sensor.Load(b, sensor.Source{
		Name: "identity", Object: _IdentityBytes, Handlers: handlers(), Variables: variables, Calls: true,
	})
	if err != nil {
		return syscalls.Sensor{}, err
	}
	memory, err := object.Map(mapState).Memory()
	if err != nil {
		return syscalls.Sensor{}, errors.Join(fmt.Errorf("cannot map the state of the identity sensor: %w", err), object.Close())
	}
	return syscalls.Sensor{Object: object, Handlers: handlers(), Watch: func(whole bool) { watch(object, memory, whole) }}, nil
}

// watch switches the programs on or off. When the kernel has refused one of them, a change that it would have seen must not be
// called unexplained.
func watch(object *loader.Object, memory *ebpf.Memory, whole bool) {
	state := watchOff
	if whole {
		state = watchAll
		for _, a := range object.Attachments() {
			if a.Err != nil {
				state = watchCalls
			}
		}
	}
	if _, err := memory.WriteAt(binary.LittleEndian.AppendUint32(nil, state), int64(stateWatch)*elementBytes); err != nil {
		for _, h := range handlers() {
			object.SetCalled(h.Program, fmt.Errorf("cannot switch the sensor to state %d: %w", state, err))
		}
	}
}
