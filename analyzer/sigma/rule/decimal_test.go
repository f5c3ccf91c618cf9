package rule

import (
	"math"
	"strconv"
	"testing"
)

func TestParseDecimal(t *testing.T) {
	f := func(text string, want Decimal) {
		t.Helper()
		got, ok := ParseDecimal(text)
		if !ok || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, ok, want)
		}
	}
	f("0", Whole(0))
	f("-5", Whole(-5))
	f("+5", Whole(5))
	f("007", Whole(7))
	f("9223372036854775807", Whole(math.MaxInt64))
	f("1.5", Decimal{real: 1.5})
	f(".5", Decimal{real: 0.5})
	f("5.", Decimal{real: 5})
	f("-1e3", Decimal{real: -1000})
	f("1E-2", Decimal{real: 0.01})
	f("9223372036854775808", Decimal{real: 9223372036854775808})

	for _, text := range []string{"", "-", "+", ".", "e", "e5", "1e", "1e+", "--1", "1-1", "1.2.3", "0x10", "1_000", "NaN", "inf", " 1", "1 ", "1e999", "١"} {
		if d, ok := ParseDecimal(text); ok {
			t.Errorf("%q is no decimal number, got %+v", text, d)
		}
	}
}

func TestCompareDecimals(t *testing.T) {
	f := func(a, b string, want int) {
		t.Helper()
		x, _ := ParseDecimal(a)
		y, _ := ParseDecimal(b)
		if got := x.Compare(y); got != want {
			t.Errorf("%s to %s: got %d, want %d", a, b, got, want)
		}
		if got := y.Compare(x); got != -want {
			t.Errorf("%s to %s: got %d, want %d", b, a, got, -want)
		}
		for _, relation := range []Relation{{Less: true}, {Equal: true}, {Greater: true}, {Less: true, Greater: true}} {
			holds := want < 0 && relation.Less || want == 0 && relation.Equal || want > 0 && relation.Greater
			if x.Satisfies(relation, y) != holds {
				t.Errorf("%s %s %s: want %v", a, showRelation(relation), b, holds)
			}
		}
	}
	f("1", "2", -1)
	f("2", "2", 0)
	f("2", "2.0", 0)
	f("-3", "2.5", -1)
	f("2.5", "2.25", 1)
	// A float64 cannot tell these apart.
	f("9007199254740993", "9007199254740992", 1)
}

func FuzzDecimal(f *testing.F) {
	for _, text := range []string{"1", "-1.5e3", "1e999", "..", "5e", "+.5", "NaN", "0x1p-2", "1_0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := ParseDecimal(text)
		real, err := strconv.ParseFloat(text, 64)
		if ok && (err != nil || real != d.real) {
			t.Fatalf("%q: got %+v, but %v, %v", text, d, real, err)
		}
	})
}
