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
	// together finds which of the values that are literals hold, one bit each; it is nil where these are few.
	together *lookup
}

// wanted is a value of an item and the predicates, any of which satisfies it.
type wanted struct {
	source string
	tests  []predicate
	// isTogether is set when the tracer's together finds it.
	isTogether bool
}

// tracer gives the tracer of a rule of the program.
func (p *Program) tracer(n int) *tracer {
	if t := p.tracers[n].Load(); t != nil {
		return t
	}
	t := p.newTracer(p.rules[n].Condition, false)
	p.tracers[n].Store(t)
	return t
}

// newTracer makes the tracer of a condition, which stands under a not if negative is set.
func (p *Program) newTracer(e rule.Expr, negative bool) *tracer {
	switch e := e.(type) {
	case rule.And:
		return p.joinTracers(opAnd, e, negative)
	case rule.Or:
		return p.joinTracers(opOr, e, negative)
	case rule.Not:
		return &tracer{op: opNot, parts: []*tracer{p.newTracer(e.Of, !negative)}}
	case *rule.Selection:
		return p.newTracer(e.Body, negative)
	case *rule.Item:
		return p.itemTracer(e, isStrict(e, negative))
	}
	return &tracer{op: opAnd}
}

func (p *Program) joinTracers(o op, parts []rule.Expr, negative bool) *tracer {
	t := &tracer{op: o}
	for _, part := range parts {
		t.parts = append(t.parts, p.newTracer(part, negative))
	}
	return t
}

func (p *Program) itemTracer(item *rule.Item, strict bool) *tracer {
	t := &tracer{op: opTest, item: item, field: everyValue}
	number := p.numbering(strict)
	if item.Field != "" {
		t.field = number(item.Field)
	}
	var needles []needle
	for n, value := range item.Values {
		w := wanted{source: value.Source, tests: predicatesOf(item, value.Test, number)}
		w.isTogether = !slices.ContainsFunc(w.tests, func(p predicate) bool { return p.cased || !p.needle().indexable() })
		for i := range w.tests {
			if w.isTogether {
				needles = append(needles, needle{kind: w.tests[i].kind, literal: w.tests[i].literal, post: int32(n)})
			}
		}
		t.wanted = append(t.wanted, w)
	}
	if t.field != everyValue && len(needles) >= fewestAny {
		bits := make([][]int, len(t.wanted))
		for n := range bits {
			bits[n] = []int{n}
		}
		t.together = newLookup(needles, commonness)
		t.together.posts = newPostings(bits)
	}
	return t
}

// trace gives what a rule of the program found in the event, which satisfies it.
func (s *scratch) trace(n int) []MatchedField {
	s.found, _ = s.program.tracer(n).collect(s, s.found[:0], true)
	if len(s.found) == 0 {
		return nil
	}
	return slices.Clone(s.found)
}

// collect appends what makes the tracer hold, if it does; known says that it is known to.
func (t *tracer) collect(s *scratch, dst []MatchedField, known bool) (_ []MatchedField, held bool) {
	start := len(dst)
	switch t.op {
	case opAnd:
		for _, part := range t.parts {
			if dst, held = part.collect(s, dst, known); !held {
				return dst[:start], false
			}
		}
		return dst, true
	case opOr:
		for _, part := range t.parts {
			var partHeld bool
			dst, partHeld = part.collect(s, dst, false)
			held = held || partHeld
		}
		return dst, held
	case opNot:
		if known {
			return dst, true
		}
		dst, held = t.parts[0].collect(s, dst, false)
		return dst[:start], !held
	}
	if known && t.item.Negated {
		return dst, true
	}
	dst, count := t.collectValues(s, dst)
	held = count > 0
	if t.item.All {
		held = count == len(t.wanted)
	}
	if held == t.item.Negated || t.item.Negated {
		return dst[:start], held != t.item.Negated
	}
	return dst, held
}

// collectValues appends the values wanted that hold and counts them.
func (t *tracer) collectValues(s *scratch, dst []MatchedField) (_ []MatchedField, count int) {
	together := t.together != nil && s.slot(t.field).isSingle()
	if together {
		t.lookTogether(s)
	}
	for i := range t.wanted {
		w := &t.wanted[i]
		if together && w.isTogether {
			if s.traced[i>>6]>>(i&63)&1 != 0 {
				dst = t.add(s, dst, s.slot(t.field).text.raw, i)
				count++
			}
			continue
		}
		for j := range w.tests {
			if value, ok := s.find(&w.tests[j]); ok {
				dst = t.add(s, dst, value, i)
				count++
				break
			}
		}
	}
	return dst, count
}

// lookTogether sets the bits of the values that together finds in the field.
func (t *tracer) lookTogether(s *scratch) {
	words := (len(t.wanted) + 63) / 64
	s.traced = slices.Grow(s.traced[:0], words)[:words]
	clear(s.traced)
	if sl := s.slot(t.field); sl.present {
		t.together.apply(s.form(&sl.text, false), false, t.together.posts, s.traced)
	}
}

// add appends what was found for a value wanted, once.
func (t *tracer) add(s *scratch, dst []MatchedField, value string, n int) []MatchedField {
	found := MatchedField{Field: t.item.Field, Value: value, Pattern: t.wanted[n].source}
	if slices.Contains(dst, found) {
		return dst
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
