package engine

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Program is the rules of one log source, ready to be matched. It may be used by any number of goroutines.
type Program struct {
	ruleset *Ruleset
	rules   []*rule.Rule
	// fields are what the rules read; locals leads back from a field, read with its aliases or strictly.
	fields []reading
	locals map[localField]int
	// hasKeywords is set when a rule looks at all values.
	hasKeywords bool
	// tracers say what of a matched rule held; each is made when its rule first matches.
	tracers []atomic.Pointer[tracer]

	plan atomic.Pointer[plan]
	// spare is the scratch that was used last; more of them, of goroutines that match at the same time, are idle until a
	// garbage collection.
	spare atomic.Pointer[scratch]
	idle  sync.Pool

	// planning is held by whoever makes a plan.
	planning sync.Mutex
	sample   sample
	// nextPlan is how many events will have been offered to the sample when the next plan is due.
	nextPlan uint64

	events, candidates, matches, plans atomic.Uint64
	// offered is that of the sample, for those who do not hold planning.
	offered atomic.Uint64
}

// reading is a field as items read it: one that some of them read with its aliases and others strictly is two readings, so
// that all that deals with fields takes these for two fields.
type reading struct {
	// number is the field's in the Ruleset.
	number      int
	withAliases bool
}

type localField struct {
	name        string
	withAliases bool
}

// newProgram makes a program of the rules with these numbers. What costs time is left to the first event.
func newProgram(rs *Ruleset, ordinals []int) *Program {
	p := &Program{ruleset: rs, locals: make(map[localField]int), tracers: make([]atomic.Pointer[tracer], len(ordinals)), nextPlan: firstPlan}
	for _, n := range ordinals {
		r := rs.rules[n]
		p.rules = append(p.rules, r)
		eachItem(r.Condition, false, func(item *rule.Item, strict bool) {
			p.addField(item.Field, strict)
			for _, value := range item.Values {
				if ref, ok := value.Test.(rule.FieldRef); ok {
					p.addField(ref.Other, strict)
				}
			}
		})
	}
	return p
}

func (p *Program) addField(name string, strict bool) {
	if name == "" {
		p.hasKeywords = true
		return
	}
	local := p.local(name, strict)
	if _, known := p.locals[local]; known {
		return
	}
	p.locals[local] = len(p.fields)
	p.fields = append(p.fields, reading{number: p.ruleset.numbers[name], withAliases: local.withAliases})
}

func (p *Program) local(name string, strict bool) localField {
	return localField{name: name, withAliases: !strict && p.ruleset.aliased[name]}
}

// numbering gives the program's numbers of fields as a strict item reads them, or another.
func (p *Program) numbering(strict bool) func(field string) int {
	return func(field string) int { return p.locals[p.local(field, strict)] }
}

// Rules gives the rules of the program in the order of the Ruleset. The caller does not change it.
func (p *Program) Rules() []*rule.Rule { return p.rules }

// Stats tells what the program has done.
func (p *Program) Stats() Stats {
	return Stats{
		Events: p.events.Load(), Candidates: p.candidates.Load(), Matches: p.matches.Load(), Plans: p.plans.Load(),
	}
}

// current gives the plan, which the first caller makes.
func (p *Program) current() *plan {
	if pl := p.plan.Load(); pl != nil {
		return pl
	}
	p.planning.Lock()
	defer p.planning.Unlock()
	if p.plan.Load() == nil {
		p.replan()
	}
	return p.plan.Load()
}

// replan makes a plan by the events sampled so far. The caller holds planning.
func (p *Program) replan() {
	p.plan.Store(newPlan(p, &p.sample))
	p.plans.Add(1)
}

// tune makes a new plan when there are events to go by.
func (p *Program) tune() {
	p.planning.Lock()
	defer p.planning.Unlock()
	if p.sample.size() > 0 {
		p.replan()
	}
}

// Match appends the rules that the event satisfies to dst, in the order of Rules, each without its Fields. It allocates
// nothing but room in dst.
func (p *Program) Match(ev Event, dst []Match) []Match {
	if len(p.rules) == 0 {
		return dst
	}
	s := p.begin(ev)
	dst = s.match(dst)
	if s.tally.Events == s.settleAt {
		p.settle(s)
	}
	p.end(s)
	return dst
}

// Trace fills in the Fields of m, which Match of the same program gave for the same event.
func (p *Program) Trace(ev Event, m *Match) {
	s := p.begin(ev)
	m.Fields = s.trace(m.number)
	p.end(s)
}

