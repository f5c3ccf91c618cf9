package rule

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// selections gives named parts for a condition.
func selections(names ...string) []named {
	parts := make([]named, len(names))
	for i, name := range names {
		parts[i] = named{name: name, expr: &Selection{Name: name}, weight: 1}
	}
	return parts
}

func TestConditions(t *testing.T) {
	parts := selections("sel_a", "sel_b", "other", "_sel_hidden", "Über-1.2")
	f := func(text, want string) {
		t.Helper()
		c := condition{parts: parts, kind: "selection", quantified: true}
		e, wrong := c.parse(text)
		if wrong != nil || len(c.warnings) > 0 {
			t.Errorf("condition %q: error %v, warnings %v", text, wrong, c.warnings)
			return
		}
		if got := showCondition(e); got != want {
			t.Errorf("condition %q: got %s, want %s", text, got, want)
		}
	}
	f("sel_a", "sel_a")
	f("not sel_a", "not sel_a")
	f("not not sel_a", "not not sel_a")
	f("sel_a and sel_b or other", "((sel_a and sel_b) or other)")
	f("sel_a or sel_b and other", "(sel_a or (sel_b and other))")
	f("sel_a or sel_b or other", "(sel_a or sel_b or other)")
	f("(sel_a or sel_b) and other", "((sel_a or sel_b) and other)")
	f("(sel_a or sel_b)and(other)", "((sel_a or sel_b) and other)")
	f("((((sel_a))))", "sel_a")
	f("not sel_a and sel_b", "(not sel_a and sel_b)")
	f("not sel_a or sel_b", "(not sel_a or sel_b)")
	f("not (sel_a or sel_b)", "not (sel_a or sel_b)")
	f("not(sel_a)", "not sel_a")
	f("sel_a AND NOT (sel_b Or other)", "(sel_a and not (sel_b or other))")
	f("1 of sel_*", "(sel_a or sel_b)")
	f("any of sel_*", "(sel_a or sel_b)")
	f("all of sel_*", "(sel_a and sel_b)")
	f("not 1 of sel_*", "not (sel_a or sel_b)")
	f("not all of sel_* or other", "(not (sel_a and sel_b) or other)")
	f("1 of sel_* and other", "((sel_a or sel_b) and other)")
	f("1 of them", "(sel_a or sel_b or other or Über-1.2)")
	f("all of them", "(sel_a and sel_b and other and Über-1.2)")
	f("ANY OF THEM and other", "((sel_a or sel_b or other or Über-1.2) and other)")
	f("1 of *_b", "sel_b")
	f("all of s*l_*", "(sel_a and sel_b)")
	f("all of *e*", "(sel_a and sel_b and other and Über-1.2)")
	f("1 of other", "other")
	f("1 of _sel*", "_sel_hidden")
	f("1 of _*", "_sel_hidden")
	f("_sel_hidden", "_sel_hidden")
	f("all of *", "(sel_a and sel_b and other and Über-1.2)")
	f("Über-1.2", "Über-1.2")
	f("  sel_a\n  and\tsel_b ", "(sel_a and sel_b)")
}

// Words of the language may also be names of selections where they cannot be mistaken.
func TestConditionNamesLikeWords(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		c := condition{parts: selections("all", "1", "any", "of", "them", "not"), kind: "selection", quantified: true}
		e, wrong := c.parse(text)
		if wrong != nil || showCondition(e) != want {
			t.Errorf("condition %q: got %v, %v, want %s", text, e, wrong, want)
		}
	}
	f("all and not 1", "(all and not 1)")
	f("any or of", "(any or of)")
	f("them", "them")
	f("1 of them", "(all or 1 or any or of or them or not)")
	f("1 of t*", "them")
	f("1 of not", "not")
	f("not not them", "not not them")

	_, warnings := parsed(t, Options{}, ruleText("Not: {A: x}\nb: {A: x}\ncondition: all of them"))
	if len(warnings) != 1 || !strings.Contains(warnings[0].String(), `7:3: `) && !strings.Contains(warnings[0].Message, `the selection "Not" has the name of a word`) {
		t.Errorf("got %v", warnings)
	}
}

func TestConditionPatternWithoutSelection(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		c := condition{parts: selections("sel"), kind: "selection", quantified: true}
		e, wrong := c.parse(text)
		if wrong != nil || showCondition(e) != want {
			t.Errorf("condition %q: got %v, %v, want %s", text, e, wrong, want)
		}
		if len(c.warnings) != 1 || !strings.Contains(c.warnings[0].why, `"filter_*"`) {
			t.Errorf("condition %q: warnings %v", text, c.warnings)
		}
	}
	f("sel and not 1 of filter_*", "sel")
	f("sel and 1 of filter_*", "sel")
	f("not sel or all of filter_*", "not sel")
	f("sel and (not (1 of filter_*))", "sel")
}

