package interpret

import (
	"testing"
	"unicode"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// byDefinition is what a pattern means, written down as a table: reachable[s][c] is whether the steps before s can stand for
// the characters before c.
func byDefinition(steps []step, chars []character) bool {
	reachable := make([][]bool, len(steps)+1)
	for s := range reachable {
		reachable[s] = make([]bool, len(chars)+1)
	}
	reachable[0][0] = true
	for s, at := range steps {
		for c := range len(chars) + 1 {
			switch {
			case at.kind == rule.AnyText:
				reachable[s+1][c] = reachable[s][c] || c > 0 && reachable[s+1][c-1]
			case c > 0 && at.accepts(chars[c-1]):
				reachable[s+1][c] = reachable[s][c-1]
			}
		}
	}
	return reachable[len(steps)][len(chars)]
}

// patternOf makes a pattern of text in which * and ? are wildcards and ~ is AnyDash.
func patternOf(text string) rule.Pattern {
	var p rule.Pattern
	for i := range len(text) {
		switch c := text[i]; {
		case c == '*':
			p = append(p, rule.Token{Kind: rule.AnyText})
		case c == '?':
			p = append(p, rule.Token{Kind: rule.AnyChar})
		case c == '~':
			p = append(p, rule.Token{Kind: rule.AnyDash})
		case len(p) > 0 && p[len(p)-1].Kind == rule.Literal:
			p[len(p)-1].Text += text[i : i+1]
		default:
			p = append(p, rule.Token{Kind: rule.Literal, Text: text[i : i+1]})
		}
	}
	return p
}

func match(pattern, text string, cased bool) bool {
	return Read(nil).matchPattern(patternOf(pattern), &value{text: text}, cased)
}

func TestMatchPattern(t *testing.T) {
	f := func(pattern, text string, want bool) {
		t.Helper()
		for _, cased := range []bool{false, true} {
			if got := match(pattern, text, cased); got != want {
				t.Errorf("pattern %q on %q (cased %t): got %t", pattern, text, cased, got)
			}
		}
	}
	f("", "", true)
	f("", "a", false)
	f("a", "", false)
	f("a*a", "a", false)
	f("*ab*ab", "abxab", true)
	f("*aab", "aaaaab", true)
	f("*a?b*", "aab", true)
	f("x~y", "x―y", true)
	f("x~y", "x−y", false)
	// A byte of a character is not that character, nor a part of it.
	f("*\xc3*", "ö", false)
	f("*\xc3*", "\xc3", true)
	f("?", "ö", true)
	f("*????", "😀", false)
}

// A pattern of many stars takes time in proportion to pattern and text, not to the ways of spreading the stars.
func TestMatchPatternIsNotExponential(t *testing.T) {
	pattern, text := "", ""
	for range 200 {
		pattern += "*a"
	}
	for range 5000 {
		text += "a"
	}
	if match(pattern+"*b", text, false) {
		t.Error("matched")
	}
}

func TestFoldAgreesWithRule(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if fold(r) != fold(other) || rule.FoldRune(r) != rule.FoldRune(other) {
				t.Fatalf("%q and %q differ in case only", r, other)
			}
		}
		if (fold(r) == r) != (fold(fold(r)) == r) {
			t.Fatalf("%q folds to %q, and that to %q", r, fold(r), fold(fold(r)))
		}
	}
}

func FuzzMatchPattern(f *testing.F) {
	for _, pattern := range []string{"", "*", "a*b?c", "*~enc*", "Σ?*ſ", "*ab*ab*?b", "???", "*\xff*"} {
		for _, text := range []string{"", "abc", "a-ENC –x", "σxs", "ababab", "a\xff\xc3b"} {
			f.Add(pattern, text, true)
			f.Add(pattern, text, false)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, text string, cased bool) {
		if len(pattern)*len(text) > 100_000 {
			return
		}
		want := byDefinition(appendSteps(nil, patternOf(pattern), cased), appendCharacters(nil, text, cased))
		if got := match(pattern, text, cased); got != want {
			t.Errorf("pattern %q on %q (cased %t): got %t, want %t", pattern, text, cased, got, want)
		}
	})
}
