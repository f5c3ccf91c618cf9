package rule

import (
	"strings"
	"testing"
)

const filteredRules = `
title: One
id: 00000000-0000-4000-8000-000000000001
name: one
logsource: {category: process_creation, product: windows}
detection: {a: {A: x}, b: {A: y}, condition: a or b}
---
title: Two
id: 00000000-0000-4000-8000-000000000002
logsource: {category: process_creation, product: linux}
detection: {a: {A: x}, condition: a}
---
title: Counted
id: 00000000-0000-4000-8000-000000000003
logsource: {category: process_creation, product: windows}
detection: {a: {A: x}, timeframe: 1m, condition: a | count() > 5}
---
`

func TestFilters(t *testing.T) {
	f := func(filter, want string, warnings ...string) {
		t.Helper()
		set, problems := Parse(Options{}, "test.yml", []byte(filteredRules+filter))
		var got []string
		for _, r := range set.Rules {
			got = append(got, showCondition(r.Condition))
		}
		if joined := strings.Join(got, "; "); joined != want {
			t.Errorf("%s\ngot  %s\nwant %s", filter, joined, want)
		}
		for i, p := range problems {
			if !p.Warning || p.Remedy == "" || p.Line < 20 || i < len(warnings) && !strings.Contains(p.String(), warnings[i]) {
				t.Errorf("%s\ngot %v", filter, p)
			}
		}
		if len(problems) != len(warnings) {
			t.Errorf("%s\ngot %v, want %v", filter, problems, warnings)
		}
		if len(set.Correlations) != 1 || len(set.Filters) != 1 {
			t.Errorf("%d correlations, %d filters", len(set.Correlations), len(set.Filters))
		}
	}
	filter := func(logsource, rules, condition string) string {
		return "title: F\nlogsource: {" + logsource + "}\nfilter:\n  rules: " + rules + "\n  s: {User: admin}\n  _t: {User: root}\n  condition: " + condition + "\n"
	}
	f(filter("category: process_creation", "any", "not s"), "((a or b) and not s); (a and not s); (a and not s)")
	f(filter("category: process_creation", "ALL", "not 1 of them"), "((a or b) and not s); (a and not s); (a and not s)")
	f(filter("product: windows", "any", "not s and not _t"), "((a or b) and (not s and not _t)); a; (a and (not s and not _t))")
	f(filter("category: process_creation, product: windows", "[00000000-0000-4000-8000-000000000001]", "not s"), "((a or b) and not s); a; a")
	f(filter("product: windows", "[one]", "not s"), "((a or b) and not s); a; a")
	f(filter("product: windows", "one", "not s"), "((a or b) and not s); a; a")
	f(filter("product: linux", "[Two]", "not s"), "(a or b); (a and not s); a")
	f(filter("product: windows", "[one, 00000000-0000-4000-8000-000000000001, Counted]", "not s"), "((a or b) and not s); a; (a and not s)")
	// What the filter does not reach is said.
	f(filter("product: windows", "[one, nobody]", "not s"), "((a or b) and not s); a; a", `no rule "nobody" is loaded for the filter`)
	f(filter("product: windows", "[Two]", "not s"), "(a or b); a; a", `the log source of the filter does not cover that of rule "Two"`)
	f(filter("product: windows", "[one]", "not _t"), "((a or b) and not _t); a; a", `no condition names the selection "s"`)
	f(filter("product: windows, service: x", "any", "not s"), "(a or b); a; a")
	// The condition stands as it is: without `not` it restricts.
	f(filter("product: windows", "[one]", "s"), "((a or b) and s); a; a", "the condition of the filter has no `not`")
}

func TestSeveralFilters(t *testing.T) {
	set, problems := Parse(Options{}, "test.yml", []byte(filteredRules+`
title: F
logsource: {product: windows}
filter: {rules: any, s: {User: admin}, condition: not s}
---
title: G
logsource: {category: process_creation}
filter: {rules: [one], t: {User: root}, condition: not t}
---
title: H
status: deprecated
logsource: {category: process_creation}
filter: {rules: any, u: {User: root}, condition: not u}
`))
	rule := set.Rules[0]
	if got := showCondition(rule.Condition); got != "((a or b) and not s and not t)" || len(problems) > 0 || set.Skipped != 1 {
		t.Errorf("got %s, problems %v, %d skipped", got, problems, set.Skipped)
	}
	if len(rule.Filters) != 2 || rule.Filters[0] != set.Filters[0] || rule.Filters[1] != set.Filters[1] || len(rule.Selections) != 2 {
		t.Errorf("filters %v", rule.Filters)
	}
	g := set.Filters[1]
	if g.Title != "G" || !isUUID(g.ID) || g.Line != 23 || g.File != "test.yml" || g.Selections[0].File != "test.yml" || g.Any || g.Rules[0] != "one" {
		t.Errorf("got %+v", g)
	}
}

func TestFilterOfCorrelation(t *testing.T) {
	set, problems := Parse(Options{}, "test.yml", []byte(countedRules+
		"title: C\nname: c\ncorrelation: {type: event_count, rules: [one], timespan: 1h, condition: {gt: 1}}\n---\n"+
		"title: F\nlogsource: {product: windows}\nfilter: {rules: [c, two], s: {User: admin}, condition: not s}\n"))
	if len(set.Correlations) != 1 || len(problems) != 1 || !strings.Contains(problems[0].String(), `"c" is a correlation, to which filters do not apply`) {
		t.Errorf("got %v", problems)
	}
	if len(set.Rules[0].Filters) != 0 || len(set.Rules[1].Filters) != 1 {
		t.Errorf("filters %v, %v", set.Rules[0].Filters, set.Rules[1].Filters)
	}
}

func TestFilterRefusals(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := refusalOf(t, Options{}, "title: F\n"+text); !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	const source = "logsource: {product: windows}\n"
	f("filter: {rules: any, s: {A: x}, condition: not s}", "the rule has no logsource")
	f(source+"filter: any", "filter is not a mapping")
	f(source+"filter: {s: {A: x}, condition: not s}", "does not say for which rules it is; add `rules:`")
	f(source+"filter: {rules: [], s: {A: x}, condition: not s}", "the filter is for no rule; name rules, or write any")
	f(source+"filter: {rules: {a: b}, s: {A: x}, condition: not s}", "rules is not a list")
	f(source+"filter: {rules: ['', a], s: {A: x}, condition: not s}", "an element of rules is empty")
	f(source+"filter: {rules: [a, a], s: {A: x}, condition: not s}", `"a" stands twice in rules`)
	f(source+"filter: {rules: any, s: {A: x}}", "the filter has no condition")
	f(source+"filter: {rules: any, s: {A: x}, condition: [not s, s]}", "the filter has several conditions")
	f(source+"filter: {rules: any, s: {A: x}, condition: not t}", `names "t", which is no selection`)
	f(source+"filter: {rules: any, s: {A|nope: x}, condition: not s}", "is unknown")
}
