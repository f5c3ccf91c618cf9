package engine

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// op says what a node of a condition is.
type op uint8

const (
	opAnd op = iota
	opOr
	opNot
	opTest
	// opHit is a test whose outcome the looking up of an event tells.
	opHit
)

// node is a condition or a part of one. An opAnd has no opAnd among its parts, an opOr no opOr.
type node struct {
	op    op
	parts []*node
	// test is the predicate of an opTest or the hit of an opHit.
	test int32
}

// book holds the predicates of a program, each once.
type book struct {
	predicates []predicate
	known      map[identity]int32
	// numbering gives the program's numbers of fields, for strict items and for others.
	numbering func(strict bool) func(field string) int
}

// identity is what makes two predicates one.
type identity struct {
	kind               kind
	cased              bool
	openHead, openTail bool
	field, other       int
	literal, pattern   string
	regex              *regex.Regex
	network            netip.Prefix
	number             rule.Number
}

func newBook(numbering func(strict bool) func(field string) int) *book {
	return &book{known: make(map[identity]int32), numbering: numbering}
}

// enter gives the number of a predicate.
func (b *book) enter(p predicate) int32 {
	id := identity{
		kind: p.kind, cased: p.cased, openHead: p.openHead, openTail: p.openTail, field: p.field, other: p.other,
		literal: p.literal, regex: p.regex, network: p.network, number: p.number,
	}
	if p.pattern != nil {
		id.pattern = patternIdentity(p.pattern.tokens)
	}
	n, ok := b.known[id]
	if !ok {
		n = b.add(p)
		b.known[id] = n
	}
	return n
}

// add enters a predicate that no other equals.
func (b *book) add(p predicate) int32 {
	b.predicates = append(b.predicates, p)
	return int32(len(b.predicates) - 1)
}

func patternIdentity(pattern rule.Pattern) string {
	var s strings.Builder
	for _, token := range pattern {
		s.WriteString(strconv.Itoa(int(token.Kind)))
		s.WriteString(strconv.Quote(token.Text))
	}
	return s.String()
}

// tree makes nodes of a condition, which stands under a not if negative is set.
func (b *book) tree(e rule.Expr, negative bool) *node {
	switch e := e.(type) {
	case rule.And:
		return b.join(opAnd, e, negative)
	case rule.Or:
		return b.join(opOr, e, negative)
	case rule.Not:
		return negation(b.tree(e.Of, !negative))
	case *rule.Selection:
		return b.tree(e.Body, negative)
	case *rule.Item:
		return b.item(e, isStrict(e, negative))
	}
	// A condition of nothing holds for everything, as an And without parts does.
	return &node{op: opAnd}
}

func (b *book) join(o op, parts []rule.Expr, negative bool) *node {
	joined := make([]*node, 0, len(parts))
	for _, part := range parts {
		joined = append(joined, b.tree(part, negative))
	}
	return gather(o, joined)
}

func (b *book) item(item *rule.Item, strict bool) *node {
	values := make([]*node, 0, len(item.Values))
	number := b.numbering(strict)
	for _, value := range item.Values {
		found := predicatesOf(item, value.Test, number)
		tests := make([]*node, 0, len(found))
		for _, p := range found {
			tests = append(tests, &node{op: opTest, test: b.enter(p)})
		}
		values = append(values, gather(opOr, tests))
	}
	o := opOr
	if item.All {
		o = opAnd
	}
	n := gather(o, values)
	if item.Negated {
		return negation(n)
	}
	return n
}

// gather joins parts, takes the parts of parts of the same kind for its own, and leaves out repetitions of tests.
func gather(o op, parts []*node) *node {
	if len(parts) == 1 {
		return parts[0]
	}
	n := &node{op: o, parts: make([]*node, 0, len(parts))}
	for _, part := range parts {
		if part.op == o {
			n.parts = append(n.parts, part.parts...)
		} else {
			n.parts = append(n.parts, part)
		}
	}
	seen := make(map[int32]bool, len(n.parts))
	n.parts = slices.DeleteFunc(n.parts, func(part *node) bool {
		if part.op != opTest {
			return false
		}
		again := seen[part.test]
		seen[part.test] = true
		return again
	})
	if len(n.parts) == 1 {
		return n.parts[0]
	}
	return n
}

func negation(n *node) *node {
	if n.op == opNot {
		return n.parts[0]
	}
	return &node{op: opNot, parts: []*node{n}}
}
