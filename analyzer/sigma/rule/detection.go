package rule

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// detection is the selections, condition and timeframe of a rule or filter.
type detection struct {
	selections []*Selection
	parts      []named
	// used says which of them a condition names, and places where they stand.
	used       []bool
	places     []*yaml.Node
	conditions []*yaml.Node
	timeframe  *entry
}

// readDetection reads the detection of a rule.
func (r *reader) readDetection(d *document, e entry) error {
	det, err := r.detection(e, "detection")
	if err != nil {
		return err
	}
	rule := d.meta
	if len(det.conditions) == 1 {
		if search, count, found := strings.Cut(det.conditions[0].Value, "|"); found {
			return r.readAggregation(d, det, search, count)
		}
	}
	if det.timeframe != nil {
		r.warn(faultAt(det.timeframe.key, "write a correlation, or remove it", "timeframe has no effect without something to count"))
	}
	var alternatives Or
	for _, n := range det.conditions {
		parsed, err := r.readCondition(n, n.Value, det)
		if err != nil {
			return err
		}
		alternatives = append(alternatives, parsed)
	}
	r.warnUnused(det)
	rule.Selections, rule.Condition = det.selections, alternatives
	if len(alternatives) == 1 {
		rule.Condition = alternatives[0]
	}
	d.rules = []*Rule{rule}
	return nil
}

// detection reads selections. what is the name of the key that holds them; the keys in except are none.
func (r *reader) detection(e entry, what string, except ...string) (*detection, error) {
	parts, err := entries(e.value, what)
	if err != nil {
		return nil, err
	}
	det := &detection{}
	for i, part := range parts {
		switch {
		case part.name == "condition":
			if det.conditions, err = conditionsOf(part); err != nil {
				return nil, err
			}
		case part.name == "timeframe" && what == "detection":
			det.timeframe = &parts[i]
		case len(except) > 0 && part.name == except[0]:
		default:
			if err := r.addSelection(det, part); err != nil {
				return nil, err
			}
		}
	}
	if len(det.conditions) == 0 {
		return nil, faultAt(e.key, "add `condition:` to "+what, "the %s has no condition", what)
	}
	return det, nil
}

// conditionsOf gives the conditions of a list, or the single one.
func conditionsOf(e entry) ([]*yaml.Node, error) {
	conditions := []*yaml.Node{e.value}
	if e.value.Kind == yaml.SequenceNode {
		conditions = e.value.Content
	}
	for _, n := range conditions {
		if n.Kind != yaml.ScalarNode || isNull(n) {
			return nil, faultAt(n, "write it as one line of text", "the condition is not text")
		}
	}
	return conditions, nil
}

func (r *reader) addSelection(det *detection, e entry) error {
	before := r.budget.left
	body, err := r.selection(e)
	if err != nil {
		return err
	}
	switch strings.ToLower(e.name) {
	case "and", "or", "not":
		r.warn(faultAt(e.key, "rename it", "the selection %q has the name of a word of conditions: only patterns such as `1 of them` reach it", e.name))
	}
	s := &Selection{Name: r.intern(e.name), Body: body, Line: e.key.Line}
	det.selections, det.used, det.places = append(det.selections, s), append(det.used, false), append(det.places, e.key)
	det.parts = append(det.parts, named{name: s.Name, expr: s, weight: before - r.budget.left})
	return nil
}

func (det *detection) use(used []bool) {
	for i, yes := range used {
		det.used[i] = det.used[i] || yes
	}
}

// warnUnused warns of selections that no condition names. A name with _ in front says that this is meant.
func (r *reader) warnUnused(det *detection) {
	for i, s := range det.selections {
		if !det.used[i] && !strings.HasPrefix(s.Name, "_") {
			r.warn(faultAt(det.places[i], "name it in the condition, or remove it", "no condition names the selection %q", shortened(s.Name)))
		}
	}
}

// selection reads a mapping (all of its lines), or a list (any of its mappings and keywords).
func (r *reader) selection(e entry) (Expr, error) {
	switch e.value.Kind {
	case yaml.MappingNode:
		return r.items(e.value, e.name)
	case yaml.ScalarNode:
		if isNull(e.value) {
			return nil, faultAt(e.value, "write what it selects", "selection %q is empty", e.name)
		}
		return r.keywords(e, []*yaml.Node{e.value})
	}
	var alternatives Or
	var words []*yaml.Node
	for _, n := range e.value.Content {
		switch n.Kind {
		case yaml.ScalarNode:
			words = append(words, n)
		case yaml.MappingNode:
			items, err := r.items(n, e.name)
			if err != nil {
				return nil, err
			}
			alternatives = append(alternatives, items)
		default:
			return nil, faultAt(n, "write `field: value` lines, or plain values as keywords", "selection %q has a list within its list", e.name)
		}
	}
	if len(words) > 0 {
		found, err := r.keywords(e, words)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, found)
	}
	if len(alternatives) == 0 {
		return nil, faultAt(e.value, "write what it selects", "selection %q is empty", e.name)
	}
	if len(alternatives) == 1 {
		return alternatives[0], nil
	}
	return alternatives, nil
}

func (r *reader) items(n *yaml.Node, name string) (Expr, error) {
	lines, err := entries(n, fmt.Sprintf("selection %q", name))
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, faultAt(n, "write what it selects", "selection %q is empty", name)
	}
	items := make(And, 0, len(lines))
	for _, line := range lines {
		it, err := r.item(line)
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	if len(items) == 1 {
		return items[0], nil
	}
	return items, nil
}

func (r *reader) keywords(e entry, values []*yaml.Node) (Expr, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode, Content: values, Line: e.value.Line, Column: e.value.Column}
	return r.item(entry{name: "", key: e.key, value: list})
}
