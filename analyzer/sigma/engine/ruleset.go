package engine

import (
	"slices"
	"sync"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// mostRoutes bounds how many sets of log sources a Ruleset remembers the program of.
const mostRoutes = 1 << 14

// Ruleset is a set of rules ready to be matched. It may be used by any number of goroutines.
type Ruleset struct {
	opts    Options
	rules   []*rule.Rule
	fields  []string
	numbers map[string]int
	aliased map[string]bool

	mu sync.RWMutex
	// routes are the programs of sets of log sources, programs those of sets of rules: many sources mean the same rules.
	routes   map[string]*Program
	programs map[string]*Program
}

// New makes a Ruleset of rules that package rule has loaded. The rules must not be changed afterwards.
func New(rules []*rule.Rule, opts Options) *Ruleset {
	rs := &Ruleset{
		opts:     opts,
		rules:    slices.Clone(rules),
		numbers:  make(map[string]int),
		aliased:  make(map[string]bool, len(opts.Aliased)),
		routes:   make(map[string]*Program),
		programs: make(map[string]*Program),
	}
	for _, name := range opts.Aliased {
		rs.aliased[name] = true
	}
	for _, r := range rules {
		eachItem(r.Condition, false, rs.number)
	}
	return rs
}

// number gives numbers to the fields that an item reads.
func (rs *Ruleset) number(item *rule.Item, _ bool) {
	rs.numberField(item.Field)
	for _, value := range item.Values {
		if ref, ok := value.Test.(rule.FieldRef); ok {
			rs.numberField(ref.Other)
		}
	}
}

func (rs *Ruleset) numberField(name string) {
	if _, known := rs.numbers[name]; known || name == "" {
		return
	}
	rs.numbers[name] = len(rs.fields)
	rs.fields = append(rs.fields, name)
}

// eachItem calls visit for every item below e, which stands under a not if negative is set. An item is strict when what
// satisfies its values keeps the rule from matching.
func eachItem(e rule.Expr, negative bool, visit func(item *rule.Item, strict bool)) {
	switch e := e.(type) {
	case rule.And:
		for _, part := range e {
			eachItem(part, negative, visit)
		}
	case rule.Or:
		for _, part := range e {
			eachItem(part, negative, visit)
		}
	case rule.Not:
		eachItem(e.Of, !negative, visit)
	case *rule.Selection:
		eachItem(e.Body, negative, visit)
	case *rule.Item:
		visit(e, isStrict(e, negative))
	}
}

func isStrict(item *rule.Item, negative bool) bool { return item.Negated != negative }

// Fields gives the names of the fields that some rule reads, in the order of their numbers. The caller does not change it.
func (rs *Ruleset) Fields() []string { return rs.fields }

// Rules gives the rules in the order of New. The caller does not change it.
func (rs *Ruleset) Rules() []*rule.Rule { return rs.rules }

// Program gives the rules whose log source covers any of sources, ready to be matched. It is made on first use; the same
// sources get the same program, as do others that mean the same rules.
func (rs *Ruleset) Program(sources []rule.Logsource) *Program {
	var buffer [256]byte
	route := appendRoute(buffer[:0], sources)
	rs.mu.RLock()
	p, ok := rs.routes[string(route)]
	rs.mu.RUnlock()
	if ok {
		return p
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	var covered []int
	var key []byte
	for i, r := range rs.rules {
		if slices.ContainsFunc(sources, r.Logsource.Covers) {
			covered = append(covered, i)
			key = append(key, byte(i), byte(i>>8), byte(i>>16), byte(i>>24))
		}
	}
	if p, ok = rs.programs[string(key)]; !ok {
		p = newProgram(rs, covered)
		rs.programs[string(key)] = p
	}
	if len(rs.routes) >= mostRoutes {
		clear(rs.routes)
	}
	rs.routes[string(route)] = p
	return p
}

// appendRoute appends what tells one list of log sources from another.
func appendRoute(dst []byte, sources []rule.Logsource) []byte {
	for _, source := range sources {
		for _, part := range [...]string{source.Category, source.Product, source.Service} {
			dst = append(dst, part...)
			dst = append(dst, 0)
		}
	}
	return dst
}

// Tune makes each program choose anew what to look up, by the events that it has sampled.
func (rs *Ruleset) Tune() {
	rs.mu.RLock()
	programs := make([]*Program, 0, len(rs.programs))
	for _, p := range rs.programs {
		programs = append(programs, p)
	}
	rs.mu.RUnlock()
	for _, p := range programs {
		p.tune()
	}
}

// Stats sums up the counts of all programs.
func (rs *Ruleset) Stats() Stats {
	rs.mu.RLock()
	defer rs.mu.RUnlock()
	var sum Stats
	for _, p := range rs.programs {
		one := p.Stats()
		sum.Events += one.Events
		sum.Candidates += one.Candidates
		sum.Matches += one.Matches
		sum.Plans += one.Plans
	}
	return sum
}
