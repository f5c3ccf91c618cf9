// Package rule reads Sigma documents (specification 2.1.0, and the aggregations of Sigma 1) into trees that say exactly what
// their authors wrote: detection rules, with the filters that apply to them put in, and correlations. It decides on no event:
// package engine compiles these trees, and package interpret walks them.
//
// A document that cannot be taken exactly as written is refused with a Problem that names file, line and remedy; it never
// stops another. Files are foreign input: their size, depth and what they make of themselves are bounded.
//
// Where the specification is silent, the choices are:
//
//   - Numbers, booleans and dates are compared as the text that the rule writes.
//   - null holds for a field that is absent, empty, or null in JSON; an empty string for one that is there and empty.
//   - A keyword is looked for anywhere inside any value of the event.
//   - neq turns a whole line around, so it holds when the field is absent.
//   - A pattern of a condition that no selection matches is left out, with a warning.
//   - The condition of a filter is added with and, as it stands.
//   - A placeholder without values refuses its rule.
package rule

import "strings"

// Logsource says where events come from, in lower case. Every part may be empty.
type Logsource struct {
	Category, Product, Service string
}

// Covers reports whether each part that l names equals that of other.
func (l Logsource) Covers(other Logsource) bool {
	covered := func(mine, theirs string) bool { return mine == "" || strings.EqualFold(mine, theirs) }
	return covered(l.Category, other.Category) && covered(l.Product, other.Product) && covered(l.Service, other.Service)
}

// Rule is one loaded rule. It is not changed after loading.
type Rule struct {
	// ID is a UUID in lower case. A rule without one is given one that depends on its title alone.
	ID string
	// Name is the short name that correlations may refer to it by; mostly empty.
	Name        string
	Title       string
	Description string
	Status      string
	// Level is informational, low, medium, high or critical; medium when the rule does not say.
	Level          string
	Author         string
	License        string
	Date           string
	Modified       string
	References     []string
	Tags           []string
	FalsePositives []string
	Logsource      Logsource
	// File and Line are where the rule begins.
	File string
	Line int

	// Selections are the named parts of the detection, in the order of the file.
	Selections []*Selection
	// Condition is when the rule matches: a tree of And, Or, Not and *Selection, with the conditions of the filters that
	// apply put in.
	Condition Expr
	// Filters have been put into the condition.
	Filters []*Filter
	// Feeds is set when a match is no alert by itself, because it only counts for a correlation.
	Feeds bool
}

// Expr is a condition or a part of one: And, Or, Not, *Selection or *Item. Or without parts never holds, And without parts
// always does.
type Expr interface{ expr() }

type (
	// And holds when every part does.
	And []Expr
	// Or holds when at least one part does.
	Or []Expr
	// Not holds when Of does not.
	Not struct{ Of Expr }
)

// Selection is one named part of a detection.
type Selection struct {
	Name string
	// Body is a tree of And, Or and *Item.
	Body Expr
	// File is where it stands when that is not the rule's file: a selection of a filter.
	File string
	Line int
}

// Item is one line of a selection: a field, or none, and the values wanted of it.
type Item struct {
	// Field is empty for keywords, which are looked for in every value of the event.
	Field string
	// All wants every value, else one is enough.
	All bool
	// Negated turns the whole item around (the modifier neq), so that an absent field satisfies it.
	Negated bool
	Values  []Value
	// Source is the key as the rule writes it: the field and its modifiers.
	Source       string
	Line, Column int
}

func (And) expr()        {}
func (Or) expr()         {}
func (Not) expr()        {}
func (*Selection) expr() {}
func (*Item) expr()      {}
