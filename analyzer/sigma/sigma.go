// Package sigma loads Sigma detection rules (specification 2.1.0) and says which of them an event matches.
//
// A rule that this package cannot run exactly as written is refused with a Problem that names file, line and remedy; it
// never runs with a changed meaning and never stops other rules. Where the specification is silent, the choices are:
//
//   - Text is compared without regard to case, by Unicode simple case folding; `?` is one character, and a byte that is
//     not valid UTF-8 counts as one character that only a wildcard matches.
//   - `null` matches a field that is absent or empty; an empty string matches a field that is present and empty.
//   - A number or a boolean in a rule is compared as the text that the rule writes.
//   - A keyword matches anywhere inside any value of the event.
//   - `neq` holds when the field is absent.
package sigma

import (
	"slices"
	"strings"
)

// Logsource says where events come from. Every part may be empty.
type Logsource struct {
	Category, Product, Service string
}

// covers reports whether each part that l names equals that of other, in any case.
func (l Logsource) covers(other Logsource) bool {
	covered := func(mine, theirs string) bool { return mine == "" || strings.EqualFold(mine, theirs) }
	return covered(l.Category, other.Category) && covered(l.Product, other.Product) && covered(l.Service, other.Service)
}

// Event is one event as rules see it. Match calls Field at most once for each field name that a rule in question reads,
// and only when the verdict hangs on it, so a field may be costly to make.
type Event interface {
	// Logsources names every log source that the event belongs to; the caller does not change the slice.
	Logsources() []Logsource
	// Field gives the text of a field, under its Sigma name in exact case, and whether the event has that field.
	// The text must stay as it is until Match returns.
	Field(name string) (value string, ok bool)
}

// KeywordEvent is an Event that keyword selections, which name no field, can search. They never match any other Event.
type KeywordEvent interface {
	Event
	// AppendValues appends the text of every field of the event to dst.
	AppendValues(dst []string) []string
}

// Rule is one loaded rule: what its author says of it. It is not changed after loading.
type Rule struct {
	// ID is a UUID in lower case. A rule without one is given one that depends on its title alone.
	ID          string
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

	condition expr
}

// Match is a rule that an event matched, with what in the event it matched on.
type Match struct {
	Rule *Rule
	// Fields holds each field and value that the condition asked for and found, in the order of the rule. What a `not`
	// excluded is not among them.
	Fields []MatchedField
}

// MatchedField is one value of an event that a rule asked for. It owns its memory.
type MatchedField struct {
	// Field is empty for a keyword.
	Field string
	Value string
	// Pattern is the value as the rule writes it.
	Pattern string
}

// Ruleset is a set of loaded rules. It does not change and may be used by any number of goroutines.
type Ruleset struct {
	groups  []group
	rules   []*Rule
	fields  []string
	refused int
	skipped int
	// idle holds views that no Match is using.
	idle chan *view
}

// group is the rules of one log source.
type group struct {
	source Logsource
	rules  []*Rule
}

// Rules lists the loaded rules in the order of their files. The caller does not change the slice.
func (rs *Ruleset) Rules() []*Rule { return rs.rules }

// Counts says how many rules are in force, how many were refused (each has a Problem), and how many were skipped because
// their own status is deprecated or unsupported.
func (rs *Ruleset) Counts() (loaded, refused, skipped int) {
	return len(rs.rules), rs.refused, rs.skipped
}

// Match appends to dst one Match for each rule that the event matches. It keeps nothing of the event, and allocates
// nothing when no rule matches.
func (rs *Ruleset) Match(ev Event, dst []Match) []Match {
	v := rs.take(ev)
	sources := ev.Logsources()
	for i := range rs.groups {
		if !rs.groups[i].admits(sources) {
			continue
		}
		for _, rule := range rs.groups[i].rules {
			if rule.condition.holds(v) {
				dst = append(dst, Match{Rule: rule, Fields: rule.condition.trace(v, nil)})
			}
		}
	}
	rs.give(v)
	return dst
}

func (g *group) admits(sources []Logsource) bool {
	return slices.ContainsFunc(sources, g.source.covers)
}

func (rs *Ruleset) add(rule *Rule) {
	rs.rules = append(rs.rules, rule)
	for i := range rs.groups {
		if rs.groups[i].source == rule.Logsource {
			rs.groups[i].rules = append(rs.groups[i].rules, rule)
			return
		}
	}
	rs.groups = append(rs.groups, group{source: rule.Logsource, rules: []*Rule{rule}})
}
