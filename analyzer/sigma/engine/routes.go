package engine

import (
	"slices"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Routes matches events that are shown as several records, and remembers the program for each kind of record. It is not safe
// for concurrent use.
type Routes struct {
	ruleset  *Ruleset
	programs []*Program
}

// NewRoutes makes Routes that remember nothing yet.
func NewRoutes(rs *Ruleset) *Routes { return &Routes{ruleset: rs} }

// Match appends the rules that a record satisfies to dst, which has what other records of the same event satisfied: each rule
// comes once, with its Fields. kind is a small number that always comes with the same sources, or negative for none.
func (r *Routes) Match(kind int, sources []rule.Logsource, record Event, dst []Match) []Match {
	p, before := r.program(kind, sources), len(dst)
	dst = p.Match(record, dst)
	kept := dst[:before]
	for _, m := range dst[before:] {
		if !slices.ContainsFunc(kept[:before], func(earlier Match) bool { return earlier.Rule == m.Rule }) {
			p.Trace(record, &m)
			kept = append(kept, m)
		}
	}
	return kept
}

func (r *Routes) program(kind int, sources []rule.Logsource) *Program {
	if kind < 0 {
		return r.ruleset.Program(sources)
	}
	for len(r.programs) <= kind {
		r.programs = append(r.programs, nil)
	}
	if r.programs[kind] == nil {
		r.programs[kind] = r.ruleset.Program(sources)
	}
	return r.programs[kind]
}
