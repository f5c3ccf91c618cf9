package engine

import (
	"unsafe"
)

// mostKeptArena and mostKeptTexts bound the memory that an idle scratch holds on to.
const (
	mostKeptArena = 1 << 20
	mostKeptTexts = 1 << 12
)

// scratch is one event while it is being matched: each field is asked for once, folded once, and no test is done twice. A
// scratch belongs to one program, and to one goroutine at a time.
type scratch struct {
	program *Program
	plan    *plan
	ev      Event
	// list is ev when it can have several values in a field.
	list ListEvent
	// aliases is ev when its fields can have aliases.
	aliases AliasEvent
	// round tells what was found out about this event from what is left of earlier ones.
	round uint32
	slots []slot
	// verdicts are of the plan's predicates: the round and, in the lowest bit, whether it held.
	verdicts []uint32
	// hits has a row of bits for each set that rules need hits in, and a bit in it for each rule.
	hits []uint64
	// texts are further values of fields; values those of the whole event, which keywords search.
	texts, values         []text
	strings               []string
	hasValues, hasStrings bool
	// foreign are the numbers of the strings that are not ASCII.
	foreign []int
	// arena is the memory behind folded texts.
	arena []byte

	// found and traced are for collecting what made a rule match, kept are the values in the matches of this event.
	found  []MatchedField
	traced []uint64
	kept   []string

	// tally counts what the program does not know yet; it is told when there are settleAt events.
	tally    Stats
	settleAt uint64
}

// slot is a field of the event.
type slot struct {
	round   uint32
	present bool
	text    text
	// first and last tell where in scratch.texts the further values are, aliases among them where these count.
	first, last int32
}

// text is a value, and, once somebody asked for it, its folded form and whether the value has a byte outside ASCII.
type text struct {
	raw, folded        string
	hasFolded, foreign bool
}

// begin makes the scratch ready for an event.
func (s *scratch) begin(pl *plan, ev Event) {
	if s.plan != pl {
		s.plan = pl
		s.verdicts = make([]uint32, len(pl.predicates))
		s.hits = make([]uint64, len(pl.unneeded))
	}
	s.round++
	if s.round == 1<<31 {
		// A verdict has 31 bits for the round.
		clear(s.slots)
		clear(s.verdicts)
		s.round = 1
	}
	s.ev = ev
	s.list, _ = ev.(ListEvent)
	s.aliases = nil
	if s.list != nil {
		s.aliases, _ = ev.(AliasEvent)
	}
}

// end lets go of the event.
func (s *scratch) end() {
	s.ev, s.list, s.aliases = nil, nil, nil
	if len(s.kept) > 0 {
		clear(s.kept)
		clear(s.found[:cap(s.found)])
		s.kept = s.kept[:0]
	}
	s.arena = s.arena[:0]
	if cap(s.arena) > mostKeptArena {
		s.arena = nil
		clear(s.slots)
	}
	if s.hasStrings {
		clear(s.strings)
		s.strings, s.hasStrings = s.strings[:0], false
		if cap(s.strings) > mostKeptTexts {
			s.strings = nil
		}
	}
	if s.hasValues {
		clear(s.values)
		s.values, s.hasValues = s.values[:0], false
		if cap(s.values) > mostKeptTexts {
			s.values = nil
		}
	}
	if len(s.texts) > 0 {
		clear(s.texts)
		s.texts = s.texts[:0]
		if cap(s.texts) > mostKeptTexts {
			s.texts = nil
		}
	}
}

// slot gives a field by the program's number.
func (s *scratch) slot(field int) *slot {
	sl := &s.slots[field]
	if sl.round != s.round {
		s.fetch(sl, field)
	}
	return sl
}

