package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// results is all that was measured.
type results struct {
	Measures []row      `json:"measures"`
	Profiles []*profile `json:"profiles,omitempty"`
}

func (r *results) write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "measure\tvalue\tunit\tbaseline\tof\tratio\tspread\taim")
	for _, r := range r.Measures {
		fmt.Fprintf(w, "%s\t%.4g\t%s\t%.4g\t%s\t%.3f\t%s\t%s\n", r.Measure, r.Value, r.Unit, r.Baseline, r.Of, r.Ratio, r.Spread, r.Aim)
	}
	if len(r.Profiles) > 0 {
		fmt.Fprintln(w, "\nevents\tmade\tper second\twithheld\tlost")
	}
	for _, p := range r.Profiles {
		for _, c := range p.Classes {
			fmt.Fprintf(w, "%s: %s\t%d\t%.0f\t%d\t%d\n", p.Workload, c.Class, c.Made, float64(c.Made)/p.Seconds, c.Withheld, c.Lost)
		}
	}
	if len(r.Profiles) > 0 {
		fmt.Fprintln(w, "\neBPF, in % of the load's CPU time\truns\tns per run\tcounted\tsampled")
	}
	for _, p := range r.Profiles {
		for _, c := range p.Programs {
			fmt.Fprintf(w, "%s: %s\t%d\t%.0f\t%.3f\t%.3f\n", p.Workload, c.Name, c.Runs, c.NsRun, c.Share*100, c.Sampled*100)
		}
	}
	return w.Flush()
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
	// Spread is that of the ratio, where it is the median of several pairs.
	Spread *spread `json:"spread,omitempty"`
}

// spread is the smallest and the largest of several values.
type spread struct {
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

func (s *spread) String() string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%.3f..%.3f", s.Min, s.Max)
}

func newRow(measure string, value float64, unit string, baseline float64, of, aim string) row {
	r := row{Measure: measure, Value: value, Unit: unit, Baseline: baseline, Of: of, Aim: aim}
	if baseline != 0 {
		r.Ratio = value / baseline
	}
	return r
}
