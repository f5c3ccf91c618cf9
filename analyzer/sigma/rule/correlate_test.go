package rule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const countedRules = `
title: One
id: 00000000-0000-4000-8000-000000000001
name: one
logsource: {product: windows}
detection: {a: {A: x}, condition: a}
---
title: Two
id: 00000000-0000-4000-8000-000000000002
name: two
logsource: {product: windows}
detection: {a: {A: y}, condition: a}
---
title: Old
id: 00000000-0000-4000-8000-000000000003
name: old
status: deprecated
logsource: {product: windows}
detection: {a: {A: y}, condition: a}
---
`

// showCorrelation writes what a correlation wants.
func showCorrelation(c *Correlation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s in %v", c.Type, strings.Join(c.Rules, ","), c.Timespan)
	if c.GroupBy != nil {
		fmt.Fprintf(&b, " by %s", strings.Join(c.GroupBy, ","))
	}
	if c.Fields != nil {
		fmt.Fprintf(&b, " of %s", strings.Join(c.Fields, ","))
	}
	for _, limit := range c.Thresholds {
		fmt.Fprintf(&b, " %s%s", showRelation(limit.Relation), showDecimal(limit.Than))
	}
	if c.Temporal != nil {
		b.WriteString(" " + showCondition(c.Temporal))
	}
	if c.Type == "value_percentile" {
		fmt.Fprintf(&b, " percentile %v", c.Percentile)
	}
	if c.Generate {
		b.WriteString(" generate")
	}
	return b.String()
}

func TestCorrelations(t *testing.T) {
	f := func(correlation, want string) {
		t.Helper()
		text := countedRules + "title: C\nlevel: high\ncorrelation:\n  " + strings.ReplaceAll(correlation, "\n", "\n  ") + "\n"
		set, problems := Parse(Options{}, "test.yml", []byte(text))
		if len(set.Correlations) != 1 || len(problems) > 0 || len(set.Rules) != 2 {
			t.Errorf("%s\n%d correlations, problems %v", correlation, len(set.Correlations), problems)
			return
		}
		c := set.Correlations[0]
		if got := showCorrelation(c); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", correlation, got, want)
		}
		if c.Meta.Title != "C" || c.Meta.Level != "high" || !isUUID(c.Meta.ID) || c.Meta.Line != 21 || c.Meta.Condition != nil || len(c.Resolved) != len(c.Rules) {
			t.Errorf("%s\ngot %+v", correlation, c)
		}
	}
	f("type: event_count\nrules: [one]\ngroup-by: [User]\ntimespan: 5m\ncondition: {gte: 10}", "event_count of one in 5m0s by User >=10")
	f("type: event_count\nrules: one\ngroup-by: User\ntimespan: 1h\ncondition: {gt: 100, lte: 200}", "event_count of one in 1h0m0s by User >100 <=200")
	f("type: event_count\nrules: [one, 00000000-0000-4000-8000-000000000002]\ntimespan: 15s\ncondition: {eq: 3}", "event_count of one,00000000-0000-4000-8000-000000000002 in 15s =3")
	f("type: event_count\nrules: [one]\ntimespan: 1d\ncondition: {neq: 3}", "event_count of one in 24h0m0s <>3")
	f("type: event_count\nrules: [one]\ntimespan: 2w\ncondition: {lt: 3}", "event_count of one in 336h0m0s <3")
	f("type: event_count\nrules: [one]\ntimespan: 1M\ncondition: {lte: 3}", "event_count of one in 720h0m0s <=3")
	f("type: event_count\nrules: [one]\ntimespan: 1y\ncondition: {lte: 3}", "event_count of one in 8760h0m0s <=3")
	f("type: VALUE_COUNT\nrules: [one]\ntimespan: 1h\ngroup-by: [A B, C]\ncondition: {field: User, gte: 3}", "value_count of one in 1h0m0s by AB,C of User >=3")
	f("type: value_count\nrules: [one]\ntimespan: 1h\ncondition: {field: [User, Host], gte: 3}", "value_count of one in 1h0m0s of User,Host >=3")
	f("type: value_sum\nrules: [one]\ntimespan: 1h\ncondition: {field: Bytes, gt: 1.5}", "value_sum of one in 1h0m0s of Bytes >1.5")
	f("type: value_avg\nrules: [one]\ntimespan: 1h\ncondition: {field: Bytes, lt: -2}", "value_avg of one in 1h0m0s of Bytes <-2")
	f("type: value_min\nrules: [one]\ntimespan: 1h\ncondition: {field: Bytes, lt: 2}", "value_min of one in 1h0m0s of Bytes <2")
	f("type: value_max\nrules: [one]\ntimespan: 1h\ncondition: {field: Bytes, lt: 2}", "value_max of one in 1h0m0s of Bytes <2")
	f("type: value_median\nrules: [one]\ntimespan: 1h\ncondition: {field: Bytes, lt: 2}", "value_median of one in 1h0m0s of Bytes <2")
	f("type: value_percentile\nrules: [one]\ntimespan: 1h\ncondition: {field: Bytes, lt: 2}", "value_percentile of one in 1h0m0s of Bytes <2 percentile 50")
	f("type: value_percentile\nrules: [one]\ntimespan: 1h\ncondition: {field: Bytes, lt: 2, percentile: 99.5}", "value_percentile of one in 1h0m0s of Bytes <2 percentile 99.5")
	f("type: temporal\nrules: [one, two]\ntimespan: 1h\ngroup-by: [Host]", "temporal of one,two in 1h0m0s by Host")
	f("type: temporal\nrules: [one, two]\ntimespan: 1h\ncondition: {gte: 2}", "temporal of one,two in 1h0m0s >=2")
	f("type: temporal_ordered\nrules: [two, one]\ntimespan: 1h", "temporal_ordered of two,one in 1h0m0s")
	f("type: temporal\nrules: [one, two]\ntimespan: 1h\ncondition: one and not two", "temporal of one,two in 1h0m0s (0 and not 1)")
	f("type: temporal\nrules: [two, one]\ntimespan: 1h\ncondition: one and not (two or one)", "temporal of two,one in 1h0m0s (1 and not (0 or 1))")
	f("type: temporal_ordered\ntimespan: 1h\ncondition: one and (two)", "temporal_ordered of one,two in 1h0m0s (0 and 1)")
	f("type: event_count\nrules: [one]\ntimespan: 1h\ncondition: {gt: 1}\ngenerate: true", "event_count of one in 1h0m0s >1 generate")
	f("type: event_count\nrules: [one]\ntimespan: 1h\ncondition: {gt: 1}\ngenerate: false", "event_count of one in 1h0m0s >1")
}