func (s *scratch) fetch(sl *slot, field int) {
	read := s.program.fields[field]
	sl.round = s.round
	sl.text.raw, sl.present = s.ev.Field(read.number)
	if !sl.present {
		sl.text.raw = ""
	}
	sl.text.hasFolded = false
	sl.first, sl.last = 0, 0
	if s.list == nil || !sl.present {
		return
	}
	sl.first = int32(len(s.texts))
	for _, value := range s.list.More(read.number) {
		s.texts = append(s.texts, text{raw: value})
	}
	if read.withAliases && s.aliases != nil {
		for _, value := range s.aliases.Aliases(read.number) {
			s.texts = append(s.texts, text{raw: value})
		}
	}
	sl.last = int32(len(s.texts))
}

// isSingle reports whether the field has at most one value.
func (sl *slot) isSingle() bool { return sl.first == sl.last }

// more gives the values of a field after the first.
func (s *scratch) more(sl *slot) []text { return s.texts[sl.first:sl.last] }

// everyString gives all values of the event as they are.
func (s *scratch) everyString() []string {
	if !s.hasStrings {
		s.hasStrings = true
		s.strings = s.ev.AppendValues(s.strings)
	}
	return s.strings
}

// everyText gives all values of the event.
func (s *scratch) everyText() []text {
	if !s.hasValues {
		s.hasValues = true
		for _, value := range s.everyString() {
			s.values = append(s.values, text{raw: value})
		}
	}
	return s.values
}

// form gives the text as it is, or folded.
func (s *scratch) form(t *text, cased bool) string {
	if cased {
		return t.raw
	}
	if !t.hasFolded {
		t.folded, t.foreign = s.fold(t.raw)
		t.hasFolded = true
	}
	return t.folded
}

// fold gives raw folded, in memory that is valid until the end of the event, and whether raw is more than ASCII.
func (s *scratch) fold(raw string) (text string, foreign bool) {
	start := len(s.arena)
	if cap(s.arena)-start < len(raw) {
		// Texts already folded keep the memory that they are in.
		s.arena = make([]byte, 0, 2*cap(s.arena)+len(raw)+1<<12)
		start = 0
	}
	folded := s.arena[start : start+len(raw)]
	done := foldASCII(folded, raw)
	s.arena = s.arena[:start+done]
	if done < len(raw) {
		s.arena = appendFolded(s.arena, raw[done:])
		folded, foreign = s.arena[start:], true
	}
	// The bytes are not written again before the end of the event, until when the string lives.
	return unsafe.String(unsafe.SliceData(folded), len(folded)), foreign
}

// load64 reads 8 bytes; the compiler makes one instruction of it.
func load64(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// holds gives the verdict of a predicate.
func (s *scratch) holds(n int32) bool {
	if v := s.verdicts[n]; v>>1 == s.round {
		return v&1 != 0
	}
	v := s.round << 1
	held := s.decide(&s.plan.predicates[n])
	if held {
		v |= 1
	}
	s.verdicts[n] = v
	return held
}

func (s *scratch) decide(p *predicate) bool {
	_, held := s.find(p)
	return held
}

// find gives the first value that satisfies a predicate; it is empty when the field is absent.
func (s *scratch) find(p *predicate) (value string, held bool) {
	if p.field == everyValue {
		return s.findInEvery(p)
	}
	sl := s.slot(p.field)
	switch p.kind {
	case kindNull:
		return sl.text.raw, !sl.present || sl.text.raw == ""
	case kindExists:
		return sl.text.raw, sl.present
	case kindAbsent:
		return "", !sl.present
	}
	if !sl.present {
		return "", false
	}
	if p.holdsFor(s, &sl.text) {
		return sl.text.raw, true
	}
	for i := sl.first; i < sl.last; i++ {
		if p.holdsFor(s, &s.texts[i]) {
			return s.texts[i].raw, true
		}
	}
	return "", false
}

// findInEvery gives the first value of the event that satisfies a keyword.
func (s *scratch) findInEvery(p *predicate) (value string, held bool) {
	values := s.everyText()
	first := ""
	if len(values) > 0 {
		first = values[0].raw
	}
	switch p.kind {
	case kindNull:
		return first, first == ""
	case kindExists:
		return first, true
	case kindAbsent:
		return first, false
	}
	for i := range values {
		if p.holdsFor(s, &values[i]) {
			return values[i].raw, true
		}
	}
	return "", false
}
