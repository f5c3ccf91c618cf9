package engine_test

import (
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

// corpusRules gives all rules of the corpus.
func corpusRules(tb testing.TB) []*rule.Rule {
	tb.Helper()
	root := sigmatest.Corpus(tb, "sigma")
	var dirs []string
	for _, folder := range []string{"rules", "rules-emerging-threats", "rules-threat-hunting", "rules-compliance"} {
		dirs = append(dirs, filepath.Join(root, folder))
	}
	set, problems, err := rule.Load(rule.Options{}, dirs...)
	if err != nil {
		tb.Fatal(err)
	}
	for _, p := range problems {
		if !p.Warning {
			tb.Logf("%v", p)
		}
	}
	if len(set.Rules) < 3000 {
		tb.Fatalf("%d rules were loaded, want more than 3000", len(set.Rules))
	}
	return set.Rules
}

// bound is an event whose values stand in the order of a rule set's fields, so that a benchmark measures the engine alone.
type bound struct {
	program *engine.Program
	slots   []slot
	values  []string
}

type slot struct {
	value string
	ok    bool
}

func (b *bound) Field(n int) (string, bool) { return b.slots[n].value, b.slots[n].ok }

func (b *bound) AppendValues(dst []string) []string { return append(dst, b.values...) }

func bind(rs *engine.Ruleset, ev *sigmatest.Event) *bound {
	b := &bound{program: rs.Program(ev.Sources), slots: make([]slot, len(rs.Fields())), values: ev.AppendValues(nil)}
	ev.Bind(rs.Fields())
	for n := range rs.Fields() {
		b.slots[n].value, b.slots[n].ok = ev.Field(n)
	}
	return b
}

// lanes are recorded events: a natural mix, process creations, and recordings of attacks.
func lanes(tb testing.TB, rs *engine.Ruleset) map[string][]*bound {
	tb.Helper()
	all := make(map[string][]*bound)
	nth := 1
	for _, ev := range sigmatest.LaneEvents(tb, nth) {
		b := bind(rs, ev)
		all["mix"] = append(all["mix"], b)
		if id := ev.Values["EventID"]; id == "1" && ev.Values["CommandLine"] != "" || id == "4688" {
			all["proc"] = append(all["proc"], b)
		}
	}
	for _, ev := range sigmatest.RegressionEvents(tb) {
		b := bind(rs, ev)
		all["attack"] = append(all["attack"], b)
		if id := ev.Values["EventID"]; id == "1" && ev.Values["CommandLine"] != "" || id == "4688" {
			all["proc"] = append(all["proc"], b)
		}
	}
	return all
}

func BenchmarkRecorded(b *testing.B) {
	rs := engine.New(corpusRules(b), engine.Options{Fixed: true})
	for name, events := range lanes(b, rs) {
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		train, timed := events[:len(events)/2], events[len(events)/2:]
		for _, ev := range train {
			ev.program.Match(ev, nil)
		}
		rs.Tune()
		b.Run(name, func(b *testing.B) {
			before := rs.Stats()
			var found []engine.Match
			matches := 0
			b.ReportAllocs()
			b.ResetTimer()
			start := cpuTime(b)
			for n := range b.N {
				ev := timed[n%len(timed)]
				found = ev.program.Match(ev, found[:0])
				matches += len(found)
			}
			spent := cpuTime(b) - start
			after := rs.Stats()
			b.ReportMetric(float64(b.N)/spent.Seconds(), "events/cpu-s")
			b.ReportMetric(float64(len(timed)), "events")
			b.ReportMetric(float64(matches)/float64(b.N), "matches/event")
			b.ReportMetric(float64(after.Candidates-before.Candidates)/float64(b.N), "candidates/event")
		})
	}
}

// cpuTime is what the process has used so far: unlike the time of day it does not count what other processes use.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
