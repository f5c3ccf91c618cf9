package rule

import "strconv"

// Decimal is a number that keeps whole numbers whole: a float64 cannot tell large ones apart.
type Decimal struct {
	whole   int64
	real    float64
	isWhole bool
}

// ParseDecimal reads a decimal number; ok is false for anything else, NaN and hexadecimal numbers among it.
func ParseDecimal(s string) (d Decimal, ok bool) {
	// The parsers allocate an error for text, which most values are.
	if !looksDecimal(s) {
		return Decimal{}, false
	}
	if whole, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Decimal{whole: whole, real: float64(whole), isWhole: true}, true
	}
	real, err := strconv.ParseFloat(s, 64)
	return Decimal{real: real}, err == nil
}

// looksDecimal reports whether s is made of a sign, digits, a point and an exponent.
func looksDecimal(s string) bool {
	digits := false
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits = true
		case c == '+' || c == '-':
			if i > 0 && s[i-1] != 'e' && s[i-1] != 'E' {
				return false
			}
		case c == '.' || c == 'e' || c == 'E':
			if c != '.' && !digits {
				return false
			}
		default:
			return false
		}
	}
	return digits
}

// Whole makes a Decimal of an integer.
func Whole(n int64) Decimal { return Decimal{whole: n, real: float64(n), isWhole: true} }

// Compare gives -1, 0 or 1 as d is less than, equal to, or greater than other.
func (d Decimal) Compare(other Decimal) int {
	if d.isWhole && other.isWhole {
		switch {
		case d.whole < other.whole:
			return -1
		case d.whole > other.whole:
			return 1
		}
		return 0
	}
	switch {
	case d.real < other.real:
		return -1
	case d.real > other.real:
		return 1
	}
	return 0
}

// Satisfies reports whether d stands in the relation to than.
func (d Decimal) Satisfies(r Relation, than Decimal) bool {
	switch d.Compare(than) {
	case -1:
		return r.Less
	case 1:
		return r.Greater
	}
	return r.Equal
}
