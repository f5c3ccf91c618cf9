package rule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

func quote(s string) string { return fmt.Sprintf("%q", shortened(s)) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// registry is what references can mean.
type registry struct {
	byID   map[string]*document
	byName map[string][]*document
}

func (l *loader) registry() *registry {
	reg := &registry{byID: make(map[string]*document), byName: make(map[string][]*document)}
	for _, d := range l.all {
		if d.filter != nil {
			continue
		}
		if reg.byID[d.meta.ID] == nil {
			reg.byID[d.meta.ID] = d
		}
		if d.meta.Name != "" {
			reg.byName[d.meta.Name] = append(reg.byName[d.meta.Name], d)
		}
	}
	return reg
}

// find gives the document that a reference means. A loaded one goes before a refused one of the same name.
func (reg *registry) find(reference string) (*document, *refusal) {
	if d := reg.byID[strings.ToLower(reference)]; d != nil {
		return d, nil
	}
	named := reg.byName[reference]
	var loaded []*document
	for _, d := range named {
		if d.isLoaded() {
			loaded = append(loaded, d)
		}
	}
	switch {
	case len(loaded) == 1:
		return loaded[0], nil
	case len(loaded) > 1:
		return nil, refuse("refer to it by its id", "the name %q is that of two rules, in %s:%d and %s:%d", shortened(reference),
			loaded[0].meta.File, loaded[0].meta.Line, loaded[1].meta.File, loaded[1].meta.Line)
	case len(named) > 0:
		return named[0], nil
	}
	return nil, refuse("mend the name or id, or load that rule as well", "the correlation refers to %q, which no rule has as name or id", shortened(reference))
}

func (d *document) isLoaded() bool { return d.refused == nil && !d.skipped }

// referent gives what correlations see of a document.
func (d *document) referent() Referent {
	if d.correlation != nil {
		return Referent{Correlation: d.correlation}
	}
	return Referent{Rule: d.rules[0]}
}

// resolveCorrelations finds the rules that correlations refer to, and refuses those that refer to something that is not
// there, or to themselves.
func (l *loader) resolveCorrelations() {
	reg := l.registry()
	var open []*document
	needs := make(map[*document][]*document)
	for _, d := range l.kept {
		if d.correlation == nil || d.correlation.Resolved != nil {
			continue
		}
		if wrong := l.resolve(reg, d, needs); wrong != nil {
			l.refuseCorrelation(d, wrong)
		} else {
			open = append(open, d)
		}
	}
	open = l.refuseDependents(open, needs)
	l.refuseCycles(open, needs)
	l.kept = slices.DeleteFunc(l.kept, func(d *document) bool { return !d.isLoaded() })
}

func (l *loader) resolve(reg *registry, d *document, needs map[*document][]*document) *fault {
	c := d.correlation
	written := make(map[*document]string)
	for i, reference := range c.Rules {
		target, wrong := reg.find(reference)
		switch {
		case wrong != nil:
		case target.skipped:
			wrong = refuse("refer to another rule, or change its status", "the correlation refers to %q, which is skipped because its status is %s", reference, target.meta.Status)
		case target.refused != nil:
			wrong = refuse("mend that rule first", "the correlation refers to %q, which was refused", reference)
		case written[target] != "":
			wrong = refuse("name it once", "%q and %q are the same rule", written[target], reference)
		}
		if wrong != nil {
			return d.places[i].with(wrong)
		}
		written[target] = reference
		c.Resolved = append(c.Resolved, target.referent())
		if target.correlation != nil {
			needs[d] = append(needs[d], target)
		}
	}
	return d.resolveAliases(reg, written)
}

// with is the place with a message.
func (f *fault) with(wrong *refusal) *fault {
	return &fault{line: f.line, column: f.column, message: wrong.why, remedy: wrong.remedy}
}

// resolveAliases makes the aliases name rules in the way that Correlation.Rules does.
func (d *document) resolveAliases(reg *registry, written map[*document]string) *fault {
	at := &fault{line: d.meta.Line, column: 1}
	if len(d.places) > 0 {
		at = d.places[0]
	}
	for _, alias := range sortedKeys(d.correlation.Aliases) {
		fields := d.correlation.Aliases[alias]
		for _, reference := range sortedKeys(fields) {
			target, wrong := reg.find(reference)
			if wrong == nil && written[target] == "" {
				wrong = refuse("add it to rules, or remove it from the alias", "alias %q names %q, which is not among the rules of the correlation", alias, shortened(reference))
			}
			if wrong != nil {
				return at.with(wrong)
			}
			if name := written[target]; name != reference {
				fields[name] = fields[reference]
				delete(fields, reference)
			}
		}
	}
	return nil
}

func (l *loader) refuseCorrelation(d *document, f *fault) {
	p := problemOf(d.meta, f)
	d.refused = &p
	l.refuse(p)
}

// refuseDependents refuses, again and again, what refers to something refused, and gives what is left.
func (l *loader) refuseDependents(open []*document, needs map[*document][]*document) []*document {
	users := make(map[*document][]*document)
	var bad []*document
	for d, targets := range needs {
		for _, target := range targets {
			if users[target] == nil && target.refused != nil {
				bad = append(bad, target)
			}
			users[target] = append(users[target], d)
		}
	}
	sortDocuments(bad)
	for len(bad) > 0 {
		target := bad[0]
		bad = bad[1:]
		sortDocuments(users[target])
		for _, d := range users[target] {
			if d.refused == nil {
				l.refuseCorrelation(d, d.places[0].with(refuse("mend that correlation first", "the correlation refers to %q, which was refused", target.meta.Title)))
				bad = append(bad, d)
			}
		}
	}
	return slices.DeleteFunc(open, func(d *document) bool { return d.refused != nil })
}

func sortDocuments(list []*document) {
	slices.SortStableFunc(list, func(a, b *document) int {
		return cmp.Or(cmp.Compare(a.order, b.order))
	})
}

// refuseCycles refuses the correlations that refer to themselves, directly or through others, and those that refer to one
// of these: what is left when all that refers to finished ones only has been taken away.
func (l *loader) refuseCycles(open []*document, needs map[*document][]*document) {
	missing := make(map[*document]int)
	users := make(map[*document][]*document)
	var done []*document
	for _, d := range open {
		if missing[d] = len(needs[d]); missing[d] == 0 {
			done = append(done, d)
		}
		for _, target := range needs[d] {
			users[target] = append(users[target], d)
			// A correlation made of an aggregation refers to plain rules only.
			if target.rules != nil {
				missing[d]--
				if missing[d] == 0 {
					done = append(done, d)
				}
			}
		}
	}
	for len(done) > 0 {
		target := done[0]
		done = done[1:]
		for _, d := range users[target] {
			if missing[d]--; missing[d] == 0 {
				done = append(done, d)
			}
		}
	}
	for _, d := range open {
		if missing[d] <= 0 {
			continue
		}
		path := []string{shortened(d.meta.Title)}
		at, seen := d, map[*document]bool{}
		for !seen[at] && len(seen) < 20 {
			seen[at] = true
			i := slices.IndexFunc(needs[at], func(t *document) bool { return missing[t] > 0 })
			at = needs[at][i]
			path = append(path, shortened(at.meta.Title))
		}
		l.refuseCorrelation(d, d.places[0].with(refuse("take one reference out of the circle", "the correlation refers to itself, or to others that do: %s", strings.Join(path, " → "))))
	}
}
