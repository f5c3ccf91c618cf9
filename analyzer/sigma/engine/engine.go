// Package engine decides which Sigma rules an event satisfies, for thousands of rules at once. It gives the verdicts of
// package interpret, at a cost that hardly depends on the number of rules.
//
// Rules are grouped into programs by the log sources that they cover. A program derives, for each of its rules, sets of
// simple tests of which at least one must hold when the rule matches, and indexes these tests by field: hash tables for
// whole values, beginnings and ends, and a filter over runs of four bytes for texts found anywhere. One pass over the
// fields of an event leaves the few rules all of whose sets were hit, and only their conditions are evaluated. Which sets
// are worth the looking up is decided by how often they are hit in the events that the program has seen.
package engine

import "github.com/vedette-edr/vedette/analyzer/sigma/rule"

// Event is what rules are matched against.
type Event interface {
	// Field gives the (first) text of the field with this number in Ruleset.Fields, and whether the event has that field.
	// The text stays valid until Match returns.
	Field(n int) (value string, ok bool)
	// AppendValues appends the text of every value of the event: what keywords are looked for in.
	AppendValues(dst []string) []string
}

// ListEvent is an Event some fields of which have several values.
type ListEvent interface {
	Event
	// More gives the values of a field after the first.
	More(n int) []string
}

// AliasEvent is a ListEvent some fields of which go by further values: a program by the path that it was started by beside the
// true one. Such a value counts for a match and never against one. It can satisfy an item as long as that makes the rule
// match; under a not, or under the modifier neq, the item sees Field and More alone, so that nobody gets himself left out of a
// rule by a name that he has chosen. Under two of these it counts again.
type AliasEvent interface {
	ListEvent
	// Aliases gives the aliases of a field that the event has; it is asked for those in Options.Aliased alone.
	Aliases(n int) []string
}

// Match is a rule that an event satisfies.
type Match struct {
	Rule *rule.Rule
	// Fields are what the items of the rule asked for and found, each combination once; items under a not and items with the
	// modifier neq have no part in it. Program.Trace fills them in.
	Fields []MatchedField
	// number is the rule's in the program.
	number int
}

// MatchedField is a value that satisfied an item of a rule. It shares no memory with the event.
type MatchedField struct {
	// Field is empty for keywords.
	Field, Value string
	// Pattern is the value as the rule writes it.
	Pattern string
}

// Options of New. The zero value adapts to the events that it sees.
type Options struct {
	// Fixed keeps each program as it was first made, or as Tune last made it.
	Fixed bool
	// Aliased names the fields that can have aliases in an AliasEvent.
	Aliased []string
}

// Stats counts what a program did. It lags behind by up to a few dozen events for each goroutine that matches, and the garbage
// collector may throw some of these counts away.
type Stats struct {
	// Events were matched, and Candidates are how often the condition of a rule was evaluated for one; Matches of these held.
	Events, Candidates, Matches uint64
	// Plans is how often the program chose anew what to look up.
	Plans uint64
}
