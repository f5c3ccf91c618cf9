// Command bench measures a running Vedette on this machine and prints every number beside a baseline of the same run.
//
//	sudo go run ./test/bench [--bin bin] [--seconds 10] [--json]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// idleVariable makes the program the baseline of memory: a Go process that does nothing.
const idleVariable = "VEDETTE_BENCH_IDLE"

func main() {
	if os.Getenv(idleVariable) != "" {
		time.Sleep(time.Hour)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	bin := flags.String("bin", "bin", "directory of the built programs")
	rules := flags.String("rules", "rules", "directory of the rules")
	programs := flags.String("programs", "test/programs", "directory of the load programs' sources")
	seconds := flags.Float64("seconds", 10, "length of one measurement")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	b, err := newBench(*bin, *rules, *programs, *seconds, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	defer b.close()
	rows, err := b.measure(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	if *asJSON {
		if err := json.NewEncoder(stdout).Encode(rows); err != nil {
			return 1
		}
		return 0
	}
	w := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "measure\tvalue\tunit\tbaseline\tof\tratio\taim")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%.4g\t%s\t%.4g\t%s\t%.3g\t%s\n", r.Measure, r.Value, r.Unit, r.Baseline, r.Of, r.Ratio, r.Aim)
	}
	return map[bool]int{true: 0, false: 1}[w.Flush() == nil]
}

// row is one number beside what it is compared with in the same run.
type row struct {
	Measure  string  `json:"measure"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Baseline float64 `json:"baseline"`
	Of       string  `json:"of"`
	Ratio    float64 `json:"ratio"`
	Aim      string  `json:"aim,omitempty"`
}

func newRow(measure string, value float64, unit string, baseline float64, of, aim string) row {
	r := row{Measure: measure, Value: value, Unit: unit, Baseline: baseline, Of: of, Aim: aim}
	if baseline != 0 {
		r.Ratio = value / baseline
	}
	return r
}

// build compiles a load program.
func build(programs, name, dir string) (string, error) {
	path := filepath.Join(dir, name)
	args := []string{"-O2", "-static", "-o", path, filepath.Join(programs, name+".c")}
	if name == "noop" {
		args = append([]string{"-nostdlib"}, args...)
	}
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot compile %s: %w\n%s", name, err, out)
	}
	return path, nil
}
