// Command sigmabench measures what the Sigma engine costs on recorded events, and prints every number beside a baseline of
// the same run.
//
//	go run ./test/sigmabench [--corpus ../shared/corpus] [--seconds 0.5] [--rounds 5] [--json]
//	go run ./test/sigmabench --profile cpu --lane attack --out attack.pprof
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("sigmabench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, `usage: sigmabench [flags]

Measures the Sigma engine on the recorded events and the rules of the test corpus: rates per core, allocations, growth with
the number of rules, time and memory of loading. Rates are events per second of CPU time, garbage collection included.

  go run ./test/sigmabench --seconds 0.2 --rounds 3     a quick look
  go run ./test/sigmabench --json > sigma.json          for a machine to compare

`)
		flags.PrintDefaults()
	}
	var o options
	flags.StringVar(&o.corpus, "corpus", corpusDefault(), "directory of the test corpus, with sigma, otrf and evtx in it; VEDETTE_CORPUS sets it too")
	seconds := flags.Float64("seconds", 0.5, "least CPU time of one measurement in a round, in seconds")
	flags.IntVar(&o.rounds, "rounds", 5, "how often everything is measured")
	flags.IntVar(&o.sample, "sample", 200000, "about how many verdicts of each lane are compared with the interpreter")
	asJSON := flags.Bool("json", false, "print JSON")
	flags.StringVar(&o.lane, "lane", "", "measure this lane alone: mix, attack, process, no-match, insider or all-match")
	flags.StringVar(&o.profile, "profile", "", "instead of measuring, write a profile of the engine on --lane: cpu, cpu-json, allocs or allocs-json")
	flags.StringVar(&o.out, "out", "sigma.pprof", "file of the profile")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 || o.rounds < 1 || *seconds <= 0 {
		fmt.Fprintln(stderr, "sigmabench: rounds and seconds must be above 0, and there are no arguments; see --help")
		return 2
	}
	o.atLeast = time.Duration(*seconds * float64(time.Second))
	o.progress = stderr
	report, err := measure(o)
	if err != nil {
		fmt.Fprintln(stderr, "sigmabench:", err)
		return 1
	}
	if *asJSON {
		err = json.NewEncoder(stdout).Encode(report)
	} else {
		err = report.print(stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "sigmabench:", err)
		return 1
	}
	if report.Differences > 0 {
		fmt.Fprintf(stderr, "sigmabench: the engine and the interpreter disagree on %d verdicts; see above\n", report.Differences)
		return 1
	}
	return 0
}

type options struct {
	corpus         string
	atLeast        time.Duration
	rounds, sample int
	lane           string
	profile, out   string
	progress       io.Writer
}

func corpusDefault() string {
	if dir := os.Getenv("VEDETTE_CORPUS"); dir != "" {
		return dir
	}
	return filepath.Join("..", "shared", "corpus")
}

// report is everything that one run found.
type report struct {
	Machine machine `json:"machine"`
	// Notes say what was measured: rules, events, training, verdicts compared.
	Notes       []string `json:"notes"`
	Rows        []row    `json:"rows"`
	Differences int      `json:"differences"`
}

// row is one number beside what it is compared with in the same run. Low and High are the least and greatest of the rounds.
type row struct {
	Measure     string   `json:"measure"`
	Value       float64  `json:"value"`
	Low         float64  `json:"low,omitempty"`
	High        float64  `json:"high,omitempty"`
	Unit        string   `json:"unit"`
	Allocations *float64 `json:"allocations,omitempty"`
	Baseline    float64  `json:"baseline"`
	Of          string   `json:"of"`
	Ratio       float64  `json:"ratio"`
	Aim         string   `json:"aim,omitempty"`
}

func newRow(measure string, value float64, unit string, baseline float64, of, aim string) row {
	r := row{Measure: measure, Value: value, Unit: unit, Baseline: baseline, Of: of, Aim: aim}
	if baseline != 0 {
		r.Ratio = value / baseline
	}
	return r
}

// rateRow is a row of events per second and core.
func rateRow(measure string, o outcome, baseline float64, of, aim string) row {
	r := newRow(measure, o.median(), "1/s", baseline, of, aim)
	r.Low, r.High, r.Allocations = o.rates[0], o.rates[len(o.rates)-1], &o.allocations
	return r
}

func (r *report) print(to io.Writer) error {
	fmt.Fprintf(to, "%s, %d cores, %s\n", r.Machine.CPU, r.Machine.Cores, r.Machine.Go)
	for _, note := range r.Notes {
		fmt.Fprintln(to, note)
	}
	if len(r.Rows) == 0 {
		return nil
	}
	fmt.Fprintln(to)
	w := tabwriter.NewWriter(to, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "measure\tvalue\tunit\tfrom\tto\tallocs/event\tbaseline\tof\tratio\taim")
	for _, r := range r.Rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t", r.Measure, number(r.Value), r.Unit)
		if r.High > 0 {
			fmt.Fprintf(w, "%s\t%s\t", number(r.Low), number(r.High))
		} else {
			fmt.Fprint(w, "\t\t")
		}
		if r.Allocations != nil {
			fmt.Fprintf(w, "%.2f", *r.Allocations)
		}
		fmt.Fprintf(w, "\t%s\t%s\t%.3g\t%s\n", number(r.Baseline), r.Of, r.Ratio, r.Aim)
	}
	return w.Flush()
}

// number writes large values without an exponent and small ones with three digits.
func number(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
