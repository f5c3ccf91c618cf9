package regex

import (
	"cmp"
	"math"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// ByteSet is a set of bytes: bit b%64 of word b/64 stands for b.
type ByteSet [4]uint64

// Has reports whether b is in the set.
func (s *ByteSet) Has(b byte) bool { return s[b>>6]>>(b&63)&1 != 0 }

func (s *ByteSet) add(b byte) { s[b>>6] |= 1 << (b & 63) }

// addRange adds the bytes that characters from low to high may begin or continue with. A byte that is not ASCII may belong to
// any character that is not, valid UTF-8 or no.
func (s *ByteSet) addRange(low, high rune) {
	for r := low; r <= min(high, unicode.MaxASCII); r++ {
		s.add(byte(r))
	}
	if high > unicode.MaxASCII {
		s[2], s[3] = math.MaxUint64, math.MaxUint64
	}
}

func (s *ByteSet) union(other ByteSet) {
	for i := range s {
		s[i] |= other[i]
	}
}

// share guesses the part of the bytes of a value that are in the set, from what command lines and paths are made of.
func (s *ByteSet) share() float64 {
	const lower, upper, digit, separator, other, foreign = 0.56 / 26, 0.12 / 26, 0.12 / 10, 0.11 / 5, 0.08 / 28, 0.01 / 161
	sum := 0.0
	for i := range 256 {
		b := byte(i)
		if !s.Has(b) {
			continue
		}
		switch {
		case 'a' <= b && b <= 'z':
			sum += lower
		case 'A' <= b && b <= 'Z':
			sum += upper
		case '0' <= b && b <= '9':
			sum += digit
		case b == ' ' || b == '\\' || b == '.' || b == '-' || b == '"':
			sum += separator
		case '!' <= b && b <= '~':
			sum += other
		default:
			sum += foreign
		}
	}
	return sum
}

// runeBytes gives the fewest bytes of text that may be read as r.
func runeBytes(r rune) int {
	if r == utf8.RuneError {
		return 1
	}
	return utf8.RuneLen(r)
}

// literalRunes gives the characters that a character of a literal stands for.
func literalRunes(dst []rune, r rune, flags syntax.Flags) []rune {
	if flags&syntax.FoldCase != 0 {
		return appendOrbit(dst, r)
	}
	return append(dst, r)
}

// maxLength is where lengths stop growing.
const maxLength = 1 << 30

// extent is what is known of the bytes of every match of an expression: that there are at least length of them, and that all
// are in set.
type extent struct {
	length int
	set    ByteSet
}

// extentOf gives the extent of re. For each part that every match has, it calls part.
func extentOf(re *syntax.Regexp, part func(extent)) extent {
	var e extent
	nested := part
	switch re.Op {
	case syntax.OpLiteral:
		var orbit []rune
		for _, r := range re.Rune {
			var one extent
			one.length = utf8.UTFMax
			orbit = literalRunes(orbit[:0], r, re.Flags)
			for _, r := range orbit {
				one.set.addRange(r, r)
				one.length = min(one.length, runeBytes(r))
			}
			part(one)
			e.length += one.length
			e.set.union(one.set)
		}
		return e
	case syntax.OpCharClass:
		e.length = utf8.UTFMax
		for i := 0; i+1 < len(re.Rune); i += 2 {
			low, high := re.Rune[i], re.Rune[i+1]
			e.set.addRange(low, high)
			e.length = min(e.length, runeBytes(low))
			if low <= utf8.RuneError && utf8.RuneError <= high {
				e.length = 1
			}
		}
		part(e)
		return e
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		e.length = 1
		e.set.addRange(0, unicode.MaxRune)
		if re.Op == syntax.OpAnyCharNotNL {
			e.set[0] &^= 1 << '\n'
		}
		part(e)
		return e
	case syntax.OpAlternate, syntax.OpStar, syntax.OpQuest:
		nested = func(extent) {}
	case syntax.OpRepeat:
		if re.Min == 0 {
			nested = func(extent) {}
		}
	}
	for i, sub := range re.Sub {
		of := extentOf(sub, nested)
		e.set.union(of.set)
		switch {
		case re.Op == syntax.OpStar || re.Op == syntax.OpQuest:
		case re.Op == syntax.OpRepeat:
			e.length = min(of.length*re.Min, maxLength)
		case re.Op == syntax.OpAlternate && i > 0:
			e.length = min(e.length, of.length)
		default:
			e.length = min(e.length+of.length, maxLength)
		}
	}
	if e.length > 0 {
		part(e)
	}
	return e
}

// minLength gives a number of bytes that every match of re has at least.
func minLength(re *syntax.Regexp) int { return extentOf(re, func(extent) {}).length }

// requiredBytes gives the sets for Regex.RequiredBytes.
func requiredBytes(re *syntax.Regexp) []ByteSet {
	const most = 4
	// A set with much of what values are made of refutes next to none.
	const tooCommon = 0.5
	type scored struct {
		set   ByteSet
		share float64
	}
	var found []scored
	extentOf(re, func(e extent) {
		if slices.ContainsFunc(found, func(s scored) bool { return s.set == e.set }) {
			return
		}
		if share := e.set.share(); share < tooCommon {
			found = append(found, scored{e.set, share})
			slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(a.share, b.share) })
			found = found[:min(len(found), most)]
		}
	})
	var sets []ByteSet
	for _, s := range found {
		sets = append(sets, s.set)
	}
	return sets
}
