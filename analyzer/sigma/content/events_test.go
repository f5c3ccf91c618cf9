package content

import (
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
)

// event is one of names and values in turn.
func event(pairs ...string) *sigmatest.Event { return sigmatest.NewEvent(pairs...) }

func events(list ...*sigmatest.Event) []*sigmatest.Event { return list }

// process is an event of a new process; pairs are further fields.
func process(image, commandLine string, pairs ...string) *sigmatest.Event {
	return event(append([]string{"Image", image, "CommandLine", commandLine}, pairs...)...)
}

// compile makes our rules ready for the events of one category on Linux.
func compile(rules *engine.Ruleset, category string) *engine.Program {
	return rules.Program([]rule.Logsource{{Category: category, Product: "linux"}})
}

// trial shows events to our rules.
type trial struct {
	*testing.T
	rules *engine.Ruleset
	// programs are by category.
	programs map[string]*engine.Program
	byName   map[string]*rule.Rule
	tested   map[string]bool
}

func newTrial(t *testing.T) *trial {
	own := loadOwnRules(t).Rules
	tr := &trial{
		T: t, rules: engine.New(own, engine.Options{Aliased: taxonomy.Aliased()}), programs: make(map[string]*engine.Program),
		byName: make(map[string]*rule.Rule), tested: make(map[string]bool),
	}
	for _, r := range own {
		tr.byName[ruleName(r)] = r
		if category := r.Logsource.Category; tr.programs[category] == nil {
			tr.programs[category] = compile(tr.rules, category)
		}
	}
	return tr
}

func (tr *trial) matches(name string, ev *sigmatest.Event) bool {
	program := tr.programs[tr.byName[name].Logsource.Category]
	for _, m := range program.Match(ev.Bind(tr.rules.Fields()), nil) {
		if ruleName(m.Rule) == name {
			program.Trace(ev, &m)
			return len(m.Fields) > 0
		}
	}
	return false
}

// rule says which events a rule must match, and which it must leave alone.
func (tr *trial) rule(name string, hits, misses []*sigmatest.Event) {
	tr.Helper()
	if tr.byName[name] == nil || len(hits) == 0 || len(misses) == 0 {
		tr.Errorf("rule %s is not there, or has no hit or no near miss", name)
		return
	}
	tr.tested[name] = true
	for _, ev := range hits {
		if !tr.matches(name, ev) {
			tr.Errorf("rule %s misses %v", name, ev.Values)
		}
	}
	for _, ev := range misses {
		if tr.matches(name, ev) {
			tr.Errorf("rule %s matches %v", name, ev.Values)
		}
	}
}

// Each of our rules matches some events and leaves their near misses alone. The scripts beside the rules do the same on a kernel.
func TestOwnRulesOnEvents(t *testing.T) {
	tr := newTrial(t)
	processEvents(tr)
	persistenceEvents(tr)
	tamperEvents(tr)
	accessEvents(tr)
	memoryEvents(tr)
	kernelEvents(tr)
	for name := range tr.byName {
		if !tr.tested[name] {
			t.Errorf("rule %s has no events here", name)
		}
	}
}
