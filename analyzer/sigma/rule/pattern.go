package rule

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parsePattern reads a Sigma string: `*` and `?` are wildcards, and a backslash takes the meaning from `*`, `?` and another
// backslash. Any other backslash is itself. The pattern has room for two more tokens.
func parsePattern(s string) Pattern {
	p := make(Pattern, 0, 3)
	start := 0
	var unescaped []byte
	flush := func(end int) {
		text := s[start:end]
		if unescaped != nil {
			text, unescaped = string(append(unescaped, text...)), nil
		}
		p = p.add(Token{Kind: Literal, Text: text})
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '*':
			flush(i)
			p = p.add(Token{Kind: AnyText})
			start = i + 1
		case '?':
			flush(i)
			p = p.add(Token{Kind: AnyChar})
			start = i + 1
		case '\\':
			if i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\') {
				unescaped = append(unescaped, s[start:i]...)
				i++
				start = i
			}
		}
	}
	flush(len(s))
	return p
}

// add appends a token, which becomes part of the last one where the two are of a kind that may not stand side by side.
func (p Pattern) add(t Token) Pattern {
	last := len(p) - 1
	switch {
	case t.Kind == Literal && t.Text == "":
		return p
	case last < 0 || p[last].Kind != t.Kind || t.Kind == AnyChar || t.Kind == AnyDash:
		return append(p, t)
	case t.Kind == Literal:
		p[last].Text += t.Text
	}
	return p
}

// plainText gives the text of a pattern without wildcards.
func (p Pattern) plainText() (text string, ok bool) {
	switch {
	case len(p) == 0:
		return "", true
	case len(p) == 1 && p[0].Kind == Literal:
		return p[0].Text, true
	}
	return "", false
}

func (p Pattern) has(kind TokenKind) bool {
	return slices.ContainsFunc(p, func(t Token) bool { return t.Kind == kind })
}

func (p Pattern) openHead() Pattern {
	if len(p) > 0 && p[0].Kind == AnyText {
		return p
	}
	return slices.Insert(p, 0, Token{Kind: AnyText})
}

func (p Pattern) openTail() Pattern {
	if len(p) > 0 && p[len(p)-1].Kind == AnyText {
		return p
	}
	return append(p, Token{Kind: AnyText})
}

// looseDashes lets a `-` or `/` that opens a word stand for every dash that Windows programs take for it.
func (p Pattern) looseDashes() Pattern {
	if !slices.ContainsFunc(p, func(t Token) bool { return strings.ContainsAny(t.Text, "-/") }) {
		return p
	}
	var loose Pattern
	for _, t := range p {
		if t.Kind != Literal {
			loose = loose.add(t)
			continue
		}
		start, before := 0, rune(-1)
		for i, r := range t.Text {
			if (r == '-' || r == '/') && !isWord(before) {
				if after, _ := utf8.DecodeRuneInString(t.Text[i+1:]); isWord(after) {
					loose = loose.add(Token{Kind: Literal, Text: t.Text[start:i]}).add(Token{Kind: AnyDash})
					start = i + 1
				}
			}
			before = r
		}
		loose = loose.add(Token{Kind: Literal, Text: t.Text[start:]})
	}
	return loose
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// dashes gives the forms of a pattern with each AnyDash written out, nil when they are more than most.
func (p Pattern) dashes(most int) []Pattern {
	forms := []Pattern{nil}
	for _, t := range p {
		if t.Kind != AnyDash {
			for i := range forms {
				forms[i] = forms[i].add(t)
			}
			continue
		}
		if len(forms)*5 > most {
			return nil
		}
		var next []Pattern
		for _, form := range forms {
			for _, dash := range []string{"-", "/", "–", "—", "―"} {
				next = append(next, slices.Clone(form).add(Token{Kind: Literal, Text: dash}))
			}
		}
		forms = next
	}
	return forms
}
