package sigmatest

import (
	"maps"
	"reflect"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

func TestRandomDependsOnSeedAlone(t *testing.T) {
	for seed := range uint64(20) {
		one, two := NewRandom(seed), NewRandom(seed)
		if Describe(one.Rule()) != Describe(two.Rule()) || !maps.Equal(one.Event().Values, two.Event().Values) {
			t.Errorf("seed %d gives two rules or events", seed)
		}
	}
	one, two := RandomOfBytes([]byte("bytes")), RandomOfBytes([]byte("bytes"))
	if Describe(one.Rule()) != Describe(two.Rule()) {
		t.Error("bytes give two rules")
	}
	if Describe(RandomOfBytes([]byte("bytes")).Rule()) == Describe(RandomOfBytes([]byte("other")).Rule()) {
		t.Error("other bytes give the same rule")
	}
}

// Random rules have all that rules can have, and random events make most of it come out both ways.
func TestRandomRulesSayEverything(t *testing.T) {
	r := NewRandom(1)
	held, failed := make(map[string]int), make(map[string]int)
	for range 2000 {
		it, ev := r.Item(), r.Event()
		kinds := make(map[string]bool)
		for _, v := range it.Values {
			kinds[reflect.TypeOf(v.Test).Name()] = true
		}
		if it.Field == "" {
			kinds["keyword"] = true
		}
		if it.All && len(it.Values) > 1 {
			kinds["all"] = true
		}
		if it.Negated {
			kinds["negated"] = true
		}
		outcome := failed
		if ev.Matches(&rule.Rule{Condition: it}) {
			outcome = held
		}
		for kind := range kinds {
			outcome[kind]++
		}
	}
	for _, kind := range []string{"Text", "Regex", "Null", "Exists", "Network", "Number", "FieldRef", "keyword", "all", "negated"} {
		if held[kind] < 10 || failed[kind] < 10 {
			t.Errorf("%s: %d hold, %d do not", kind, held[kind], failed[kind])
		}
	}
}

func TestPatternsAreNormal(t *testing.T) {
	r := NewRandom(3)
	for range 5000 {
		p := r.pattern()
		for i, token := range p {
			beside := i > 0 && p[i-1].Kind == token.Kind
			if beside && (token.Kind == rule.Literal || token.Kind == rule.AnyText) || (token.Kind == rule.Literal) == (token.Text == "") {
				t.Fatalf("pattern %v", p)
			}
		}
	}
}

func TestSatisfy(t *testing.T) {
	r := NewRandom(5)
	satisfied, missed := 0, 0
	const rules = 500
	for range rules {
		made := r.Rule()
		ev := r.Satisfy(made)
		if ev == nil {
			continue
		}
		satisfied++
		if !ev.Matches(made) {
			t.Fatalf("an event made for a rule does not match it:\n%s", Describe(made))
		}
		for range 20 {
			if !r.Miss(ev).Matches(made) {
				missed++
				break
			}
		}
	}
	// Some of the rules contradict themselves, and some hold whatever the event.
	if satisfied < rules*7/10 || missed < rules/3 {
		t.Errorf("of %d rules, %d were satisfied and %d then missed", rules, satisfied, missed)
	}
}
