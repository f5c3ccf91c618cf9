package sigmatest

import (
	"slices"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// wrongWhen makes matchers that agree with the interpreter but where wrong says so about a rule and an event.
func wrongWhen(wrong func(r *rule.Rule, ev *Event) bool) NewMatcher {
	return func(rules []*rule.Rule) Matcher {
		right := Reference(rules)
		return func(ev *Event) []*rule.Rule {
			matched := right(ev)
			for _, r := range rules {
				at := slices.Index(matched, r)
				switch {
				case !covers(r, ev.Sources) || !wrong(r, ev):
				case at >= 0:
					matched = slices.Delete(matched, at, at+1)
				default:
					matched = append(matched, r)
				}
			}
			return matched
		}
	}
}

func randomly(seed uint64) (rules []*rule.Rule, events []*Event) {
	r := NewRandom(seed)
	for range 30 {
		rules = append(rules, r.Rule())
	}
	for range 200 {
		events = append(events, r.Event())
	}
	return rules, events
}

func TestCompareAgrees(t *testing.T) {
	rules, events := randomly(1)
	tally := Compare(t, Reference, rules, events)
	if tally.Pairs < 1000 || tally.Positive < tally.Pairs/10 {
		t.Errorf("%d of %d pairs match, which shows little", tally.Positive, tally.Pairs)
	}
}

// A planted fault is found, and shown by little more than what it takes.
func TestCompareFindsFaults(t *testing.T) {
	f := func(wrong func(r *rule.Rule, ev *Event) bool, want ...string) {
		t.Helper()
		rules, events := randomly(2)
		c := comparison{newMatcher: wrongWhen(wrong), rules: rules}
		c.matcher = c.newMatcher(rules)
		_, reports := c.run(events)
		if len(reports) == 0 {
			t.Fatal("nothing was found")
		}
		for _, text := range want {
			if !strings.Contains(reports[0], text) {
				t.Errorf("no %q in\n%s", text, reports[0])
			}
		}
		if lines := strings.Count(reports[0], "\n"); lines > 8 {
			t.Errorf("%d lines:\n%s", lines, reports[0])
		}
	}
	// It gets values with a Greek letter wrong, in whatever rule.
	greek := func(_ *rule.Rule, ev *Event) bool { return strings.Contains(ev.Values["Details"], "Σ") }
	f(greek, `Details: "Σ"`, "least rule")
	// It gets regular expressions wrong.
	hasRegex := func(r *rule.Rule, _ *Event) bool { return strings.Contains(Describe(r), "regex") }
	f(hasRegex, "regex", "on event random")
}

func TestCompareFindsFaultsOfSeveralRules(t *testing.T) {
	rules, events := randomly(3)
	culprit := rules[7]
	broken := func(among []*rule.Rule) Matcher {
		if !slices.Contains(among, culprit) {
			return Reference(among)
		}
		return wrongWhen(func(r *rule.Rule, _ *Event) bool { return r == among[0] && r != culprit })(among)
	}
	c := comparison{newMatcher: broken, rules: rules, matcher: broken(rules)}
	_, reports := c.run(events)
	if len(reports) == 0 || !strings.Contains(reports[0], "only together with the rule") || strings.Count(reports[0], "only together") != 1 {
		t.Errorf("got %q", reports)
	}
}

func TestCompareFindsWhatIsNotCovered(t *testing.T) {
	rules, events := randomly(4)
	everything := func(among []*rule.Rule) Matcher {
		return func(ev *Event) []*rule.Rule {
			var matched []*rule.Rule
			for _, r := range among {
				if ev.Matches(r) {
					matched = append(matched, r)
				}
			}
			return matched
		}
	}
	c := comparison{newMatcher: everything, rules: rules, matcher: everything(rules)}
	if _, reports := c.run(events); len(reports) == 0 {
		t.Error("matches of rules for other log sources pass")
	}
}

func TestDifferential(t *testing.T) {
	tally := Differential(t, Reference, 3)
	if tally.Positive == 0 {
		t.Error("nothing matched")
	}
	Agree(t, Reference, []byte("some bytes to choose by"))
}