// generate may also stand beside the correlation.
func TestGenerateAtTheTop(t *testing.T) {
	set, problems := Parse(Options{}, "test.yml", []byte(countedRules+
		"title: C\ngenerate: true\ncorrelation: {type: event_count, rules: [one], timespan: 1h, condition: {gt: 1}}\n"))
	if len(problems) > 0 || !set.Correlations[0].Generate || set.Rules[0].Feeds {
		t.Errorf("got %+v, problems %v", set, problems)
	}
}

func TestCorrelationReferences(t *testing.T) {
	set, problems := Parse(Options{}, "test.yml", []byte(`
title: Outer
id: 00000000-0000-4000-8000-00000000000a
correlation:
  type: temporal
  rules: [inner, 00000000-0000-4000-8000-000000000002, counted]
  timespan: 1h
  group-by: [who]
  aliases:
    who: {inner: User, two: Owner, counted: Name}
---
title: Shouting
name: shouting
correlation: {type: event_count, rules: [ONE, one], timespan: 1h, condition: {gt: 1}}
---
title: Inner
id: 00000000-0000-4000-8000-00000000000b
name: inner
correlation: {type: event_count, rules: [one], timespan: 1h, condition: {gt: 1}}
---
title: Counted
name: counted
logsource: {product: windows}
detection: {a: {A: x}, timeframe: 5m, condition: a | count() > 5}
---`+countedRules))
	if len(set.Correlations) != 3 || len(problems) != 1 || !strings.Contains(problems[0].String(), `refers to "ONE", which no rule has as name or id`) {
		t.Fatalf("%d correlations, problems %v", len(set.Correlations), problems)
	}
	outer, inner, counted := set.Correlations[0], set.Correlations[1], set.Correlations[2]
	if outer.Resolved[0].Correlation != inner || outer.Resolved[1].Rule.Title != "Two" || outer.Resolved[2].Correlation != counted || inner.Resolved[0].Rule.Title != "One" {
		t.Errorf("got %+v", outer.Resolved)
	}
	// Aliases name rules as the correlation does.
	want := map[string]map[string]string{"who": {"inner": "User", "00000000-0000-4000-8000-000000000002": "Owner", "counted": "Name"}}
	if diff := cmp.Diff(want, outer.Aliases); diff != "" {
		t.Errorf("aliases (-want +got):\n%s", diff)
	}
	if base := counted.Resolved[0].Rule; !base.Feeds || set.Rules[0] != base || base.ID == counted.Meta.ID {
		t.Errorf("got %+v", base)
	}
}

