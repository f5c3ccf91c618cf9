package rule

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// faultAt makes the error of the place of n.
func faultAt(n *yaml.Node, remedy, format string, args ...any) *fault {
	return &fault{line: n.Line, column: n.Column, message: fmt.Sprintf(format, args...), remedy: remedy}
}

// entry is one key of a mapping with its value.
type entry struct {
	name  string
	key   *yaml.Node
	value *yaml.Node
}

// entries lists a mapping in order. A key that stands twice is an error: one of the two would be lost without a word.
func entries(n *yaml.Node, what string) ([]entry, error) {
	if n.Kind != yaml.MappingNode {
		return nil, faultAt(n, "write it as `key: value` lines", "%s is not a mapping", what)
	}
	list := make([]entry, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return nil, faultAt(key, "write a plain name before the colon", "a key of %s is not plain text", what)
		}
		if key.ShortTag() == "!!merge" {
			return nil, faultAt(key, "write the values out", "%s has a YAML merge key, which rules may not", what)
		}
		list = append(list, entry{name: key.Value, key: key, value: value})
	}
	if twice := repeated(list); twice != nil {
		return nil, faultAt(twice, "remove one of the two", "key %q stands twice in %s", twice.Value, what)
	}
	return list, nil
}

// repeated gives the first key that has stood before. Nearly all mappings are too short to be worth a map.
func repeated(list []entry) *yaml.Node {
	if len(list) <= 16 {
		for i := range list {
			for j := range i {
				if list[i].name == list[j].name {
					return list[i].key
				}
			}
		}
		return nil
	}
	seen := make(map[string]bool, len(list))
	for i := range list {
		if seen[list[i].name] {
			return list[i].key
		}
		seen[list[i].name] = true
	}
	return nil
}

// scalarText gives the text of a key that holds one value; nothing after the colon is empty text.
func scalarText(e entry) (string, error) {
	if e.value.Kind != yaml.ScalarNode {
		return "", faultAt(e.value, "write one value after the colon", "%s is not a single value", e.name)
	}
	if isNull(e.value) {
		return "", nil
	}
	return strings.TrimSpace(e.value.Value), nil
}

// textList gives the texts of a key that holds a list of values, or a single one.
func textList(e entry) ([]string, error) {
	nodes, err := scalarList(e)
	if len(nodes) == 0 {
		return nil, err
	}
	texts := make([]string, len(nodes))
	for i, n := range nodes {
		texts[i] = n.Value
	}
	return texts, nil
}

// scalarList is textList for those that have to name places.
func scalarList(e entry) ([]*yaml.Node, error) {
	if e.value.Kind == yaml.ScalarNode {
		if isNull(e.value) {
			return nil, nil
		}
		return []*yaml.Node{e.value}, nil
	}
	if e.value.Kind != yaml.SequenceNode {
		return nil, faultAt(e.value, "write one `- value` line for each", "%s is not a list", e.name)
	}
	for _, n := range e.value.Content {
		if n.Kind != yaml.ScalarNode {
			return nil, faultAt(n, "write a plain value", "an element of %s is not plain text", e.name)
		}
	}
	return e.value.Content, nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
