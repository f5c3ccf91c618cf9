package regex

import (
	"math"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// foldedLiterals gives the texts for Regex.Literals.
func foldedLiterals(re *syntax.Regexp) []string {
	f := finder{fold: true, most: 64, shortest: 2}
	return f.best(f.pieces(re))
}

// plainLiterals gives texts, as they are, of which every match contains at least one; nil without.
func plainLiterals(re *syntax.Regexp) []string {
	f := finder{most: 3, shortest: 1}
	return f.best(f.pieces(re))
}

// finder looks for texts that every match of an expression contains.
type finder struct {
	// fold asks for folded texts.
	fold bool
	// most is how many texts there may be, shortest the fewest bytes each may have.
	most, shortest int
}

// piece is a part of every match, in sequence with others. When it is exact, it is one of texts, which may be empty.
type piece struct {
	exact bool
	texts []string
	// inside are texts of which it contains at least one, as far as they are known; they may be fewer than texts.
	inside []string
}

const (
	// maxPieces bounds the pieces that a repetition is written out to.
	maxPieces = 64
	// maxText is about the length at which texts stop growing, in bytes.
	maxText = 128
)

// pieces takes an expression apart.
func (f *finder) pieces(re *syntax.Regexp) []piece {
	unknown := []piece{{}}
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return nil
	case syntax.OpNoMatch:
		// Nothing matches, so that anything holds of all matches; the unknown is the simplest.
		return unknown
	case syntax.OpLiteral:
		found := make([]piece, 0, len(re.Rune))
		var orbit []rune
		for _, r := range re.Rune {
			orbit = literalRunes(orbit[:0], r, re.Flags)
			found = append(found, f.runes(orbit))
		}
		return found
	case syntax.OpCharClass:
		var members []rune
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				// A folded text stands for up to four characters.
				if members = append(members, r); len(members) > 4*f.most {
					return unknown
				}
			}
		}
		return []piece{f.runes(members)}
	case syntax.OpCapture:
		return f.pieces(re.Sub[0])
	case syntax.OpConcat:
		var found []piece
		for _, sub := range re.Sub {
			found = append(found, f.pieces(sub)...)
		}
		return found
	case syntax.OpAlternate:
		return []piece{f.alternatives(re.Sub)}
	case syntax.OpQuest:
		return []piece{f.optional(re.Sub[0])}
	case syntax.OpPlus:
		return repeated(f.pieces(re.Sub[0]), 1, -1)
	case syntax.OpRepeat:
		switch {
		case re.Min > 0:
			return repeated(f.pieces(re.Sub[0]), re.Min, re.Max)
		case re.Max == 1:
			return []piece{f.optional(re.Sub[0])}
		case re.Max == 0:
			return nil
		}
	}
	return unknown
}

