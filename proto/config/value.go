package config

import (
	"strings"
	"unicode/utf8"
)

// valueKind is what a value looks like, before a field says what it must be.
type valueKind string

const (
	kindString valueKind = "a string"
	kindBool   valueKind = "true or false"
	kindNumber valueKind = "a number"
	kindList   valueKind = "a list"
)

// value is one parsed value. text holds a string's content or a number's digits without underscores.
type value struct {
	kind valueKind
	text string
	flag bool
	list []string
}

const valueRemedy = `a value is "text", true, false, a whole number or ["a", "b"]`

func (s *scanner) value() (value, error) {
	if s.atEnd() {
		return value{}, s.fault(valueRemedy, "the value is missing")
	}
	switch s.text[s.pos] {
	case '"', '\'':
		text, err := s.str()
		return value{kind: kindString, text: text}, err
	case '[':
		list, err := s.list()
		return value{kind: kindList, list: list}, err
	}
	return s.word()
}

// word reads a value without quotes.
func (s *scanner) word() (value, error) {
	start := s.pos
	for !s.atEnd() && !strings.ContainsRune(" \t#,]", rune(s.text[s.pos])) {
		s.pos++
	}
	word := s.text[start:s.pos]
	switch word {
	case "":
		return value{}, s.faultAt(start, valueRemedy, "the value is missing")
	case "true", "false":
		return value{kind: kindBool, flag: word == "true"}, nil
	}
	if digits, ok := number(word); ok {
		return value{kind: kindNumber, text: digits}, nil
	}
	return value{}, s.faultAt(start, valueRemedy, "%q is no value (text needs quotes)", word)
}

// number strips the underscores that TOML allows between two digits and reports whether the word is a decimal whole number.
func number(word string) (digits string, ok bool) {
	body := strings.TrimLeft(word, "+-")
	if len(word)-len(body) > 1 || body == "" {
		return "", false
	}
	for i := range len(body) {
		if c := body[i]; c == '_' {
			if i == 0 || i == len(body)-1 || body[i-1] == '_' {
				return "", false
			}
		} else if c < '0' || c > '9' {
			return "", false
		}
	}
	if len(body) > 1 && body[0] == '0' {
		// TOML refuses leading zeros; elsewhere they would mean octal.
		return "", false
	}
	return strings.TrimPrefix(strings.ReplaceAll(word, "_", ""), "+"), true
}

// str reads a "basic" or a 'literal' string.
func (s *scanner) str() (string, error) {
	open := s.pos
	quote := s.text[s.pos]
	s.pos++
	var b strings.Builder
	for !s.atEnd() {
		c := s.text[s.pos]
		s.pos++
		switch {
		case c == quote:
			return b.String(), nil
		case c == '\\' && quote == '"':
			if err := s.escape(&b); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", s.faultAt(open, "end it with "+string(rune(quote))+" on the same line", "the string does not end")
}

// escape reads what follows a backslash.
func (s *scanner) escape(b *strings.Builder) error {
	at := s.pos - 1
	const remedy = `use \" \\ \b \t \n \f \r \uXXXX or \UXXXXXXXX, or a 'string' in single quotes, which knows no escapes`
	if s.atEnd() {
		return s.faultAt(at, remedy, "the escape does not end")
	}
	c := s.text[s.pos]
	s.pos++
	if i := strings.IndexByte(`"\btnfr`, c); i >= 0 {
		b.WriteByte("\"\\\b\t\n\f\r"[i])
		return nil
	}
	digits := map[byte]int{'u': 4, 'U': 8}[c]
	if digits == 0 {
		return s.faultAt(at, remedy, "unknown escape \\%s", firstRune(s.text[s.pos-1:]))
	}
	var r int64
	for range digits {
		if s.atEnd() {
			return s.faultAt(at, remedy, "\\%c needs %d hexadecimal digits", c, digits)
		}
		d := strings.IndexByte("0123456789abcdef", lower(s.text[s.pos]))
		if d < 0 {
			return s.faultAt(at, remedy, "\\%c needs %d hexadecimal digits", c, digits)
		}
		r = r<<4 | int64(d)
		s.pos++
	}
	if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
		return s.faultAt(at, remedy, "U+%X is no character", r)
	}
	b.WriteRune(rune(r))
	return nil
}

func firstRune(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// list reads ["a", "b"]. A comma may follow the last element, as in TOML.
func (s *scanner) list() ([]string, error) {
	const remedy = `write ["a", "b"] on one line`
	open := s.pos
	s.pos++
	list := []string{}
	for {
		s.skipSpace()
		if s.take(']') {
			return list, nil
		}
		if s.atEnd() || s.text[s.pos] == '#' {
			return nil, s.faultAt(open, remedy, "the list does not end on its line")
		}
		if c := s.text[s.pos]; c != '"' && c != '\'' {
			return nil, s.fault(remedy, "an element of a list must be a string in quotes")
		}
		element, err := s.str()
		if err != nil {
			return nil, err
		}
		list = append(list, element)
		s.skipSpace()
		if s.take(',') {
			continue
		}
		if !s.atEnd() && s.text[s.pos] != ']' && s.text[s.pos] != '#' {
			return nil, s.fault(remedy, "expected ',' or ']'")
		}
	}
}
