package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/vedette-edr/vedette/test/kernels/report"
)

// sensor is the package of a test binary.
func sensor(binary string) string { return strings.TrimSuffix(binary, ".test") }

var (
	beginning = regexp.MustCompile(`^=== (?:RUN|CONT|PAUSE|NAME) +(\S+)`)
	verdict   = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+)`)
)

// runTests runs a test binary in a directory and makes a result of every test and subtest in it. Whether a test may be skipped
// is for who reads the report.
func runTests(r *results, name, binary, dir string, env ...string) {
	// A test that hangs says where, while there is time for the others.
	args := []string{"-test.v", "-test.timeout=480s"}
	if _, pattern, _ := strings.Cut(os.Getenv(only), "/"); pattern != "" {
		args = append(args, "-test.run="+pattern)
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
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
	// What a test says stands after the line with which it begins or goes on; verdicts on subtests all come when their parent ends.
	said, current, ran, failed := map[string]string{}, "", 0, 0
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		fmt.Fprintln(r.out, line)
		v := verdict.FindStringSubmatch(line)
		if b := beginning.FindStringSubmatch(line); b != nil {
			current = b[1]
			continue
		}
		if v == nil {
			said[current] += line + " "
			continue
		}
		test := name + "/" + v[2]
		switch v[1] {
		case "PASS":
			ran++
			r.add(test, "")
		case "SKIP":
			ran++
			r.add(test, "")
			r.Skipped = append(r.Skipped, report.Skip{Test: test, Reason: oneLine(said[v[2]])})
		default:
			failed++
			r.add(test, "failed: "+said[v[2]])
		}
	}
	err = errors.Join(lines.Err(), cmd.Wait())
	if err != nil && failed == 0 {
		r.add(name, fmt.Sprintf("%v: %s", err, said[current]))
	}
	if ran == 0 {
		r.add(name, "no test passed")
	}
}
