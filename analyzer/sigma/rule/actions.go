package rule

import (
	"go.yaml.in/yaml/v4"
)

// collection turns the documents of one file into complete rules by the keys `action` that some of them have:
//
//   - What `global` documents say stands under all rules that follow in the file: mappings are merged, and anything else
//     that the rule says itself comes first. Several of them add up.
//   - `reset` forgets them.
//   - `repeat` is the rule before it once more, with what the document says put over it.
//
// Filters and correlations stand as they are.
type collection struct {
	global, previous *yaml.Node
	budget           *budget
}

// rule gives the complete rule that the document makes, nil when it makes none, and whether it takes its id
// from another document.
func (c *collection) rule(doc *yaml.Node) (complete *yaml.Node, inherited bool, err error) {
	if doc.Kind != yaml.MappingNode {
		return doc, false, nil
	}
	action, rest := c.action(doc)
	if action == nil {
		if valueOf(doc, "correlation") != nil || valueOf(doc, "filter") != nil {
			return doc, false, nil
		}
		if c.previous = doc; c.global == nil {
			return doc, false, nil
		}
		if complete, err = c.merge(c.global, doc); err != nil {
			return nil, false, err
		}
		c.previous = complete
		return complete, valueOf(doc, "id") == nil, nil
	}
	switch action.Value {
	case "global":
		if c.global != nil {
			if rest, err = c.merge(c.global, rest); err != nil {
				return nil, false, err
			}
		}
		c.global = rest
		return nil, false, nil
	case "reset":
		c.global = nil
		return nil, false, nil
	case "repeat":
		if c.previous == nil {
			return nil, false, faultAt(action, "put it behind the rule that it repeats", "no rule stands before this repetition")
		}
		if complete, err = c.merge(c.previous, rest); err != nil {
			return nil, false, err
		}
		c.previous = complete
		return complete, valueOf(rest, "id") == nil, nil
	}
	return nil, false, faultAt(action, "use one of global, reset, repeat", "action %q is unknown", action.Value)
}

// action takes the key out of the document.
func (c *collection) action(doc *yaml.Node) (action, rest *yaml.Node) {
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if doc.Content[i].Value == "action" {
			without := *doc
			without.Content = append(append([]*yaml.Node(nil), doc.Content[:i]...), doc.Content[i+2:]...)
			return doc.Content[i+1], &without
		}
	}
	return nil, doc
}

// merge makes a mapping of what both say; where both say something else than a mapping, over is right. Neither is changed.
func (c *collection) merge(under, over *yaml.Node) (*yaml.Node, error) {
	if err := c.budget.spend(len(under.Content)+len(over.Content), over); err != nil {
		return nil, err
	}
	merged := *over
	merged.Content = append([]*yaml.Node(nil), under.Content...)
	place := make(map[string]int, len(under.Content)/2)
	for i := 0; i+1 < len(under.Content); i += 2 {
		place[under.Content[i].Value] = i
	}
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		at, both := place[key.Value]
		if !both {
			merged.Content = append(merged.Content, key, value)
			continue
		}
		// A key that stands twice in over is thus still found twice.
		delete(place, key.Value)
		if below := under.Content[at+1]; below.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode {
			var err error
			if value, err = c.merge(below, value); err != nil {
				return nil, err
			}
		}
		merged.Content[at], merged.Content[at+1] = key, value
	}
	return &merged, nil
}

// valueOf gives the value of a key of a mapping, nil when it has none.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
