package interpret

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// otherCase says whether the event has the absent field under a name in other case.
func (x *explainer) otherCase(field string) string {
	named, ok := x.ev.(interface{ Names() []string })
	if !ok {
		return ""
	}
	names := named.Names()
	slices.Sort(names)
	for _, name := range names {
		if name != field && strings.EqualFold(name, field) {
			return fmt.Sprintf("the event has the field %s; names of fields are exact in case", name)
		}
	}
	return ""
}

// nearMiss says what is in the way of a test that none of the values passes, if it is one of the usual slips.
func (x *explainer) nearMiss(t rule.Test, values []*value) string {
	for _, v := range values {
		if hint := x.slip(t, v.text); hint != "" {
			return hint
		}
	}
	return ""
}

func (x *explainer) slip(t rule.Test, text string) string {
	switch t := t.(type) {
	case rule.Text:
		return x.textSlip(t, text)
	case rule.Regex:
		loose, err := regex.Compile(t.Regex.String(), regex.Flags{IgnoreCase: true})
		if err == nil && loose.MatchReference(text) {
			return "it differs in case; re|i ignores case"
		}
	case rule.Network:
		if _, err := netip.ParseAddr(text); err != nil {
			return "the event's value is not an address"
		}
	case rule.Number:
		if _, ok := numberIn(text, t.Part); ok {
			return ""
		}
		if t.Part == rule.NoPart {
			return "the event's value is not a number"
		}
		return "the event's value is not a time of a known form, or is a date alone"
	case rule.FieldRef:
		others, ok := x.ev.Values(t.Other)
		if !ok {
			return strings.TrimSuffix("the event does not have the field "+t.Other+"; "+x.otherCase(t.Other), "; ")
		}
		if len(others) > 0 {
			return "that field is " + strings.Join(others, " | ")
		}
	}
	return ""
}

// textSlip tries the pattern on the value with one thing changed.
func (x *explainer) textSlip(t rule.Text, text string) string {
	passes := func(t rule.Text, text string) bool { return x.reading.passes(t, false, &value{text: text}) }
	if t.Cased && passes(rule.Text{Alternatives: t.Alternatives}, text) {
		return "it differs in case, and cased minds case"
	}
	if passes(t, strings.TrimSpace(text)) {
		return "it would hold without the white space around the event's value"
	}
	if passes(t, strings.Trim(text, `"'`)) {
		return "it would hold without the quotes around the event's value"
	}
	for _, open := range []struct{ head, tail bool }{{true, false}, {false, true}, {true, true}} {
		for _, pattern := range t.Alternatives {
			loose := opened(pattern, open.head, open.tail)
			// The empty text is in every other: that is no near miss.
			if len(pattern) > 0 && x.reading.matchPattern(loose, &value{text: text}, t.Cased) {
				return "it stands in the event's value; " + modifierOf(loose) + " would find it"
			}
		}
	}
	return ""
}

func modifierOf(p rule.Pattern) string {
	switch {
	case p[0].Kind != rule.AnyText:
		return "startswith"
	case p[len(p)-1].Kind != rule.AnyText:
		return "endswith"
	}
	return "contains"
}

func opened(pattern rule.Pattern, head, tail bool) rule.Pattern {
	anyText := rule.Pattern{{Kind: rule.AnyText}}
	if head {
		pattern = slices.Concat(anyText, pattern)
	}
	if tail {
		pattern = slices.Concat(pattern, anyText)
	}
	return pattern
}
