package sigma

import (
	"errors"
	"strings"
	"testing"
)

// truth is a selection whose verdict the test sets.
type truth struct{ value *bool }

func (e truth) holds(*view) bool { return *e.value }

func (e truth) trace(_ *view, dst []MatchedField) []MatchedField { return dst }

func TestConditionMeaning(t *testing.T) {
	var a, b, c bool
	selections := []selection{{"sel_a", truth{&a}}, {"sel_b", truth{&b}}, {"other", truth{&c}}, {"_sel_hidden", truth{new(bool)}}}
	f := func(text string, want func() bool) {
		t.Helper()
		e, warnings, err := parseCondition(text, selections)
		if err != nil || len(warnings) > 0 {
			t.Errorf("condition %q: error %v, warnings %q", text, err, warnings)
			return
		}
		for i := range 8 {
			a, b, c = i&1 != 0, i&2 != 0, i&4 != 0
			if got := e.holds(nil); got != want() {
				t.Errorf("condition %q with %v, %v, %v: got %v", text, a, b, c, got)
			}
		}
	}
	f("sel_a", func() bool { return a })
	f("not sel_a", func() bool { return !a })
	f("not not sel_a", func() bool { return a })
	f("sel_a and sel_b or other", func() bool { return a && b || c })
	f("sel_a or sel_b and other", func() bool { return a || b && c })
	f("(sel_a or sel_b) and other", func() bool { return (a || b) && c })
	f("(sel_a or sel_b)and(other)", func() bool { return (a || b) && c })
	f("not sel_a and sel_b", func() bool { return !a && b })
	f("not sel_a or sel_b", func() bool { return !a || b })
	f("not (sel_a or sel_b)", func() bool { return !a && !b })
	f("sel_a and not sel_b", func() bool { return a && !b })
	f("sel_a AND NOT (sel_b OR other)", func() bool { return a && !(b || c) })
	f("1 of sel_*", func() bool { return a || b })
	f("any of sel_*", func() bool { return a || b })
	f("all of sel_*", func() bool { return a && b })
	f("not 1 of sel_*", func() bool { return !(a || b) })
	f("not all of sel_* or other", func() bool { return !(a && b) || c })
	f("1 of sel_* and other", func() bool { return (a || b) && c })
	f("1 of them", func() bool { return a || b || c })
	f("all of them", func() bool { return a && b && c })
	f("ALL OF THEM", func() bool { return a && b && c })
	f("1 of *_b", func() bool { return b })
	f("all of s*l_*", func() bool { return a && b })
	f("1 of other", func() bool { return c })
	f("1 of _sel*", func() bool { return false })
	f("all of *", func() bool { return a && b && c })
	f("  sel_a\n  and\tsel_b ", func() bool { return a && b })
}

// Words of the language may also be names of selections where they cannot be mistaken.
func TestConditionNamesLikeWords(t *testing.T) {
	yes, no := true, false
	e, _, err := parseCondition("all and not 1", []selection{{"all", truth{&yes}}, {"1", truth{&no}}})
	if err != nil || !e.holds(nil) {
		t.Errorf("got %v, %v", e, err)
	}
}

func TestConditionPatternWithoutSelection(t *testing.T) {
	a := true
	selections := []selection{{"sel", truth{&a}}}
	f := func(text string, want bool) {
		t.Helper()
		e, warnings, err := parseCondition(text, selections)
		if err != nil {
			t.Errorf("condition %q: %v", text, err)
			return
		}
		if len(warnings) != 1 || !strings.Contains(warnings[0], `"filter_*"`) {
			t.Errorf("condition %q: warnings %q", text, warnings)
		}
		if got := e.holds(nil); got != want {
			t.Errorf("condition %q: got %v, want %v", text, got, want)
		}
	}
	f("sel and not 1 of filter_*", true)
	f("sel and 1 of filter_*", true)
	f("not sel or all of filter_*", false)
}

func TestConditionErrors(t *testing.T) {
	a := true
	selections := []selection{{"sel", truth{&a}}, {"filter", truth{&a}}}
	f := func(text, want string) {
		t.Helper()
		_, _, err := parseCondition(text, selections)
		at, ok := errors.AsType[*conditionError](err)
		if !ok {
			t.Errorf("condition %q: got error %v", text, err)
			return
		}
		if !strings.Contains(at.message, want) || at.remedy == "" {
			t.Errorf("condition %q: got %q, %q, want %q", text, at.message, at.remedy, want)
		}
	}
	f("", "ends where a selection should stand")
	f("sel and", "ends where a selection should stand")
	f("sel or or filter", `"or"`)
	f("selection", `names "selection"`)
	f("sel filter", `"filter" stands where the condition could end`)
	f("(sel or filter", "`)` is missing")
	f("sel)", `")" stands`)
	f("()", `names ")"`)
	f("sel | count() > 5", "aggregations")
	f("sel & filter", `unexpected '&'`)
	f("2 of sel*", `"2" stands before`)
	f("1 of", "nothing stands behind")
	f("1 of (sel)", "parenthesis stands behind")
	f("1 of nothing*", "no selection matches")
	f(strings.Repeat("(", 10000), "nests deeper")
	f(strings.Repeat("not ", 10000)+"sel", "nests deeper")
}

func FuzzCondition(f *testing.F) {
	for _, text := range []string{
		"sel", "not sel and (filter or 1 of s*)", "all of them", "((", "1 of", "any of _*", "sel|near", "\xff", "NOT not sel",
	} {
		f.Add(text)
	}
	a, b := true, false
	selections := []selection{{"sel", truth{&a}}, {"filter", truth{&b}}, {"_hidden", truth{&a}}}
	f.Fuzz(func(t *testing.T, text string) {
		e, _, err := parseCondition(text, selections)
		if err != nil {
			at, ok := errors.AsType[*conditionError](err)
			if !ok || at.message == "" || at.remedy == "" {
				t.Fatalf("condition %q: error %#v", text, err)
			}
			return
		}
		// A condition means the opposite of its own negation.
		negated, _, err := parseCondition("not ("+text+")", selections)
		if err != nil {
			if !strings.Contains(err.Error(), "nests deeper") {
				t.Fatalf("condition %q can be read, its negation cannot: %v", text, err)
			}
			return
		}
		if e.holds(nil) == negated.holds(nil) {
			t.Fatalf("condition %q and its negation agree", text)
		}
	})
}
