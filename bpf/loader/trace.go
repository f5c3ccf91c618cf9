package loader

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// CanTrace reports whether programs can be hooked to the kernel's own functions, by hooking one that does nothing to the named
// function. Kernels that are locked down for confidentiality do not allow it, and old ones on some machines cannot.
func CanTrace(function string) error {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "can_trace", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: function, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return fmt.Errorf("cannot trace the kernel's %s: %w", function, refusal(err))
	}
	defer p.Close()
	l, err := link.AttachTracing(link.TracingOptions{Program: p})
	if err != nil {
		return fmt.Errorf("cannot trace the kernel's %s: %w", function, refusal(err))
	}
	return l.Close()
}
