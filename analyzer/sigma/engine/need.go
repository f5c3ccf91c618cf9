package engine

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// mostNeeds bounds how many sets are kept for a condition.
const mostNeeds = 12

// atom is what an index can look up: a literal in a field.
type atom struct {
	field   int
	kind    kind
	literal string
}

// need is a set of atoms of which at least one holds whenever the condition it belongs to does.
type need struct {
	atoms []int32
	// seen are the sampled events in which one held; nil without a sample.
	seen []uint64
	// prior estimates how often one holds by the looks of the literals.
	prior float64
}

// needs derives what conditions need.
type needs struct {
	book  *book
	atoms []atom
	known map[atom]int32
	// seen gives the sampled events in which an atom held; nil before there is a sample.
	seen func(atom int32) []uint64
	// sampled is the number of these events.
	sampled int
}

func newNeeds(b *book) *needs { return &needs{book: b, known: make(map[atom]int32)} }

func (d *needs) enter(a atom) int32 {
	n, ok := d.known[a]
	if !ok {
		n = int32(len(d.atoms))
		d.atoms = append(d.atoms, a)
		d.known[a] = n
	}
	return n
}

// priorWeight is how many sampled events a prior weighs as much as.
const priorWeight = 64

// rate estimates how often a need is met.
func (d *needs) rate(n need) float64 {
	if n.seen == nil {
		return n.prior
	}
	return d.blend(countBits(n.seen), n.prior)
}

// blend estimates a rate of what was seen in count events of the sample.
func (d *needs) blend(count int, prior float64) float64 {
	return (float64(count) + priorWeight*prior) / (float64(d.sampled) + priorWeight)
}

func countBits(set []uint64) int {
	count := 0
	for _, word := range set {
		count += bits.OnesCount64(word)
	}
	return count
}

// of gives needs of a condition, the rarest first.
func (d *needs) of(n *node) []need {
	var found []need
	switch n.op {
	case opTest:
		found = d.ofTest(&d.book.predicates[n.test])
	case opAnd:
		for _, part := range n.parts {
			found = append(found, d.of(part)...)
		}
	case opOr:
		found = d.ofAny(n.parts)
	case opNot:
		return nil
	}
	return d.sorted(found)
}

// sorted puts the rarest needs first and leaves out what is too much.
func (d *needs) sorted(found []need) []need {
	slices.SortStableFunc(found, func(a, b need) int { return cmp.Compare(d.rate(a), d.rate(b)) })
	return found[:min(len(found), mostNeeds)]
}

// ofAny gives the needs of an opOr.
func (d *needs) ofAny(parts []*node) []need {
	each := make([][]need, 0, len(parts))
	for _, part := range parts {
		found := d.of(part)
		if len(found) == 0 {
			return nil
		}
		each = append(each, found)
	}
	return joinNeeds(each)
}

// joinNeeds joins one need of each part, any of which may be what holds. The parts' rarest make one, and so do the next
// ones.
func joinNeeds(each [][]need) []need {
	most := 0
	for _, found := range each {
		if len(found) == 0 {
			return nil
		}
		most = max(most, len(found))
	}
	joined := make([]need, 0, most)
	for i := range most {
		var all need
		for _, found := range each {
			one := found[min(i, len(found)-1)]
			all.atoms = append(all.atoms, one.atoms...)
			all.prior = min(all.prior+one.prior, 1)
			all.seen = union(all.seen, one.seen)
		}
		slices.Sort(all.atoms)
		all.atoms = slices.Compact(all.atoms)
		joined = append(joined, all)
	}
	return joined
}

func union(a, b []uint64) []uint64 {
	if a == nil {
		return slices.Clone(b)
	}
	for i := range b {
		a[i] |= b[i]
	}
	return a
}

// exclusions gives the atoms that rule a condition out: where one holds, the condition does not.
func (d *needs) exclusions(n *node) need {
	var all need
	switch n.op {
	case opAnd:
		for _, part := range n.parts {
			d.join(&all, d.exclusions(part))
		}
	case opNot:
		all = d.enough(n.parts[0])
	}
	return all
}

// enough gives the atoms each of which is enough for a condition to hold.
func (d *needs) enough(n *node) need {
	var all need
	switch n.op {
	case opOr:
		for _, part := range n.parts {
			d.join(&all, d.enough(part))
		}
	case opTest:
		if a, ok := d.exact(&d.book.predicates[n.test]); ok {
			all = d.ofAtom(a)
		}
	}
	return all
}

