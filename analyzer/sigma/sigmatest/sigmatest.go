// Package sigmatest has what tests of the Sigma packages share: where the corpus is, events made of plain maps, the recorded
// events of the corpus, random rules and events, events made to satisfy a rule, the conformance suite, and the comparison of
// an engine with package interpret.
//
// It imports packages rule and interpret, so that their tests, and those of package regex, use it from outside (rule_test).
package sigmatest

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/interpret"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Corpus gives a folder of the test corpus, such as "sigma/rules", in the folder that VEDETTE_CORPUS names or beside the
// repository. The test is skipped where it is absent.
func Corpus(tb testing.TB, folder string) string {
	tb.Helper()
	root := os.Getenv("VEDETTE_CORPUS")
	if root == "" {
		_, here, _, _ := runtime.Caller(0)
		root = filepath.Join(filepath.Dir(here), "..", "..", "..", "..", "shared", "corpus")
	}
	dir := filepath.Join(root, filepath.FromSlash(folder))
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("the corpus is not at hand (%v); set VEDETTE_CORPUS to the folder that has %s", err, folder)
	}
	return dir
}

// Event is an event of named values, bound to the fields of a rule set.
type Event struct {
	// Name says where it is from.
	Name string
	// Sources are the log sources that it belongs to.
	Sources []rule.Logsource
	// For is the rule that it was made for: comparisons of many such events try the others on a few of them only.
	For    *rule.Rule
	Values map[string]string
	// Lists are further values of fields that have several.
	Lists map[string][]string
	// Alias are values that count for a match alone, of fields named in AliasedFields.
	Alias map[string][]string
	// Rest are values that only keywords see.
	Rest []string

	names []string
}

// AliasedFields names the fields of random events that can have aliases.
func AliasedFields() []string { return []string{"Image", "ParentImage"} }

// NewEvent makes an event of name, value, name, value and so on.
func NewEvent(pairs ...string) *Event {
	e := &Event{Values: make(map[string]string)}
	for i := 0; i+1 < len(pairs); i += 2 {
		e.Values[pairs[i]] = pairs[i+1]
	}
	return e
}

// Bind makes the numbers that Field and More take mean the fields of that order.
func (e *Event) Bind(fields []string) *Event {
	e.names = fields
	return e
}

// Field gives the first value of a field.
func (e *Event) Field(n int) (string, bool) {
	value, ok := e.Values[e.names[n]]
	return value, ok
}

// More gives the further values of a field.
func (e *Event) More(n int) []string { return e.Lists[e.names[n]] }

// Aliases gives the aliases of a field.
func (e *Event) Aliases(n int) []string { return e.Alias[e.names[n]] }

// AppendValues appends every value, in the order of the names.
func (e *Event) AppendValues(dst []string) []string {
	for _, name := range slices.Sorted(maps.Keys(e.Values)) {
		dst = append(append(dst, e.Values[name]), e.Lists[name]...)
	}
	return append(dst, e.Rest...)
}

// Copied makes an event of one whose fields have numbers, such as a recorded one, and which may change afterwards.
func Copied(name string, sources []rule.Logsource, fields []string, ev interpret.FieldEvent) *Event {
	copied := NewEvent()
	copied.Name, copied.Sources = name, sources
	named := interpret.Adapt(fields, ev)
	for _, field := range fields {
		values, _ := named.Values(field)
		for _, value := range values {
			copied.add(field, strings.Clone(value))
		}
	}
	for _, value := range ev.AppendValues(nil) {
		copied.Rest = append(copied.Rest, strings.Clone(value))
	}
	return copied
}

// Named gives the event by the names of its fields, without Bind.
func (e *Event) Named() interpret.Event { return named{e} }

type named struct{ *Event }

func (n named) All() []string { return n.AppendValues(nil) }

func (n named) Values(field string) ([]string, bool) {
	first, ok := n.Event.Values[field]
	if !ok {
		return nil, false
	}
	return append([]string{first}, n.Lists[field]...), true
}

// Aliases implements interpret.AliasEvent.
func (n named) Aliases(field string) []string { return n.Alias[field] }

// Names gives the names of all fields.
func (n named) Names() []string { return slices.Sorted(maps.Keys(n.Event.Values)) }

// Matches gives the interpreter's verdict.
func (e *Event) Matches(r *rule.Rule) bool { return interpret.Matches(r, e.Named()) }
