package interpret

import (
	"fmt"
	"slices"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Explanation says why a rule matches an event or does not. It owns no part of the event but shares its strings.
type Explanation struct {
	Title     string `json:"title"`
	ID        string `json:"id"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Matches   bool   `json:"matches"`
	Condition Node   `json:"condition"`
	// Selections are those that the condition asks, in the order in which it does; each stands here once.
	Selections []Selection `json:"selections"`
}

// Node is the condition, a selection's body or a part of one. Every part is decided, whether or not the verdict hangs on it.
type Node struct {
	// Kind is and, or, not, selection or item.
	Kind  string `json:"kind"`
	Holds bool   `json:"holds"`
	// Parts are those of and, or and not.
	Parts []Node `json:"parts,omitempty"`
	// Selection is an index into Explanation.Selections.
	Selection *int  `json:"selection,omitempty"`
	Item      *Item `json:"item,omitempty"`
}

// Selection is a named part of the detection.
type Selection struct {
	Name string `json:"name"`
	// File is set for a selection of a filter.
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
	Holds bool   `json:"holds"`
	// Strict is set for a selection that stands under a not where that makes a difference: it has aliases that do not count.
	Strict bool `json:"strict,omitempty"`
	Body   Node `json:"body"`
}

// Item is one line of a selection, held against the event.
type Item struct {
	// Key is the field with its modifiers, as the rule writes it; Field is empty for keywords.
	Key   string `json:"key"`
	Field string `json:"field,omitempty"`
	Line  int    `json:"line,omitempty"`
	// All wants every one of Wanted, and Negated turns the outcome around.
	All     bool `json:"all,omitempty"`
	Negated bool `json:"negated,omitempty"`
	// Present is whether the event has the field, and Values what it has there. Keywords are looked for in all values, which
	// are not repeated here.
	Present bool     `json:"present"`
	Values  []string `json:"values,omitempty"`
	// Aliases are further values that the field goes by; where Strict is set they do not count here.
	Aliases []string `json:"aliases,omitempty"`
	Strict  bool     `json:"strict,omitempty"`
	Wanted  []Wanted `json:"wanted"`
	Hint    string   `json:"hint,omitempty"`
}

// Wanted is one of the values that a line of a rule asks for.
type Wanted struct {
	// Value is the value as the rule writes it.
	Value string `json:"value"`
	Holds bool   `json:"holds"`
	// Found is the event's value that satisfied it.
	Found string `json:"found,omitempty"`
	// Hint says what is in the way where little is.
	Hint string `json:"hint,omitempty"`
}

// Explain decides like Matches and says why. An event with a method Names() []string, which gives the names of its fields,
// gets hints about names that differ in case only.
func Explain(r *rule.Rule, ev Event) Explanation {
	x := explainer{ev: ev, reading: Read(ev), seen: make(map[asked]int)}
	condition := x.node(r.Condition, false)
	return Explanation{
		Title: r.Title, ID: r.ID, File: r.File, Line: r.Line, Matches: condition.Holds, Condition: condition, Selections: x.selections,
	}
}

// explainer gathers the selections on the way.
type explainer struct {
	ev         Event
	reading    *Reading
	selections []Selection
	seen       map[asked]int
	// tried counts the values that were looked at for a hint.
	tried int
}

// asked is a selection as it is read: under a not or not, where the event has aliases that make these two.
type asked struct {
	selection *rule.Selection
	negative  bool
}

// mostTried bounds how many values of a rule are looked at for a hint, each of which costs several comparisons.
const mostTried = 1000

func (x *explainer) node(e rule.Expr, negative bool) Node {
	switch e := e.(type) {
	case rule.And:
		n := Node{Kind: "and", Holds: true, Parts: x.nodes(e, negative)}
		for _, part := range n.Parts {
			n.Holds = n.Holds && part.Holds
		}
		return n
	case rule.Or:
		n := Node{Kind: "or", Parts: x.nodes(e, negative)}
		for _, part := range n.Parts {
			n.Holds = n.Holds || part.Holds
		}
		return n
	case rule.Not:
		of := x.node(e.Of, !negative)
		return Node{Kind: "not", Holds: !of.Holds, Parts: []Node{of}}
	case *rule.Selection:
		at := x.selection(e, negative)
		return Node{Kind: "selection", Holds: x.selections[at].Holds, Selection: &at}
	case *rule.Item:
		it, holds := x.item(e, negative)
		return Node{Kind: "item", Holds: holds, Item: it}
	}
	panic(fmt.Sprintf("BUG: a condition cannot hold a %T", e))
}

func (x *explainer) nodes(parts []rule.Expr, negative bool) []Node {
	nodes := make([]Node, len(parts))
	for i, part := range parts {
		nodes[i] = x.node(part, negative)
	}
	return nodes
}

// selection gives the place of s in selections, where it puts it the first time.
func (x *explainer) selection(s *rule.Selection, negative bool) int {
	aliased := x.hasAliases(s.Body)
	as := asked{selection: s, negative: negative && aliased}
	if at, ok := x.seen[as]; ok {
		return at
	}
	body := x.node(s.Body, negative)
	at := len(x.selections)
	x.selections = append(x.selections, Selection{
		Name: s.Name, File: s.File, Line: s.Line, Holds: body.Holds, Strict: as.negative, Body: body,
	})
	x.seen[as] = at
	return at
}

// hasAliases reports whether an item below e reads a field that goes by further values in this event.
func (x *explainer) hasAliases(e rule.Expr) bool {
	switch e := e.(type) {
	case rule.And:
		return slices.ContainsFunc(e, x.hasAliases)
	case rule.Or:
		return slices.ContainsFunc(e, x.hasAliases)
	case rule.Not:
		return x.hasAliases(e.Of)
	case *rule.Selection:
		return x.hasAliases(e.Body)
	case *rule.Item:
		if len(x.reading.aliases(e.Field)) > 0 {
			return true
		}
		return slices.ContainsFunc(e.Values, func(v rule.Value) bool {
			ref, ok := v.Test.(rule.FieldRef)
			return ok && len(x.reading.aliases(ref.Other)) > 0
		})
	}
	return false
}

func (x *explainer) item(it *rule.Item, negative bool) (explained *Item, holds bool) {
	l := lookOf(it, negative)
	values, present := x.reading.valuesFor(l)
	found := x.reading.asked(it, l.strict, values, present)
	explained = &Item{
		Key: it.Source, Field: it.Field, Line: it.Line, All: it.All, Negated: it.Negated, Present: present,
		Wanted: make([]Wanted, len(it.Values)),
	}
	if it.Field != "" {
		for _, v := range values {
			if !v.isAlias {
				explained.Values = append(explained.Values, v.text)
			}
		}
	}
	if it.Field != "" && present {
		for _, v := range x.reading.aliases(it.Field) {
			explained.Aliases = append(explained.Aliases, v.text)
		}
		explained.Strict = l.strict && len(explained.Aliases) > 0
	}
	if !present {
		explained.Hint = x.otherCase(it.Field)
	}
	for i, wanted := range it.Values {
		w := Wanted{Value: wanted.Source}
		w.Found, w.Holds = x.reading.find(wanted.Test, l.strict, values, present)
		if !w.Holds && present && !it.Negated && it.Field != "" && x.tried < mostTried {
			x.tried++
			w.Hint = x.nearMiss(wanted.Test, values)
		}
		explained.Wanted[i] = w
	}
	return explained, found != it.Negated
}
