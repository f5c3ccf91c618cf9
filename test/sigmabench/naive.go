package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/vedette-edr/vedette/analyzer/recording"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/interpret"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// naive evaluates one rule after the other with the interpreter. It finds the rules of a log source apart from the engine.
type naive struct {
	rules   []*rule.Rule
	numbers map[string]int
	// scopes are by the log sources of a view, of which there is one for each kind of record.
	scopes map[*rule.Logsource][]*rule.Rule
}

func newNaive(rs *engine.Ruleset) *naive {
	n := &naive{rules: rs.Rules(), numbers: make(map[string]int), scopes: make(map[*rule.Logsource][]*rule.Rule)}
	for number, name := range rs.Fields() {
		n.numbers[name] = number
	}
	return n
}

// scope gives the rules that cover a view.
func (n *naive) scope(v view) []*rule.Rule {
	found, known := n.scopes[&v.sources[0]]
	if !known {
		for _, r := range n.rules {
			if slices.ContainsFunc(v.sources, r.Logsource.Covers) {
				found = append(found, r)
			}
		}
		n.scopes[&v.sources[0]] = found
	}
	return found
}

// named gives the interpreter the fields of an event by their names.
type named struct {
	engine.ListEvent
	numbers map[string]int
}

// Values implements interpret.Event.
func (n named) Values(field string) ([]string, bool) {
	number, known := n.numbers[field]
	if !known {
		return nil, false
	}
	value, ok := n.Field(number)
	if !ok {
		return nil, false
	}
	return append([]string{value}, n.More(number)...), true
}

// All implements interpret.Event.
func (n named) All() []string { return n.AppendValues(nil) }

// pass decides about all events and gives the time of that alone.
func (n *naive) pass(p *pipeline, lines [][]byte) (spent time.Duration, err error) {
	err = p.eachBlock(lines, func(_ int, records []*recording.Record) {
		spent += cpuOf(func() {
			for _, r := range records {
				for _, v := range p.viewer.of(r) {
					event := named{p.viewer.event(r, v), n.numbers}
					for _, one := range n.scope(v) {
						interpret.Matches(one, event)
					}
				}
			}
		})
	})
	return spent, err
}

// comparison is what holding the engine against the interpreter gave.
type comparison struct {
	verdicts, matches int
	// differences name the rule, the one of the two that says that it matches, and the event.
	differences []string
}

// compare decides every rule in scope of every event twice.
func (n *naive) compare(p *pipeline, lines [][]byte) (comparison, error) {
	var c comparison
	err := p.eachBlock(lines, func(first int, records []*recording.Record) {
		for i, r := range records {
			for _, v := range p.viewer.of(r) {
				n.compareView(p, r, v, lines[first+i], &c)
			}
		}
	})
	return c, err
}

func (n *naive) compareView(p *pipeline, r *recording.Record, v view, line []byte, c *comparison) {
	p.matches = v.program.Match(p.viewer.event(r, v), p.matches[:0])
	engineSays := make(map[*rule.Rule]bool, len(p.matches))
	for _, m := range p.matches {
		engineSays[m.Rule] = true
	}
	event := named{p.viewer.event(r, v), n.numbers}
	differ := func(one *rule.Rule, how string) {
		c.differences = append(c.differences, fmt.Sprintf("rule %s (%s) %s; event %.300s", one.ID, one.Title, how, line))
	}
	for _, one := range n.scope(v) {
		c.verdicts++
		said, want := engineSays[one], interpret.Matches(one, event)
		delete(engineSays, one)
		switch {
		case said && !want:
			differ(one, "matches for the engine alone")
		case want && !said:
			differ(one, "matches for the interpreter alone")
		case want:
			c.matches++
		}
	}
	for one := range engineSays {
		differ(one, "is not for this log source")
	}
}