func TestConditionErrors(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		c := condition{parts: selections("sel", "filter"), kind: "selection", quantified: true}
		start := time.Now()
		_, wrong := c.parse(text)
		if wrong == nil || !strings.Contains(wrong.why+"; "+wrong.remedy, want) || wrong.remedy == "" {
			t.Errorf("condition %q: got %v, want %q", shortened(text), wrong, want)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("condition %q took %v", shortened(text), took)
		}
	}
	f("", "ends where a selection should stand")
	f("sel and", "ends where a selection should stand")
	f("not", "ends where a selection should stand")
	f("sel or or filter", `"or" stands where a selection should stand`)
	f("and", `"and" stands where a selection should stand`)
	f("selection", `the condition names "selection", which is no selection here; name one of: sel, filter`)
	f("Sel", `names "Sel"`)
	f("sel filter", `"filter" stands where the condition could end; join the parts with`)
	f("(sel or filter", "`)` is missing")
	f("sel)", `")" stands where the condition could end`)
	f("()", `")" stands where a selection should stand`)
	f("sel | near filter", "a | stands where none can")
	f("sel & filter", `unexpected '&'`)
	f("2 of sel*", "\"2\" stands before `of`; write `1 of`, `any of` or `all of`")
	f("0 of sel*", `"0" stands before`)
	f("sel of them", `"sel" stands before`)
	f("1 of", "no name stands behind `of`")
	f("1 of (sel)", "no name stands behind `of`")
	f("1 of nothing*", `no selection matches the condition "1 of nothing*"`)
	f("1 of "+strings.Repeat("*", 2000), "is longer than 1000 bytes")
	f(strings.Repeat("(", 10_000)+"sel"+strings.Repeat(")", 10_000), "nests deeper than 64")
	f(strings.Repeat("(", 1_000_000), "nests deeper than 64")
	f(strings.Repeat("not ", 10_000)+"sel", "nests deeper than 64")
	f(strings.Repeat("not(", 10_000)+"sel", "nests deeper than 64")
	f(strings.Repeat("sel and ", 125_000), "ends where a selection should stand")
}

// A large condition costs in proportion to what it names, up to a bound.
func TestLargeConditions(t *testing.T) {
	names := make([]string, 20_000)
	for i := range names {
		names[i] = fmt.Sprintf("selection_%d", i)
	}
	f := func(text, want string) {
		t.Helper()
		c := condition{parts: selections(names...), kind: "selection", quantified: true}
		start := time.Now()
		_, wrong := c.parse(text)
		took := time.Since(start)
		if got := fmt.Sprint(wrong); want == "" && wrong != nil || want != "" && !strings.Contains(got, want) {
			t.Errorf("condition %q: got %v, want %q", shortened(text), wrong, want)
		}
		if took > 3*time.Second {
			t.Errorf("condition %q took %v", shortened(text), took)
		}
	}
	f(strings.Join(names, " or "), "")
	f(strings.Repeat("selection_7 or ", 60_000)+"selection_8", "")
	f("1 of them", "")
	f(strings.Repeat("1 of them or ", 70_000)+"1 of them", "the condition is too large: it looks at more than 4000000 values")
	f(strings.Repeat("1 of *_*_*_*x or ", 50_000)+"1 of them", "the condition is too large")
}

func TestNamePatterns(t *testing.T) {
	f := func(pattern, name string, want bool) {
		t.Helper()
		if got := matchName(pattern, name); got != want {
			t.Errorf("pattern %q, name %q: got %v", pattern, name, got)
		}
	}
	f("", "", true)
	f("a", "a", true)
	f("a", "A", false)
	f("a", "ab", false)
	f("a*", "a", true)
	f("a*", "ab", true)
	f("a*", "ba", false)
	f("*a", "ba", true)
	f("*a", "ab", false)
	f("*a*", "bab", true)
	f("a*a", "a", false)
	f("a*a", "aa", true)
	f("a*b*c", "axbxc", true)
	f("a*b*c", "axcxb", false)
	f("**", "", true)
	f("a**b", "ab", true)
	f("*ab", "aab", true)
	f("*ab*ab", "abab", true)
	f("*ab*ab", "ab", false)
	f("a?c", "abc", false)
}
