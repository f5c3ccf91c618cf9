// Package kernels boots other kernels in QEMU and runs the process sensor's own tests on them. Nothing but a kernel and an
// initramfs goes in; the guest (test/kernels/guest) prints one RESULT line per check. CPUs are emulated: no virtualization
// is needed, and nothing here depends on speed.
package kernels

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The series that fetch.sh keeps at hand.
//
//go:embed series
var series string

const emulator = "qemu-system-x86_64"

// bootTimeout is for a busy machine; alone a kernel takes about half a minute.
const bootTimeout = 8 * time.Minute

func TestProcessSensorOnEveryKernel(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the kernels at hand are for x86-64, and this machine cannot build programs for them")
	}
	qemu, err := exec.LookPath(emulator)
	if err != nil {
		t.Skipf("no kernel can be booted: %v; run make deps-test, which installs it", err)
	}
	initramfs := buildInitramfs(t)
	for line := range strings.Lines(series) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		t.Run(fields[0], func(t *testing.T) {
			kernel := kernelOf(t, fields[0])
			t.Log(filepath.Base(kernel))
			checkConsole(t, boot(t, qemu, kernel, initramfs))
		})
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

// boot runs a kernel until it switches the machine off and returns its console.
func boot(t *testing.T, qemu, kernel, initramfs string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bootTimeout)
	defer cancel()
	var console, complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, qemu,
		"-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max", "-smp", "2", "-m", "768",
		"-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-kernel", kernel, "-initrd", initramfs,
		// ramfs as root, because tmpfs is a fact that the sensor reports. What a kernel warns of ends the machine at once.
		"-append", "console=ttyS0 quiet rootfstype=ramfs panic=-1 oops=panic panic_on_warn=1 mitigations=off nokaslr")
	cmd.Stdout, cmd.Stderr = &console, &complaints
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("it is not done after %v: %w", bootTimeout, errors.Join(ctx.Err(), err))
		}
		t.Errorf("cannot run the machine: %v: %s", err, complaints.String())
	}
	return console.String()
}

var result = regexp.MustCompile(`(?m)^RESULT (\S+) (ok|FAIL|[0-9]+)(.*?)\r?$`)

// checkConsole wants every result to be ok, and as many as the guest says it has printed.
func checkConsole(t *testing.T, console string) {
	t.Helper()
	count, done := 0, ""
	for _, r := range result.FindAllStringSubmatch(console, -1) {
		if r[1] == "DONE" {
			done = r[2]
			continue
		}
		count++
		if r[2] != "ok" {
			t.Errorf("%s:%s", r[1], r[3])
		}
	}
	if done != strconv.Itoa(count) || count == 0 {
		t.Errorf("%d results came and the guest counted %q of them: it did not come to its end", count, done)
	}
	t.Logf("%d checks", count)
	if t.Failed() {
		t.Logf("the end of the console:\n%s", console[max(0, len(console)-16<<10):])
	}
}
