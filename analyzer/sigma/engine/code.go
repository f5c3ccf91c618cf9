package engine

import (
	"cmp"
	"slices"
)

// instruction tests something and says where to go on: at another instruction, or with a verdict. What it tests is a
// predicate or, below zero, the complement of the number of a hit that looking up the event has marked or not.
type instruction struct {
	test    int32
	yes, no int32
}

// The verdicts, in the place of instructions.
const (
	matched   = -1
	unmatched = -2
)

// fewestAny is how many literals of one field, any of which will do, are worth a lookup of their own.
const fewestAny = 4

// coder turns conditions into instructions, cheap and decisive tests first.
type coder struct {
	book *book
	code []instruction
	// chance estimates how often a predicate holds.
	chance func(test int32) float64
	// frequency is that of grams in the texts of a field.
	frequency func(field int) func(gram uint32) int
	// marked gives the hit that tells whether any of the tests holds, if looking up the event tells that.
	marked func(tests []int32) (hit int32, ok bool)
	// known are the lookups made so far, by their tests: rules share lists.
	known map[string]int32
}

// price is the cost of a node, in nanoseconds or so, and how often it holds.
type price struct{ cost, chance float64 }

// rule appends the instructions of a condition and gives the first.
func (c *coder) rule(n *node) int32 {
	n, _ = c.arrange(n)
	return c.emit(n, matched, unmatched)
}

// arrange gives the node with tests joined where that pays and parts in the order of their prices.
func (c *coder) arrange(n *node) (*node, price) {
	switch n.op {
	case opTest:
		p := price{cost: testCost(&c.book.predicates[n.test]), chance: c.chance(n.test)}
		if hit, ok := c.marked([]int32{n.test}); ok {
			return &node{op: opHit, test: hit}, price{cost: 1, chance: p.chance}
		}
		return n, p
	case opHit:
		return n, price{cost: 1, chance: 0.2}
	case opNot:
		of, p := c.arrange(n.parts[0])
		return &node{op: opNot, parts: []*node{of}}, price{cost: p.cost, chance: 1 - p.chance}
	}
	parts := n.parts
	if n.op == opOr {
		parts = c.joinTests(parts)
	}
	type priced struct {
		node *node
		price
		merit float64
	}
	sorted := make([]priced, 0, len(parts))
	for _, part := range parts {
		arranged, p := c.arrange(part)
		decisive := p.chance
		if n.op == opAnd {
			decisive = 1 - p.chance
		}
		sorted = append(sorted, priced{node: arranged, price: p, merit: p.cost / max(decisive, 1e-6)})
	}
	slices.SortStableFunc(sorted, func(a, b priced) int { return cmp.Compare(a.merit, b.merit) })
	result := &node{op: n.op}
	total, reached := 0.0, 1.0
	for _, part := range sorted {
		result.parts = append(result.parts, part.node)
		total += reached * part.cost
		if n.op == opAnd {
			reached *= part.chance
		} else {
			reached *= 1 - part.chance
		}
	}
	if n.op == opAnd {
		return result, price{cost: total, chance: reached}
	}
	return result, price{cost: total, chance: 1 - reached}
}

// joinTests makes one lookup of the tests of a field with literals.
func (c *coder) joinTests(parts []*node) []*node {
	groups := make(map[int][]*node)
	joinable := func(n *node) bool {
		if n.op != opTest {
			return false
		}
		p := &c.book.predicates[n.test]
		return !p.cased && p.needle().indexable()
	}
	for _, part := range parts {
		if joinable(part) {
			field := c.book.predicates[part.test].field
			groups[field] = append(groups[field], part)
		}
	}
	var joined []*node
	for _, part := range parts {
		if !joinable(part) {
			joined = append(joined, part)
			continue
		}
		field := c.book.predicates[part.test].field
		switch group := groups[field]; {
		case len(group) < fewestAny:
			joined = append(joined, part)
		case group[0] == part:
			joined = append(joined, c.lookup(field, group))
		}
	}
	return joined
}

// lookup gives a test that holds when any of the tests of a field does.
func (c *coder) lookup(field int, group []*node) *node {
	tests := make([]int32, 0, len(group))
	for _, n := range group {
		tests = append(tests, n.test)
	}
	if hit, ok := c.marked(tests); ok {
		return &node{op: opHit, test: hit}
	}
	slices.Sort(tests)
	key := make([]byte, 0, 4*len(tests))
	needles := make([]needle, 0, len(tests))
	for _, t := range tests {
		key = append(key, byte(t), byte(t>>8), byte(t>>16), byte(t>>24))
		needles = append(needles, c.book.predicates[t].needle())
	}
	n, ok := c.known[string(key)]
	if !ok {
		n = c.book.add(predicate{kind: kindAny, field: field, any: newAny(needles, c.frequency(field))})
		c.known[string(key)] = n
	}
	return &node{op: opTest, test: n}
}

// needle gives what an index looks for in place of the predicate; it is not indexable when there is no such thing.
func (p *predicate) needle() needle { return needle{kind: p.kind, literal: p.literal} }

// testCost estimates the nanoseconds that a test takes.
func testCost(p *predicate) float64 {
	cost := 0.0
	switch p.kind {
	case kindPresent, kindNull, kindExists, kindAbsent:
		cost = 1
	case kindEquals, kindPrefix, kindSuffix:
		cost = 4
	case kindContains, kindFieldRef:
		cost = 20
	case kindNetwork, kindNumber:
		cost = 30
	case kindAny:
		cost = 60
		if p.any.grams == nil && p.any.quads == nil {
			cost = 15
		}
	case kindPattern:
		cost = 40
	case kindRegex:
		cost = 400
	}
	if p.field == everyValue {
		cost *= 40
	}
	return cost
}

// emit appends the instructions of a node and gives the first. They are made backwards, each knowing where it leads.
func (c *coder) emit(n *node, yes, no int32) int32 {
	switch n.op {
	case opTest:
		c.code = append(c.code, instruction{test: n.test, yes: yes, no: no})
		return int32(len(c.code) - 1)
	case opHit:
		c.code = append(c.code, instruction{test: ^n.test, yes: yes, no: no})
		return int32(len(c.code) - 1)
	case opNot:
		return c.emit(n.parts[0], no, yes)
	case opAnd:
		for _, part := range slices.Backward(n.parts) {
			yes = c.emit(part, yes, no)
		}
		return yes
	}
	for _, part := range slices.Backward(n.parts) {
		no = c.emit(part, yes, no)
	}
	return no
}
