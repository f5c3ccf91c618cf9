package main

import (
	"fmt"
	"slices"

	"github.com/vedette-edr/vedette/analyzer/recording"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

const (
	// stream is the least number of events in a lane.
	stream = 20000
	// hostile is the number of events of the lane insider, each of which costs as much as hundreds of others.
	hostile = 1000
	// certainRules is how many rules match every event of the lane all-match.
	certainRules = 100
)

// makeLanes reads the recordings and makes up the synthetic events.
func (b *bench) makeLanes() error {
	mix, err := archived(b.corpus)
	if err != nil {
		return err
	}
	logs, err := eventLogs(b.corpus)
	if err != nil {
		return err
	}
	tests, err := regressions(b.corpus)
	if err != nil {
		return err
	}
	attack := slices.Concat(logs, tests)
	process, err := processCreations(slices.Concat(mix, attack))
	if err != nil {
		return err
	}
	always, err := certain(certainRules)
	if err != nil {
		return err
	}
	unknown := strangers(2 * stream)
	b.lanes = []lane{
		newLane("mix", "natural mix", slices.Concat(mix, logs), b.rules, ">= 1000000"),
		newLane("attack", "attack recordings", attack, b.rules, ">= 1000000"),
		newLane("process", "process creation", process, b.rules, ">= 500000"),
		newLane("no-match", "process creation, none known", unknown, b.rules, ""),
		newLane("insider", "process creation, words of the rules", insiders(b.rules, 2*hostile), b.rules, ""),
		newLane("all-match", "process creation, each matching 100 rules", unknown, always, ""),
	}
	for i := range b.lanes {
		l := &b.lanes[i]
		b.note("%s: %d events to train on, %d to time", l.name, len(l.training), len(l.timed))
		if l.name != "insider" {
			l.timed = stretch(l.timed, stream)
		}
	}
	return nil
}

// processCreations chooses the events of that category.
func processCreations(lines [][]byte) ([][]byte, error) {
	var chosen [][]byte
	v := newViewer(nil, func([]rule.Logsource) *engine.Program { return nil })
	d := recording.NewDecoder(v.fields)
	isProcessCreation := func(s rule.Logsource) bool { return s.Category == "process_creation" }
	for _, line := range lines {
		if err := d.Decode(line); err != nil {
			return nil, fmt.Errorf("cannot decode event %.200q: %w", line, err)
		}
		if slices.ContainsFunc(v.of(d.Record()), func(v view) bool { return slices.ContainsFunc(v.sources, isProcessCreation) }) {
			chosen = append(chosen, line)
		}
	}
	return chosen, nil
}

// block is how many events in a row go to training or to timing together: neighbours are alike.
const block = 512

// lane is a kind of events and the rules that they are matched against.
type lane struct {
	name, title string
	// training and timed share no event.
	training, timed [][]byte
	rules           []*rule.Rule
	aim             string
}

// newLane gives every other block of events to training.
func newLane(name, title string, events [][]byte, rules []*rule.Rule, aim string) lane {
	l := lane{name: name, title: title, rules: rules, aim: aim}
	odd := false
	for some := range slices.Chunk(events, min(block, len(events)/16+1)) {
		if odd {
			l.timed = append(l.timed, some...)
		} else {
			l.training = append(l.training, some...)
		}
		odd = !odd
	}
	return l
}

// stretch repeats events, each copy in memory of its own, until there are at least n: a lane that fits into a cache would
// be no stream.
func stretch(events [][]byte, n int) [][]byte {
	long := slices.Clone(events)
	for len(events) > 0 && len(long) < n {
		for _, e := range events {
			long = append(long, slices.Clone(e))
		}
	}
	return long
}
