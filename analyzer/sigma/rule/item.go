package rule

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// item reads one line of a selection: `field|modifier: value` or a list of values.
func (r *reader) item(e entry) (*Item, error) {
	name, chain, chained := strings.Cut(e.name, "|")
	m, err := r.modifiersOf(e.key, chain, chained)
	if err != nil {
		return nil, err
	}
	it := &Item{
		Field: r.intern(strings.ReplaceAll(name, " ", "")), All: m.all, Negated: m.negated,
		Source: r.intern(e.name), Line: e.key.Line, Column: e.key.Column,
	}
	if it.Field == "" && m.comparison != comparePattern && m.comparison != compareRegex {
		return nil, faultAt(e.key, "write the name of a field before the first |", "%q needs a field", e.name)
	}
	values := []*yaml.Node{e.value}
	switch e.value.Kind {
	case yaml.ScalarNode:
	case yaml.SequenceNode:
		if values = e.value.Content; len(values) == 0 {
			return nil, faultAt(e.value, "write at least one value, or null for an absent field", "the list of values of %q is empty", e.name)
		}
	default:
		return nil, faultAt(e.value, "write a value or a list of values", "%q holds a mapping", e.name)
	}
	if m.comparison == compareExistence && e.value.Kind != yaml.ScalarNode {
		return nil, faultAt(e.value, "write true or false behind the colon", "exists holds a list")
	}
	if err := r.budget.spend(len(values), e.value); err != nil {
		return nil, err
	}
	switch {
	case m.note != nil:
		r.warn(faultAt(e.key, m.note.remedy, "%q %s", e.name, m.note.why))
	case m.all && len(values) == 1:
		r.warn(faultAt(e.key, "remove the modifier, or write further values", "%q has the modifier all and a single value, where it means nothing", e.name))
	}
	it.Values = make([]Value, 0, len(values))
	before := r.expanded
	for _, n := range values {
		if err := r.addValue(it, m, n, e); err != nil {
			return nil, err
		}
	}
	if m.expand && r.expanded == before {
		r.warn(faultAt(e.key, "write %name%, or leave out the modifier", "%q has the modifier expand and no placeholder", e.name))
	}
	return it, nil
}

// addValue reads one value, which expand can make several of.
func (r *reader) addValue(it *Item, m *modifiers, n *yaml.Node, e entry) error {
	switch {
	case n.Kind != yaml.ScalarNode:
		return faultAt(n, "write plain values", "a value of %q is not a plain value", e.name)
	case n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!str":
		return faultAt(n, "remove the tag", "the value %q has the YAML tag %s, which rules may not", n.Value, n.Tag)
	case isNull(n) && e.value.Kind == yaml.SequenceNode:
		return faultAt(n, "give it a selection of its own, `field: null`, and join the two with `or`", "null stands in a list of values of %q", e.name)
	case isNull(n):
		if !m.isPlain() || it.Field == "" {
			return faultAt(n, "write `field: null` without modifiers", "null cannot be compared in this way")
		}
		it.Values = append(it.Values, Value{Source: "null", Test: Null{}})
		return nil
	}
	// The value is kept, the text of the file is not.
	n.Value = strings.Clone(n.Value)
	tests, err := r.tests(it, m, n)
	if err != nil {
		return err
	}
	if len(tests) > 1 && m.all {
		return faultAt(n, "write one line for each value and leave out all", "a placeholder with several values stands under all in %q", e.name)
	}
	for _, t := range tests {
		it.Values = append(it.Values, Value{Source: n.Value, Test: t})
	}
	return nil
}
