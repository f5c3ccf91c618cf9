package sigmatest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// report describes a disagreement by the least that shows it: as few other rules as possible, the smallest part of the rule,
// and an event without what does not matter.
func (c *comparison) report(r *rule.Rule, ev *Event) string {
	others := c.fewestRules(r, ev)
	least := r
	// A part of the rule takes its place as long as the disagreement stays.
	for shrunk := true; shrunk; {
		shrunk = false
		for _, part := range parts(least) {
			if c.disagrees(replaced(others, least, part), part, ev) {
				others, least, shrunk = replaced(others, least, part), part, true
				break
			}
		}
	}
	ev = c.smallestEvent(others, least, ev)
	var b strings.Builder
	fmt.Fprintf(&b, "rule %q (%s) on event %s: the interpreter says %t, the matcher otherwise\n", r.Title, r.File, ev.Name, ev.Matches(least))
	fmt.Fprintf(&b, "least event, sources %v:\n%s", ev.Sources, describeEvent(ev))
	fmt.Fprintf(&b, "least rule, logsource %v:\n%s", least.Logsource, Describe(least))
	for _, other := range others {
		if other != least {
			fmt.Fprintf(&b, "only together with the rule, logsource %v:\n%s", other.Logsource, Describe(other))
		}
	}
	return b.String()
}

// disagrees reports whether a fresh matcher of rules is wrong about r.
func (c *comparison) disagrees(rules []*rule.Rule, r *rule.Rule, ev *Event) bool {
	got := 0
	for _, matched := range c.newMatcher(rules)(ev) {
		if matched == r {
			got++
		}
	}
	want := 0
	if covers(r, ev.Sources) && ev.Matches(r) {
		want = 1
	}
	return got != want
}

// fewestRules leaves out halves, quarters and so on of the other rules, as long as the disagreement stays.
func (c *comparison) fewestRules(r *rule.Rule, ev *Event) []*rule.Rule {
	if alone := []*rule.Rule{r}; c.disagrees(alone, r, ev) {
		return alone
	}
	rules := c.rules
	for size := len(rules) / 2; size > 0; size /= 2 {
		for from := 0; from+size <= len(rules); {
			fewer := slices.Concat(rules[:from], rules[from+size:])
			if slices.Contains(fewer, r) && c.disagrees(fewer, r, ev) {
				rules = fewer
			} else {
				from += size
			}
		}
	}
	return rules
}

func replaced(rules []*rule.Rule, old, by *rule.Rule) []*rule.Rule {
	rules = slices.Clone(rules)
	rules[slices.Index(rules, old)] = by
	return rules
}

// parts gives rules with a smaller condition each: a part of it, or all without a part.
func parts(r *rule.Rule) []*rule.Rule {
	var rules []*rule.Rule
	for _, e := range smaller(r.Condition) {
		part := *r
		part.Condition = e
		rules = append(rules, &part)
	}
	return rules
}

func smaller(e rule.Expr) []rule.Expr {
	switch e := e.(type) {
	case rule.And:
		return smallerList(e, func(parts []rule.Expr) rule.Expr { return rule.And(parts) })
	case rule.Or:
		return smallerList(e, func(parts []rule.Expr) rule.Expr { return rule.Or(parts) })
	case rule.Not:
		all := []rule.Expr{e.Of}
		for _, of := range smaller(e.Of) {
			all = append(all, rule.Not{Of: of})
		}
		return all
	case *rule.Selection:
		return []rule.Expr{e.Body}
	case *rule.Item:
		var all []rule.Expr
		for n := range e.Values {
			if len(e.Values) == 1 {
				break
			}
			it := *e
			it.Values = slices.Delete(slices.Clone(e.Values), n, n+1)
			all = append(all, &it)
		}
		return all
	}
	return nil
}

func smallerList(list []rule.Expr, join func([]rule.Expr) rule.Expr) []rule.Expr {
	all := slices.Clone(list)
	for n, part := range list {
		if len(list) > 1 {
			all = append(all, join(slices.Delete(slices.Clone(list), n, n+1)))
		}
		for _, e := range smaller(part) {
			with := slices.Clone(list)
			with[n] = e
			all = append(all, join(with))
		}
	}
	return all
}

