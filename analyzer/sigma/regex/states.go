package regex

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// A state of the automaton is the set of instructions that the program may be at after the characters read so far; as the
// expression is searched for anywhere, it may also be at its beginning. The instructions are those that wait for a character,
// and the assertions that cannot be decided before the next character is known. A state is written as a string: one byte for
// what was read last, if its assertions may ask for that, then two bytes for each instruction, in order.

// What was read last.
const (
	afterOther = iota
	afterWord
	afterLineFeed
	atBegin
)

// afterExample gives a character for what was read last; -1 for none.
func afterExample(after byte) rune { return [...]rune{' ', 'a', '\n', -1}[after] }

// afterRune gives what was read last when it is r.
func afterRune(r rune) byte {
	switch {
	case r == '\n':
		return afterLineFeed
	case syntax.IsWordChar(r):
		return afterWord
	}
	return afterOther
}

const (
	// behind are the assertions about what was read alone.
	behind = syntax.EmptyBeginLine | syntax.EmptyBeginText
	// around are those about what was read and what comes.
	around = syntax.EmptyWordBoundary | syntax.EmptyNoWordBoundary
	// every is all of them.
	every = behind | around | syntax.EmptyEndLine | syntax.EmptyEndText
)

// stepper computes states. It is of one goroutine at a time.
type stepper struct {
	prog *syntax.Prog
	// now and next are the sets being made.
	now, next pcSet
	stack     []uint32
	key       []byte
	// same gives, for what was read last, what the program's assertions cannot tell from it.
	same [atBegin + 1]byte
}

// pcSet is a set of instructions, in the order in which they were put in.
type pcSet struct {
	pcs     []uint32
	in      []uint32
	round   uint32
	matches bool
}

func (s *pcSet) clear() {
	s.pcs, s.matches = s.pcs[:0], false
	if s.round++; s.round == 0 {
		clear(s.in)
		s.round = 1
	}
}

func (s *pcSet) add(pc uint32) bool {
	if s.in[pc] == s.round {
		return false
	}
	s.in[pc] = s.round
	return true
}

func newStepper(prog *syntax.Prog) *stepper {
	n := len(prog.Inst)
	s := &stepper{prog: prog, now: pcSet{in: make([]uint32, n)}, next: pcSet{in: make([]uint32, n)}}
	_, asserts := distinctSets(prog)
	for after, op := range map[byte]syntax.EmptyOp{
		afterWord: around, afterLineFeed: syntax.EmptyBeginLine, atBegin: behind,
	} {
		if asserts&op != 0 {
			s.same[after] = after
		}
	}
	return s
}

// follow adds to the set what is reached from pc without reading. Of the assertions, those in known are decided: those in
// holding hold.
func (s *stepper) follow(set *pcSet, pc uint32, holding, known syntax.EmptyOp) {
	s.stack = append(s.stack[:0], pc)
	for len(s.stack) > 0 {
		pc := s.stack[len(s.stack)-1]
		s.stack = s.stack[:len(s.stack)-1]
		if !set.add(pc) {
			continue
		}
		inst := &s.prog.Inst[pc]
		switch inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			s.stack = append(s.stack, inst.Arg, inst.Out)
		case syntax.InstCapture, syntax.InstNop:
			s.stack = append(s.stack, inst.Out)
		case syntax.InstEmptyWidth:
			asks := syntax.EmptyOp(inst.Arg)
			switch {
			case asks&known&^holding != 0:
			case asks&^known == 0:
				s.stack = append(s.stack, inst.Out)
			default:
				set.pcs = append(set.pcs, pc)
			}
		case syntax.InstMatch:
			set.matches = true
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			set.pcs = append(set.pcs, pc)
		case syntax.InstFail:
		}
	}
}

// begin gives the state in which nothing but the beginning of the program is waited for, and whether that matches at once.
func (s *stepper) begin(after byte) (state string, matched bool) {
	s.next.clear()
	s.enter(uint32(s.prog.Start), after)
	return s.write(after), s.next.matches
}

// enter adds to next what is reached from pc, after what was read last.
func (s *stepper) enter(pc uint32, after byte) {
	s.follow(&s.next, pc, syntax.EmptyOpContext(afterExample(after), utf8.RuneError), behind)
}

// step gives the state that follows state when r is read, or the end of the text when r is -1; and whether there was a match
// before or is one after. The empty state is never left.
func (s *stepper) step(state string, r rune) (next string, matched bool) {
	s.now.clear()
	before := state[0]
	holding := syntax.EmptyOpContext(afterExample(before), r)
	for i := 1; i < len(state); i += 2 {
		s.follow(&s.now, uint32(state[i])<<8|uint32(state[i+1]), holding, every)
	}
	if s.now.matches {
		return "", true
	}
	if r < 0 {
		return "", false
	}
	s.next.clear()
	after := afterRune(r)
	for _, pc := range s.now.pcs {
		if inst := &s.prog.Inst[pc]; inst.MatchRune(r) {
			s.enter(inst.Out, after)
		}
	}
	s.enter(uint32(s.prog.Start), after)
	return s.write(after), s.next.matches
}

// write gives next as a state. Only where a line feed may begin a match is a state without instructions ever left.
func (s *stepper) write(after byte) string {
	if len(s.next.pcs) == 0 && s.same[afterLineFeed] == afterOther {
		return ""
	}
	slices.Sort(s.next.pcs)
	s.key = append(s.key[:0], afterOther)
	for _, pc := range s.next.pcs {
		if s.prog.Inst[pc].Op == syntax.InstEmptyWidth {
			s.key[0] = s.same[after]
		}
		s.key = append(s.key, byte(pc>>8), byte(pc))
	}
	return string(s.key)
}
