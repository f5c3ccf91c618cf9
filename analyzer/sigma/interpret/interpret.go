// Package interpret decides about Sigma rules by walking their trees: slowly, and so plainly that every line can be held
// against the specification. Package engine has to agree with it on every rule and event. It also explains a verdict, part by
// part.
//
// It is bounded in time by the product of the sizes of rule and event, whatever the rule.
package interpret

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vedette-edr/vedette/analyzer/sigma/eventtime"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Matches reports whether the rule matches the event. The log source is not looked at.
func Matches(r *rule.Rule, ev Event) bool { return Read(ev).Matches(r) }

// Matches reports whether the rule matches the event. The log source is not looked at.
func (rd *Reading) Matches(r *rule.Rule) bool { return rd.holds(r.Condition, false) }

// holds decides about a condition, which stands under a not, or an odd number of them, if negative is set.
func (rd *Reading) holds(e rule.Expr, negative bool) bool {
	switch e := e.(type) {
	case rule.And:
		for _, part := range e {
			if !rd.holds(part, negative) {
				return false
			}
		}
		return true
	case rule.Or:
		return slices.ContainsFunc(e, func(part rule.Expr) bool { return rd.holds(part, negative) })
	case rule.Not:
		return !rd.holds(e.Of, !negative)
	case *rule.Selection:
		return rd.holds(e.Body, negative)
	case *rule.Item:
		l := lookOf(e, negative)
		values, present := rd.valuesFor(l)
		return rd.asked(e, l.strict, values, present) != e.Negated
	}
	panic(fmt.Sprintf("BUG: a condition cannot hold a %T", e))
}

// lookOf gives how an item looks at its field: strictly when what satisfies its values keeps the rule from matching.
func lookOf(it *rule.Item, negative bool) look {
	return look{field: it.Field, strict: it.Negated != negative}
}

// valuesFor gives what an item looks at: the values of its field, or for keywords all values of the event.
func (rd *Reading) valuesFor(l look) (values []*value, present bool) {
	if l.field == "" {
		return rd.all(), true
	}
	return rd.values(l)
}

// asked reports whether one of the wanted values, or all, are found: the item without its negation.
func (rd *Reading) asked(it *rule.Item, strict bool, values []*value, present bool) bool {
	for _, wanted := range it.Values {
		if _, found := rd.find(wanted.Test, strict, values, present); found != it.All {
			return found
		}
	}
	return it.All
}

// find looks for the first of the event's values that passes the test. Null and Exists look at the first value alone.
func (rd *Reading) find(t rule.Test, strict bool, values []*value, present bool) (text string, found bool) {
	first := ""
	if present && len(values) > 0 {
		first = values[0].text
	}
	switch t := t.(type) {
	case rule.Null:
		return first, !present || first == ""
	case rule.Exists:
		return first, present == bool(t)
	}
	if !present {
		return "", false
	}
	for _, v := range values {
		if rd.passes(t, strict, v) {
			return v.text, true
		}
	}
	return "", false
}

// passes reports whether one value of a field that is present passes the test.
func (rd *Reading) passes(t rule.Test, strict bool, v *value) bool {
	switch t := t.(type) {
	case rule.Text:
		for _, pattern := range t.Alternatives {
			if rd.matchPattern(pattern, v, t.Cased) {
				return true
			}
		}
		return false
	case rule.Regex:
		return t.Regex.MatchReference(v.text)
	case rule.Network:
		address, err := netip.ParseAddr(v.text)
		return err == nil && netip.Prefix(t).Contains(address.Unmap().WithZone(""))
	case rule.Number:
		number, ok := numberIn(v.text, t.Part)
		return ok && number.Satisfies(t.Relation, t.Than)
	case rule.FieldRef:
		others, _ := rd.values(look{field: t.Other, strict: strict})
		for _, other := range others {
			if rd.refers(t, v, other.text) {
				return true
			}
		}
		return false
	}
	panic(fmt.Sprintf("BUG: a test cannot be a %T", t))
}

// numberIn gives the number that text is, or a part of the time that it is.
func numberIn(text string, part rule.TimePart) (n rule.Decimal, ok bool) {
	if part == rule.NoPart {
		return rule.ParseDecimal(text)
	}
	whole, ok := eventtime.Part(text, part)
	return rule.Whole(whole), ok
}

// refers reports whether v equals, contains, begins or ends with other, all of which is taken literally.
func (rd *Reading) refers(t rule.FieldRef, v *value, other string) bool {
	var pattern rule.Pattern
	if t.OpenHead {
		pattern = append(pattern, rule.Token{Kind: rule.AnyText})
	}
	pattern = append(pattern, rule.Token{Kind: rule.Literal, Text: other})
	if t.OpenTail {
		pattern = append(pattern, rule.Token{Kind: rule.AnyText})
	}
	return rd.matchPattern(pattern, v, t.Cased)
}
