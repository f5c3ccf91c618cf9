package regex

import (
	"regexp/syntax"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// dfa finds out whether a program matches anywhere in a text, by an automaton that is made as texts call for it. States once
// made are shared by all goroutines, which read them without a lock.
type dfa struct {
	alphabet *alphabet
	// stride is the length of a state's row of transitions: one for each class of characters, then one for the end.
	stride uint32
	// resting is the state in which only the beginning of the program is waited for, begin the one that texts begin in. They
	// have the same numbers in all generations. restingText and beginText are how they are written.
	begin, resting         uint32
	beginText, restingText string
	// idle are the bytes that do not lead out of resting. When all others are one byte, only is that, else -1.
	idle [256]bool
	only int

	table atomic.Pointer[table]
	// refused grows with each text that was given up, and falls with each that was not although it took new states: what is
	// spent on making states is halved as many times.
	refused atomic.Int32

	// mu guards stepper, what table points to but for the reading of transitions, and the change of table.
	mu      sync.Mutex
	stepper *stepper
}

// table has the transitions of a generation. It is replaced when it has to grow.
type table struct {
	// next gives, at the number of a state plus a class, the number of the next state: unknown, matched, failed, or a
	// multiple of the stride.
	next       []atomic.Uint32
	generation *generation
}

// generation is a set of states. When it has used up its memory, another is begun.
type generation struct {
	states  []string
	numbers map[string]uint32
	bytes   int
}

const (
	unknown = iota
	matched
	failed
	firstSpecial
)

const (
	// maxBytes is about the memory that the states of an expression may take.
	maxBytes = 128 << 10
	// maxRefused is where refused stops.
	maxRefused = 8
	// stateBytes is what a state takes beside its transitions and its text, which is held once: the two headers and its part
	// of a map that is half full.
	stateBytes = 64
)

// newDFA prepares the automaton of a program; nil when its alphabet is too large.
func newDFA(prog *syntax.Prog) *dfa {
	letters, ok := newAlphabet(prog)
	if !ok {
		return nil
	}
	d := &dfa{
		alphabet: letters,
		stride:   max(uint32(len(letters.examples)+1), firstSpecial),
		stepper:  newStepper(prog),
	}
	var begins, rests bool
	d.beginText, begins = d.stepper.begin(atBegin)
	d.restingText, rests = d.stepper.begin(afterOther)
	t := d.renew()
	d.begin, d.resting = d.number(t, d.beginText, begins), d.number(t, d.restingText, rests)
	d.findIdle()
	return d
}

// renew begins a generation, in which begin and resting have their numbers.
func (d *dfa) renew() *table {
	t := &table{
		next:       make([]atomic.Uint32, 8*d.stride),
		generation: &generation{states: make([]string, 1), numbers: make(map[string]uint32)},
	}
	d.table.Store(t)
	for _, state := range []string{d.beginText, d.restingText} {
		if state != "" {
			d.number(t, state, false)
		}
	}
	return d.table.Load()
}

// findIdle finds the bytes that do not lead out of resting.
func (d *dfa) findIdle() {
	d.only = -1
	if d.resting < firstSpecial {
		return
	}
	stays := make([]bool, len(d.alphabet.examples))
	for class, example := range d.alphabet.examples {
		state, found := d.stepper.step(d.restingText, example)
		stays[class] = !found && state == d.restingText
	}
	foreign := true
	for i, class := range d.alphabet.classes {
		if last := i == len(d.alphabet.starts)-1; last || d.alphabet.starts[i+1] > utf8.RuneSelf {
			foreign = foreign && stays[class]
		}
	}
	busy := 0
	for b := range d.idle {
		d.idle[b] = foreign
		if b < utf8.RuneSelf {
			d.idle[b] = stays[d.alphabet.ascii[b]]
		}
		if !d.idle[b] {
			busy++
			d.only = b
		}
	}
	if busy != 1 {
		d.only = -1
	}
}

// match reports whether the program matches anywhere in s. It is not decided when that would take too many new states.
func (d *dfa) match(s string) (found, decided bool) {
	state := d.begin
	if state < firstSpecial {
		return state == matched, true
	}
	t := d.table.Load()
	next := t.next
	ascii := &d.alphabet.ascii
	learned := 0
	for i := 0; i < len(s); {
		if state == d.resting {
			if i = d.skip(s, i); i == len(s) {
				break
			}
		}
		var class uint32
		if c := s[i]; c < utf8.RuneSelf {
			class = uint32(ascii[c])
			i++
		} else {
			r, size := utf8.DecodeRuneInString(s[i:])
			class = uint32(d.alphabet.search(r))
			i += size
		}
		to := next[state+class].Load()
		if to < firstSpecial {
			if to == unknown {
				if learned >= d.allowance(s) {
					d.refused.Store(min(d.refused.Load()+1, maxRefused))
					return false, false
				}
				learned++
				t, to = d.learn(t, state, class)
				next = t.next
			}
			if to < firstSpecial {
				return to == matched, true
			}
		}
		state = to
	}
	end := uint32(len(d.alphabet.examples))
	to := next[state+end].Load()
	if to == unknown {
		_, to = d.learn(t, state, end)
	}
	if learned > 0 {
		d.refused.Store(max(d.refused.Load()-1, 0))
	}
	return to == matched, true
}

// allowance is how many transitions a text may add. One costs about as much as package regexp needs for tens of bytes.
func (d *dfa) allowance(s string) int { return (256 + len(s)/16) >> d.refused.Load() }

// skip gives the place from i on of the first byte that leads out of resting.
func (d *dfa) skip(s string, i int) int {
	if d.only >= 0 {
		if at := strings.IndexByte(s[i:], byte(d.only)); at >= 0 {
			return i + at
		}
		return len(s)
	}
	for i < len(s) && d.idle[s[i]] {
		i++
	}
	return i
}

// learn finds the transition of a state of t, which may be out of date. It gives the present table and the number of the next
// state in it.
func (d *dfa) learn(t *table, state, class uint32) (*table, uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := t.generation.states[state/d.stride]
	now := d.table.Load()
	if now.generation != t.generation {
		state = d.number(now, text, false)
		now = d.table.Load()
	}
	example := rune(-1)
	if int(class) < len(d.alphabet.examples) {
		example = d.alphabet.examples[class]
	}
	following, found := d.stepper.step(text, example)
	to := d.number(now, following, found)
	if present := d.table.Load(); present.generation != now.generation {
		// The memory was used up, and state is gone.
		return present, to
	}
	now = d.table.Load()
	now.next[state+class].Store(to)
	return now, to
}

// number gives the number of a state in the generation of t, the present one, or in a new one if that has no room.
func (d *dfa) number(t *table, state string, found bool) uint32 {
	switch {
	case found:
		return matched
	case state == "":
		return failed
	}
	g := t.generation
	if number, known := g.numbers[state]; known {
		return number
	}
	g.bytes += len(state) + stateBytes + 4*int(d.stride)
	if g.bytes > maxBytes && len(g.states) > 3 {
		return d.number(d.renew(), state, false)
	}
	number := uint32(len(g.states)) * d.stride
	g.states = append(g.states, state)
	g.numbers[state] = number
	if int(number+d.stride) > len(t.next) {
		grown := &table{next: make([]atomic.Uint32, 2*len(t.next)), generation: g}
		for i := range t.next {
			grown.next[i].Store(t.next[i].Load())
		}
		d.table.Store(grown)
	}
	return number
}
