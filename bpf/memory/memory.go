// Package memory is the memory sensor's kernel side: memory that is made executable although no file of the system stands behind
// it, and what one process does to another. It decides nothing about what the records mean.
package memory

import (
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

func handlers() []syscalls.Handler {
	protects := []string{"mprotect", "pkey_mprotect"}
	kills := []string{"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"}
	return []syscalls.Handler{
		{Program: "memory_map", Moment: syscalls.Exit, Calls: []string{"mmap", "mmap_old", "shmat", "ipc"}},
		{Program: "memory_protect_enter", Moment: syscalls.Enter, Calls: protects},
		{Program: "memory_protect", Moment: syscalls.Exit, Calls: protects},
		{Program: "memory_trace", Moment: syscalls.Exit, Calls: []string{"ptrace"}},
		{Program: "memory_access", Moment: syscalls.Exit, Calls: []string{"process_vm_readv", "process_vm_writev"}},
		{Program: "memory_handle", Moment: syscalls.Exit, Calls: []string{"pidfd_getfd"}},
		{Program: "memory_kill_enter", Moment: syscalls.Enter, Calls: kills},
		{Program: "memory_kill", Moment: syscalls.Exit, Calls: kills},
	}
}

// Load puts the sensor's maps and programs into the kernel. Nothing is made before its object is attached.
func Load(b sensor.Base) (syscalls.Sensor, error) {
	all := handlers()
	object, err := sensor.Load(b, sensor.Source{Name: "memory", Object: _MemoryBytes, Handlers: all, Calls: true})
	if err != nil {
		return syscalls.Sensor{}, err
	}
	return syscalls.Sensor{Object: object, Handlers: all}, nil
}
