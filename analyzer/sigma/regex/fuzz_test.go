package regex_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// agree checks that everything a Regex says of a text is true of what package regexp finds in it.
func agree(tb testing.TB, r *regex.Regex, text string) {
	tb.Helper()
	want := r.MatchReference(text)
	if got := r.Match(text); got != want {
		tb.Errorf("%q in %.200q: got %v, want %v", r, text, got, want)
	}
	if !want {
		return
	}
	if len(text) < r.MinLength() {
		tb.Errorf("%q is found in %q, which has less than %d bytes", r, text, r.MinLength())
	}
	folded := string(rule.AppendFolded(nil, text))
	contained := func(literal string) bool { return strings.Contains(folded, literal) }
	if literals := r.Literals(); literals != nil && !slices.ContainsFunc(literals, contained) {
		tb.Errorf("%q is found in %q, which has none of %q", r, text, literals)
	}
	for _, set := range r.RequiredBytes() {
		if !slices.ContainsFunc([]byte(text), set.Has) {
			tb.Errorf("%q is found in %q, which has no byte of %x", r, text, set)
		}
	}
}

// wellFormed checks what holds of a Regex whatever the text.
func wellFormed(tb testing.TB, r *regex.Regex) {
	tb.Helper()
	literals := r.Literals()
	if len(literals) > 64 || literals != nil && len(literals) == 0 {
		tb.Errorf("%q has %d literals", r, len(literals))
	}
	for i, literal := range literals {
		if len(literal) < 2 {
			tb.Errorf("%q has the literal %q", r, literal)
		}
		if folded := string(rule.AppendFolded(nil, literal)); folded != literal {
			tb.Errorf("%q has the literal %q, which is not folded", r, literal)
		}
		for j, other := range literals {
			if i != j && strings.Contains(literal, other) {
				tb.Errorf("%q has the literals %q and %q", r, literal, other)
			}
		}
	}
	if sets := r.RequiredBytes(); len(sets) > 4 {
		tb.Errorf("%q has %d required sets of bytes", r, len(sets))
	}
}

func FuzzMatch(f *testing.F) {
	expressions := []string{
		"", "a", "^", "$", "^$", `\b`, `\B`, `\z`, `a$`, `(?m)^a$`, `(?m)$\n^`, `\ba\b`, `\b^\b|x`, `$\b`, `(a|$)b?`,
		`(?i)k`, `(?i)[k-s]+x`, "(?i)\u017ft", `(?i)stra\x{df}e`, `[^a]`, `[^\x00-\x{10ffff}]`, `.`, `(?s).`, `\pL+\d`, `\PL{3}`,
		`[\p{Greek}\p{Cyrillic}]+x`, `(?i)\p{Lu}`, "\ufffd", "[^\ufffd]", "[\ufff0-\uffff]a", `.{3}`, `.{3,}x`, `(a{2,3}){2}b`, `a{0}`,
		`(a+)+$`, `(a|aa)*b`, `(x+x+)+y`, `a?a?a?aaa`, `\s[a-f0-9]{6}\s`, `[\w\-]{9,}`, `(?:\{\d\}){2,}"`, `\{.*\{.*\{`,
		`[Rr][Uu][Nn]`, `https?://[0-9]{1,3}\.`, `(?:[Aa]b|cd\w+)e`, `\Qa.b\E`, `\R\h\v`, `(?:x|)y`, `|a`, `()`, `(?:(?:(?:a)))`,
		`a.*b.*c`, `^a.{2}b$`, `(?i)\.exe["']?\s+[^"]{0,6}we\.exe`, `-[^-\s]{0,20}d`, `x{2}y{0,2}z`,
	}
	texts := []string{
		"", "a", "\n", "a\n", "b\na\nb", "aaaaaaaaaaaaab", "xxxxxxxxxx", "K", "\u212a", "\u017fT", "Straße", "\xff", "a\xffb", "\xe2\x80",
		"é", "αβγx", " abcdef ", "RunDLL", "http://1.2", "{0}{1}\"-f", "a_b c", "\u2028", "\r\n\t\u0085", strings.Repeat("ab", 40),
	}
	for i, expression := range expressions {
		for j, text := range texts {
			f.Add(expression, uint8(i+j), text)
		}
	}
	f.Fuzz(func(t *testing.T, expression string, flags uint8, text string) {
		r, err := regex.Compile(expression, regex.Flags{
			IgnoreCase: flags&1 != 0, MultiLine: flags&2 != 0, DotAll: flags&4 != 0,
		})
		if err != nil {
			return
		}
		wellFormed(t, r)
		agree(t, r, text)
		// The second time, the states are there.
		agree(t, r, text)
		agree(t, r, text+text)
	})
}

