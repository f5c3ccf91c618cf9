package loader

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestVerifyRefusesAnotherObject(t *testing.T) {
	object, err := os.ReadFile("../process/process_bpfel.o")
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify("process", object); err != nil {
		t.Errorf("the committed object is refused: %v; run make generate", err)
	}
	object[len(object)/2] ^= 1
	for _, name := range []string{"process", "unknown"} {
		if err := Verify(name, object); !errors.Is(err, ErrChecksum) {
			t.Errorf("an altered object named %s gives %v, want ErrChecksum", name, err)
		}
	}
	if _, err := Load("process", object, Settings{}); !errors.Is(err, ErrChecksum) {
		t.Errorf("loading an altered object gives %v, want ErrChecksum", err)
	}
}

func TestEverySensorHasAChecksum(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		object, err := os.ReadFile("../" + name + "/" + name + "_bpfel.o")
		if errors.Is(err, os.ErrNotExist) || !e.IsDir() {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(name, object); err != nil {
			t.Error(err)
		}
	}
}

func TestTracepointParametersComeFromBTF(t *testing.T) {
	if _, err := os.Stat(kernelBTF); err != nil {
		t.Skip("needs a kernel with BTF: ", err)
	}
	n, err := KernelFuncParams(btf.NewCache(), "sched_process_exec")
	if err != nil || n != 3 {
		t.Errorf("sched_process_exec has %d parameters (%v), want 3", n, err)
	}
	if _, err := KernelFuncParams(btf.NewCache(), "no_such_tracepoint"); err == nil || !strings.Contains(err.Error(), "no_such_tracepoint") {
		t.Errorf("an unknown tracepoint gives %v, want an error that names it", err)
	}
}
