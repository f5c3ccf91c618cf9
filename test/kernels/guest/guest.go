package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/process"
)

// results prints and counts what was checked.
type results struct {
	out   io.Writer
	count int
}

// add prints one result; an empty reason is a success.
func (r *results) add(name, reason string) {
	r.count++
	if reason == "" {
		fmt.Fprintf(r.out, "RESULT %s ok\n", name)
		return
	}
	fmt.Fprintf(r.out, "RESULT %s FAIL %s\n", name, strings.Join(strings.Fields(reason), " "))
}

// prepare gives the machine what every machine has.
func prepare() error {
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"},
		{"sysfs", "/sys"},
		{"bpf", "/sys/fs/bpf"},
		{"tracefs", "/sys/kernel/tracing"},
		{"devtmpfs", "/dev"},
		{"tmpfs", "/dev/shm"},
		{"tmpfs", "/tmp"},
	} {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("cannot mount %s: %w", m.at, err)
		}
	}
	// Before 5.11 eBPF maps and programs count as locked memory; raising that limit is up to who loads them.
	unlimited := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unlimited); err != nil {
		return fmt.Errorf("cannot raise the limit of locked memory: %w", err)
	}
	return os.Setenv("PATH", "/bin")
}

// checkAttachments tells for every program whether this kernel takes it, and what it cost the verifier.
func checkAttachments(r *results) {
	s, err := process.Load(process.Options{})
	if err != nil {
		r.add("load", err.Error())
		return
	}
	s.Attach()
	for _, a := range s.Attachments() {
		if a.Err != nil {
			if verifier, ok := errors.AsType[*ebpf.VerifierError](a.Err); ok {
				fmt.Fprintf(r.out, "%s\n", strings.Join(verifier.Log[max(0, len(verifier.Log)-40):], "\n"))
			}
			r.add("attach/"+a.Name, a.Err.Error())
			continue
		}
		if info, err := s.Object().Program(a.Name).Info(); err == nil {
			// Told since 5.16.
			if n, ok := info.VerifiedInstructions(); ok {
				fmt.Fprintf(r.out, "%s: the verifier walked %d instructions\n", a.Name, n)
			}
		}
		r.add("attach/"+a.Name, "")
	}
	if err := s.Close(); err != nil {
		r.add("close", err.Error())
	}
}

var verdict = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+)`)

// runTests runs a test binary and makes a result of every test and subtest in it. A skipped test is a failure: this machine
// was made to have all that a test may want.
func runTests(r *results, binary string) {
	cmd := exec.Command(binary, "-test.v", "-test.timeout=300s")
	cmd.Dir = "/tmp"
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.add(binary, err.Error())
		return
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		r.add(binary, err.Error())
		return
	}
	said, ran, failed := "", 0, 0
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		fmt.Fprintln(r.out, line)
		v := verdict.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "=== "):
			said = ""
		case v == nil:
			said += line + " "
		case v[1] == "PASS":
			ran++
			r.add(v[2], "")
		default:
			failed++
			r.add(v[2], map[string]string{"FAIL": "failed: ", "SKIP": "skipped: "}[v[1]]+said)
			said = ""
		}
	}
	err = errors.Join(lines.Err(), cmd.Wait())
	if err != nil && failed == 0 {
		r.add(binary, fmt.Sprintf("%v: %s", err, said))
	}
	if ran == 0 {
		r.add(binary, "no test passed")
	}
}
