package kernels

import (
	"os"
	"runtime"
	"testing"

	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/test/kernels/bare"
	"github.com/vedette-edr/vedette/test/kernels/budget"
	"github.com/vedette-edr/vedette/test/kernels/loaded"
	"github.com/vedette-edr/vedette/test/kernels/report"
)

// The machine's own kernel is compared as well: it may have hooks that Debian's kernels lack, or lack some that they have.
func TestVerifierBudgetOfThisKernel(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to load eBPF programs")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("the budget is that of x86-64")
	}
	if version, err := features.LinuxVersionCode(); err != nil || version < 5<<16|16<<8 {
		t.Skipf("needs Linux 5.16, which tells what the verifier walked: %v", err)
	}
	b, err := budget.Read(budgetFile)
	if err != nil {
		t.Fatal(err)
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		t.Fatal(err)
	}
	r := &report.Report{Release: unix.ByteSliceToString(name.Release[:])}
	for program, n := range walkedHere(t) {
		r.Programs = append(r.Programs, report.Program{Name: program, Verified: n})
	}
	m := &matrix{budget: b}
	m.check(t, "host-"+r.Series(), false, r)
	if *update && !t.Failed() {
		if err := m.budget.Write(budgetFile); err != nil {
			t.Error(err)
		}
	}
}

// walkedHere starts the real collector on this kernel and tells what the verifier walked of its programs.
func walkedHere(t *testing.T) map[string]uint32 {
	t.Helper()
	dir, err := os.MkdirTemp("", "vedette-kernels")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := bare.Start(t.Context(), bare.Options{Bin: buildVedette(t), Dir: dir, Log: t.Output()})
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	held, err := loaded.Of(int(h.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	walked := map[string]uint32{}
	for _, p := range held {
		walked[p.Name] = p.Verified
	}
	if len(walked) == 0 {
		t.Error("the collector holds no eBPF program")
	}
	for _, a := range h.Attachments {
		if _, there := walked[a.Name]; a.Attached && !there {
			t.Errorf("%s is attached, and the collector holds no program of that name", a.Name)
		}
	}
	return walked
}