// runes is a piece of one character.
func (f *finder) runes(members []rune) piece {
	var texts []string
	for _, r := range members {
		// The bytes that are read as U+FFFD are many.
		if r == utf8.RuneError {
			return piece{}
		}
		if f.fold {
			r = foldRune(r)
		}
		if text := string(r); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if len(texts) > f.most {
		return piece{}
	}
	return piece{exact: len(texts) > 0, texts: texts}
}

// alternatives is a piece that is one of several expressions.
func (f *finder) alternatives(branches []*syntax.Regexp) piece {
	all := piece{exact: true}
	contained := true
	for _, branch := range branches {
		pieces := f.pieces(branch)
		if all.exact {
			texts, exact := f.product(pieces)
			all.texts = append(all.texts, texts...)
			all.exact = exact && len(all.texts) <= f.most
		}
		if contained {
			texts := f.best(pieces)
			all.inside = append(all.inside, texts...)
			contained = texts != nil && len(all.inside) <= f.most
		}
	}
	if !contained {
		all.inside = nil
	}
	if !all.exact {
		all.texts = nil
	}
	return all
}

// optional is a piece that is an expression or nothing.
func (f *finder) optional(re *syntax.Regexp) piece {
	texts, exact := f.product(f.pieces(re))
	if !exact || len(texts) == f.most {
		return piece{}
	}
	return piece{exact: true, texts: append(slices.Clip(texts), "")}
}

// repeated is pieces at least low times, and at most high times, if that is not -1.
func repeated(pieces []piece, low, high int) []piece {
	if len(pieces) == 0 {
		return nil
	}
	copies := max(1, min(low, maxPieces/len(pieces)))
	found := slices.Repeat(pieces, copies)
	if low == high && copies == low {
		return found
	}
	// The first ones touch what goes before, the last ones what comes after.
	return append(append(found, piece{}), slices.Repeat(pieces, copies)...)
}

// product gives all texts that exact pieces make, if they are few.
func (f *finder) product(pieces []piece) (texts []string, ok bool) {
	count, length := 1, 0
	for _, p := range pieces {
		count *= len(p.texts)
		if !p.exact || count > f.most {
			return nil, false
		}
		if length += longest(p.texts); length > maxSource {
			return nil, false
		}
	}
	texts = []string{""}
	for begin := 0; begin < len(pieces); {
		// Runs of single texts, of which literals are made, are joined at once.
		var single strings.Builder
		end := begin
		for ; end < len(pieces) && len(pieces[end].texts) == 1; end++ {
			single.WriteString(pieces[end].texts[0])
		}
		next := []string{single.String()}
		if end == begin {
			next = pieces[end].texts
			end++
		}
		joined := make([]string, 0, len(texts)*len(next))
		for _, head := range texts {
			for _, tail := range next {
				joined = append(joined, head+tail)
			}
		}
		texts, begin = joined, end
	}
	return texts, true
}

// best gives the texts of which each match of the pieces contains one, that are likely found in the fewest values; nil when
// there are none.
func (f *finder) best(pieces []piece) []string {
	score := math.Inf(-1)
	var inside []string
	from, to := 0, 0
	// better reports whether texts of that number and least length are better than those before.
	better := func(count, length int) bool {
		if length < f.shortest || worth(count, length) <= score {
			return false
		}
		score = worth(count, length)
		return true
	}
	for i, p := range pieces {
		if p.inside != nil && better(len(p.inside), shortest(p.inside)) {
			inside = p.inside
		}
		count, length := 1, 0
		for j := i; j < len(pieces) && pieces[j].exact && length < maxText; j++ {
			if count *= len(pieces[j].texts); count > f.most {
				break
			}
			length += shortest(pieces[j].texts)
			if better(count, length) {
				inside, from, to = nil, i, j+1
			}
		}
	}
	if inside == nil && to > from {
		inside, _ = f.product(pieces[from:to])
	}
	return reduced(inside)
}

// worth says how good it is that every match has one of some texts of at least that length. A byte is worth more in a short
// text: indexes are over four bytes, and a text of eight is rare already. A second text of the same length costs less than a
// byte adds.
func worth(count, length int) float64 {
	bits := 5*float64(min(length, 4)) + 3*float64(max(min(length, 8)-4, 0)) + float64(max(min(length, 16)-8, 0)) + float64(length)/maxText
	return bits - 1.7*math.Log2(float64(count))
}

// shortest gives the length of the shortest text.
func shortest(texts []string) int {
	n := math.MaxInt
	for _, text := range texts {
		n = min(n, len(text))
	}
	return n
}

// longest gives the length of the longest text.
func longest(texts []string) int {
	n := 0
	for _, text := range texts {
		n = max(n, len(text))
	}
	return n
}

// reduced leaves out texts that contain another one.
func reduced(texts []string) []string {
	var kept []string
	for i, text := range texts {
		redundant := func(other string) bool { return other != text && strings.Contains(text, other) }
		if !slices.Contains(texts[:i], text) && !slices.ContainsFunc(texts, redundant) {
			kept = append(kept, text)
		}
	}
	return kept
}
