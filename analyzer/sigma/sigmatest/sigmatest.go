// Package sigmatest has what tests of the Sigma packages share: where the corpus is, and events made of plain maps.
package sigmatest

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
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
	Values map[string]string
	// Lists are further values of fields that have several.
	Lists map[string][]string

	names []string
}

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

// AppendValues appends every value, in the order of the names.
func (e *Event) AppendValues(dst []string) []string {
	for _, name := range slices.Sorted(maps.Keys(e.Values)) {
		dst = append(append(dst, e.Values[name]), e.Lists[name]...)
	}
	return dst
}
