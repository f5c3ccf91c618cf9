package engine_test

import (
	"slices"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/interpret"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

// newMatcher runs the engine as the harness wants it, and tunes it while it is in use.
func newMatcher(rules []*rule.Rule) sigmatest.Matcher {
	rs := engine.New(rules, engine.Options{Aliased: sigmatest.AliasedFields()})
	tuned := make(chan struct{}, 1)
	return func(ev *sigmatest.Event) []*rule.Rule {
		bound := *ev
		p := rs.Program(ev.Sources)
		var matched []*rule.Rule
		for _, m := range p.Match(bound.Bind(rs.Fields()), nil) {
			p.Trace(&bound, &m)
			matched = append(matched, m.Rule)
		}
		if rs.Stats().Events > 30 {
			select {
			case tuned <- struct{}{}:
				rs.Tune()
			default:
			}
		}
		return matched
	}
}

func TestConformsToTheSpecification(t *testing.T) {
	sigmatest.Conformance(t, func(t *testing.T, rules []*rule.Rule, ev *sigmatest.Event) bool {
		t.Helper()
		rs := engine.New(rules, engine.Options{Aliased: sigmatest.AliasedFields()})
		p := rs.Program(ev.Sources)
		first := len(p.Match(ev.Bind(rs.Fields()), nil)) > 0
		rs.Tune()
		if again := len(p.Match(ev, nil)) > 0; again != first {
			t.Errorf("before Tune matched is %t, afterwards %t", first, again)
		}
		return first
	})
}

func TestAgreesWithTheInterpreterOnRandomRules(t *testing.T) {
	rounds := 150
	if testing.Short() || raceEnabled {
		rounds = 25
	}
	tally := sigmatest.Differential(t, newMatcher, rounds)
	t.Logf("%d pairs of rule and event, %d matches", tally.Pairs, tally.Positive)
}

func TestAgreesWithTheInterpreterOnTheCorpus(t *testing.T) {
	sigmatest.AgreeOnCorpus(t, newMatcher)
}

// FuzzAgreesWithTheInterpreter lets the fuzzer choose a few rules and events.
func FuzzAgreesWithTheInterpreter(f *testing.F) {
	f.Add([]byte{})
	for seed := range 32 {
		f.Add([]byte{byte(seed), byte(seed * 41), 7, 255, byte(seed * 13), 0, 128, byte(seed * 97)})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		random := sigmatest.RandomOfBytes(data)
		rules := []*rule.Rule{random.Rule(), random.Rule(), random.Rule()}
		rs := engine.New(rules, engine.Options{Aliased: sigmatest.AliasedFields()})
		for n := range 4 {
			ev := random.Event()
			if made := random.Satisfy(rules[n%3]); made != nil && n%2 == 1 {
				ev = made
			}
			named, p := ev.Named(), rs.Program(ev.Sources)
			got := p.Match(ev.Bind(rs.Fields()), nil)
			for _, r := range p.Rules() {
				matched := slices.ContainsFunc(got, func(m engine.Match) bool { return m.Rule == r })
				if want := interpret.Matches(r, named); matched != want {
					t.Errorf("matched is %t, want %t:\n%s\nevent %q %q %q", matched, want, sigmatest.Describe(r), ev.Values, ev.Lists, ev.Alias)
				}
			}
			rs.Tune()
		}
	})
}
