package engine

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/vedette-edr/vedette/analyzer/sigma/eventtime"
	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// everyValue is the field number of predicates on keywords, which look at all values of the event.
const everyValue = -1

// kind is a kind of predicate, or of what an index looks up.
type kind uint8

const (
	// kindEquals to kindContains compare with a literal, kindPresent is a text of any kind.
	kindEquals kind = iota
	kindPrefix
	kindSuffix
	kindContains
	// kindByte is one byte anywhere, kindForeign any byte outside ASCII: what indexes look up in place of short literals.
	kindByte
	kindForeign
	kindPresent
	kindPattern
	kindRegex
	kindNull
	kindExists
	kindAbsent
	kindNetwork
	kindNumber
	kindFieldRef
	// kindAny holds when any of many literals does.
	kindAny
)

// predicate is a test of one field. Equal predicates of a program are one, so that its verdict is found once for an event.
type predicate struct {
	kind  kind
	cased bool
	// field is the program's number of a field, or everyValue; other is that of a kindFieldRef.
	field, other int
	// literal is folded unless cased is set.
	literal string
	// rarest is where in a literal looked for anywhere its rarest byte is.
	rarest int
	// The rest is what the kind needs.
	pattern            *glob
	regex              *regex.Regex
	network            netip.Prefix
	number             rule.Number
	openHead, openTail bool
	any                *lookup
}

// holdsFor decides about a value of a field that is present.
func (p *predicate) holdsFor(s *scratch, t *text) bool {
	switch p.kind {
	case kindPresent:
		return true
	case kindEquals:
		return s.form(t, p.cased) == p.literal
	case kindPrefix:
		return strings.HasPrefix(s.form(t, p.cased), p.literal)
	case kindSuffix:
		return strings.HasSuffix(s.form(t, p.cased), p.literal)
	case kindContains:
		return p.contained(s.form(t, p.cased))
	case kindPattern:
		return p.pattern.match(s.form(t, p.cased))
	case kindAny:
		return p.any.holds(s.form(t, false))
	case kindRegex:
		return len(t.raw) >= p.regex.MinLength() && p.regex.Match(t.raw)
	case kindNetwork:
		if !looksLikeAddress(t.raw) {
			return false
		}
		address, err := netip.ParseAddr(t.raw)
		return err == nil && p.network.Contains(address.Unmap().WithZone(""))
	case kindNumber:
		return p.numberHolds(t.raw)
	case kindFieldRef:
		return p.refersTo(s, t)
	}
	panic("BUG: a predicate on a text of no known kind")
}

// looksLikeAddress reports whether text is made of what addresses are made of. The parser allocates an error for other text,
// which names of hosts are.
func looksLikeAddress(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F', c == '.', c == ':':
		case c == '%':
			return i > 0
		default:
			return false
		}
	}
	return strings.ContainsAny(text, ".:")
}

// fewestMisses is how many places a search for the rarest byte may propose in vain.
const fewestMisses = 8

// contained reports whether the text contains the literal. It looks for the byte of it that is likely to be the rarest; where
// that turns out to be common, it leaves the rest to strings.Contains.
func (p *predicate) contained(text string) bool {
	rare, literal := p.rarest, p.literal
	for range fewestMisses {
		if len(text) < len(literal) {
			return false
		}
		at := strings.IndexByte(text[rare:len(text)-len(literal)+rare+1], literal[rare])
		if at < 0 {
			return false
		}
		if text[at:at+len(literal)] == literal {
			return true
		}
		text = text[at+1:]
	}
	return strings.Contains(text, literal)
}

// rarestByte gives where in the literal its rarest byte is.
func rarestByte(literal string) int {
	best := 0
	for i := range len(literal) {
		if commonByte(literal[i]) < commonByte(literal[best]) {
			best = i
		}
	}
	return best
}

func (p *predicate) numberHolds(value string) bool {
	if p.number.Part == rule.NoPart {
		n, ok := rule.ParseDecimal(value)
		return ok && n.Satisfies(p.number.Relation, p.number.Than)
	}
	n, ok := eventtime.Part(value, p.number.Part)
	return ok && rule.Whole(n).Satisfies(p.number.Relation, p.number.Than)
}

