package sigma

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// expr is a condition or a part of one.
type expr interface {
	holds(v *view) bool
	// trace appends what made the expression hold. It is called only after holds said true for the same view.
	trace(v *view, dst []MatchedField) []MatchedField
}

type (
	allOf    []expr
	anyOf    []expr
	negation struct{ of expr }
)

func (e allOf) holds(v *view) bool {
	for _, part := range e {
		if !part.holds(v) {
			return false
		}
	}
	return true
}

func (e allOf) trace(v *view, dst []MatchedField) []MatchedField {
	for _, part := range e {
		dst = part.trace(v, dst)
	}
	return dst
}

func (e anyOf) holds(v *view) bool {
	for _, part := range e {
		if part.holds(v) {
			return true
		}
	}
	return false
}

func (e anyOf) trace(v *view, dst []MatchedField) []MatchedField {
	for _, part := range e {
		if part.holds(v) {
			dst = part.trace(v, dst)
		}
	}
	return dst
}

func (e negation) holds(v *view) bool { return !e.of.holds(v) }

func (e negation) trace(_ *view, dst []MatchedField) []MatchedField { return dst }

// keywordField is the field number of an item that searches every value.
const keywordField = -1

// item is one line of a selection: a field, or none, and the values wanted of it.
type item struct {
	field   int
	name    string
	all     bool
	negated bool
	tests   []valueTest
}

// valueTest is one value wanted of a field, with the text that the rule writes for it.
type valueTest struct {
	source string
	test   test
}

// test decides on one value of an event.
type test interface {
	holds(v *view, s *slot) bool
}

func (e *item) holds(v *view) bool {
	found := e.all
	for i := range e.tests {
		if _, ok := e.find(v, e.tests[i].test); ok != e.all {
			found = ok
			break
		}
	}
	return found != e.negated
}

// find gives the value of the event that the test holds for.
func (e *item) find(v *view, t test) (value string, ok bool) {
	if e.field != keywordField {
		s := v.field(e.field)
		return s.text.raw, t.holds(v, s)
	}
	values := v.keywords()
	for i := range values {
		if t.holds(v, &values[i]) {
			return values[i].text.raw, true
		}
	}
	return "", false
}

func (e *item) trace(v *view, dst []MatchedField) []MatchedField {
	if e.negated {
		return dst
	}
	for i := range e.tests {
		value, ok := e.find(v, e.tests[i].test)
		if !ok {
			continue
		}
		found := MatchedField{Field: e.name, Value: value, Pattern: e.tests[i].source}
		if !slices.Contains(dst, found) {
			found.Value = strings.Clone(value)
			dst = append(dst, found)
		}
	}
	return dst
}

// patternTest holds when one of its patterns matches: base64offset makes three of one value.
type patternTest []pattern

func (t patternTest) holds(v *view, s *slot) bool {
	if !s.present {
		return false
	}
	for i := range t {
		if t[i].match(v.bytes(&s.text, t[i].cased)) {
			return true
		}
	}
	return false
}

type regexTest struct{ re *regexp.Regexp }

func (t regexTest) holds(_ *view, s *slot) bool { return s.present && t.re.MatchString(s.text.raw) }

type nullTest struct{}

func (nullTest) holds(_ *view, s *slot) bool { return !s.present || s.text.raw == "" }

type existsTest bool

func (t existsTest) holds(_ *view, s *slot) bool { return s.present == bool(t) }

type networkTest struct{ network netip.Prefix }

func (t networkTest) holds(_ *view, s *slot) bool {
	if !s.present {
		return false
	}
	address, err := netip.ParseAddr(s.text.raw)
	return err == nil && t.network.Contains(address.Unmap().WithZone(""))
}

// numberTest compares the number in the event with the number in the rule.
type numberTest struct {
	relation relation
	than     number
}

// relation is which outcomes of a comparison hold: of -1, 0 and 1, at index outcome+1.
type relation [3]bool

func (t numberTest) holds(_ *view, s *slot) bool {
	if !s.present {
		return false
	}
	n, ok := parseNumber(s.text.raw)
	return ok && t.relation[n.compare(t.than)+1]
}

// number keeps whole numbers whole: a float64 cannot tell large ones apart.
type number struct {
	whole   int64
	real    float64
	isWhole bool
}

func parseNumber(s string) (number, bool) {
	// The parsers allocate an error for text, which most values are.
	if s == "" || strings.IndexByte("+-.0123456789", s[0]) < 0 {
		return number{}, false
	}
	if whole, err := strconv.ParseInt(s, 10, 64); err == nil {
		return number{whole: whole, real: float64(whole), isWhole: true}, true
	}
	real, err := strconv.ParseFloat(s, 64)
	// Only a NaN differs from itself; it has no place in an order.
	return number{real: real}, err == nil && real == real
}

func (n number) compare(than number) int {
	if n.isWhole && than.isWhole {
		switch {
		case n.whole < than.whole:
			return -1
		case n.whole > than.whole:
			return 1
		}
		return 0
	}
	switch {
	case n.real < than.real:
		return -1
	case n.real > than.real:
		return 1
	}
	return 0
}

// fieldTest compares a field with another field of the same event, of which it may be asked to be only a part.
type fieldTest struct {
	other              int
	cased              bool
	openHead, openTail bool
}

func (t fieldTest) holds(v *view, s *slot) bool {
	other := v.field(t.other)
	if !s.present || !other.present {
		return false
	}
	p := pattern{simple: true, text: v.bytes(&other.text, t.cased), openHead: t.openHead, openTail: t.openTail}
	return p.match(v.bytes(&s.text, t.cased))
}
