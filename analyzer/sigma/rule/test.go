package rule

import (
	"net/netip"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
)

// Value is one value wanted of a field.
type Value struct {
	// Source is the value as the rule writes it.
	Source string
	Test   Test
}

// Test decides on one value of an event: Text, Regex, Null, Exists, Network, Number or FieldRef. All but Null and
// Exists(false) need the field to be present. A field with several values (a list in a JSON event) passes when one of them
// does; Null and Exists look at the first alone.
type Test interface{ test() }

type (
	// Text holds when the whole value is as one of the patterns says: base64offset makes three patterns of one value. A
	// keyword, and the modifier contains, have AnyText at both ends.
	Text struct {
		Alternatives []Pattern
		// Cased compares upper and lower case as different.
		Cased bool
	}
	// Regex holds when the expression is found anywhere in the value.
	Regex struct{ Regex *regex.Regex }
	// Null holds when the field is absent, empty, or null in JSON.
	Null struct{}
	// Exists holds when the field is there (true), however empty, or is not (false).
	Exists bool
	// Network holds when the value is an address in the network; an IPv4 address in IPv6 form counts as IPv4.
	Network netip.Prefix
	// Number compares the number in the value, or a part of the time in it, with Than. It does not hold for other text.
	Number struct {
		Part     TimePart
		Relation Relation
		Than     Decimal
	}
	// FieldRef compares with another field of the same event, which the value has to equal, contain, begin or end with.
	FieldRef struct {
		Other              string
		Cased              bool
		OpenHead, OpenTail bool
	}
)

func (Text) test()     {}
func (Regex) test()    {}
func (Null) test()     {}
func (Exists) test()   {}
func (Network) test()  {}
func (Number) test()   {}
func (FieldRef) test() {}

// Pattern is a value with wildcards taken apart; no two Literals and no two AnyTexts stand side by side. An empty pattern
// is the empty text.
type Pattern []Token

// Token is an element of a Pattern.
type Token struct {
	Kind TokenKind
	// Text of a Literal: bytes, which need not be UTF-8, as the rule writes them (not folded).
	Text string
}

// TokenKind is a kind of Token.
type TokenKind uint8

// The kinds of Token. AnyChar is one character; a byte that is not valid UTF-8 counts as one. AnyDash is what windash makes
// of a dash: one of - / – — ―.
const (
	Literal TokenKind = iota
	AnyText
	AnyChar
	AnyDash
)

// TimePart is what of a time a Number looks at.
type TimePart uint8

// The parts of a time. NoPart means that the value itself is the number. Week is the ISO 8601 week.
const (
	NoPart TimePart = iota
	Minute
	Hour
	Day
	Week
	Month
	Year
)

// Relation is which outcomes of comparing the event's number with the rule's satisfy a Number.
type Relation struct{ Less, Equal, Greater bool }
