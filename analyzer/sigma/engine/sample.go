package engine

import (
	"math/bits"
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

const (
	// sampleSize is the number of events that a plan goes by.
	sampleSize = 512
	// longestSampled bounds, in bytes, what is kept of a value, and mostSampledValues how many values of an event.
	longestSampled    = 2 << 10
	mostSampledValues = 128
)

// sample is some of the events that a program has seen, each as likely as any other.
type sample struct {
	events []sampled
	// offered is the number of events that these were taken from.
	offered uint64
	random  *rand.Rand
}

// sampled is an event in a sample: the ends of its folded texts in memory of its own, and the field that each is of or
// everyValue.
type sampled struct {
	fields []int32
	ends   []int32
	memory []byte
}

func (m *sample) size() int { return len(m.events) }

// offer takes the event of a scratch into the sample, or not, with keywords' values if wanted.
func (m *sample) offer(s *scratch, withEvery bool) {
	m.offered++
	place := uint64(len(m.events))
	if place == sampleSize {
		if m.random == nil {
			m.random = rand.New(rand.NewPCG(1, 2))
		}
		if place = m.random.Uint64N(m.offered); place >= sampleSize {
			return
		}
	} else {
		m.events = append(m.events, sampled{})
	}
	m.events[place].copy(s, withEvery)
}

// copy takes over the event of a scratch.
func (e *sampled) copy(s *scratch, withEvery bool) {
	e.fields, e.ends, e.memory = e.fields[:0], e.ends[:0], e.memory[:0]
	for field := range s.slots {
		sl := s.slot(field)
		if !sl.present {
			continue
		}
		e.add(field, sl.text.raw)
		for _, t := range s.more(sl) {
			e.add(field, t.raw)
		}
	}
	if withEvery {
		for _, value := range s.everyString() {
			e.add(everyValue, value)
		}
	}
}

func (e *sampled) add(field int, raw string) {
	if len(e.ends) == mostSampledValues {
		return
	}
	e.memory = appendFolded(e.memory, raw[:min(len(raw), longestSampled)])
	e.fields = append(e.fields, int32(field))
	e.ends = append(e.ends, int32(len(e.memory)))
}

// texts calls visit for every text.
func (e *sampled) texts(visit func(field int, text string)) {
	all, start := string(e.memory), int32(0)
	for i, end := range e.ends {
		visit(int(e.fields[i]), all[start:end])
		start = end
	}
}

// measure tells of each atom in which events of the sample it held, one bit each.
func (m *sample) measure(atoms []atom) func(atom int32) []uint64 {
	byField := make(map[int][]needle)
	bitsOf := make([][]int, len(atoms))
	numbers := make([]int, len(atoms))
	for n, a := range atoms {
		numbers[n] = n
		bitsOf[n] = numbers[n : n+1]
		byField[a.field] = append(byField[a.field], needle{kind: a.kind, literal: a.literal, post: int32(n)})
	}
	posts := newPostings(bitsOf)
	lookups := make(map[int]*lookup, len(byField))
	for field, needles := range byField {
		lookups[field] = newLookup(needles, commonness)
	}
	seen := make([][]uint64, len(atoms))
	hits := make([]uint64, (len(atoms)+63)/64)
	words := (len(m.events) + 63) / 64
	for e := range m.events {
		clear(hits)
		m.events[e].texts(func(field int, text string) {
			if l := lookups[field]; l != nil {
				l.apply(text, !isASCII(text), posts, hits)
			}
		})
		for w, word := range hits {
			for ; word != 0; word &= word - 1 {
				n := w<<6 | bits.TrailingZeros64(word)
				if seen[n] == nil {
					seen[n] = make([]uint64, words)
				}
				seen[n][e>>6] |= 1 << (e & 63)
			}
		}
	}
	never := make([]uint64, words)
	return func(atom int32) []uint64 {
		if seen[atom] == nil {
			return never
		}
		return seen[atom]
	}
}

// gramCounts is the size of a table of counts that grams share by hash.
const gramCounts = 1 << 14

// frequencies gives, for a field, how often grams are met in it.
func (m *sample) frequencies() func(field int) func(gram uint32) int {
	tables := make(map[int][]int32)
	for e := range m.events {
		m.events[e].texts(func(field int, text string) {
			if tables[field] == nil {
				tables[field] = make([]int32, gramCounts)
			}
			for at := 0; at+gramSize <= len(text); at++ {
				tables[field][countOf(load32(text, at)|lowBit20)]++
			}
		})
	}
	return func(field int) func(uint32) int {
		table := tables[field]
		if table == nil {
			return commonness
		}
		return func(gram uint32) int { return int(table[countOf(gram)])<<16 + commonness(gram) }
	}
}

func countOf(gram uint32) uint32 { return gram * gramSpread >> 18 }

// commonness guesses how common a gram is by the characters in it.
func commonness(gram uint32) int {
	return commonByte(byte(gram)) * commonByte(byte(gram>>8)) * commonByte(byte(gram>>16)) * commonByte(byte(gram>>24))
}

// commonByte is 1 for characters that are rare in paths and command lines, and more for others.
func commonByte(c byte) int {
	const common = `esotin\r.acmdlwpuf -/"hg:xyb0123456789vk_,`
	if at := strings.IndexByte(common, c); at >= 0 {
		return 2 + (len(common)-at)/4
	}
	return 1
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
