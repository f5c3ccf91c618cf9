package regex_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
)

// compile compiles an expression that is known to be good.
func compile(tb testing.TB, source string, flags regex.Flags) *regex.Regex {
	tb.Helper()
	r, err := regex.Compile(source, flags)
	if err != nil {
		tb.Fatalf("cannot compile %q: %v", source, err)
	}
	return r
}

func TestMatch(t *testing.T) {
	f := func(source, text string, want bool) {
		t.Helper()
		r := compile(t, source, regex.Flags{})
		if got := r.Match(text); got != want {
			t.Errorf("%q in %q: got %v, want %v", source, text, got, want)
		}
		if got := r.MatchReference(text); got != want {
			t.Errorf("%q in %q by package regexp: got %v, want %v", source, text, got, want)
		}
		if r.String() != source {
			t.Errorf("the expression %q calls itself %q", source, r.String())
		}
	}
	yes := func(source, text string) { t.Helper(); f(source, text, true) }
	no := func(source, text string) { t.Helper(); f(source, text, false) }

	// An expression is looked for anywhere, in the case in which it is written.
	yes("b", "abc")
	no("B", "abc")
	yes("", "")
	yes("", "abc")
	yes("^abc$", "abc")
	no("^bc", "abc")
	yes("(?i)B", "abc")
	yes("a(?i)B|C", "c")
	yes("(?i:B)c", "Abc")
	no("(?i:B)C", "abc")
	yes("(?i)k", "\u212a") // the Kelvin sign
	yes("(?i)\u017f", "S") // the long s
	yes("(?i)straße", "STRA\u1e9eE")
	yes("(?i)Σ", "ς")

	// $ allows for a line feed that ends the value, \z does not.
	yes(`a$`, "a\n")
	no(`a$`, "a\n\n")
	no(`a$`, "a\nb")
	yes(`(?m)a$`, "a\nb")
	yes(`(?m:a$)`, "a\nb")
	no(`(?m:a)$`, "a\nb")
	no(`((?m)a)$`, "a\nb")
	no(`(?m)(?-m)a$`, "a\nb")
	yes(`a\Z`, "a\n")
	yes(`(?m)a\Z`, "a\n")
	no(`(?m)a\Z`, "a\nb")
	no(`a\z`, "a\n")
	yes(`(a|$)`, "")
	yes(`^$`, "\n")
	yes(`(?m)^b`, "a\nb")
	no(`(?m)\Ab`, "a\nb")
	no(`^b`, "a\nb")
	yes(`[^/]$`, "x\n")

	// White space is PCRE's.
	yes(`a\sb`, "a\vb")
	yes(`a[\s]b`, "a\vb")
	no(`a\Sb`, "a\vb")
	no(`a[\S]b`, "a\vb")
	no(`a[^\s]b`, "a\vb")
	yes(`a\hb`, "a\u00a0b")
	no(`a\Hb`, "a\tb")
	yes(`a[\h-]b`, "a-b")
	yes(`a\vb`, "a\u2028b")
	yes(`a\vb`, "a\rb")
	no(`a\Vb`, "a\nb")
	yes(`a\Rb`, "a\r\nb")
	yes(`a\Rb`, "a\rb")
	no(`a\Nb`, "a\nb")
	yes(`^\N{2}$`, "ab")
	yes(`(?s)a.b`, "a\nb")
	no(`a.b`, "a\nb")
	yes(`a.b`, "a\rb")

	// Characters by other names.
	yes(`\e\a\f\n\r\t\cA\ca`, "\x1b\a\f\n\r\t\x01\x01")
	yes(`\x41\x{41}\u0041\o{101}\101`[:len(`\x41\x{41}\u0041\o{101}`)], "AAAA")
	yes(`\x4g\xg`, "\x04g\x00g")
	yes(`\0\012\0123`, "\x00\n\n3")
	yes(`[\101\b\x42]{3}`, "A\bB")
	yes(`\u2013\–`, "––")
	yes(`\"\'\-\/\_\%\ \#`, `"'-/_% #`)
	yes(`\Qa.b*\E+`, "a.b**")
	yes(`\Q.`, ".")
	yes(`[\Q]^\E-]{3}`, "]^-")
	yes(`a\Eb`, "ab")
	yes(`a{b}{,{1x}`, "a{b}{,{1x}")
	yes(`x{`, "x{")
	yes(`a]}`, "a]}")

	// Classes.
	yes(`[]a]{2}`, "]a")
	yes(`[^]a]`, "b")
	no(`^[^]a]`, "]")
	yes(`[a-\d]{3}`, "a-5")
	yes(`[\d-z]{3}`, "5-z")
	yes(`[-a-]{2}`, "a-")
	yes(`[+--]{3}`, "+,-")
	yes(`[[:alpha:][:^alnum:]]{2}`, "a-")
	yes(`[[:x]{3}`, "[:x")
	yes(`[a[.b]{4}`, "a[.b")
	yes(`\p{L}\pL\P{Lu}\p{^Lu}[\p{Greek}]`, "ééééα")
	yes(`(?i)[A-C]x`, "bX")

	// Groups.
	yes(`(?<a>x)(?P<b>y)(?'c'z)(?|1|2)(?#no)`, "xyz2")
	yes(`a(?#b)+c`, "aac")
	yes(`(?U)a+b`, "aab")
	yes(`(?s-i:a.)`, "a\n")
	yes(`(?)a(?:)`, "a")
	yes(`a\Kb`, "ab")
	yes(`\Ga`, "ab")
	yes(`a+?b*?c??d{2,3}?`, "aadd")

	// A byte that is not UTF-8 is one character, U+FFFD.
	yes(`^.$`, "\xff")
	yes("^\ufffd$", "\xff")
	yes(`^.{3}$`, "\xe2\x80\xff")
	yes(`a[^b]c`, "a\x80c")
	no(`^..$`, "é")
	yes(`\x{ff}`, "ÿ")
	no(`\x{ff}`, "\xff")

	yes(`\bcmd\b`, "a cmd /c")
	no(`\bcmd\b`, "acmd /c")
	yes(`\Bmd\b`, "cmd")
	yes(`\bé`, "aé")
	yes(`^\B$`, "")
	no(`\b`, "")
	yes(`(?m)x\b$`, "x\ny")
	yes(`a\b^b|c`, "c")
	yes(`(?m)\n^b\b`, "a\nb")
	yes(`(^|/)\.[^./]`, ".x")
	no(`(^|/)\.[^./]`, "a.x")
}

