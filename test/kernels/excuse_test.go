package kernels

import (
	_ "embed"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/test/kernels/report"
)

// Programs that a kernel is known not to take.
//
//go:embed absent
var absent string

// What a kernel is known to lack that tests want.
//
//go:embed lacking
var lacking string

// excuse is a line of these lists: a series of kernels, or every one, and what it excuses.
type excuse struct {
	series, what string
}

// every stands for all series.
const every = "*"

func (e excuse) is(series string) bool { return e.series == every || e.series == series }

func excuses(t *testing.T, file, list string) []excuse {
	t.Helper()
	var all []excuse
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		series, what, _ := strings.Cut(line, " ")
		if what = strings.TrimSpace(what); what == "" || series != every && !slices.Contains(seriesNames(), series) {
			t.Fatalf("test/kernels/%s: %q does not begin with a series of test/kernels/series, or says nothing", file, line)
		}
		all = append(all, excuse{series, what})
	}
	return all
}

// checkAttached wants every program attached but for those that the kernel is known not to take, and the knowledge to be
// true.
func checkAttached(t *testing.T, series string, r *report.Report) {
	t.Helper()
	known := map[string]bool{}
	for _, e := range excuses(t, "absent", absent) {
		if e.is(series) {
			program, _, _ := strings.Cut(e.what, " ")
			known[program] = true
		}
	}
	for _, p := range r.Programs {
		switch {
		case p.Reason != "" && !known[p.Name]:
			t.Errorf("%s is not attached to %s: %s", p.Name, p.Hook, p.Reason)
		case p.Reason == "" && known[p.Name]:
			t.Errorf("%s is attached, and test/kernels/absent says that it cannot be; remove that line", p.Name)
		}
	}
}

// checkSkipped wants every skipped test to ask for a newer kernel than this, or for what it is known to lack. Else this machine
// was made to have all that a test may want.
func checkSkipped(t *testing.T, series string, r *report.Report) {
	t.Helper()
	known := excuses(t, "lacking", lacking)
	for _, s := range r.Skipped {
		t.Logf("skipped %s: %s", s.Test, s.Reason)
		if !r.NewerKernel(s.Reason) && !slices.ContainsFunc(known, func(e excuse) bool { return e.is(series) && strings.Contains(s.Reason, e.what) }) {
			t.Errorf("%s may not be skipped here (test/kernels/lacking): %s", s.Test, s.Reason)
		}
	}
}
