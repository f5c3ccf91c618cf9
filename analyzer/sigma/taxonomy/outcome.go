package taxonomy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// checker looks at the condition of a rule with one record in mind.
type checker struct {
	record  *Record
	reasons []Reason
	// others are records that the rule sees as well: what cannot match on this one may match there.
	others []*Record
}

// outcome says which results an expression can have on some event.
type outcome struct{ holds, fails bool }

func (o outcome) not() outcome { return outcome{holds: o.fails, fails: o.holds} }

// Outcome says whether a condition, or a part of one, can hold on an event that is shown as the record, and whether it can fail
// to. It looks at each field by itself.
func (r *Record) Outcome(e rule.Expr) (holds, fails bool) {
	c := checker{record: r}
	o := c.outcome(e)
	return o.holds, o.fails
}

func (c *checker) outcome(e rule.Expr) outcome {
	switch e := e.(type) {
	case rule.And:
		o := outcome{holds: true}
		for _, part := range e {
			p := c.outcome(part)
			o.holds = o.holds && p.holds
			o.fails = o.fails || p.fails
		}
		return o
	case rule.Or:
		o := outcome{fails: true}
		for _, part := range e {
			p := c.outcome(part)
			o.holds = o.holds || p.holds
			o.fails = o.fails && p.fails
		}
		return o
	case rule.Not:
		return c.outcome(e.Of).not()
	case *rule.Selection:
		return c.outcome(e.Body)
	case *rule.Item:
		return c.item(e)
	}
	return outcome{holds: true, fails: true}
}

func (c *checker) item(item *rule.Item) outcome {
	if item.Field == "" {
		return outcome{holds: true, fails: true}
	}
	field, _ := c.record.Field(item.Field)
	var all, one outcome
	all.holds, one.fails = true, true
	for _, value := range item.Values {
		o := c.value(field, value.Test)
		all.holds, all.fails = all.holds && o.holds, all.fails || o.fails
		one.holds, one.fails = one.holds || o.holds, one.fails && o.fails
	}
	o := one
	if item.All {
		o = all
	}
	if item.Negated {
		return o.not()
	}
	return o
}

// value gives the results that a test of a field can have. A field that is never there has the zero Field.
func (c *checker) value(field Field, test rule.Test) outcome {
	either := outcome{holds: true, fails: true}
	switch test := test.(type) {
	case rule.Null:
		// A field that is always there may still be empty.
		return outcome{holds: true, fails: field.Supply != Never}
	case rule.Exists:
		o := outcome{holds: field.Supply != Never, fails: field.Supply != Always}
		if !test {
			return o.not()
		}
		return o
	case rule.FieldRef:
		other, _ := c.record.Field(test.Other)
		if field.Supply == Never || other.Supply == Never {
			return outcome{fails: true}
		}
		return either
	case rule.Text:
		if field.Supply != Never && len(field.Values) > 0 && !anyMatches(test, field.Values) {
			return outcome{fails: true}
		}
	}
	if field.Supply == Never {
		return outcome{fails: true}
	}
	return either
}

func anyMatches(test rule.Text, values []string) bool {
	for _, pattern := range test.Alternatives {
		for _, value := range values {
			if matches(pattern, strings.ToLower(value)) {
				return true
			}
		}
	}
	return false
}

// matches compares a folded value with a pattern. It is for the few short words that a field can say.
func matches(pattern rule.Pattern, value string) bool {
	if len(pattern) == 0 {
		return value == ""
	}
	switch token := pattern[0]; token.Kind {
	case rule.AnyText:
		for i := range len(value) + 1 {
			if matches(pattern[1:], value[i:]) {
				return true
			}
		}
		return false
	case rule.Literal:
		rest, ok := strings.CutPrefix(value, strings.ToLower(token.Text))
		return ok && matches(pattern[1:], rest)
	default:
		return value != "" && matches(pattern[1:], value[1:])
	}
}

// blame collects why an expression can never hold, or, when negated, never fail.
func (c *checker) blame(e rule.Expr, selection string, negated bool) {
	o := c.outcome(e)
	if negated {
		o = o.not()
	}
	if o.holds {
		return
	}
	switch e := e.(type) {
	case rule.And:
		for _, part := range e {
			c.blame(part, selection, negated)
		}
	case rule.Or:
		for _, part := range e {
			c.blame(part, selection, negated)
		}
	case rule.Not:
		c.blame(e.Of, selection, !negated)
	case *rule.Selection:
		c.blame(e.Body, e.Name, negated)
	case *rule.Item:
		c.add(Blocks, selection, e, c.whyNot(e))
	}
}

// collect gathers what weakens a condition that can hold: alternatives that cannot, exclusions that exclude nothing, and
// fields that are absent at times. Under a Not, negated is set.
func (c *checker) collect(e rule.Expr, selection string, negated bool) {
	switch e := e.(type) {
	case rule.And:
		for _, part := range e {
			c.collect(part, selection, negated)
		}
	case rule.Or:
		for _, part := range e {
			c.collect(part, selection, negated)
		}
	case rule.Not:
		c.collect(e.Of, selection, !negated)
	case *rule.Selection:
		c.collect(e.Body, e.Name, negated)
	case *rule.Item:
		c.weigh(e, selection, negated)
	}
}

func (c *checker) weigh(item *rule.Item, selection string, negated bool) {
	if item.Field == "" {
		return
	}
	o := c.item(item)
	field, _ := c.record.Field(item.Field)
	switch {
	case !o.holds && negated:
		c.add(Admits, selection, item, "cannot exclude: "+c.whyNot(item))
	case !o.holds && c.elsewhere(item):
	case !o.holds:
		c.add(Loses, selection, item, "cannot match: "+c.whyNot(item))
	case field.Supply == Never && negated:
		c.add(Loses, selection, item, "always excludes: "+c.whyNot(item))
	case field.Supply == Never:
		c.add(Admits, selection, item, "always holds: "+c.whyNot(item))
	case field.Supply == Sometimes && c.record.lists(item.Field):
		c.add(Depends, selection, item, fmt.Sprintf("%s is not always there: %s", item.Field, field.Why))
	}
}

// elsewhere reports whether an item can hold on another record.
func (c *checker) elsewhere(item *rule.Item) bool {
	return slices.ContainsFunc(c.others, func(r *Record) bool {
		other := checker{record: r}
		return other.item(item).holds
	})
}

func (c *checker) add(effect Effect, selection string, item *rule.Item, text string) {
	c.reasons = append(c.reasons, Reason{Effect: effect, Selection: selection, Field: item.Field, Text: text})
}

// whyNot says what of an item's field stands in its way.
func (c *checker) whyNot(item *rule.Item) string {
	field, ok := c.record.Field(item.Field)
	switch {
	case !ok:
		return fmt.Sprintf("%s has no field %s", c.record.Name, item.Field)
	case field.Supply == Never:
		return fmt.Sprintf("%s never has %s (%s)", c.record.Name, item.Field, field.Why)
	case len(field.Values) > 0:
		why := field.Why
		if why == "" {
			why = "it says only " + strings.Join(field.Values, ", ")
		}
		return fmt.Sprintf("%s of %s is never %s (%s)", item.Field, c.record.Name, wanted(item), why)
	}
	return fmt.Sprintf("%s refers to a field that %s never has", item.Field, c.record.Name)
}

// wanted spells the first few values of an item.
func wanted(item *rule.Item) string {
	const most = 3
	var words []string
	for i, value := range item.Values {
		if i == most {
			words = append(words, "…")
			break
		}
		words = append(words, value.Source)
	}
	return strings.Join(words, ", ")
}