func TestFlags(t *testing.T) {
	f := func(source, text string, flags regex.Flags, want bool) {
		t.Helper()
		r := compile(t, source, flags)
		if got, reference := r.Match(text), r.MatchReference(text); got != want || reference != want {
			t.Errorf("%q with %+v in %q: got %v and %v, want %v", source, flags, text, got, reference, want)
		}
	}
	f("A", "a", regex.Flags{}, false)
	f("A", "a", regex.Flags{IgnoreCase: true}, true)
	f("(?-i)A", "a", regex.Flags{IgnoreCase: true}, false)
	f("^b$", "a\nb\nc", regex.Flags{}, false)
	f("^b$", "a\nb\nc", regex.Flags{MultiLine: true}, true)
	f("(?-m)^b$", "a\nb\nc", regex.Flags{MultiLine: true}, false)
	f("a.b", "a\nb", regex.Flags{}, false)
	f("a.b", "a\nb", regex.Flags{DotAll: true}, true)
	f("A.B$", "a\nb\nc", regex.Flags{IgnoreCase: true, MultiLine: true, DotAll: true}, true)
}

func TestRefused(t *testing.T) {
	f := func(source string, position int, reason string) {
		t.Helper()
		r, err := regex.Compile(source, regex.Flags{})
		var refused *regex.Error
		if !errors.As(err, &refused) {
			t.Errorf("%q: got %v and error %v, want an *Error", source, r, err)
			return
		}
		if refused.Position != position || !strings.Contains(refused.Reason, reason) || refused.Remedy == "" {
			t.Errorf("%.50q: got position %d, %q, remedy %q; want position %d and %q",
				source, refused.Position, refused.Reason, refused.Remedy, position, reason)
		}
		if !strings.Contains(err.Error(), refused.Remedy) {
			t.Errorf("%.50q: %q leaves the remedy out", source, err)
		}
	}
	f(`é(?=x)`, 2, "lookahead")
	f(`(?!x)`, 1, "negative lookahead")
	f(`(?<=x)`, 1, "lookbehind")
	f(`(?<!x)`, 1, "negative lookbehind")
	f(`(?>x)`, 1, "atomic")
	f(`ax++`, 3, "possessive")
	f(`x{2}+`, 2, "possessive")
	f(`(a)\1`, 4, "backreference")
	f(`(a)\g1`, 4, "backreference")
	f(`(?<n>a)\k<n>`, 8, "backreference")
	f(`(?P<n>a)(?P=n)`, 9, "backreference")
	f(`(?(1)a|b)`, 1, "conditional")
	f(`(?R)`, 1, "recursion")
	f(`(?1)`, 1, "recursion")
	f(`(?-1)`, 1, "recursion")
	f(`(?+1)`, 1, "recursion")
	f(`(?&n)`, 1, "recursion")
	f(`(?P>n)`, 1, "recursion")
	f(`(?C1)`, 1, "callout")
	f(`(*SKIP)`, 1, "verbs")
	f(`(?x)a`, 3, "free spacing")
	f(`(?^)a`, 1, "no group")
	f(`(?y)a`, 1, "no group")
	f(`(?i`, 1, "never closed")
	f(`(?i-m-s)`, 6, "second -")
	f(`(?<1 >a)`, 1, "name")
	f(`(?#a`, 1, "comment")
	f(`\X`, 1, `\X`)
	f(`\C`, 1, `\C`)
	f(`a\y`, 2, `\y means nothing`)
	f(`C:\Users`, 3, `\U means nothing`)
	f(`\u12`, 1, "four hexadecimal")
	f(`\ud800`, 1, "no Unicode character")
	f(`\x{110000}`, 1, "no Unicode character")
	f(`\x{fffffffffffff}`, 1, "no Unicode character")
	f(`\x{1`, 1, "not followed by a number")
	f(`\o1`, 1, "braces")
	f(`\N{U+41}`, 1, `\N means nothing`)
	f(`\c`, 1, "printable")
	f(`\p`, 1, "Unicode property")
	f(`\p{L&}`, 1, "Unicode property")
	f(`\p{Klingon}`, 0, "is not known")
	f(`a\`, 2, "lone backslash")
	f(`[a\`, 3, "lone backslash")
	f(`[a`, 1, "never closed")
	f(`[]`, 1, "never closed")
	f(`[z-a]`, 2, "out of order")
	f(`[\R]`, 2, "cannot stand in a class")
	f(`[[:klingon:]]`, 2, "no class")
	f(`[[.a.]]`, 2, "collating")
	f(`(a`, 1, "never closed")
	f(`a)`, 2, "closes nothing")
	f(`*a`, 1, "nothing stands before")
	f(`a|{2}`, 3, "nothing stands before")
	f(`(+)`, 2, "nothing stands before")
	f(`a**`, 3, "another quantifier")
	f(`a{2}{3}`, 5, "another quantifier")
	f(`a{,3}`, 2, "some versions")
	f(`a{3,2}`, 2, "at least more")
	f(`a{1001}`, 2, "more than 1000")
	f(`a{99999999999999999999}`, 2, "more than 1000")
	f(`(a{100}){100}`, 0, "inside one another")
	f(`((((((((((a{0,2}){0,2}){0,2}){0,2}){0,2}){0,2}){0,2}){0,2}){0,2}){0,2})`, 0, "inside one another")
	f(`([a-z]{26}x){900}`, 0, "inside one another")
	f(`(abcdefghijklmnopqrstuvwxyz){1000}`, 0, "too large")
	f(strings.Repeat("(ab|c", 2000)+strings.Repeat(")", 2000), 0, "nested")
	f(strings.Repeat("a", 64<<10+1), 0, "65536 are the limit")
	f("a\xff", 2, "not valid UTF-8")
}