// refersTo compares t with each value of the other field.
func (p *predicate) refersTo(s *scratch, t *text) bool {
	other := s.slot(p.other)
	if !other.present {
		return false
	}
	mine := s.form(t, p.cased)
	if p.comparesWith(mine, s.form(&other.text, p.cased)) {
		return true
	}
	more := s.more(other)
	for i := range more {
		if p.comparesWith(mine, s.form(&more[i], p.cased)) {
			return true
		}
	}
	return false
}

func (p *predicate) comparesWith(mine, theirs string) bool {
	switch {
	case !p.openHead && !p.openTail:
		return mine == theirs
	case !utf8.ValidString(theirs):
		return p.comparesRagged(mine, theirs)
	case !p.openHead:
		return strings.HasPrefix(mine, theirs)
	case !p.openTail:
		return strings.HasSuffix(mine, theirs)
	}
	return strings.Contains(mine, theirs)
}

func (p *predicate) comparesRagged(mine, theirs string) bool {
	tokens := rule.Pattern{{Kind: rule.Literal, Text: theirs}}
	if p.openHead {
		tokens = append(rule.Pattern{{Kind: rule.AnyText}}, tokens...)
	}
	if p.openTail {
		tokens = append(tokens, rule.Token{Kind: rule.AnyText})
	}
	return newGlob(tokens).match(mine)
}

// predicatesOf gives the predicates, any of which satisfies a test; fieldNumber gives the numbers of fields.
func predicatesOf(item *rule.Item, test rule.Test, fieldNumber func(string) int) []predicate {
	field := everyValue
	if item.Field != "" {
		field = fieldNumber(item.Field)
	}
	switch test := test.(type) {
	case rule.Text:
		found := make([]predicate, 0, len(test.Alternatives))
		for _, pattern := range test.Alternatives {
			found = append(found, textPredicate(field, pattern, test.Cased))
		}
		return found
	case rule.Regex:
		return []predicate{{kind: kindRegex, field: field, regex: test.Regex}}
	case rule.Null:
		return []predicate{{kind: kindNull, field: field}}
	case rule.Exists:
		if test {
			return []predicate{{kind: kindExists, field: field}}
		}
		return []predicate{{kind: kindAbsent, field: field}}
	case rule.Network:
		return []predicate{{kind: kindNetwork, field: field, network: netip.Prefix(test)}}
	case rule.Number:
		return []predicate{{kind: kindNumber, field: field, number: test}}
	case rule.FieldRef:
		return []predicate{{
			kind: kindFieldRef, field: field, other: fieldNumber(test.Other), cased: test.Cased,
			openHead: test.OpenHead, openTail: test.OpenTail,
		}}
	}
	panic("BUG: a rule with a test of no known kind")
}

// textPredicate gives the simplest predicate that means the pattern.
func textPredicate(field int, pattern rule.Pattern, cased bool) predicate {
	p := predicate{field: field, cased: cased}
	folded := make(rule.Pattern, len(pattern))
	for i, token := range pattern {
		if token.Kind == rule.Literal && !cased {
			token.Text = fold(token.Text)
		}
		folded[i] = token
	}
	star := func(i int) bool { return folded[i].Kind == rule.AnyText }
	literal := func(i int) bool { return folded[i].Kind == rule.Literal }
	switch n := len(folded); {
	case isRagged(folded):
		p.kind, p.pattern = kindPattern, newGlob(folded)
	case n == 0:
		p.kind = kindEquals
	case n == 1 && star(0):
		// Casing says nothing about a text of any kind.
		p.kind, p.cased = kindPresent, false
	case n == 1 && literal(0):
		p.kind, p.literal = kindEquals, folded[0].Text
	case n == 2 && literal(0) && star(1):
		p.kind, p.literal = kindPrefix, folded[0].Text
	case n == 2 && star(0) && literal(1):
		p.kind, p.literal = kindSuffix, folded[1].Text
	case n == 3 && star(0) && literal(1) && star(2):
		p.kind, p.literal = kindContains, folded[1].Text
		p.rarest = rarestByte(p.literal)
	default:
		p.kind, p.pattern = kindPattern, newGlob(folded)
	}
	return p
}