func TestCorrelationRefusals(t *testing.T) {
	f := func(documents string, want ...string) {
		t.Helper()
		set, problems := Parse(Options{}, "test.yml", []byte(countedRules+documents))
		var got []string
		for _, p := range problems {
			if !p.Warning && (p.Remedy == "" || p.Line < 21 || p.Column < 1) {
				t.Errorf("problem says too little: %v", p)
			}
			got = append(got, p.String())
		}
		if len(got) != len(want) || set.Refused != len(want) || len(set.Correlations) > 0 || len(set.Rules) != 2 {
			t.Errorf("%s\n%d correlations, got %q", documents, len(set.Correlations), got)
			return
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) {
				t.Errorf("%s\ngot  %s\nwant %s", documents, got[i], want[i])
			}
		}
	}
	c := func(inner, want string) {
		t.Helper()
		f("title: C\ncorrelation: {"+inner+"}\n", want)
	}
	f("title: C\ncorrelation: x\n", "correlation is not a mapping")
	f("correlation: {type: event_count}\n", "the rule has no title")
	c("rules: [one], timespan: 1h, condition: {gt: 1}", "the correlation has no type; add `type:` with one of event_count")
	c("type: event_cuont, rules: [one], timespan: 1h", `type "event_cuont" is unknown; use one of event_count`)
	c("type: event_count, rules: [one], condition: {gt: 1}", "the correlation has no timespan")
	c("type: event_count, timespan: 1h, condition: {gt: 1}", "the correlation names no rules")
	c("type: event_count, rules: [], timespan: 1h, condition: {gt: 1}", "the correlation names no rules")
	c("type: event_count, rules: [one], timespan: 1h", "a correlation of type event_count needs a condition")
	c("type: event_count, rules: [one], timespan: 1h, condition: {}", "the condition compares with nothing")
	c("type: event_count, rules: [one], timespan: 1h, condition: one", "condition is not a mapping")
	c("type: event_count, rules: [one], timespan: 1h, condition: {ge: 1}", `"ge" is unknown in the condition`)
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: '1'}", `"1" is not a number`)
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: [1]}", `is not a number`)
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: 1.5}", `"1.5" is not a number of things`)
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: -1}", `"-1" is not a number of things`)
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: 1, field: A}", "takes no field")
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: 1, percentile: 5}", "has no percentile")
	c("type: value_count, rules: [one], timespan: 1h, condition: {gt: 1}", "a correlation of type value_count needs a field; add `field:`")
	c("type: value_sum, rules: [one], timespan: 1h, condition: {gt: 1, field: [A, B]}", "takes one field")
	c("type: value_percentile, rules: [one], timespan: 1h, condition: {gt: 1, field: A, percentile: 101}", `percentile "101" is out of bounds`)
	c("type: value_count, rules: [one], timespan: 1h, condition: {gt: 1, field: [A, A]}", `field "A" stands twice`)
	c("type: value_count, rules: [one], timespan: 1h, condition: {gt: 1, field: ['']}", `an element of field is empty`)
	c("type: event_count, rules: [one], timespan: 1, condition: {gt: 1}", `cannot read time span "1"`)
	c("type: event_count, rules: [one], timespan: h, condition: {gt: 1}", `cannot read time span "h"`)
	c("type: event_count, rules: [one], timespan: 1.5h, condition: {gt: 1}", `cannot read time span "1.5h"`)
	c("type: event_count, rules: [one], timespan: 0s, condition: {gt: 1}", `time span "0s" is out of bounds`)
	c("type: event_count, rules: [one], timespan: 99999999999999999999s, condition: {gt: 1}", "is out of bounds")
	c("type: event_count, rules: [one], timespan: 101y, condition: {gt: 1}", "is out of bounds")
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: 1}, group: [A]", `"group" is unknown in a correlation`)
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: 1}, generate: 'yes'", "generate is neither true nor false")
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: 1}, aliases: [a]", "aliases is not a mapping")
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: 1}, group-by: [a], aliases: {a: {two: B}}", `alias "a" names "two", which is not among the rules`)
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: 1}, group-by: [a], aliases: {a: {three: B}}", `refers to "three"`)
	c("type: event_count, rules: [one], timespan: 1h, condition: {gt: 1}, group-by: [a], aliases: {a: {one: ''}}", `alias "a" names no field of "one"`)
	c("type: temporal, rules: [one, two], timespan: 1h, condition: one", `the condition does not name the rule "two"`)
	c("type: temporal, rules: [one], timespan: 1h, condition: one and two", `the condition names "two", which is no rule here`)
	c("type: temporal, timespan: 1h, condition: one and", "ends where a rule should stand")
	c("type: temporal, timespan: 1h, condition: 1 of them", `"of" stands where`)
	c("type: temporal, timespan: 1h, condition: [one]", "the condition is neither a mapping nor text")
	c("type: temporal, rules: [one, old], timespan: 1h", `refers to "old", which is skipped because its status is deprecated`)
	c("type: temporal, rules: [one, 00000000-0000-4000-8000-000000000001], timespan: 1h", "are the same rule")
	c("type: temporal, rules: [one, one], timespan: 1h", `"one" stands twice in rules`)
	c("type: temporal, rules: [one, nobody], timespan: 1h", `test.yml:22:44: rule `)

	chain := func(name, rules string) string {
		return "title: " + name + "\nname: " + name + "\ncorrelation: {type: temporal, rules: [" + rules + "], timespan: 1h}\n---\n"
	}
	f(chain("a", "a"), "the correlation refers to itself, or to others that do: a → a; take one")
	f(chain("a", "b, one")+chain("b", "c")+chain("c", "one, a"), "a → b → c → a", "b → c → a → b", "c → a → b → c")
	f(chain("a", "b")+chain("b", "c")+chain("c", "b"), "a → b → c → b", "b → c → b", "c → b → c")
	f(chain("a", "b")+chain("b", "c")+chain("c", "nobody"), `"nobody", which no rule has`, `refers to "c", which was refused`, `refers to "b", which was refused`)
	f("title: bad\nname: bad\nlogsource: {product: x}\n---\n"+chain("a", "bad"), "has no detection", `refers to "bad", which was refused; mend that rule first`)
	f("title: x\nname: one\ncorrelation: {type: temporal, rules: [one], timespan: 1h}\n", "is that of two rules, in test.yml:2 and test.yml:21; refer to it by its id")
}

