package engine

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// mostRows is the number of needs that are looked up for one rule at most.
const mostRows = 4

// plan is what a program does with an event. It is not changed once made.
type plan struct {
	predicates []predicate
	code       []instruction
	// starts are the first instructions of the rules.
	starts []int32
	// words is the length of a row of hits.
	words int
	// unneeded are the hits before anything was looked up: bits of the rules that need nothing in a row, and a last row,
	// empty, of those that are ruled out.
	unneeded []uint64
	// fields are looked up in this order.
	fields []fieldLookup
	posts  *postings
	// keywords is looked up in every value; nil when no rule needs that.
	keywords *lookup
}

type fieldLookup struct {
	field  int
	lookup *lookup
}

// newPlan decides what to look up for the rules of a program.
func newPlan(p *Program, sample *sample) *plan {
	b := newBook(p.numbering)
	trees := make([]*node, 0, len(p.rules))
	for _, r := range p.rules {
		trees = append(trees, b.tree(r.Condition, false))
	}
	d := newNeeds(b)
	if sample.size() > 0 {
		for i := range b.predicates {
			d.ofTest(&b.predicates[i])
		}
		d.sampled = sample.size()
		d.seen = sample.measure(d.atoms)
	}
	pl := &plan{words: (len(trees) + 63) / 64}
	m := &marks{needs: d, bitsOf: make(map[int32][]int), groups: make(map[string]int32)}
	pl.unneeded = make([]uint64, (mostRows+1)*pl.words)
	for i := range mostRows * pl.words {
		pl.unneeded[i] = ^uint64(0)
	}
	if spare := len(trees) % 64; spare != 0 {
		pl.unneeded[pl.words-1] = 1<<spare - 1
	}
	for n, tree := range trees {
		c := d.choose(tree)
		for row, need := range c.rows {
			bit := row*pl.words<<6 + n
			pl.unneeded[bit>>6] &^= 1 << (bit & 63)
			m.set(need.atoms, bit)
		}
		m.set(c.excluded.atoms, mostRows*pl.words<<6+n)
	}
	m.next = len(pl.unneeded) << 6
	frequency := sample.frequencies()
	c := &coder{book: b, chance: d.chance, frequency: frequency, marked: m.marked, known: make(map[string]int32)}
	for _, tree := range trees {
		pl.starts = append(pl.starts, c.rule(tree))
	}
	pl.unneeded = append(pl.unneeded, make([]uint64, (m.next+63)>>6-len(pl.unneeded))...)
	pl.predicates, pl.code = b.predicates, c.code
	pl.index(d.atoms, m.bitsOf, frequency)
	return pl
}

// marks are the bits that atoms set in the hits of an event.
type marks struct {
	needs  *needs
	bitsOf map[int32][]int
	// next is the first bit that is free, and groups are the bits of sets of atoms.
	next   int
	groups map[string]int32
}

// set lets each of the atoms set a bit.
func (m *marks) set(atoms []int32, bit int) {
	for _, a := range atoms {
		m.bitsOf[a] = append(m.bitsOf[a], bit)
	}
}

// marked gives a bit that is set if and only if any of the tests, which are of one field, holds. There is none unless the
// atoms that they are have been looked up anyway.
func (m *marks) marked(tests []int32) (hit int32, ok bool) {
	atoms := make([]int32, 0, len(tests))
	for _, t := range tests {
		a, ok := m.needs.exact(&m.needs.book.predicates[t])
		if !ok || m.bitsOf[a] == nil {
			return 0, false
		}
		atoms = append(atoms, a)
	}
	slices.Sort(atoms)
	key := make([]byte, 0, 4*len(atoms))
	for _, a := range atoms {
		key = binary.LittleEndian.AppendUint32(key, uint32(a))
	}
	hit, ok = m.groups[string(key)]
	if !ok {
		hit = int32(m.next)
		m.next++
		m.set(atoms, int(hit))
		m.groups[string(key)] = hit
	}
	return hit, true
}

