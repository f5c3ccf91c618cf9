package loader

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// An old kernel refuses an instruction that it does not know even in a branch that it would never take. The programs have
// such branches for the atomic instructions that return a value (Linux 5.12). They choose by a helper that the running
// kernel's BTF lists (have_atomics in bpf/include/core.h), and so does the loader: where that helper is missing it replaces
// the instructions by a call that every kernel loads, and refuses only where it could be reached.
const atomicsCameBefore = "BPF_FUNC_for_each_map_elem"

// unknownHelper stands out in a verifier log.
const unknownHelper = 0xbad0bad

// hasAtomics reports whether the kernel has atomic instructions that return a value.
func hasAtomics(types *btf.Cache) (bool, error) {
	kernel, err := types.Kernel()
	if err != nil {
		return false, fmt.Errorf("cannot read the kernel's BTF: %w", err)
	}
	var helpers *btf.Enum
	if err := kernel.TypeByName("bpf_func_id", &helpers); err != nil {
		return false, fmt.Errorf("cannot find the list of helpers in the kernel's BTF: %w", err)
	}
	for _, v := range helpers.Values {
		if v.Name == atomicsCameBefore {
			return true, nil
		}
	}
	return false, nil
}

// withoutAtomics returns the program without atomic instructions that return a value.
func withoutAtomics(program asm.Instructions) asm.Instructions {
	out := make(asm.Instructions, len(program))
	for i, ins := range program {
		if op := ins.OpCode.AtomicOp(); op != asm.InvalidAtomic && op != asm.AddAtomic {
			metadata := ins.Metadata
			ins = asm.BuiltinFunc(unknownHelper).Call()
			ins.Metadata = metadata
		}
		out[i] = ins
	}
	return out
}
