package loader

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// abilities are what the running kernel's eBPF knows of what came after 5.8. The programs ask for the same helpers with
// bpf_core_enum_value_exists and have another way for a kernel that lacks them; but an old kernel refuses what it does not
// know even in a branch that it will never take, so there it must be made harmless before loading.
type abilities struct {
	// Atomic instructions that return a value came with 5.12; the first helper after them with 5.13.
	atomics bool
	// References to functions came with 5.13, bpf_loop, which needs them, with 5.17.
	callbacks bool
}

func kernelAbilities(types *btf.Cache) (abilities, error) {
	kernel, err := types.Kernel()
	if err != nil {
		return abilities{}, fmt.Errorf("cannot read the kernel's BTF: %w", err)
	}
	var helpers *btf.Enum
	if err := kernel.TypeByName("bpf_func_id", &helpers); err != nil {
		return abilities{}, fmt.Errorf("cannot find the list of helpers in the kernel's BTF: %w", err)
	}
	var has abilities
	for _, v := range helpers.Values {
		switch v.Name {
		case "BPF_FUNC_for_each_map_elem":
			has.atomics = true
		case "BPF_FUNC_loop":
			has.callbacks = true
		}
	}
	return has, nil
}

// poisonValue is an unknown helper, and a number that stands out in a verifier log.
const poisonValue = 0xbad0bad

// adapt returns the program with what the kernel does not know replaced by instructions that every kernel refuses when it
// can come to them, and without the functions that nothing refers to any more.
func (has abilities) adapt(program asm.Instructions) asm.Instructions {
	out := make(asm.Instructions, len(program))
	copy(out, program)
	for i, ins := range out {
		atomic := ins.OpCode.AtomicOp()
		switch {
		case !has.callbacks && ins.IsLoadOfFunctionPointer():
			// Two slots wide as what it replaces, and it writes the frame pointer.
			out[i] = poison(asm.LoadImm(asm.R10, poisonValue, asm.DWord), ins)
		case !has.atomics && atomic != asm.InvalidAtomic && atomic != asm.AddAtomic:
			out[i] = poison(asm.BuiltinFunc(poisonValue).Call(), ins)
		}
	}
	return withoutUnreferenced(out)
}

// poison keeps what the instruction it replaces says of the source, and that it may begin a function.
func poison(with, ins asm.Instruction) asm.Instruction {
	with.Metadata = ins.Metadata
	return with.WithReference("")
}

// withoutUnreferenced removes the functions that cannot be called from the first one: a kernel that finds functions only by
// the calls to them takes their descriptions for an error.
func withoutUnreferenced(program asm.Instructions) asm.Instructions {
	functions := map[string]asm.Instructions{}
	var names []string
	for i := range program {
		if btf.FuncMetadata(&program[i]) != nil {
			names = append(names, program[i].Symbol())
		}
		name := names[len(names)-1]
		functions[name] = append(functions[name], program[i])
	}
	needed := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if needed[name] {
			return
		}
		needed[name] = true
		for _, ins := range functions[name] {
			if ins.IsFunctionReference() {
				visit(ins.Reference())
			}
		}
	}
	visit(names[0])
	var out asm.Instructions
	for _, name := range names {
		if needed[name] {
			out = append(out, functions[name]...)
		}
	}
	return out
}