// random makes expressions and texts that have much in common.
type random struct{ *rand.Rand }

func (g random) pick(of ...string) string { return of[g.IntN(len(of))] }

func (g random) expression(depth int) string {
	if depth == 0 || g.IntN(4) == 0 {
		return g.pick("a", "b", "k", "S", "ab", "kS", "aba", " ", "-", "é", "ſ", "\ufffd", "x", "[ab]", "[a-k]", "[^a]", "[^k\n]", "[kKsS]", "[é-ü]",
			`\w`, `\W`, `\s`, `\d`, ".", "^", "$", `\b`, `\B`, `\z`, `\A`, `\n`, `[\w-]`, `\pL`, `(?i:k)`, `(?s:.)`, `(?m:^)`, `(?m:$)`, "")
	}
	sub := func() string { return g.expression(depth - 1) }
	switch g.IntN(8) {
	case 0, 1, 2, 3:
		return sub() + sub()
	case 4:
		return "(" + sub() + "|" + sub() + ")"
	case 5:
		return "(?" + g.pick("i", "m", "s", "-i", "im-s") + ":" + sub() + ")"
	case 6:
		return sub() + "(?:" + sub() + "x)" + g.pick("*", "+", "?", "{2}", "{2,}", "{0,3}", "{1,2}", "{3,5}", "{12}")
	default:
		return "(" + sub() + ")" + g.pick("*", "+", "?", "{2}", "{2,}", "{0,3}", "{1,2}", "{3,5}", "{12}", "{3}?", "*?")
	}
}

func (g random) text() string {
	var b strings.Builder
	alphabet := []string{"a", "b", "k", "S", "x", " ", "-", "\n", "é", "ü", "ſ", "K", "\u212a", "A", "7", "\xff", "\xe2\x80", "\ufffd", "aba"}
	alphabet = alphabet[g.IntN(8) : 10+g.IntN(len(alphabet)-9)]
	for range g.IntN(30) {
		b.WriteString(strings.Repeat(g.pick(alphabet...), 1+g.IntN(4)))
	}
	return b.String()
}

// TestRandom compares with package regexp for random expressions and texts.
func TestRandom(t *testing.T) {
	expressions := 6000
	if testing.Short() || raceEnabled {
		expressions = 600
	}
	g := random{rand.New(rand.NewPCG(1, 2))}
	found, lost := 0, 0
	for range expressions {
		source := g.expression(1 + g.IntN(5))
		flags := regex.Flags{IgnoreCase: g.IntN(3) == 0, MultiLine: g.IntN(3) == 0, DotAll: g.IntN(3) == 0}
		r, err := regex.Compile(source, flags)
		if err != nil {
			lost++
			continue
		}
		wellFormed(t, r)
		for range 40 {
			text := g.text()
			agree(t, r, text)
			if r.MatchReference(text) {
				found++
			}
		}
	}
	if all := 40 * expressions; found < all/10 || found > all*9/10 || lost > expressions/4 {
		t.Errorf("%d of %d texts match, and %d of %d expressions were refused: the generator is worth little", found, all, lost, expressions)
	}
}
