package rule

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// placeholders are the values for %name% under the modifier expand. Values are read as Sigma strings: `*` and `?` in them
// are wildcards.
type placeholders struct {
	values map[string][]Pattern
	places map[string]Problem
}

// read takes in a file of placeholders: a YAML mapping of names to a value or a list of values.
func (p *placeholders) read(file string, data []byte) *Problem {
	meta := &Rule{File: file, Line: 1}
	empty := true
	var wrong error
	err := eachDocument(data, func(doc *yaml.Node) bool {
		empty = false
		wrong = p.readDocument(file, doc)
		return wrong == nil
	})
	if err = cmp.Or(wrong, err); err == nil && empty {
		err = &fault{line: 1, column: 1, message: "the file of placeholders is empty", remedy: "write `name: [value, value]` lines in it"}
	}
	if err == nil {
		return nil
	}
	problem := problemOf(meta, err)
	return &problem
}

func (p *placeholders) readDocument(file string, doc *yaml.Node) error {
	if err := resolveAliases(doc, &budget{mostSteps}); err != nil {
		return err
	}
	list, err := entries(doc, "the file of placeholders")
	if err != nil {
		return err
	}
	for _, e := range list {
		name := strings.Trim(e.name, "%")
		if nameLength(name) != len(name) || name == "" {
			return faultAt(e.key, "use letters, digits, _, - and .", "%q cannot be the name of a placeholder", e.name)
		}
		if before, twice := p.places[name]; twice {
			return faultAt(e.key, "give all of its values in one place", "placeholder %q has values already, in %s:%d", name, before.File, before.Line)
		}
		values, err := scalarList(e)
		if err != nil {
			return err
		}
		if len(values) == 0 {
			return faultAt(e.value, "write at least one value", "placeholder %q has no value", name)
		}
		for _, value := range values {
			if isNull(value) {
				return faultAt(value, "write a value, or '' for empty text", "placeholder %q has null among its values", name)
			}
			p.values[name] = append(p.values[name], parsePattern(value.Value))
		}
		p.places[name] = Problem{File: file, Line: e.key.Line}
	}
	return nil
}

// nameLength is how many bytes at the start of s can be the name of a placeholder.
func nameLength(s string) int {
	for i, r := range s {
		if r != '_' && r != '-' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i
		}
	}
	return len(s)
}

// segment is a piece of a value: text, or the name of a placeholder.
type segment struct{ text, name string }

// segments finds the placeholders in a value. In the text between them a backslash keeps its meaning, but `\%` has become a
// plain percent. A % that opens no %name% is itself.
func segments(s string) []segment {
	var list []segment
	var text strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			if s[i+1] != '%' {
				text.WriteByte(s[i])
			}
			i++
			text.WriteByte(s[i])
		case s[i] == '%':
			n := nameLength(s[i+1:])
			if n == 0 || i+1+n >= len(s) || s[i+1+n] != '%' {
				text.WriteByte('%')
				continue
			}
			list = append(list, segment{text: text.String()}, segment{name: s[i+1 : i+1+n]})
			text.Reset()
			i += n + 1
		default:
			text.WriteByte(s[i])
		}
	}
	return append(list, segment{text: text.String()})
}

// filled gives, for each segment of the value, the patterns that can stand there.
func (r *reader) filled(n *yaml.Node) ([][]Pattern, error) {
	parts := segments(n.Value)
	r.expanded += len(parts) - 1
	choices := make([][]Pattern, len(parts))
	total := 1
	for i, part := range parts {
		if part.name == "" {
			choices[i] = []Pattern{parsePattern(part.text)}
			continue
		}
		choices[i] = r.placeholders.values[part.name]
		if len(choices[i]) == 0 {
			known := slices.Sorted(maps.Keys(r.placeholders.values))
			have := "no file of placeholders was given"
			if len(known) > 0 {
				have = "known are " + enumerate(known)
			}
			return nil, faultAt(n, fmt.Sprintf("write `%s: [value, value]` in a file and give it with --placeholders FILE (%s)", part.name, have),
				"placeholder %%%s%% has no values", part.name)
		}
		if total *= len(choices[i]); total > mostForms {
			return nil, faultAt(n, "write fewer placeholders into one value", "the placeholders of %q make more than %d patterns", shortened(n.Value), mostForms)
		}
	}
	return choices, nil
}

// expandPatterns gives every way to fill in the placeholders of a value.
func (r *reader) expandPatterns(n *yaml.Node) ([]Pattern, error) {
	choices, err := r.filled(n)
	if err != nil {
		return nil, err
	}
	all := []Pattern{nil}
	for _, choice := range choices {
		next := make([]Pattern, 0, len(all)*len(choice))
		for _, head := range all {
			for _, p := range choice {
				whole := slices.Grow(slices.Clone(head), len(p)+2)
				for _, t := range p {
					whole = whole.add(t)
				}
				next = append(next, whole)
			}
		}
		all = next
	}
	return all, r.budget.spend(len(all), n)
}

// expandTexts is expandPatterns for values that are no Sigma strings. In a regular expression a placeholder's value stands
// for itself, with its wildcards as expressions; elsewhere wildcards are wrong.
func (r *reader) expandTexts(n *yaml.Node, expression bool) ([]string, error) {
	if expression {
		return r.expandExpressions(n)
	}
	all, err := r.expandPatterns(n)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(all))
	for i, p := range all {
		plain, ok := p.plainText()
		if !ok {
			return nil, faultAt(n, "use a placeholder whose values have no * and ?", "a value for %q has wildcards, which have no meaning here", shortened(n.Value))
		}
		texts[i] = plain
	}
	return texts, nil
}

func (r *reader) expandExpressions(n *yaml.Node) ([]string, error) {
	choices, err := r.filled(n)
	if err != nil {
		return nil, err
	}
	all := []string{""}
	for i, part := range segments(n.Value) {
		pieces := []string{part.text}
		if part.name != "" {
			pieces = pieces[:0]
			for _, p := range choices[i] {
				pieces = append(pieces, p.expression())
			}
		}
		next := make([]string, 0, len(all)*len(pieces))
		for _, head := range all {
			for _, piece := range pieces {
				next = append(next, head+piece)
			}
		}
		all = next
	}
	return all, r.budget.spend(len(all), n)
}

// expression gives the pattern as a regular expression.
func (p Pattern) expression() string {
	var b strings.Builder
	for _, t := range p {
		switch t.Kind {
		case AnyText:
			b.WriteString(".*")
		case AnyChar:
			b.WriteByte('.')
		case Literal:
			b.WriteString(regexp.QuoteMeta(t.Text))
		case AnyDash:
		}
	}
	return b.String()
}

// enumerate lists names for a message.
func enumerate(names []string) string {
	const most = 20
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
