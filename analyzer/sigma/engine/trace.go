package engine

import (
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// tracer says what made a rule match: the condition again, with each value of an item for itself.
type tracer struct {
	op    op
	parts []*tracer
	// item is that of an opTest.
	item   *rule.Item
	field  int
	wanted []wanted
	// together finds which of the values hold, one bit each, where all of them are literals; else it is nil.
	together *lookup
}

// wanted is a value of an item and the predicates, any of which satisfies it.
type wanted struct {
	source string
	tests  []predicate
}

// tracer gives the tracer of a rule of the program.
func (p *Program) tracer(n int) *tracer {
	if t := p.tracers[n].Load(); t != nil {
		return t
	}
	t := p.newTracer(p.rules[n].Condition)
	p.tracers[n].Store(t)
	return t
}

func (p *Program) newTracer(e rule.Expr) *tracer {
	switch e := e.(type) {
	case rule.And:
		return p.joinTracers(opAnd, e)
	case rule.Or:
		return p.joinTracers(opOr, e)
	case rule.Not:
		return &tracer{op: opNot, parts: []*tracer{p.newTracer(e.Of)}}
	case *rule.Selection:
		return p.newTracer(e.Body)
	case *rule.Item:
		return p.itemTracer(e)
	}
	return &tracer{op: opAnd}
}

func (p *Program) joinTracers(o op, parts []rule.Expr) *tracer {
	t := &tracer{op: o}
	for _, part := range parts {
		t.parts = append(t.parts, p.newTracer(part))
	}
	return t
}

func (p *Program) itemTracer(item *rule.Item) *tracer {
	t := &tracer{op: opTest, item: item, field: everyValue}
	if item.Field != "" {
		t.field = p.number(item.Field)
	}
	var needles []needle
	var bits [][]int
	for n, value := range item.Values {
		tests := predicatesOf(item, value.Test, p.number)
		t.wanted = append(t.wanted, wanted{source: value.Source, tests: tests})
		if len(tests) == 1 && !tests[0].cased && tests[0].needle().indexable() {
			needles = append(needles, needle{kind: tests[0].kind, literal: tests[0].literal, post: int32(n)})
			bits = append(bits, []int{n})
		}
	}
	if t.field != everyValue && len(needles) == len(t.wanted) && len(needles) >= fewestAny {
		t.together = newLookup(needles, commonness)
		t.together.posts = newPostings(bits)
	}
	return t
}

// trace gives what a rule of the program found in the event, which satisfies it.
func (s *scratch) trace(n int) []MatchedField {
	s.found, _ = s.program.tracer(n).collect(s, s.found[:0])
	if len(s.found) == 0 {
		return nil
	}
	return slices.Clone(s.found)
}

// collect appends what makes the tracer hold, if it does.
func (t *tracer) collect(s *scratch, dst []MatchedField) (_ []MatchedField, held bool) {
	start := len(dst)
	switch t.op {
	case opAnd:
		for _, part := range t.parts {
			if dst, held = part.collect(s, dst); !held {
				return dst[:start], false
			}
		}
		return dst, true
	case opOr:
		for _, part := range t.parts {
			var partHeld bool
			dst, partHeld = part.collect(s, dst)
			held = held || partHeld
		}
		return dst, held
	case opNot:
		dst, held = t.parts[0].collect(s, dst)
		return dst[:start], !held
	}
	count := 0
	if t.together != nil && s.slot(t.field).isSingle() {
		dst, count = t.collectTogether(s, dst)
	} else {
		dst, count = t.collectEach(s, dst)
	}
	held = count > 0
	if t.item.All {
		held = count == len(t.wanted)
	}
	if held == t.item.Negated || t.item.Negated {
		return dst[:start], held != t.item.Negated
	}
	return dst, held
}

// collectEach tries the values wanted one by one and counts those that hold.
func (t *tracer) collectEach(s *scratch, dst []MatchedField) (_ []MatchedField, count int) {
	for i := range t.wanted {
		for j := range t.wanted[i].tests {
			if value, ok := s.find(&t.wanted[i].tests[j]); ok {
				dst = t.add(s, dst, value, i)
				count++
				break
			}
		}
	}
	return dst, count
}

// collectTogether does the same with one look at the text.
func (t *tracer) collectTogether(s *scratch, dst []MatchedField) (_ []MatchedField, count int) {
	sl := s.slot(t.field)
	if !sl.present {
		return dst, 0
	}
	words := (len(t.wanted) + 63) / 64
	s.traced = slices.Grow(s.traced[:0], words)[:words]
	clear(s.traced)
	t.together.apply(s.form(&sl.text, false), false, t.together.posts, s.traced)
	for i := range t.wanted {
		if s.traced[i>>6]>>(i&63)&1 != 0 {
			dst = t.add(s, dst, sl.text.raw, i)
			count++
		}
	}
	return dst, count
}

// add appends what was found for a value wanted, once.
func (t *tracer) add(s *scratch, dst []MatchedField, value string, n int) []MatchedField {
	found := MatchedField{Field: t.item.Field, Value: value, Pattern: t.wanted[n].source}
	for i := range dst {
		if dst[i] == found {
			return dst
		}
	}
	found.Value = s.keep(value)
	return append(dst, found)
}

// keep copies a value of the event, once for all rules that found it.
func (s *scratch) keep(value string) string {
	for _, kept := range s.kept {
		if kept == value {
			return kept
		}
	}
	value = strings.Clone(value)
	s.kept = append(s.kept, value)
	return value
}
