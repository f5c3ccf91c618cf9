package sigmatest

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/interpret"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Matcher gives, of the rules that it was made of, those that cover one of the event's Sources and match it, in any order. It
// is called from one goroutine at a time for each event, and for several events at once.
type Matcher func(ev *Event) []*rule.Rule

// NewMatcher makes a Matcher of rules: of an engine that is held against the interpreter.
type NewMatcher func(rules []*rule.Rule) Matcher

// Tally counts what a comparison went through.
type Tally struct {
	// Pairs are the rules that were tried on an event, and Positive those of them that matched.
	Pairs, Positive int64
}

// oneForAll is how many events made for a rule there are to one that all rules are tried on. All of them are asked about that
// rule, and about those that the matcher says match.
const oneForAll = 15

// mostReported is how many disagreements a comparison explains before it stops.
const mostReported = 5

// Compare holds a matcher against the interpreter on every event. It reports each disagreement with the smallest rule and
// event that it can find to show it, and stops after a few.
func Compare(t *testing.T, newMatcher NewMatcher, rules []*rule.Rule, events []*Event) Tally {
	t.Helper()
	c := comparison{newMatcher: newMatcher, rules: rules, matcher: newMatcher(rules)}
	tally, reports := c.run(events)
	for _, report := range reports {
		t.Error(report)
	}
	return tally
}

// run tries all events, on as many goroutines as there are processors, until there are enough disagreements to report.
func (c *comparison) run(events []*Event) (tally Tally, reports []string) {
	var next atomic.Int64
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			covered := make(map[string][]*rule.Rule)
			for at := next.Add(1) - 1; at < int64(len(events)); at = next.Add(1) - 1 {
				ev := events[at]
				asked := c.covering(ev.Sources, covered)
				if ev.For != nil && at%oneForAll != 0 {
					asked = []*rule.Rule{ev.For}
				}
				matched, wrong := c.check(ev, asked)
				mu.Lock()
				tally.Pairs += int64(len(asked))
				tally.Positive += int64(matched)
				for _, r := range wrong {
					if len(reports) < mostReported {
						reports = append(reports, c.report(r, ev))
					}
					next.Store(int64(len(events)))
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return tally, reports
}

type comparison struct {
	newMatcher NewMatcher
	rules      []*rule.Rule
	matcher    Matcher
}

// covering gives the rules whose log source covers one of sources.
func (c *comparison) covering(sources []rule.Logsource, known map[string][]*rule.Rule) []*rule.Rule {
	var key strings.Builder
	for _, s := range sources {
		key.WriteString(s.Category + "\x00" + s.Product + "\x00" + s.Service + "\x00")
	}
	rules, ok := known[key.String()]
	if !ok {
		for _, r := range c.rules {
			if covers(r, sources) {
				rules = append(rules, r)
			}
		}
		known[key.String()] = rules
	}
	return rules
}

func covers(r *rule.Rule, sources []rule.Logsource) bool {
	return slices.ContainsFunc(sources, r.Logsource.Covers)
}

// check gives the number of rules that match by the interpreter, and those about which the matcher says otherwise.
func (c *comparison) check(ev *Event, asked []*rule.Rule) (matched int, wrong []*rule.Rule) {
	got := make(map[*rule.Rule]int)
	for _, r := range c.matcher(ev) {
		got[r]++
	}
	reading := interpret.Read(ev.Named())
	for _, r := range asked {
		want := 0
		if reading.Matches(r) {
			want = 1
			matched++
		}
		if got[r] != want {
			wrong = append(wrong, r)
		}
		delete(got, r)
	}
	// What is left was not in question, or not to be matched at all.
	for r, times := range got {
		if times != 1 || !covers(r, ev.Sources) || !reading.Matches(r) {
			wrong = append(wrong, r)
		}
		matched++
	}
	return matched, wrong
}

// Differential holds a matcher against the interpreter on random rules and random events: rounds times as many rules as
// fit a screen, on a hundred events each.
func Differential(t *testing.T, newMatcher NewMatcher, rounds int) Tally {
	t.Helper()
	var total Tally
	for round := range rounds {
		r := NewRandom(uint64(round))
		var rules []*rule.Rule
		for range 1 + r.IntN(60) {
			rules = append(rules, r.Rule())
		}
		var events []*Event
		for range 100 {
			events = append(events, r.Event())
		}
		tally := Compare(t, newMatcher, rules, events)
		total.Pairs += tally.Pairs
		total.Positive += tally.Positive
		if t.Failed() {
			t.Logf("in round %d", round)
			return total
		}
	}
	return total
}

// Agree is for fuzzing: data makes a few rules and events, on which a matcher is held against the interpreter.
func Agree(t *testing.T, newMatcher NewMatcher, data []byte) {
	t.Helper()
	r := RandomOfBytes(data)
	rules := []*rule.Rule{r.Rule()}
	for r.oneIn(2) {
		rules = append(rules, r.Rule())
	}
	var events []*Event
	for range 8 {
		ev := r.Event()
		ev.Sources = []rule.Logsource{rules[0].Logsource}
		events = append(events, ev)
	}
	Compare(t, newMatcher, rules, events)
}
