package kernels

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/test/kernels/report"
)

const emulator = "qemu-system-x86_64"

// bootTimeout is thrice what a machine takes that has two processors for two of them.
const bootTimeout = 15 * time.Minute

// commandLine of the kernel. ramfs is the root, because tmpfs is a fact that sensors report. What a kernel warns of ends the
// machine at once. BPF is among the security modules, and the x32 system calls are there, as distributions may have it.
const commandLine = "console=ttyS0 quiet rootfstype=ramfs panic=-1 oops=panic panic_on_warn=1 mitigations=off nokaslr " +
	"lsm=landlock,lockdown,yama,integrity,bpf syscall.x32=y"

// boot runs a kernel until it switches the machine off and returns its console, which can be followed in the named file
// meanwhile. The kernel hands words that it does not know to init, as variables.
func boot(t *testing.T, qemu, kernel, initramfs, log string, words ...string) string {
	t.Helper()
	follow, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer follow.Close()
	ctx, cancel := context.WithTimeout(t.Context(), bootTimeout)
	defer cancel()
	if *update {
		words = append(words, "VEDETTE_ONLY_BUDGET=1")
	}
	if *only != "" {
		words = append(words, "VEDETTE_ONLY="+*only)
	}
	var console, complaints bytes.Buffer
	// One thread for both processors: with one each, a processor may run into a breakpoint that the kernel has set to patch its
	// code and taken away again (Oops: int3), which no real processor does.
	cmd := exec.CommandContext(ctx, qemu,
		"-accel", "tcg,thread=single", "-machine", "q35", "-cpu", "max", "-smp", "2", "-m", "1024",
		"-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-kernel", kernel, "-initrd", initramfs, "-append", strings.Join(append([]string{commandLine}, words...), " "))
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&console, follow), &complaints
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("it is not done after %v: %w", bootTimeout, errors.Join(ctx.Err(), err))
		}
		t.Errorf("cannot run the machine: %v: %s", err, complaints.String())
	}
	return console.String()
}

var (
	resultLine = regexp.MustCompile(`(?m)^RESULT (\S+) (ok|FAIL|[0-9]+)(.*?)\r?$`)
	reportLine = regexp.MustCompile(`(?m)^REPORT (\{.*\})\r?$`)
)

// checkConsole wants every result to be ok, and as many as the guest says it has printed. It returns the report, or nil when
// there is none.
func checkConsole(t *testing.T, console string) *report.Report {
	t.Helper()
	count, done := 0, ""
	for _, r := range resultLine.FindAllStringSubmatch(console, -1) {
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
	var told *report.Report
	if m := reportLine.FindStringSubmatch(console); m != nil {
		told = &report.Report{}
		if err := json.Unmarshal([]byte(m[1]), told); err != nil {
			t.Errorf("cannot read the report: %v", err)
			told = nil
		}
	}
	if t.Failed() {
		t.Logf("the end of the console:\n%s", console[max(0, len(console)-16<<10):])
	}
	return told
}