// smallestEvent leaves out fields, then bytes of values.
func (c *comparison) smallestEvent(rules []*rule.Rule, r *rule.Rule, ev *Event) *Event {
	attempt := func(change func(*Event)) {
		copied := &Event{
			Name: ev.Name, Sources: ev.Sources, Values: maps.Clone(ev.Values), Lists: maps.Clone(ev.Lists), Alias: maps.Clone(ev.Alias), Rest: ev.Rest,
		}
		change(copied)
		if c.disagrees(rules, r, copied) {
			ev = copied
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ev.Values)) {
		attempt(func(smaller *Event) { delete(smaller.Lists, name) })
		attempt(func(smaller *Event) { delete(smaller.Alias, name) })
		attempt(func(smaller *Event) { delete(smaller.Values, name); delete(smaller.Lists, name) })
	}
	for _, name := range slices.Sorted(maps.Keys(ev.Values)) {
		for size := len(ev.Values[name]); size > 0; size /= 2 {
			for from := len(ev.Values[name]) - size; from >= 0; from -= size {
				if value := ev.Values[name]; from+size <= len(value) {
					attempt(func(smaller *Event) { smaller.Values[name] = value[:from] + value[from+size:] })
				}
			}
		}
	}
	return ev
}

func describeEvent(ev *Event) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(ev.Values)) {
		fmt.Fprintf(&b, "  %s: %q", name, ev.Values[name])
		if more := ev.Lists[name]; len(more) > 0 {
			fmt.Fprintf(&b, " and %q", more)
		}
		if aliases := ev.Alias[name]; len(aliases) > 0 {
			fmt.Fprintf(&b, " alias %q", aliases)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Describe writes the condition of a rule, with every test in it, for messages of failed tests.
func Describe(r *rule.Rule) string {
	var b strings.Builder
	describe(&b, r.Condition, "  ")
	return b.String()
}

func describe(b *strings.Builder, e rule.Expr, indent string) {
	switch e := e.(type) {
	case rule.And:
		fmt.Fprintf(b, "%sand of %d:\n", indent, len(e))
		for _, part := range e {
			describe(b, part, indent+"  ")
		}
	case rule.Or:
		fmt.Fprintf(b, "%sor of %d:\n", indent, len(e))
		for _, part := range e {
			describe(b, part, indent+"  ")
		}
	case rule.Not:
		fmt.Fprintf(b, "%snot:\n", indent)
		describe(b, e.Of, indent+"  ")
	case *rule.Selection:
		fmt.Fprintf(b, "%sselection %s:\n", indent, e.Name)
		describe(b, e.Body, indent+"  ")
	case *rule.Item:
		fmt.Fprintf(b, "%sitem field %q all=%t negated=%t:\n", indent, e.Field, e.All, e.Negated)
		for _, v := range e.Values {
			fmt.Fprintf(b, "%s  %s\n", indent, describeTest(v.Test))
		}
	default:
		fmt.Fprintf(b, "%s%T\n", indent, e)
	}
}

func describeTest(t rule.Test) string {
	switch t := t.(type) {
	case rule.Text:
		var text strings.Builder
		fmt.Fprintf(&text, "text cased=%t", t.Cased)
		for _, p := range t.Alternatives {
			text.WriteString(" [")
			for _, token := range p {
				switch token.Kind {
				case rule.Literal:
					fmt.Fprintf(&text, " %q", token.Text)
				case rule.AnyText:
					text.WriteString(" *")
				case rule.AnyChar:
					text.WriteString(" ?")
				case rule.AnyDash:
					text.WriteString(" dash")
				}
			}
			text.WriteString(" ]")
		}
		return text.String()
	case rule.Regex:
		return fmt.Sprintf("regex %q", t.Regex)
	}
	return fmt.Sprintf("%T %+v", t, t)
}