// exact gives the atom that holds if and only if a predicate does.
func (d *needs) exact(p *predicate) (n int32, ok bool) {
	switch single := p.kind == kindContains && len(p.literal) == 1 && p.field != everyValue; {
	case p.cased:
	case p.needle().indexable():
		return d.enter(atom{field: p.field, kind: p.kind, literal: p.literal}), true
	case single && isASCII(p.literal):
		return d.enter(atom{field: p.field, kind: kindByte, literal: p.literal}), true
	}
	return 0, false
}

func (d *needs) join(all *need, one need) {
	all.atoms = append(all.atoms, one.atoms...)
	all.prior = min(all.prior+one.prior, 1)
	all.seen = union(all.seen, one.seen)
}

// ofTest gives the needs of a predicate.
func (d *needs) ofTest(p *predicate) []need {
	switch p.kind {
	case kindEquals, kindPrefix, kindSuffix, kindContains:
		return d.ofLiteral(p, p.kind, p.literal)
	case kindPattern:
		return d.ofPattern(p)
	case kindRegex:
		return d.ofRegex(p)
	}
	return nil
}

func (d *needs) ofLiteral(p *predicate, k kind, literal string) []need {
	if p.cased {
		literal = fold(literal)
	}
	return d.ofText(p.field, k, literal)
}

// ofText gives what holds when a folded literal does: itself, or its bytes when it is short.
func (d *needs) ofText(field int, k kind, literal string) []need {
	if n := (needle{kind: k, literal: literal}); n.indexable() {
		return []need{d.single(atom{field: field, kind: k, literal: literal})}
	}
	if field == everyValue {
		return nil
	}
	if !isASCII(literal) {
		return []need{d.single(atom{field: field, kind: kindForeign})}
	}
	var found []need
	for i := range len(literal) {
		found = append(found, d.single(atom{field: field, kind: kindByte, literal: literal[i : i+1]}))
	}
	return found
}

func (d *needs) single(a atom) need { return d.ofAtom(d.enter(a)) }

func (d *needs) ofAtom(n int32) need {
	one := need{atoms: []int32{n}, prior: prior(d.atoms[n])}
	if d.seen != nil {
		one.seen = d.seen(n)
	}
	return one
}

// ofPattern gives a need for each literal of a pattern.
func (d *needs) ofPattern(p *predicate) []need {
	var found []need
	for i, token := range p.pattern.tokens {
		if token.Kind != rule.Literal {
			continue
		}
		k := kindContains
		switch i {
		case 0:
			k = kindPrefix
		case len(p.pattern.tokens) - 1:
			k = kindSuffix
		}
		found = append(found, d.ofLiteral(p, k, token.Text)...)
	}
	return found
}

// ofRegex gives the need that the literals of an expression make.
func (d *needs) ofRegex(p *predicate) []need {
	var parts [][]need
	for _, literal := range p.regex.Literals() {
		parts = append(parts, d.sorted(d.ofText(p.field, kindContains, literal)))
	}
	found := joinNeeds(parts)
	for _, set := range p.regex.RequiredBytes() {
		found = append(found, d.ofBytes(p.field, set)...)
	}
	return found
}

// mostBytes is how many bytes are looked for one by one in place of an expression that has one of them.
const mostBytes = 4

// ofBytes gives the need of a byte of the set, which is not folded.
func (d *needs) ofBytes(field int, set regex.ByteSet) []need {
	var all need
	for c := range 256 {
		if !set.Has(byte(c)) {
			continue
		}
		one := d.ofText(field, kindContains, fold(string([]byte{byte(c)})))
		if len(one) == 0 || len(all.atoms) == mostBytes {
			return nil
		}
		d.join(&all, one[0])
	}
	slices.Sort(all.atoms)
	all.atoms = slices.Compact(all.atoms)
	return []need{all}
}

// prior guesses how often an atom holds before any event was seen: short literals and those found anywhere hold more
// often.
func prior(a atom) float64 {
	length := float64(len(a.literal))
	switch a.kind {
	case kindForeign:
		return 0.01
	case kindByte:
		if commonByte(a.literal[0]) > 1 {
			return 0.9
		}
		return 0.1
	case kindEquals:
		return 0.004 + 0.05/(1+length)
	case kindSuffix:
		return 0.004 + 0.4*math.Exp2(-length/2)
	case kindPrefix:
		return 0.008 + 0.5*math.Exp2(-length/4)
	}
	return 0.004 + 0.6*math.Exp2(-length/3)
}