// index makes the lookups of the atoms that have bits to set.
func (pl *plan) index(atoms []atom, bitsOf map[int32][]int, frequency func(field int) func(uint32) int) {
	byField := make(map[int][]needle)
	var all [][]int
	for n, a := range atoms {
		numbers := bitsOf[int32(n)]
		if numbers == nil {
			continue
		}
		slices.Sort(numbers)
		byField[a.field] = append(byField[a.field], needle{kind: a.kind, literal: a.literal, post: int32(len(all))})
		all = append(all, numbers)
	}
	pl.posts = newPostings(all)
	for field, needles := range byField {
		l := newLookup(needles, frequency(field))
		if field == everyValue {
			pl.keywords = l
		} else {
			pl.fields = append(pl.fields, fieldLookup{field: field, lookup: l})
		}
	}
	slices.SortFunc(pl.fields, func(a, b fieldLookup) int { return a.field - b.field })
}

// The nanoseconds, or so, that things take: to evaluate a candidate, to note that an atom holds, and the share in each
// event's cost of an atom that does not, which is more for one that may be anywhere in a text.
const (
	candidateCost = 250
	hitCost       = 4
	innerCost     = 0.02
	outerCost     = 0.004
	byteCost      = 5
)

// chosen are the needs of a rule that are looked up, and the atoms that rule it out.
type chosen struct {
	rows     []need
	excluded need
}

// choose takes the needs and exclusions of a rule that are worth the looking up: each has to spare more candidates, of
// those that the ones before let through, than it costs.
func (d *needs) choose(tree *node) chosen {
	all, exclusions := d.of(tree), d.exclusions(tree)
	var c chosen
	left := slices.Repeat([]uint64{^uint64(0)}, (d.sampled+63)/64)
	if spare := d.sampled % 64; spare != 0 {
		left[len(left)-1] = 1<<spare - 1
	}
	passing, prior := 1.0, 1.0
	for len(c.rows) < mostRows {
		best, bestGain, bestPassing := -1, 0.0, 0.0
		for i, n := range all {
			after := d.blend(common(left, n.seen), prior*n.prior)
			if gain := (passing-after)*candidateCost - d.cost(n); gain > bestGain {
				best, bestGain, bestPassing = i, gain, after
			}
		}
		if best < 0 {
			break
		}
		c.rows = append(c.rows, all[best])
		passing = bestPassing
		prior *= all[best].prior
		for i, word := range all[best].seen {
			left[i] &= word
		}
	}
	if len(exclusions.atoms) > 0 {
		after := d.blend(countBits(left)-common(left, exclusions.seen), prior*0.7)
		if (passing-after)*candidateCost > d.cost(exclusions) {
			c.excluded = exclusions
		}
	}
	return c
}

// cost estimates what looking up a need costs an event.
func (d *needs) cost(n need) float64 {
	cost := d.rate(n) * hitCost
	for _, a := range n.atoms {
		switch d.atoms[a].kind {
		case kindContains:
			cost += innerCost
		case kindByte:
			cost += byteCost
		default:
			cost += outerCost
		}
	}
	return cost
}

// common counts the bits that both have.
func common(a, b []uint64) int {
	count := 0
	for i := range b {
		count += bits.OnesCount64(a[i] & b[i])
	}
	return count
}

// chance estimates how often a predicate holds.
func (d *needs) chance(test int32) float64 {
	p := &d.book.predicates[test]
	switch p.kind {
	case kindPresent, kindExists:
		return 0.9
	case kindNull, kindAbsent:
		return 0.3
	case kindAny:
		return 0.2
	}
	rate := 1.0
	found := d.ofTest(p)
	if len(found) == 0 {
		return 0.3
	}
	for _, n := range found {
		rate = min(rate, d.rate(n))
	}
	return rate
}
