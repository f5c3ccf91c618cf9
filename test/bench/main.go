// Command bench measures a running Vedette on this machine and prints every number beside a baseline of the same run.
//
//	sudo go run ./test/bench [--bin bin] [--only programs|loads] [--seconds 10] [--pairs 5] [--json]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
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
	pairs := flags.Int("pairs", 5, "runs of each workload with Vedette and without it")
	only := flags.String("only", "", "programs (starting programs: rates, latencies, memory) or loads (what compiling and handling files costs)")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *only != "" && *only != "programs" && *only != "loads" || *pairs < 1 {
		fmt.Fprintln(stderr, "bench: --only is programs or loads, and --pairs at least 1")
		return 2
	}
	b, err := newBench(*bin, *rules, *programs, *seconds, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	defer b.close()
	var r results
	// What was measured before something failed is worth as much.
	failed := b.all(ctx, *only, *pairs, &r)
	if *asJSON {
		err = json.NewEncoder(stdout).Encode(r)
	} else {
		err = r.write(stdout)
	}
	err = errors.Join(failed, err)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// all measures what is asked for.
func (b *bench) all(ctx context.Context, only string, pairs int, r *results) error {
	if only != "loads" {
		rows, err := b.measure(ctx)
		if err != nil {
			return err
		}
		r.Measures = rows
	}
	if only != "programs" {
		return b.slowdowns(ctx, pairs, r)
	}
	return nil
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
