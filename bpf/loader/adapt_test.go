package loader

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

func TestOldKernelsGetNoAtomicsThatReturnAValue(t *testing.T) {
	spec, err := ebpf.LoadCollectionSpec("../process/process_bpfel.o")
	if err != nil {
		t.Fatal(err)
	}
	values := func(program asm.Instructions) (n int) {
		for _, ins := range program {
			if op := ins.OpCode.AtomicOp(); op != asm.InvalidAtomic && op != asm.AddAtomic {
				n++
			}
		}
		return n
	}
	for name, p := range spec.Programs {
		if values(p.Instructions) == 0 {
			t.Errorf("%s has no such atomics: this test shows nothing", name)
		}
		adapted := withoutAtomics(p.Instructions)
		if n := values(adapted); n != 0 {
			t.Errorf("%s still has %d of them", name, n)
		}
		if adapted.Size() != p.Instructions.Size() {
			t.Errorf("%s has %d bytes after and %d before: its jumps are off", name, adapted.Size(), p.Instructions.Size())
		}
		p.Instructions = adapted
	}

	if os.Geteuid() != 0 {
		t.Skip("needs root to load eBPF programs")
	}
	if has, err := hasAtomics(btf.NewCache()); err != nil || !has {
		t.Skip("needs a kernel that has these atomics: ", err)
	}
	// The programs would use them here, so that the replacement is reached.
	if c, err := ebpf.NewCollection(spec); err == nil {
		c.Close()
		t.Error("the kernel took programs that miss what they use")
	} else if _, refused := errors.AsType[*ebpf.VerifierError](err); !refused {
		t.Errorf("loading gives %v, want a refusal of the verifier", err)
	}
}