func (p *Program) begin(ev Event) *scratch {
	s := p.spare.Swap(nil)
	if s == nil {
		s, _ = p.idle.Get().(*scratch)
	}
	if s == nil {
		s = &scratch{program: p, slots: make([]slot, len(p.fields)), settleAt: 1}
	}
	s.begin(p.current(), ev)
	return s
}

func (p *Program) end(s *scratch) {
	s.end()
	if !p.spare.CompareAndSwap(nil, s) {
		p.idle.Put(s)
	}
}

const (
	// tallyEvery is how many events a scratch counts by itself. The last of them may be sampled.
	tallyEvery = 64
	// sampledFirst is how many events are taken for the sample one by one.
	sampledFirst = 256
	// firstPlan is the number of events in the sample after which a program plans anew; later it does so whenever there were
	// several times as many.
	firstPlan  = 256
	planGrowth = 8
)

// settle adds the counts of a scratch to those of the program and offers its event to the sample.
func (p *Program) settle(s *scratch) {
	p.events.Add(s.tally.Events)
	p.candidates.Add(s.tally.Candidates)
	p.matches.Add(s.tally.Matches)
	s.tally = Stats{}
	if p.offered.Load() >= sampledFirst {
		s.settleAt = tallyEvery
	}
	// A program that Tune has fixed has no use for samples. Whoever plans has no time for them, and nobody waits for it.
	if p.ruleset.opts.Fixed && p.plans.Load() > 1 || !p.planning.TryLock() {
		return
	}
	defer p.planning.Unlock()
	p.sample.offer(s, p.hasKeywords)
	p.offered.Store(p.sample.offered)
	if !p.ruleset.opts.Fixed && p.sample.offered == p.nextPlan {
		p.nextPlan *= planGrowth
		p.replan()
	}
}

// match evaluates the rules all of whose needs are met.
func (s *scratch) match(dst []Match) []Match {
	pl := s.plan
	s.tally.Events++
	copy(s.hits, pl.unneeded)
	s.lookUp(pl)
	rows := [mostRows][]uint64{}
	for i := range rows {
		rows[i] = s.hits[i*pl.words:][:pl.words]
	}
	excluded := s.hits[mostRows*pl.words:][:pl.words]
	for w := range pl.words {
		candidates := rows[0][w] & rows[1][w] & rows[2][w] & rows[3][w] &^ excluded[w]
		for ; candidates != 0; candidates &= candidates - 1 {
			n := w<<6 | bits.TrailingZeros64(candidates)
			s.tally.Candidates++
			if s.satisfies(pl.starts[n]) {
				s.tally.Matches++
				dst = append(dst, Match{Rule: s.program.rules[n], number: n})
			}
		}
	}
	return dst
}

// lookUp marks the needs that are met.
func (s *scratch) lookUp(pl *plan) {
	for i := range pl.fields {
		f := &pl.fields[i]
		sl := s.slot(f.field)
		if !sl.present {
			continue
		}
		s.lookUpText(f.lookup, &sl.text)
		for j := sl.first; j < sl.last; j++ {
			s.lookUpText(f.lookup, &s.texts[j])
		}
	}
	if pl.keywords == nil {
		return
	}
	if !pl.keywords.rawToo() {
		values := s.everyText()
		for i := range values {
			s.lookUpText(pl.keywords, &values[i])
		}
		return
	}
	texts := s.everyString()
	s.foreign = pl.keywords.applyRaw(texts, pl.posts, s.hits, s.foreign[:0])
	// A text that has to be folded for this is folded again when a rule asks for it, which is rare.
	for _, n := range s.foreign {
		folded, foreign := s.fold(texts[n])
		pl.keywords.apply(folded, foreign, pl.posts, s.hits)
	}
}

func (s *scratch) lookUpText(l *lookup, t *text) {
	if !t.hasFolded && l.rawToo() {
		texts := [1]string{t.raw}
		if s.foreign = l.applyRaw(texts[:], s.plan.posts, s.hits, s.foreign[:0]); len(s.foreign) == 0 {
			return
		}
	}
	folded := s.form(t, false)
	l.apply(folded, t.foreign, s.plan.posts, s.hits)
}

// satisfies runs the instructions of a rule.
func (s *scratch) satisfies(at int32) bool {
	code := s.plan.code
	for at >= 0 {
		in := &code[at]
		var held bool
		if in.test < 0 {
			hit := ^in.test
			held = s.hits[hit>>6]>>(hit&63)&1 != 0
		} else {
			held = s.holds(in.test)
		}
		if held {
			at = in.yes
		} else {
			at = in.no
		}
	}
	return at == matched
}
