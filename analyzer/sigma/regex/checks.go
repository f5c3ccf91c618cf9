package regex

import (
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checks refute most texts without an automaton.
type checks struct {
	minLength int
	// run is a number of bytes of a set that have to stand side by side; nil without one that is worth looking for.
	run *byteRun
	// literals are texts of which one has to be there as it is; nil without.
	literals []string
	// exact decides by itself what all of the expression asks for; nil when that takes an automaton.
	exact *runeRun
}

func newChecks(re *syntax.Regexp, minLength int) checks {
	return checks{
		minLength: minLength,
		run:       newByteRun(re),
		literals:  plainLiterals(re),
		exact:     newRuneRun(re),
	}
}

// refute reports whether the expression cannot be found in s. When it does not, nothing is known.
func (c *checks) refute(s string) bool {
	if len(s) < c.minLength || c.run != nil && !c.run.in(s) {
		return true
	}
	for _, literal := range c.literals {
		if strings.Contains(s, literal) {
			return false
		}
	}
	return c.literals != nil
}

// byteRun is a number of bytes of a set, side by side.
type byteRun struct {
	length int
	has    [256]bool
}

// newByteRun gives the run in every match of re that texts have least; nil when there is none of use.
func newByteRun(re *syntax.Regexp) *byteRun {
	// Shorter runs are met too often for looking at every few bytes only to pay.
	const shortest = 4
	var best extent
	bestScore := 0.0
	extentOf(re, func(e extent) {
		if e.length < shortest {
			return
		}
		if score := float64(e.length) * (1 - e.set.share()); score > bestScore {
			best, bestScore = e, score
		}
	})
	if bestScore < shortest {
		return nil
	}
	run := &byteRun{length: best.length}
	for i := range run.has {
		run.has[i] = best.set.Has(byte(i))
	}
	return run
}

// in reports whether the run is in s. It looks at the last byte a run from start would have first, and so mostly at few.
func (r *byteRun) in(s string) bool {
	// Bytes from start up to known are of the set.
	for start, known := 0, 0; start+r.length <= len(s); {
		last := start + r.length
		at := last - 1
		for at >= known && r.has[s[at]] {
			at--
		}
		if at < known {
			return true
		}
		start, known = at+1, last
	}
	return false
}

// runeRun is a number of characters of a class, side by side.
type runeRun struct {
	length int
	ascii  [utf8.RuneSelf]bool
	// ranges are of the characters of the class, each with its first and its last.
	ranges []rune
}

// newRuneRun gives the run that an expression asks for, if that is all it does: a class, any number of times from some
// number on. How many there are beyond that makes no difference when nothing else is asked for.
func newRuneRun(re *syntax.Regexp) *runeRun {
	length := 1
	for len(re.Sub) == 1 {
		switch re.Op {
		case syntax.OpPlus, syntax.OpCapture:
		case syntax.OpRepeat:
			// In (x{2}){3} the counts multiply; in (x{2,3}){3} too, as long as the least is asked of each.
			length *= re.Min
		default:
			return nil
		}
		re = re.Sub[0]
	}
	if length == 0 {
		return nil
	}
	run := &runeRun{length: length}
	switch re.Op {
	case syntax.OpCharClass:
		run.ranges = re.Rune
	case syntax.OpAnyChar:
		run.ranges = []rune{0, unicode.MaxRune}
	case syntax.OpAnyCharNotNL:
		run.ranges = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	default:
		return nil
	}
	for r := range run.ascii {
		run.ascii[r] = inRanges(run.ranges, rune(r))
	}
	return run
}

// in reports whether the run is in s.
func (r *runeRun) in(s string) bool {
	count := 0
	for _, c := range s {
		if c < utf8.RuneSelf && r.ascii[c] || c >= utf8.RuneSelf && inRanges(r.ranges, c) {
			if count++; count == r.length {
				return true
			}
			continue
		}
		count = 0
	}
	return false
}

// inRanges reports whether r is in one of sorted ranges, each given by its first and last character.
func inRanges(ranges []rune, r rune) bool {
	low, high := 0, len(ranges)/2
	for low < high {
		middle := int(uint(low+high) >> 1)
		switch {
		case r < ranges[2*middle]:
			high = middle
		case r > ranges[2*middle+1]:
			low = middle + 1
		default:
			return true
		}
	}
	return false
}
