package sigma

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
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return nil, faultAt(key, "write a plain name before the colon", "a key of %s is not plain text", what)
		}
		if key.ShortTag() == "!!merge" || value.Kind == yaml.AliasNode {
			return nil, faultAt(key, "write the values out", "%s uses a YAML alias or merge key, which rules may not", what)
		}
		if seen[key.Value] {
			return nil, faultAt(key, "remove one of the two", "key %q stands twice in %s", key.Value, what)
		}
		seen[key.Value] = true
		list = append(list, entry{name: key.Value, key: key, value: value})
	}
	return list, nil
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
	if e.value.Kind == yaml.ScalarNode {
		if isNull(e.value) {
			return nil, nil
		}
		return []string{e.value.Value}, nil
	}
	if e.value.Kind != yaml.SequenceNode {
		return nil, faultAt(e.value, "write one `- value` line for each", "%s is not a list", e.name)
	}
	var texts []string
	for _, n := range e.value.Content {
		if n.Kind != yaml.ScalarNode {
			return nil, faultAt(n, "write a plain value", "an element of %s is not plain text", e.name)
		}
		texts = append(texts, n.Value)
	}
	return texts, nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
