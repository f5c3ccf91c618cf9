package rule

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readFilter reads a filter document.
func (r *reader) readFilter(d *document, e entry) error {
	det, err := r.detection(e, "filter", "rules")
	if err != nil {
		return err
	}
	f := &Filter{ID: d.meta.ID, Title: d.meta.Title, Logsource: d.meta.Logsource, File: d.meta.File, Line: d.meta.Line}
	d.filter = f
	rules := valueOf(e.value, "rules")
	switch {
	case rules == nil:
		return faultAt(e.key, "add `rules:` with ids or names of rules, or any", "the filter does not say for which rules it is")
	case rules.Kind == yaml.ScalarNode && (strings.EqualFold(rules.Value, "any") || strings.EqualFold(rules.Value, "all")):
		f.Any = true
	default:
		if err := r.references(d, &f.Rules, entry{name: "rules", key: e.key, value: rules}); err != nil {
			return err
		}
		if len(f.Rules) == 0 {
			return faultAt(rules, "name rules, or write any", "the filter is for no rule")
		}
	}
	if len(det.conditions) != 1 {
		return faultAt(det.conditions[1], "join them with `and` or `or`", "the filter has several conditions")
	}
	n := det.conditions[0]
	if f.Condition, err = r.readCondition(n, n.Value, det); err != nil {
		return err
	}
	r.warnUnused(det)
	for _, s := range det.selections {
		s.File = f.File
	}
	f.Selections = det.selections
	if !negates(f.Condition) {
		r.warn(faultAt(n, "write `not selection` to leave these events out",
			"the condition of the filter has no `not`: with it, rules find only the events that the filter describes"))
	}
	return nil
}

// negates reports whether there is a Not in the condition.
func negates(e Expr) bool {
	switch e := e.(type) {
	case Not:
		return true
	case And:
		return slices.ContainsFunc(e, negates)
	case Or:
		return slices.ContainsFunc(e, negates)
	}
	return false
}

// applyFilters puts the filters into the conditions of the rules that they are for: those that they name by id, name or
// title, or all, as far as their log source covers that of the rule. A rule made of an aggregation goes by what describes
// the aggregation.
func (l *loader) applyFilters() {
	if len(l.filters) == 0 {
		return
	}
	rules := make(map[string][]*Rule)
	correlations := make(map[string]bool)
	for _, d := range l.kept {
		for _, key := range d.keys() {
			rules[key] = append(rules[key], d.rules...)
			correlations[key] = correlations[key] || d.correlation != nil
		}
	}
	for _, d := range l.filters {
		f := d.filter
		warn := func(at *fault, remedy, message string) {
			l.problems = append(l.problems, Problem{
				File: f.File, Line: at.line, Column: at.column, RuleID: f.ID, Message: message, Remedy: remedy, Warning: true,
			})
		}
		for i, reference := range f.Rules {
			found := rules[strings.ToLower(reference)]
			if len(found) == 0 && correlations[strings.ToLower(reference)] {
				warn(d.places[i], "name the rules that it counts", quote(reference)+" is a correlation, to which filters do not apply")
				continue
			}
			if len(found) == 0 {
				warn(d.places[i], "mend the name, or load that rule as well", "no rule "+quote(reference)+" is loaded for the filter")
				continue
			}
			applied := false
			for _, rule := range found {
				applied = f.apply(rule) || applied
			}
			if !applied {
				warn(d.places[i], "give the filter that rule's log source, or leave parts of it out",
					"the log source of the filter does not cover that of rule "+quote(reference)+", so it is not applied")
			}
		}
		if f.Any {
			for _, rule := range l.set.Rules {
				f.apply(rule)
			}
		}
	}
}

// keys are what filters and correlations may call the document, in lower case. A word may be both name and title.
func (d *document) keys() []string {
	keys := []string{d.meta.ID}
	for _, name := range []string{d.meta.Name, d.meta.Title} {
		if name = strings.ToLower(name); name != "" && name != keys[len(keys)-1] {
			keys = append(keys, name)
		}
	}
	return keys
}

// apply puts the filter into the rule where its log source allows that.
func (f *Filter) apply(rule *Rule) bool {
	if !f.Logsource.Covers(rule.Logsource) {
		return false
	}
	if slices.Contains(rule.Filters, f) {
		return true
	}
	if len(rule.Filters) == 0 {
		rule.Condition = And{rule.Condition}
	}
	both, _ := rule.Condition.(And)
	rule.Condition = append(both, f.Condition)
	rule.Filters = append(rule.Filters, f)
	return true
}
