package sigmatest

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Item gives a random line of a selection, with a few or rarely many values that are mostly of one kind.
func (r Random) Item() *rule.Item {
	it := &rule.Item{Field: r.field(), All: r.oneIn(4), Negated: r.oneIn(6), Line: 1 + r.IntN(50)}
	if r.oneIn(12) {
		it.Field = ""
	}
	kind := r.testKind(it.Field)
	count := 1
	if r.oneIn(2) {
		count += r.IntN(5)
	}
	if r.oneIn(10) {
		count += r.IntN(6)
	}
	if r.oneIn(25) {
		count += r.IntN(60)
	}
	for n := range count {
		if it.Field != "" && r.oneIn(12) {
			kind = r.IntN(len(r.tests()))
		}
		test := r.tests()[kind]()
		it.Values = append(it.Values, rule.Value{Source: fmt.Sprintf("value %d", n), Test: test})
	}
	it.Source = it.Field + "|random"
	return it
}

// tests makes tests of each kind; the first two are those that keywords can be.
func (r Random) tests() []func() rule.Test {
	return []func() rule.Test{r.textTest, r.regexTest, r.numberTest, r.timeTest, r.networkTest, r.fieldRefTest, r.nullTest, r.existsTest}
}

// testKind is an index into tests, mostly of what suits the field.
func (r Random) testKind(field string) int {
	if field == "" {
		return r.IntN(6) / 5
	}
	if r.oneIn(6) {
		return r.IntN(len(r.tests()))
	}
	switch field {
	case "Port":
		return 2
	case "Time":
		return 3
	case "Address":
		return 4
	}
	return r.IntN(8) / 7
}

func (r Random) nullTest() rule.Test { return rule.Null{} }

func (r Random) existsTest() rule.Test { return rule.Exists(r.oneIn(2)) }

func (r Random) fieldRefTest() rule.Test {
	return rule.FieldRef{Other: r.field(), Cased: r.oneIn(4), OpenHead: r.oneIn(2), OpenTail: r.oneIn(2)}
}

func (r Random) networkTest() rule.Test {
	return rule.Network(netip.MustParsePrefix(pick(r, "10.0.0.0/8", "10.1.2.0/24", "192.168.1.7/32", "0.0.0.0/0", "::/0", "2001:db8::/32", "fe80::/10", "127.0.0.0/8")))
}

func (r Random) numberTest() rule.Test {
	than, _ := rule.ParseDecimal(pick(r, "-5", "0", "4", "4.5", "443", "1000", "9007199254740992", "1e3"))
	return rule.Number{Relation: r.relation(), Than: than}
}

func (r Random) timeTest() rule.Test {
	part := rule.TimePart(1 + r.IntN(6))
	than := pick(r, map[rule.TimePart][]int64{
		rule.Minute: {0, 5, 13}, rule.Hour: {0, 13, 22}, rule.Day: {1, 14, 30}, rule.Week: {1, 46, 53}, rule.Month: {1, 11, 12}, rule.Year: {2021, 2023, 2024},
	}[part]...)
	return rule.Number{Part: part, Relation: r.relation(), Than: rule.Whole(than)}
}

func (r Random) relation() rule.Relation {
	return pick(r, rule.Relation{Equal: true}, rule.Relation{Less: true}, rule.Relation{Greater: true}, rule.Relation{Less: true, Equal: true},
		rule.Relation{Greater: true, Equal: true}, rule.Relation{Less: true, Greater: true})
}

func (r Random) regexTest() rule.Test {
	source := pick(r, `cmd`, `a.*b`, `^C:\\`, `\.exe$`, `[ab]{2,}`, `(net|curl)\.?`, `\d+`, `.{40,}`, `^$`, `\s-e(nc)?\s`, `(?i)POWER[s-z]hell`, `[[:upper:]]{3}`,
		`ö`, `Σ|σ`, `^.$`, `[^ -~]`, `\bk\b`, `(a|b)*s`, `–`, `x?`, `e.{3,9}e`, `[\\/]t[aeiou]mp[\\/]`, `^(?:sc|net)\s`, `%$`)
	flags := regex.Flags{IgnoreCase: r.oneIn(2), MultiLine: r.oneIn(4), DotAll: r.oneIn(4)}
	compiled, err := regex.Compile(source, flags)
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot compile regular expression %q: %v", source, err))
	}
	return rule.Regex{Regex: compiled}
}

func (r Random) textTest() rule.Test {
	t := rule.Text{Cased: r.oneIn(5)}
	for more := true; more; more = r.oneIn(10) {
		t.Alternatives = append(t.Alternatives, r.pattern())
	}
	return t
}

// pattern gives a pattern of one of the usual shapes, or rarely of any.
func (r Random) pattern() rule.Pattern {
	anyText, dash, literal := rule.Token{Kind: rule.AnyText}, rule.Token{Kind: rule.AnyDash}, rule.Token{Kind: rule.Literal, Text: r.literal()}
	switch r.IntN(10) {
	case 0, 1, 2:
		return rule.Pattern{anyText, literal, anyText}
	case 3, 4:
		return rule.Pattern{anyText, literal}
	case 5:
		return rule.Pattern{literal, anyText}
	case 6:
		return rule.Pattern{literal}
	case 7:
		return rule.Pattern{anyText, dash, literal, anyText}
	case 8:
		return rule.Pattern{anyText, literal, anyText, {Kind: rule.Literal, Text: r.literal()}, anyText}
	}
	var p rule.Pattern
	for range r.IntN(7) {
		t := rule.Token{Kind: rule.TokenKind(r.IntN(4))}
		if t.Kind == rule.Literal {
			t.Text = r.literal()
		}
		if n := len(p); n > 0 && p[n-1].Kind == t.Kind && (t.Kind == rule.Literal || t.Kind == rule.AnyText) {
			continue
		}
		p = append(p, t)
	}
	return p
}

// literal gives the text of a token: a whole value, a part of one, or as short as one byte.
func (r Random) literal() string {
	if r.oneIn(8) {
		return strings.TrimSpace(r.text(4)) + "x"
	}
	return r.text(1 + r.IntN(2))
}
