package engine

import (
	"strings"
	"unicode/utf8"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// glob is a pattern that is more than a literal at one end of the text.
type glob struct {
	tokens rule.Pattern
	// ragged is set when a literal is not valid UTF-8. Its bytes must not be found inside a character, which those of valid
	// text never are.
	ragged bool
}

func newGlob(tokens rule.Pattern) *glob { return &glob{tokens: tokens, ragged: isRagged(tokens)} }

// isRagged reports whether a literal is not valid UTF-8.
func isRagged(tokens rule.Pattern) bool {
	for i := range tokens {
		if !utf8.ValidString(tokens[i].Text) {
			return true
		}
	}
	return false
}

// match reports whether the whole text is as the pattern says. Literals are compared byte for byte.
func (g *glob) match(text string) bool {
	left := g.tokens
	first := true
	for {
		run := beforeAnyText(left)
		if len(run) == len(left) {
			if first {
				end, ok := g.matchRun(run, text)
				return ok && end == len(text)
			}
			return g.endsWith(run, text)
		}
		// The earliest place leaves the most text to the rest of the pattern.
		var end int
		var ok bool
		if first {
			end, ok = g.matchRun(run, text)
		} else {
			end, ok = g.findRun(run, text)
		}
		if !ok {
			return false
		}
		text, left, first = text[end:], left[len(run)+1:], false
	}
}

// beforeAnyText gives the tokens before the first AnyText.
func beforeAnyText(tokens rule.Pattern) rule.Pattern {
	for i := range tokens {
		if tokens[i].Kind == rule.AnyText {
			return tokens[:i]
		}
	}
	return tokens
}

// matchRun gives the number of bytes that the tokens, none of which is AnyText, take at the beginning of the text.
func (g *glob) matchRun(run rule.Pattern, text string) (end int, ok bool) {
	for i := range run {
		rest := text[end:]
		var size int
		switch run[i].Kind {
		case rule.Literal:
			if !g.startsWith(rest, run[i].Text) {
				return 0, false
			}
			end += len(run[i].Text)
			continue
		case rule.AnyChar:
			_, size = utf8.DecodeRuneInString(rest)
		default:
			size = dashSize(rest)
		}
		if size == 0 {
			return 0, false
		}
		end += size
	}
	return end, true
}

// startsWith reports whether the text begins with the characters of the literal.
func (g *glob) startsWith(text, literal string) bool {
	if !strings.HasPrefix(text, literal) {
		return false
	}
	for g.ragged && literal != "" {
		_, size := utf8.DecodeRuneInString(literal)
		if _, found := utf8.DecodeRuneInString(text); found != size {
			return false
		}
		text, literal = text[size:], literal[size:]
	}
	return true
}

// dashSize gives the length of the dash, as windash understands it, that the text begins with, or 0.
func dashSize(text string) int {
	if text == "" {
		return 0
	}
	if text[0] == '-' || text[0] == '/' {
		return 1
	}
	for _, dash := range [...]string{"–", "—", "―"} {
		if strings.HasPrefix(text, dash) {
			return len(dash)
		}
	}
	return 0
}

// findRun gives the end of the first place in the text where the tokens match.
func (g *glob) findRun(run rule.Pattern, text string) (end int, ok bool) {
	if !g.ragged && len(run) > 1 && run[0].Kind == rule.AnyDash && run[1].Kind == rule.Literal {
		return g.findDash(run, text)
	}
	skips := !g.ragged && len(run) > 0 && run[0].Kind == rule.Literal
	for start := 0; start <= len(text); start += characterSize(text[start:]) {
		if skips {
			skip := strings.Index(text[start:], run[0].Text)
			if skip < 0 {
				return 0, false
			}
			start += skip
		}
		if size, ok := g.matchRun(run, text[start:]); ok {
			return start + size, true
		}
	}
	return 0, false
}

// findDash does the same for tokens that begin with AnyDash and a Literal: it looks for the literal.
func (g *glob) findDash(run rule.Pattern, text string) (end int, ok bool) {
	for start := 0; ; {
		skip := strings.Index(text[start:], run[1].Text)
		if skip < 0 {
			return 0, false
		}
		at := start + skip
		for size := range min(at, utf8.UTFMax) {
			// A dash has 1 or 3 bytes, and only one of these lengths fits.
			if dash := at - size - 1; dashSize(text[dash:]) == size+1 {
				if size, ok := g.matchRun(run, text[dash:]); ok {
					return dash + size, true
				}
			}
		}
		start = at + characterSize(text[at:])
	}
}

// endsWith reports whether the text ends with the tokens.
func (g *glob) endsWith(run rule.Pattern, text string) bool {
	if len(run) == 0 {
		return true
	}
	if len(run) == 1 && run[0].Kind == rule.Literal && !g.ragged {
		return strings.HasSuffix(text, run[0].Text)
	}
	// A character takes at most utf8.UTFMax bytes, which bounds where the tokens can begin.
	longest := 0
	for i := range run {
		longest += max(len(run[i].Text), utf8.UTFMax)
	}
	start := 0
	for start < len(text)-longest {
		start += characterSize(text[start:])
	}
	for ; start <= len(text); start += characterSize(text[start:]) {
		if size, ok := g.matchRun(run, text[start:]); ok && start+size == len(text) {
			return true
		}
	}
	return false
}

// characterSize is at least 1, so that a search gets on at the end of the text too.
func characterSize(text string) int {
	_, size := utf8.DecodeRuneInString(text)
	return max(size, 1)
}
