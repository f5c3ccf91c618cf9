package regex

import (
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// alphabet divides the characters into classes whose members no instruction of a program tells apart.
type alphabet struct {
	// ascii gives the class of each ASCII character.
	ascii [utf8.RuneSelf]uint8
	// starts are the first characters of the intervals that the characters are divided into, classes the class of each.
	starts  []rune
	classes []uint8
	// examples are a member of each class.
	examples []rune
}

const (
	// maxClasses bounds the classes, with which the transitions of each state grow.
	maxClasses = 250
	// maxSplits bounds the work of finding them.
	maxSplits = 4 << 20
)

// newAlphabet gives the classes of a program; ok is false when there are too many.
func newAlphabet(prog *syntax.Prog) (a *alphabet, ok bool) {
	sets, asserts := distinctSets(prog)
	if asserts&(syntax.EmptyBeginLine|syntax.EmptyEndLine) != 0 {
		sets = append(sets, []rune{'\n', '\n'})
	}
	if asserts&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) != 0 {
		sets = append(sets, []rune{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'})
	}
	starts := []rune{0}
	for _, set := range sets {
		for i := 0; i < len(set); i += 2 {
			starts = append(starts, set[i])
			if set[i+1] < unicode.MaxRune {
				starts = append(starts, set[i+1]+1)
			}
		}
		if len(starts) > maxSplits {
			return nil, false
		}
	}
	slices.Sort(starts)
	starts = slices.Clip(slices.Compact(starts))
	if len(starts)*len(sets) > maxSplits {
		return nil, false
	}
	classes, ok := split(starts, sets)
	if !ok {
		return nil, false
	}
	a = &alphabet{starts: starts, classes: classes, examples: make([]rune, slices.Max(classes)+1)}
	for i, class := range slices.Backward(classes) {
		a.examples[class] = starts[i]
	}
	for r := range a.ascii {
		a.ascii[r] = a.search(rune(r))
	}
	return a, true
}

// split gives the class of each interval: two are in one if they are in the same sets.
func split(starts []rune, sets [][]rune) (classes []uint8, ok bool) {
	classes = make([]uint8, len(starts))
	for _, set := range sets {
		type part struct {
			class  uint8
			inside bool
		}
		parts := make(map[part]uint8)
		for i, start := range starts {
			p := part{classes[i], inRanges(set, start)}
			class, known := parts[p]
			if !known {
				if len(parts) == maxClasses {
					return nil, false
				}
				class = uint8(len(parts))
				parts[p] = class
			}
			classes[i] = class
		}
	}
	return classes, true
}

// distinctSets gives the sets of characters that the instructions of a program ask for, each as sorted ranges, and the
// assertions it has.
func distinctSets(prog *syntax.Prog) (sets [][]rune, asserts syntax.EmptyOp) {
	seen := make(map[string]bool)
	for i := range prog.Inst {
		inst := &prog.Inst[i]
		var set []rune
		switch inst.Op {
		case syntax.InstEmptyWidth:
			asserts |= syntax.EmptyOp(inst.Arg)
			continue
		case syntax.InstRune1, syntax.InstRune:
			set = instRanges(inst)
		case syntax.InstRuneAnyNotNL:
			set = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
		default:
			continue
		}
		if key := string(set); !seen[key] {
			seen[key] = true
			sets = append(sets, set)
		}
	}
	return sets, asserts
}

// instRanges gives the characters of an InstRune or InstRune1 as sorted ranges.
func instRanges(inst *syntax.Inst) []rune {
	if len(inst.Rune) != 1 {
		return inst.Rune
	}
	members := literalRunes(nil, inst.Rune[0], syntax.Flags(inst.Arg))
	slices.Sort(members)
	ranges := make([]rune, 0, 2*len(members))
	for _, r := range members {
		ranges = append(ranges, r, r)
	}
	return ranges
}

// search gives the class of r by its interval.
func (a *alphabet) search(r rune) uint8 {
	low, high := 0, len(a.starts)
	for high-low > 1 {
		middle := int(uint(low+high) >> 1)
		if r < a.starts[middle] {
			high = middle
		} else {
			low = middle
		}
	}
	return a.classes[low]
}
