package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// sensor is the package of a test binary.
func sensor(binary string) string { return strings.TrimSuffix(binary, ".test") }

var verdict = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+)`)

// runTests runs a test binary and makes a result of every test and subtest in it. A skipped test is a failure unless it asks
// for a newer kernel than this one: this machine was made to have all else that a test may want.
func runTests(r *results, name, binary string, env ...string) {
	cmd := exec.Command(binary, "-test.v", "-test.timeout=600s")
	cmd.Dir = "/tmp"
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.add(name, err.Error())
		return
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		r.add(name, err.Error())
		return
	}
	said, ran, failed := "", 0, 0
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		fmt.Fprintln(r.out, line)
		v := verdict.FindStringSubmatch(line)
		if strings.HasPrefix(line, "=== ") {
			said = ""
			continue
		}
		if v == nil {
			said += line + " "
			continue
		}
		test := name + "/" + v[2]
		switch {
		case v[1] == "PASS":
			ran++
			r.add(test, "")
		case v[1] == "SKIP" && r.NewerKernel(said):
			ran++
			r.Skipped = append(r.Skipped, test+": "+oneLine(said))
		case v[1] == "SKIP":
			failed++
			r.add(test, "skipped: "+said)
		default:
			failed++
			r.add(test, "failed: "+said)
		}
		said = ""
	}
	err = errors.Join(lines.Err(), cmd.Wait())
	if err != nil && failed == 0 {
		r.add(name, fmt.Sprintf("%v: %s", err, said))
	}
	if ran == 0 {
		r.add(name, "no test passed")
	}
}
