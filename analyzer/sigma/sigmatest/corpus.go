package sigmatest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/interpret"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// RuleFolders are the folders of the corpus that hold the rules to load.
func RuleFolders(tb testing.TB) []string {
	tb.Helper()
	var dirs []string
	for _, name := range []string{"rules", "rules-compliance", "rules-dfir", "rules-emerging-threats", "rules-placeholder", "rules-threat-hunting"} {
		dirs = append(dirs, Corpus(tb, "sigma/"+name))
	}
	return dirs
}

// CorpusRules loads every rule of the corpus, with values for all placeholders. A problem fails the test.
func CorpusRules(tb testing.TB) []*rule.Rule {
	tb.Helper()
	set, problems, err := rule.Load(rule.Options{Placeholders: []string{Placeholders(tb)}}, RuleFolders(tb)...)
	if err != nil {
		tb.Fatal(err)
	}
	for _, p := range problems {
		if !p.Warning {
			tb.Error(p)
		}
	}
	return set.Rules
}

// Placeholders writes a file with two values for every placeholder in the corpus, and gives its name.
func Placeholders(tb testing.TB) string {
	tb.Helper()
	placeholder := regexp.MustCompile(`%([A-Za-z_.-]+)%`)
	values := make(map[string]string)
	for _, dir := range RuleFolders(tb) {
		walk(tb, dir, ".yml", func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(data), "|expand") {
				return err
			}
			for _, found := range placeholder.FindAllStringSubmatch(string(data), -1) {
				name := found[1]
				values[name] = "['" + name + " one', '" + name + "*two']"
				if strings.Contains(string(data), "|cidr|expand") || strings.Contains(string(data), "|expand|cidr") {
					values[name] = "[10.0.0.0/8, '2001:db8::/32']"
				}
			}
			return nil
		})
	}
	var text strings.Builder
	for name, list := range values {
		text.WriteString(name + ": " + list + "\n")
	}
	path := filepath.Join(tb.TempDir(), "placeholders.yml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Coverage counts how many rules match, and do not match, events made for them.
type Coverage struct {
	Rules, Matched, Missed int
	// Unsatisfied are those for which no event was found.
	Unsatisfied []*rule.Rule
}

// MadeEvents makes for each rule a number of events that match it, and as many that hardly miss it.
func MadeEvents(r Random, rules []*rule.Rule, each int) ([]*Event, Coverage) {
	var events []*Event
	coverage := Coverage{Rules: len(rules)}
	for _, made := range rules {
		matched, missed := false, false
		for range each {
			ev := r.Satisfy(made)
			if ev == nil {
				break
			}
			matched = true
			miss := r.Miss(ev)
			for tries := 0; miss.Matches(made) && tries < 20; tries++ {
				miss = r.Miss(miss)
			}
			missed = missed || !miss.Matches(made)
			ev.For, miss.For = made, made
			events = append(events, ev, miss)
		}
		if matched {
			coverage.Matched++
		} else {
			coverage.Unsatisfied = append(coverage.Unsatisfied, made)
		}
		if missed {
			coverage.Missed++
		}
	}
	return events, coverage
}

// AgreeOnCorpus holds a matcher of all rules of the corpus against the interpreter, on recorded events and on events made for
// each rule. more are further events. Under the race detector and with -short it takes samples.
func AgreeOnCorpus(t *testing.T, newMatcher NewMatcher, more ...*Event) {
	t.Helper()
	rules := CorpusRules(t)
	nth, each, satisfied := 10, 3, rules
	if raceEnabled || testing.Short() {
		nth, each, satisfied = 1000, 1, everyNth(rules, 10)
	}
	made, coverage := MadeEvents(NewRandom(uint64(len(rules))), satisfied, each)
	t.Logf("made for %d rules: %d have an event that matches, %d one that does not", coverage.Rules, coverage.Matched, coverage.Missed)
	if coverage.Matched*100 < coverage.Rules*95 || coverage.Missed*100 < coverage.Rules*95 {
		t.Errorf("rules without an event of their own: %d of %d", len(coverage.Unsatisfied), coverage.Rules)
	}
	regression := RegressionEvents(t)
	for _, part := range []struct {
		name   string
		events []*Event
	}{
		{"regression", regression},
		{"regression, as all log sources at once", everywhere(everyNth(regression, max(1, nth/10)), rules)},
		{"recorded", LaneEvents(t, nth)},
		{"made", made},
		{"further", more},
	} {
		tally := Compare(t, newMatcher, rules, part.events)
		t.Logf("%s: %d events, %d pairs, %d positive", part.name, len(part.events), tally.Pairs, tally.Positive)
	}
}

// everywhere gives copies of events that belong to every log source of the rules.
func everywhere(events []*Event, rules []*rule.Rule) []*Event {
	var sources []rule.Logsource
	for _, r := range rules {
		if !slices.Contains(sources, r.Logsource) {
			sources = append(sources, r.Logsource)
		}
	}
	var copies []*Event
	for _, ev := range events {
		copied := *ev
		copied.Sources = sources
		copies = append(copies, &copied)
	}
	return copies
}

func everyNth[T any](all []T, nth int) []T {
	var some []T
	for i := 0; i < len(all); i += nth {
		some = append(some, all[i])
	}
	return some
}

// Reference is the interpreter as a Matcher.
func Reference(rules []*rule.Rule) Matcher {
	return func(ev *Event) []*rule.Rule {
		var matched []*rule.Rule
		reading := interpret.Read(ev.Named())
		for _, r := range rules {
			if covers(r, ev.Sources) && reading.Matches(r) {
				matched = append(matched, r)
			}
		}
		return matched
	}
}
