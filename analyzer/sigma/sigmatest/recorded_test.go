package sigmatest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/sigma/interpret"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

func TestCorpusRules(t *testing.T) {
	rules := sigmatest.CorpusRules(t)
	t.Run("regression", func(t *testing.T) { testRegression(t, rules) })
	t.Run("made events", func(t *testing.T) { testMadeEvents(t, rules) })
}

// Every rule that comes with a recording of what it is for matches it.
func testRegression(t *testing.T, loaded []*rule.Rule) {
	rules := make(map[string]*rule.Rule)
	for _, r := range loaded {
		rules[r.ID] = r
	}
	matches := make(map[string]int)
	for _, ev := range sigmatest.RegressionEvents(t) {
		id := strings.TrimSuffix(filepath.Base(ev.Name), ".json")
		r := rules[id]
		if r == nil {
			t.Errorf("%s is for no rule", ev.Name)
			continue
		}
		matches[id] += 0
		if ev.Matches(r) {
			matches[id]++
		}
	}
	for id, n := range matches {
		if n == 0 {
			t.Errorf("rule %s %q matches none of its events", id, rules[id].Title)
		}
	}
	t.Logf("%d rules", len(matches))
}

func TestLaneEvents(t *testing.T) {
	events := sigmatest.LaneEvents(t, 500)
	if len(events) < 100 {
		t.Errorf("%d events", len(events))
	}
	for _, ev := range events {
		if ev.Values["Channel"] == "" || ev.Values["EventID"] == "" || ev.Values["Provider_Name"] == "" || len(ev.Sources) == 0 {
			t.Fatalf("%s: event of channel %q, id %q, provider %q, sources %v", ev.Name, ev.Values["Channel"], ev.Values["EventID"], ev.Values["Provider_Name"], ev.Sources)
		}
	}
}

// Nearly every rule of the corpus can be shown to match, and not to.
func testMadeEvents(t *testing.T, rules []*rule.Rule) {
	if sigmatest.RaceEnabled {
		rules = rules[:len(rules)/10]
	}
	events, coverage := sigmatest.MadeEvents(sigmatest.NewRandom(1), rules, 1)
	if coverage.Matched*1000 < coverage.Rules*998 || coverage.Missed*1000 < coverage.Rules*995 {
		t.Errorf("of %d rules, %d match and %d miss", coverage.Rules, coverage.Matched, coverage.Missed)
	}
	for _, r := range coverage.Unsatisfied {
		t.Logf("no event matches %s:\n%s", r.File, sigmatest.Describe(r))
	}
	for _, ev := range events {
		if ev.For == nil || len(ev.Sources) != 1 || ev.Sources[0] != ev.For.Logsource {
			t.Fatalf("%s is for %v, with log sources %v", ev.Name, ev.For, ev.Sources)
		}
	}
}

func TestCopied(t *testing.T) {
	ev := sigmatest.NewEvent("A", "x", "B", "y")
	ev.Lists = map[string][]string{"A": {"z"}}
	fields := []string{"C", "A"}
	sources := []rule.Logsource{{Product: "windows"}}
	copied := sigmatest.Copied("one", sources, fields, ev.Bind(fields))
	values, ok := copied.Named().Values("A")
	if diff := cmp.Diff([]string{"x", "z"}, values); diff != "" || !ok {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if _, ok := copied.Named().Values("C"); ok {
		t.Error("an absent field is there")
	}
	word := &rule.Rule{Condition: &rule.Item{Values: []rule.Value{{Test: rule.Text{Alternatives: []rule.Pattern{{{Text: "y"}}}}}}}}
	if !interpret.Matches(word, copied.Named()) {
		t.Error("a value of a field without a number is lost to keywords")
	}
}
