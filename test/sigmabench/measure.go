package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// naiveVerdicts is about how many verdicts a pass of the interpreter has, which can need 10 us for each.
const naiveVerdicts = 20000

type bench struct {
	options
	report *report
	loader *loader
	rules  []*rule.Rule
	lanes  []lane
}

func measure(o options) (*report, error) {
	b := &bench{options: o, report: &report{Machine: thisMachine()}}
	dir, err := os.MkdirTemp("", "sigmabench")
	if err != nil {
		return nil, fmt.Errorf("cannot make a temporary directory: %w", err)
	}
	defer os.RemoveAll(dir)
	if b.loader, err = newLoader(b.corpus, dir); err != nil {
		return nil, err
	}
	set, err := b.loader.load()
	if err != nil {
		return nil, err
	}
	b.rules = set.Rules
	b.note("rules: %d of SigmaHQ loaded, %d refused, %d skipped", len(set.Rules), set.Refused, set.Skipped)
	b.say("reading the recordings ...")
	if err := b.makeLanes(); err != nil {
		return nil, err
	}
	named := slices.ContainsFunc(b.lanes, func(l lane) bool { return l.name == b.lane })
	if !named && (b.lane != "" || b.profile != "") {
		return nil, fmt.Errorf("there is no lane %q; name one with --lane: mix, attack, process, no-match, insider or all-match", b.lane)
	}
	steps := []func() error{b.measureLanes, b.measureGrowth, b.measureLoading}
	switch {
	case o.profile != "":
		steps = []func() error{b.writeProfile}
	case o.lane != "":
		steps = steps[:1]
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.report, nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }

func (b *bench) note(format string, args ...any) {
	b.report.Notes = append(b.report.Notes, fmt.Sprintf(format, args...))
}

func (b *bench) add(rows ...row) { b.report.Rows = append(b.report.Rows, rows...) }

func (b *bench) measureLanes() error {
	for _, l := range b.lanes {
		if b.lane != "" && b.lane != l.name {
			continue
		}
		if err := b.measureLane(l); err != nil {
			return fmt.Errorf("cannot measure lane %s: %w", l.name, err)
		}
	}
	return nil
}

func (b *bench) measureLane(l lane) error {
	b.say("%s ...", l.title)
	p, err := train(l.rules, l.training)
	if err != nil {
		return err
	}
	events, err := p.keep(l.timed)
	if err != nil {
		return err
	}
	scope := b.describe(l, p, events)
	slow := newNaive(p.rules)
	b.compare(l.name, p, slow, sampled(events, int(float64(b.sample)/scope)+1))
	few := sampled(events, int(naiveVerdicts/scope)+1)
	outcomes, err := compete(b.rounds, b.atLeast,
		contestant{len(events), func() (time.Duration, error) { spent, _ := p.engine(events); return spent, nil }},
		contestant{len(l.timed), func() (time.Duration, error) { return timed(func() error { return p.fromJSON(l.timed) }) }},
		contestant{len(l.timed), func() (time.Duration, error) { return timed(func() error { return p.decode(l.timed) }) }},
		contestant{len(few), func() (time.Duration, error) { return slow.pass(p, few), nil }},
		contestant{min(standard, len(l.timed)), func() (time.Duration, error) { return timed(func() error { return unmarshal(l.timed) }) }},
	)
	if err != nil {
		return err
	}
	alone, fromJSON, decoder, interpreter, library := outcomes[0], outcomes[1], outcomes[2], outcomes[3], outcomes[4]
	b.add(
		rateRow(l.title+": engine alone", alone, interpreter.median(), "interpret", l.aim),
		rateRow("  from JSON", fromJSON, library.median(), "decoding with encoding/json", ""),
		rateRow("  decoding alone", decoder, library.median(), "decoding with encoding/json", ""),
	)
	return nil
}

// timed is the CPU time of a call that can fail.
func timed(call func() error) (spent time.Duration, err error) {
	spent = cpuOf(func() { err = call() })
	return spent, err
}

// describe notes what the engine has to do for an event of the lane, and gives the number of rules that one meets on average.
func (b *bench) describe(l lane, p *pipeline, events []*event) (scope float64) {
	before := p.rules.Stats()
	_, matched := p.engine(events)
	after := p.rules.Stats()
	met, bytes := 0, 0
	for i, e := range events {
		bytes += len(l.timed[i])
		for _, v := range e.views {
			met += len(v.program.Rules())
		}
	}
	misses, allocated := p.misses(events)
	b.note("%s: %d events without a match make %d allocations in all", l.name, misses, allocated)
	n := float64(len(events))
	scope = max(1, float64(met)/n)
	b.note("%s: an event is %.0f bytes of JSON and meets %.1f rules, of which %.2f are evaluated and %.3f match", l.name, float64(bytes)/n,
		scope, float64(after.Candidates-before.Candidates)/float64(max(1, after.Events-before.Events)), float64(matched)/n)
	return scope
}

// compare holds the engine against the interpreter and notes the result.
func (b *bench) compare(name string, p *pipeline, slow *naive, sample []*event) {
	c := slow.compare(p, sample)
	b.note("%s: %d differences between engine and interpreter in %d verdicts on %d events, of which %d are matches", name, len(c.differences),
		c.verdicts, len(sample), c.matches)
	b.report.Differences += len(c.differences)
	for _, difference := range c.differences[:min(10, len(c.differences))] {
		b.note("  %s", difference)
	}
}

// standard is how many events a pass of encoding/json has.
const standard = 2000

// unmarshal decodes events with encoding/json.
func unmarshal(lines [][]byte) error {
	for _, line := range sampled(lines, standard) {
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
	}
	return nil
}

// measureGrowth shows how the cost of an event depends on the number of rules.
func (b *bench) measureGrowth() error {
	forWindows := slices.DeleteFunc(slices.Clone(b.rules), func(r *rule.Rule) bool { return r.Logsource.Product != "windows" })
	forProcesses := slices.DeleteFunc(slices.Clone(forWindows), func(r *rule.Rule) bool { return r.Logsource.Category != "process_creation" })
	for _, g := range []struct {
		lane  lane
		rules []*rule.Rule
	}{{b.lanes[0], forWindows}, {b.lanes[2], forProcesses}} {
		least := 0.0
		for _, n := range []int{100, 1000, 10000} {
			b.say("%s with %d rules ...", g.lane.title, n)
			median, o, err := b.withRules(g.lane, grow(g.rules, n))
			if err != nil {
				return fmt.Errorf("cannot measure %d rules: %w", n, err)
			}
			if least == 0 {
				least = median
			}
			r := newRow(fmt.Sprintf("%s: an event with %d rules", g.lane.title, n), median, "ns", least, "with 100 rules", "")
			r.Low, r.High, r.Allocations = 1e9/o.rates[len(o.rates)-1], 1e9/o.rates[0], &o.allocations
			b.add(r)
		}
	}
	return nil
}

// withRules gives what an event costs with these rules, in nanoseconds.
func (b *bench) withRules(l lane, rules []*rule.Rule) (float64, outcome, error) {
	p, err := train(rules, l.training)
	if err != nil {
		return 0, outcome{}, err
	}
	events, err := p.keep(l.timed)
	if err != nil {
		return 0, outcome{}, err
	}
	l.name = fmt.Sprintf("%s with %d rules", l.name, len(rules))
	scope := b.describe(l, p, events)
	b.compare(l.name, p, newNaive(p.rules), sampled(events, int(float64(b.sample)/scope)+1))
	outcomes, err := compete(b.rounds, b.atLeast,
		contestant{len(events), func() (time.Duration, error) { spent, _ := p.engine(events); return spent, nil }})
	if err != nil {
		return 0, outcome{}, err
	}
	return 1e9 / outcomes[0].median(), outcomes[0], nil
}