func TestCorrelationWarnings(t *testing.T) {
	set, problems := Parse(Options{}, "test.yml", []byte(countedRules+
		"title: C\ncorrelation: {type: event_count, rules: [one], timespan: 1h, condition: {gt: 1}, group-by: [b], aliases: {a: {one: A}, b: {one: B}}}\n"))
	if len(set.Correlations) != 1 || len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].String(), `alias "a" is not used`) {
		t.Errorf("got %v", problems)
	}
}

func TestTimespans(t *testing.T) {
	f := func(text string, want time.Duration) {
		t.Helper()
		if got, err := parseTimespan(text, nil); err != nil || got != want {
			t.Errorf("time span %q: got %v, %v, want %v", text, got, err, want)
		}
	}
	f("1s", time.Second)
	f("90m", 90*time.Minute)
	f("24h", 24*time.Hour)
	f("30d", 720*time.Hour)
	f("100y", 36500*24*time.Hour)
	f("010m", 10*time.Minute)
}

// A long chain of correlations, the last first, neither takes long nor much stack.
func TestLongChain(t *testing.T) {
	var b strings.Builder
	b.WriteString(countedRules)
	const length = 5000
	for i := range length {
		target := fmt.Sprintf("c%d", i+1)
		if i == length-1 {
			target = "one"
		}
		fmt.Fprintf(&b, "title: c%d\nname: c%d\ncorrelation: {type: event_count, rules: [%s], timespan: 1h, condition: {gt: 1}}\n---\n", i, i, target)
	}
	start := time.Now()
	set, problems := Parse(Options{}, "test.yml", []byte(b.String()))
	if len(set.Correlations) != length || len(problems) > 0 {
		t.Errorf("%d correlations, problems %v", len(set.Correlations), problems)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}
