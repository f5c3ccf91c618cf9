package main

import (
	"fmt"
	"slices"
	"time"

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

// pass decides about all events and gives the time of that.
func (n *naive) pass(p *pipeline, events []*event) time.Duration {
	return cpuOf(func() {
		for _, e := range events {
			for _, v := range e.views {
				ev := named{p.viewer.event(e, v), n.numbers}
				for _, one := range n.scope(v) {
					interpret.Matches(one, ev)
				}
			}
		}
	})
}

// comparison is what holding the engine against the interpreter gave.
type comparison struct {
	verdicts, matches int
	// differences name the rule, the one of the two that says that it matches, and the event.
	differences []string
}

// compare decides every rule in scope of every event twice.
func (n *naive) compare(p *pipeline, events []*event) comparison {
	var c comparison
	for _, e := range events {
		for _, v := range e.views {
			n.compareView(p, e, v, &c)
		}
	}
	return c
}

func (n *naive) compareView(p *pipeline, e *event, v view, c *comparison) {
	p.matches = v.program.Match(p.viewer.event(e, v), p.matches[:0])
	engineSays := make(map[*rule.Rule]bool, len(p.matches))
	for _, m := range p.matches {
		engineSays[m.Rule] = true
	}
	ev := named{p.viewer.event(e, v), n.numbers}
	differ := func(one *rule.Rule, how string) {
		c.differences = append(c.differences, fmt.Sprintf("rule %s (%s) %s; event %.300q", one.ID, one.Title, how, e.values))
	}
	for _, one := range n.scope(v) {
		c.verdicts++
		said, want := engineSays[one], interpret.Matches(one, ev)
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
