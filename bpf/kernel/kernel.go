// Package kernel is the kernel side of the sensor for what reaches into the kernel itself: modules, eBPF programs, perf events,
// kexec, sysctls, keys and io_uring. It decides nothing about what its records mean.
package kernel

import (
	"github.com/vedette-edr/vedette/bpf/loader"
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

func handlers() []syscalls.Handler {
	return []syscalls.Handler{
		{Program: "kernel_module_exit", Moment: syscalls.Exit, Calls: []string{"init_module", "finit_module", "delete_module"}},
		{Program: "kernel_bpf_exit", Moment: syscalls.Exit, Calls: []string{"bpf"}},
		{Program: "kernel_perf_exit", Moment: syscalls.Exit, Calls: []string{"perf_event_open", "ioctl"}},
		{Program: "kernel_kexec_exit", Moment: syscalls.Exit, Calls: []string{"kexec_load", "kexec_file_load"}},
		{Program: "kernel_key_exit", Moment: syscalls.Exit, Calls: []string{"keyctl", "add_key", "request_key"}},
		{Program: "kernel_ring_exit", Moment: syscalls.Exit, Calls: []string{"io_uring_setup"}},
	}
}

// Programs by the tracepoint without which there is nothing to see (a kernel without modules) or which another one of the
// list replaces (io_uring's changed its name in 6.3).
func tracepoints() map[string]string {
	return map[string]string{
		"kernel_module_load":     "module_load",
		"kernel_module_free":     "module_free",
		"kernel_ring_create":     "io_uring_create",
		"kernel_ring_submit":     "io_uring_submit_req",
		"kernel_ring_submit_sqe": "io_uring_submit_sqe",
	}
}

// Load puts the sensor's maps and programs into the kernel. Nothing is made before its object is attached.
func Load(b sensor.Base) (syscalls.Sensor, error) {
	var without []string
	variables := map[string]any{}
	for program, tracepoint := range tracepoints() {
		parameters, err := loader.KernelFuncParams(b.Types, tracepoint)
		if err != nil {
			without = append(without, program)
		} else if program == "kernel_ring_submit_sqe" {
			variables["submit_parameters"] = uint32(parameters)
		}
	}
	object, err := sensor.Load(b, sensor.Source{
		Name: "kernel", Object: _KernelBytes, Handlers: handlers(), Variables: variables, Calls: true, Without: without,
	})
	if err != nil {
		return syscalls.Sensor{}, err
	}
	return syscalls.Sensor{Object: object, Handlers: handlers()}, nil
}
