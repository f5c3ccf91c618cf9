package rule

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAggregations(t *testing.T) {
	f := func(condition, want string, bases ...string) {
		t.Helper()
		set, problems := Parse(Options{}, "test.yml", []byte(ruleText("a: {A: x}\nb: {B: y}\nc: {C: z}\ntimeframe: 5m\ncondition: "+condition)))
		// Not every condition names all three.
		problems = slices.DeleteFunc(problems, func(p Problem) bool { return strings.Contains(p.Message, "no condition names") })
		if len(set.Correlations) != 1 || len(problems) > 0 {
			t.Errorf("%s\n%d correlations, problems %v", condition, len(set.Correlations), problems)
			return
		}
		c := set.Correlations[0]
		ids := c.Rules
		c.Rules = nil
		if got := showCorrelation(c); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", condition, got, want)
		}
		if c.Meta.Title != "Test" || c.Meta.ID != "4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11" || c.Meta.Condition != nil || c.Meta.Selections != nil || c.Generate {
			t.Errorf("%s\ngot %+v", condition, c.Meta)
		}
		var got []string
		for i, rule := range set.Rules {
			if !rule.Feeds || rule.ID != ids[i] || c.Resolved[i].Rule != rule || rule.Logsource.Category != "test" || rule.File != "test.yml" {
				t.Errorf("%s\ngot %+v", condition, rule)
			}
			got = append(got, rule.Title+": "+showCondition(rule.Condition))
		}
		if strings.Join(got, "; ") != strings.Join(bases, "; ") || len(c.Resolved) != len(bases) {
			t.Errorf("%s\ngot  %q\nwant %q", condition, got, bases)
		}
	}
	f("a | count() > 5", "event_count of  in 5m0s >5", "Test: a")
	f("a and not b|count()>=5", "event_count of  in 5m0s >=5", "Test: (a and not b)")
	f("1 of them | COUNT(*) < 5", "event_count of  in 5m0s <5", "Test: (a or b or c)")
	f("a | count ( ) by host <= 5", "event_count of  in 5m0s by host <=5", "Test: a")
	f("a | count() by host, src_ip == 5", "event_count of  in 5m0s by host,src_ip =5", "Test: a")
	f("a | count() By host = 5", "event_count of  in 5m0s by host =5", "Test: a")
	f("a | count() != 5", "event_count of  in 5m0s <>5", "Test: a")
	f("a | count(User.Name) by host > 5", "value_count of  in 5m0s by host of User.Name >5", "Test: a")
	f("a | sum(bytes) by src > 1.5", "value_sum of  in 5m0s by src of bytes >1.5", "Test: a")
	f("a | min(bytes) > -3", "value_min of  in 5m0s of bytes >-3", "Test: a")
	f("a | max(bytes) > 3", "value_max of  in 5m0s of bytes >3", "Test: a")
	f("a | avg(bytes) > 3", "value_avg of  in 5m0s of bytes >3", "Test: a")

	f("a | near b", "temporal of  in 5m0s", "Test: a", "Test (b): b")
	f("a |NEAR b and c", "temporal of  in 5m0s", "Test: a", "Test (b): b", "Test (c): c")
	f("(a or b) | near b and not c", "temporal of  in 5m0s (0 and (1 and not 2))", "Test: (a or b)", "Test (b): b", "Test (c): c")
	f("a | near not c and (b or c)", "temporal of  in 5m0s (0 and (not 1 and (2 or 1)))", "Test: a", "Test (c): c", "Test (b): b")
}

func TestTimeframes(t *testing.T) {
	set, problems := Parse(Options{}, "test.yml", []byte(ruleText("a: {A: x}\ncondition: a | count() > 5")))
	if len(set.Correlations) != 1 || set.Correlations[0].Timespan != 24*time.Hour || len(problems) != 1 || !problems[0].Warning ||
		!strings.Contains(problems[0].String(), "the rule counts without a timeframe; 24 hours are taken; add `timeframe:`") {
		t.Errorf("got %+v, %v", set, problems)
	}
	set, problems = Parse(Options{}, "test.yml", []byte(ruleText("a: {A: x}\ntimeframe: 7d\ncondition: a | count() > 5")))
	if len(set.Correlations) != 1 || set.Correlations[0].Timespan != 168*time.Hour || len(problems) > 0 {
		t.Errorf("got %+v, %v", set, problems)
	}
}

func TestAggregationRefusals(t *testing.T) {
	f := func(condition, want string) {
		t.Helper()
		got := refusalOf(t, Options{}, ruleText("a: {A: x}\nb: {B: y}\ntimeframe: 5m\ncondition: "+condition))
		if !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", condition, got, want)
		}
	}
	f("a |", "cannot read what stands behind the |: \"\" is no aggregation; write `| count(field) by group > 10`")
	f("'| count() > 5'", "the condition ends where a selection should stand")
	f("x | count() > 5", `names "x"`)
	f("a | counts() > 5", `"counts" is no aggregation`)
	f("a | count > 5", `"count" needs parentheses`)
	f("a | count( > 5", "hold something else than one field")
	f("a | count(x y) > 5", "hold something else than one field")
	f("a | sum() > 5", `"sum" needs a field`)
	f("a | count()", `"" stands where a comparison should`)
	f("a | count() by > 5", "no field stands behind `by`")
	f("a | count() by x, > 5", "no field stands behind `by`")
	f("a | count() by x y > 5", `"y" stands where a comparison should`)
	f("a | count() > many", "the comparison is not with one number")
	f("a | count() >", "the comparison is not with one number")
	f("a | count() > 5 and b", "the comparison is not with one number")
	f("a | count() > 5 | near b", "a second | stands in the condition")
	f("a | near", "ends where a selection should stand")
	f("a | near x", `names "x", which is no selection here`)
	f("a | near 1 of them", `names "1"`)
	f("a | near b within 5m", `"within" stands where`)

	f("a | near "+strings.Repeat("b and ", 5000)+"b", "longer than 10000 bytes")
	got := refusalOf(t, Options{}, ruleText("a: {A: x}\ntimeframe: soon\ncondition: a | count() > 5"))
	if !strings.Contains(got, `test.yml:8:14: `) && !strings.Contains(got, `cannot read time span "soon"`) {
		t.Errorf("got %s", got)
	}
}
