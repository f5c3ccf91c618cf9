package interpret

import (
	"unicode"
	"unicode/utf8"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// step is a Pattern taken apart further: a Literal of n characters is n steps.
type step struct {
	kind rule.TokenKind
	char character
}

// accepts reports whether the step stands for this one character.
func (s step) accepts(c character) bool {
	switch s.kind {
	case rule.Literal:
		return c == s.char
	case rule.AnyChar:
		return true
	case rule.AnyDash:
		return c == '-' || c == '/' || c == '–' || c == '—' || c == '―'
	}
	return false
}

// matchPattern reports whether the whole value is as the pattern says.
//
// It walks through both, and when they part goes back to the last AnyText to let it take in one character more. Going back
// to an earlier AnyText could only lead to the same places.
func (rd *Reading) matchPattern(pattern rule.Pattern, v *value, cased bool) bool {
	rd.steps = appendSteps(rd.steps[:0], pattern, cased)
	steps, chars := rd.steps, v.in(cased)
	s, c := 0, 0
	lastAnyText, takenUpTo := -1, 0
	for c < len(chars) {
		switch {
		case s < len(steps) && steps[s].kind == rule.AnyText:
			lastAnyText, takenUpTo = s, c
			s++
		case s < len(steps) && steps[s].accepts(chars[c]):
			s++
			c++
		case lastAnyText >= 0:
			takenUpTo++
			s, c = lastAnyText+1, takenUpTo
		default:
			return false
		}
	}
	for s < len(steps) && steps[s].kind == rule.AnyText {
		s++
	}
	return s == len(steps)
}

func appendSteps(steps []step, pattern rule.Pattern, cased bool) []step {
	for _, token := range pattern {
		if token.Kind != rule.Literal {
			steps = append(steps, step{kind: token.Kind})
			continue
		}
		for text := token.Text; text != ""; {
			c, size := firstCharacter(text, cased)
			steps = append(steps, step{rule.Literal, c})
			text = text[size:]
		}
	}
	return steps
}

// character is a rune or, negative, a byte that is not valid UTF-8: a character of its own, equal only to the same byte.
type character int32

// firstCharacter gives the first character of text, and its size in bytes. Unless cased, characters that differ in case only
// come out the same.
func firstCharacter(text string, cased bool) (c character, size int) {
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case r == utf8.RuneError && size == 1:
		return -1 - character(text[0]), 1
	case cased:
		return character(r), size
	}
	return character(fold(r)), size
}

func appendCharacters(chars []character, text string, cased bool) []character {
	for text != "" {
		c, size := firstCharacter(text, cased)
		chars = append(chars, c)
		text = text[size:]
	}
	return chars
}

// fold gives the smallest of the characters that Unicode simple case folding holds for the same.
func fold(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}
