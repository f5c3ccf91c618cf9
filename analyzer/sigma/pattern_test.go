package sigma

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// matches runs a value of a rule over a value of an event.
func matches(value, text string, cased bool) bool {
	p := newPattern(splitWildcards(value), cased)
	if cased {
		return p.match([]byte(text))
	}
	return p.match(appendFolded(nil, text))
}

func TestWildcards(t *testing.T) {
	f := func(value, text string, want bool) {
		t.Helper()
		if got := matches(value, text, false); got != want {
			t.Errorf("value %q on %q: got %v, want %v", value, text, got, want)
		}
	}
	f("", "", true)
	f("", "a", false)
	f("*", "", true)
	f("*", "anything", true)
	f("**", "", true)
	f("?", "", false)
	f("?", "a", true)
	f("?", "ab", false)
	f("a*", "abc", true)
	f("a*", "bc", false)
	f("*c", "abc", true)
	f("*b*", "abc", true)
	f("*b*", "ac", false)
	f("a*c", "abc", true)
	f("a*c", "ac", true)
	f("a*c", "acb", false)
	f("a*b*c", "a-b-b-c", true)
	f("*ab*cd", "abcabcd", true)
	f("*ab?d", "abcabxd", true)
	f("a?c", "abc", true)
	f("a?c", "ac", false)
	f("*?", "", false)
	f("*?", "x", true)
	f("?*?", "x", false)

	// A question mark is one character, not one byte, and a byte outside UTF-8 is a character of its own.
	f("a?c", "aöc", true)
	f("a??c", "aöc", false)
	f("*?c", "öc", true)
	f("a?c", "a\xffc", true)
	f("a?c", "a\xc3c", true)
	f("a??c", "a\xf0\x9fc", true)
	f("a\ufffdc", "a\xffc", false)
}

func TestEscapes(t *testing.T) {
	f := func(value string, want ...token) {
		t.Helper()
		if diff := cmp.Diff(want, splitWildcards(value), cmp.AllowUnexported(token{})); diff != "" {
			t.Errorf("value %s (-want +got):\n%s", value, diff)
		}
	}
	star, one := token{kind: anyText}, token{kind: anyChar}
	f(`\*`, token{text: `*`})
	f(`\?`, token{text: `?`})
	f(`a\b`, token{text: `a\b`})
	f(`a\`, token{text: `a\`})
	f(`a\\b`, token{text: `a\b`})
	f(`\\*`, token{text: `\`}, star)
	f(`\\\*`, token{text: `\*`})
	f(`\\\\*`, token{text: `\\`}, star)
	f(`\\\\`, token{text: `\\`})
	f(`C:\Windows\*.exe`, token{text: `C:\Windows*.exe`})
	f(`C:\Windows\\*.exe`, token{text: `C:\Windows\`}, star, token{text: `.exe`})
	f(`a?b*`, token{text: `a`}, one, token{text: `b`}, star)
}

func TestCaseFolding(t *testing.T) {
	f := func(value, text string, folded, cased bool) {
		t.Helper()
		if got := matches(value, text, false); got != folded {
			t.Errorf("value %q on %q: got %v, want %v", value, text, got, folded)
		}
		if got := matches(value, text, true); got != cased {
			t.Errorf("cased value %q on %q: got %v, want %v", value, text, got, cased)
		}
	}
	f("WhoAmI", "whoami", true, false)
	f("whoami", "whoami", true, true)
	f("*ÄPFEL", "zwei äpfel", true, false)
	f("ΣΑΣ", "σας", true, false)
	f("task", "ta\u017f\u212a", true, false) // long s, Kelvin sign
	f("\u212aelvin", "kelvin", true, false)
	f("[", "{", false, false)
	f("@", "`", false, false)
	f("straße", "STRASSE", false, false)
}

func TestWindash(t *testing.T) {
	f := func(value, text string, want bool) {
		t.Helper()
		p := newPattern(looseDashes(splitWildcards(value)), false)
		if got := p.match(appendFolded(nil, text)); got != want {
			t.Errorf("value %q on %q: got %v, want %v", value, text, got, want)
		}
	}
	for _, dash := range []string{"-", "/", "–", "—", "―"} {
		f("-enc", dash+"enc", true)
		f("/enc", dash+"enc", true)
		f("* -enc*", "a "+dash+"enc b", true)
		f("*-a -b", "x "+dash+"A /b", true)
	}
	f("-enc", "−enc", false) // minus sign
	// Not in front of a word, or inside one.
	f("a-b", "a/b", false)
	f("- b", "/ b", false)
	f("a-", "a/", false)
	f("--long", "-/long", true)
	f("--long", "//long", false)
}

func TestBase64Offset(t *testing.T) {
	// Whatever stands around the text, one of the three forms is in the encoded whole.
	const text = "/bin/bash"
	want := []string{"L2Jpbi9iYXNo", "9iaW4vYmFza", "vYmluL2Jhc2"}
	if diff := cmp.Diff(want, encode(text, true)); diff != "" {
		t.Errorf("offsets of %q (-want +got):\n%s", text, diff)
	}
	for _, before := range []string{"", "x", "xy", "xyz"} {
		for _, after := range []string{"", "x", "xy", "xyz"} {
			whole := encode(before+text+after, false)[0]
			found := false
			for _, code := range encode(text, true) {
				found = found || strings.Contains(whole, code)
			}
			if !found {
				t.Errorf("no form of %q is in the encoding of %q: %q", text, before+text+after, whole)
			}
		}
	}
	if got := encode("ü", true); len(got) != 3 || got[0] != "w7" {
		t.Errorf("offsets of a two-byte character: got %q", got)
	}
}

// asRegexp is the slow and obvious meaning of a value.
func asRegexp(tokens []token, cased bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)`)
	if !cased {
		b.WriteString(`(?i)`)
	}
	b.WriteString(`\A`)
	for _, t := range tokens {
		switch t.kind {
		case anyText:
			b.WriteString(`.*`)
		case anyChar:
			b.WriteString(`.`)
		case anyDash:
			b.WriteString(`[-/–—―]`)
		case literal:
			b.WriteString(regexp.QuoteMeta(t.text))
		}
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

func FuzzPatternAgainstRegexp(f *testing.F) {
	for _, value := range []string{"", "*", "a*b?c", `\*\?\\`, "*-enc /x*", "Σ?*ſ", "*ab*ab*?b", "???"} {
		for _, text := range []string{"", "abc", "a-ENC –x", "σxs", "ababab", "a\xff\xc3b", "*?\\"} {
			f.Add(value, text, false)
			f.Add(value, text, true)
		}
	}
	f.Fuzz(func(t *testing.T, value, text string, cased bool) {
		// A rule file is always valid UTF-8; regexp takes U+FFFD for every bad byte.
		if !utf8.ValidString(value) || strings.Contains(value, "\ufffd") || len(value) > 200 || len(text) > 500 {
			t.Skip()
		}
		for _, tokens := range [][]token{splitWildcards(value), looseDashes(splitWildcards(value))} {
			p := newPattern(tokens, cased)
			b := []byte(text)
			if !cased {
				b = appendFolded(nil, text)
			}
			if got, want := p.match(b), asRegexp(tokens, cased).MatchString(text); got != want {
				t.Fatalf("value %q on %q (cased %v): got %v, the regexp says %v", value, text, cased, got, want)
			}
		}
	})
}
