// Package kernels boots other kernels in QEMU and runs the real collector and the sensors' own tests on them. Nothing but a
// kernel and an initramfs goes in; the guest (test/kernels/guest) prints one RESULT line per check and a report. CPUs are
// emulated: no virtualization is needed, and nothing here depends on speed.
package kernels

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/test/kernels/budget"
	"github.com/vedette-edr/vedette/test/kernels/report"
)

// The series that fetch.sh keeps at hand.
//
//go:embed series
var series string

// update writes the budget anew instead of comparing with it: make budget.
var update = flag.Bool("update-budget", false, "write bpf/verifier-budget.txt, and run nothing but what that takes")

// only runs a part in the machines, for who works on it: -only file/TestOpen is those tests of bpf/file, -only file all of them,
// -only evasion/TestExec the same of the evasion suite. Neither the budget nor the attached programs are then compared.
var only = flag.String("only", "", "run only these tests in the machines, as file/TestOpen or evasion")

const (
	budgetFile = "../../bpf/verifier-budget.txt"
	tableFile  = "../../build/kernels.txt"
	consoles   = "../../build/kernels"
	// evasionShares is among how many machines the evasion suite divides the combinations of its tricks: all of them on one take
	// it as long as everything else together. The host of the tests tries all.
	evasionShares = 3
	// newest is the series that stands for whatever is newest.
	newest = "newest"
)

// matrix collects what the machines tell; they run side by side.
type matrix struct {
	budget budget.Budget

	mu      sync.Mutex
	columns []report.Column
}

func TestKernels(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the kernels at hand are for x86-64, and this machine cannot build programs for them")
	}
	qemu, err := exec.LookPath(emulator)
	if err != nil {
		t.Skipf("no kernel can be booted: %v; run make deps-test, which installs it", err)
	}
	m := &matrix{}
	if m.budget, err = budget.Read(budgetFile); err != nil {
		t.Fatal(err)
	}
	// The subtests run after this function has returned.
	t.Cleanup(func() { m.finish(t) })
	if err := os.MkdirAll(consoles, 0o755); err != nil {
		t.Fatal(err)
	}
	initramfs := buildInitramfs(t)
	for i, name := range seriesNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kernel := kernelOf(t, name)
			t.Log(filepath.Base(kernel))
			began := time.Now()
			var words []string
			if *only == "" {
				words = append(words, fmt.Sprintf("VEDETTE_EVASION_SHARE=%d/%d", i%evasionShares+1, evasionShares))
			}
			console := boot(t, qemu, kernel, initramfs, filepath.Join(consoles, name+".txt"), words...)
			r := checkConsole(t, console)
			if r == nil || *only != "" {
				return
			}
			r.Stages = append(r.Stages, report.Stage{Name: "all of it", Seconds: time.Since(began).Seconds()})
			m.add(report.Column{Heading: r.Series(), Report: r})
			checkAttached(t, name, r)
			checkSkipped(t, name, r)
			m.check(t, r.Series(), name != newest, r)
		})
	}
}

func seriesNames() []string {
	var names []string
	for line := range strings.Lines(series) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			names = append(names, fields[0])
		}
	}
	return names
}

func (m *matrix) add(c report.Column) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.columns = append(m.columns, c)
}

// check compares a kernel with the budget, or puts it there. Of the newest kernel the series changes by itself, and so does
// that of a host: without any entry for it they are not compared.
func (m *matrix) check(t *testing.T, kernel string, pinned bool, r *report.Report) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if *update {
		m.budget.Set(kernel, r.Verified())
		return
	}
	if !pinned && !m.budget.Knows(kernel) {
		t.Logf("the budget has no entries for kernel %s: what its verifier walked is not compared; add them with: make budget", kernel)
		return
	}
	for _, complaint := range m.budget.Compare(kernel, r.Verified()) {
		t.Error(complaint)
	}
}

// finish writes what the machines have told.
func (m *matrix) finish(t *testing.T) {
	if *update {
		if t.Failed() {
			t.Error("the budget is not written, because something above failed")
		} else if err := m.budget.Write(budgetFile); err != nil {
			t.Error(err)
		}
		return
	}
	if len(m.columns) == 0 {
		return
	}
	slices.SortFunc(m.columns, func(a, b report.Column) int { return budget.CompareKernels(a.Heading, b.Heading) })
	var table bytes.Buffer
	if err := report.Write(&table, m.columns); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.Bytes())
	if err := os.MkdirAll(filepath.Dir(tableFile), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tableFile, table.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// kernelOf finds the kernel image of a series where fetch.sh has put it.
func kernelOf(t *testing.T, series string) string {
	t.Helper()
	dir := os.Getenv("VEDETTE_KERNELS")
	if dir == "" {
		dir = "../../.tools/kernels"
	}
	images, err := filepath.Glob(filepath.Join(dir, series, "*.vmlinuz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(images) == 0 {
		t.Skipf("no kernel of series %s in %s; run make deps-test, which fetches it where the mirror has it", series, dir)
	}
	return images[len(images)-1]
}
