package recording

import (
	"iter"
	"time"
)

// Record is one recorded event, with the fields that its reader was bound to. It, and every text that it gives, is valid until
// the next record is read. It is not safe for concurrent use, because values are decoded when they are first asked for.
type Record struct {
	position Position
	windows  bool

	fields *fieldTable
	// each lists the names and values once more.
	each   func(r *Record, visit func(name, value string) bool)
	doc    []byte
	marks  marks // of the document, if it is JSON
	arena  []byte
	values []value
	slots  []slot
	epoch  uint32
	more   []string
}

// value is a text at [from, to) of the document or of the arena.
type value struct {
	from, to uint32
	next     int32 // of the same field, or -1
	kind     kind
}

// slot is what a record has for a field.
type slot struct {
	epoch       uint32 // of the record that this is about
	first, last int32  // values
	object      uint32 // in which the values stand
	list        uint32 // which they are items of, or 0
	rank        uint16 // of two names for the same field the lower counts
}

func (r *Record) bind(t *fieldTable) {
	r.fields, r.slots, r.epoch = t, make([]slot, t.slots), 0
}

func (r *Record) reset(doc []byte) {
	r.doc, r.arena, r.values, r.windows = doc, r.arena[:0], r.values[:0], false
	if r.epoch++; r.epoch == 0 {
		clear(r.slots)
		r.epoch = 1
	}
}

// origin says where in a document a value stands.
type origin struct {
	object, list uint32
	rank         uint16
	// joins lets values of several objects stand side by side, as those of repeated XML elements do.
	joins bool
}

func (r *Record) add(v value) int32 {
	v.next = -1
	r.values = append(r.values, v)
	return int32(len(r.values) - 1)
}

// put makes the value the field's, or one of them. A later value takes the place of an earlier one of the same rank unless
// both are items of one list.
func (r *Record) put(field int32, at int32, from origin) {
	s := &r.slots[field]
	if s.epoch != r.epoch || from.rank < s.rank {
		s.epoch, s.first, s.last = r.epoch, at, at
		s.object, s.list, s.rank = from.object, from.list, from.rank
		return
	}
	if from.rank > s.rank {
		return
	}
	if s.list == from.list && from.list != 0 || from.joins && s.object != from.object {
		r.values[s.last].next = at
		s.last, s.object, s.list = at, from.object, from.list
		return
	}
	s.first, s.last, s.object, s.list = at, at, from.object, from.list
}

// file puts a value into the slots of a name in an object.
func (r *Record) file(e *fieldEntry, at int32, from origin) {
	if e.slot < 0 {
		return
	}
	if from.joins && from.rank == dataRank && (e.slot == r.fields.provider || e.slot == r.fields.eventID) {
		from.rank = shadowedRank
	}
	r.put(e.slot, at, from)
	if from.rank == systemRank && from.joins && e.slot == r.fields.channel {
		r.put(r.fields.ownChannel, at, from)
	}
}

// text gives a value, decoding it when that has not been done.
func (r *Record) text(at int32) string {
	v := &r.values[at]
	switch v.kind {
	case plain:
		return textOf(r.doc[v.from:v.to])
	case quoted:
		from, to := int(v.from), int(v.to)
		if r.marks.verbatim(from, to) {
			v.kind = plain
			return textOf(r.doc[from:to])
		}
		start := len(r.arena)
		r.arena = r.marks.appendDecoded(r.arena, from, to)
		v.from, v.to, v.kind = uint32(start), uint32(len(r.arena)), decoded
	case null:
		return ""
	case decoded:
	}
	return textOf(r.arena[v.from:v.to])
}

// Field gives the first value of the field with this number in the list that the reader was bound to, and whether the record
// has that field. A JSON null is an empty value.
func (r *Record) Field(n int) (string, bool) {
	s := &r.slots[n]
	if s.epoch != r.epoch {
		return "", false
	}
	return r.text(s.first), true
}

// More gives the values of a field behind its first.
func (r *Record) More(n int) []string {
	s := &r.slots[n]
	if s.epoch != r.epoch || s.first == s.last {
		return nil
	}
	r.more = r.more[:0]
	for at := r.values[s.first].next; at >= 0; at = r.values[at].next {
		r.more = append(r.more, r.text(at))
	}
	return r.more
}

// AppendValues appends every value of the record, of whatever name: what keywords are looked for in.
func (r *Record) AppendValues(dst []string) []string {
	for at := range r.values {
		if r.values[at].kind != null {
			dst = append(dst, r.text(int32(at)))
		}
	}
	return dst
}

// Values gives all names and values in the order of the recording, for people to read. Unlike Field, it allocates.
func (r *Record) Values() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		if r.each != nil {
			r.each(r, yield)
		}
	}
}

// Position says where the record stands.
func (r *Record) Position() Position { return r.position }

// Windows reports whether the record is from a Windows event log: it has a channel, or the form of such records.
func (r *Record) Windows() bool { return r.windows || r.Channel() != "" }

// Channel is the event log that a Windows record was written to; empty for other records.
func (r *Record) Channel() string { return r.known(r.fields.ownChannel) }

// Provider is the name of the provider that wrote a Windows record; empty for other records.
func (r *Record) Provider() string { return r.known(r.fields.provider) }

// EventID is the number that the provider gave to this kind of event; 0 where there is none.
func (r *Record) EventID() int {
	text := r.known(r.fields.eventID)
	if len(text) > 9 {
		return 0
	}
	n := 0
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0
		}
		n = 10*n + int(text[i]-'0')
	}
	return n
}

// Time is when the event happened, as far as the record says; else the zero Time.
func (r *Record) Time() time.Time {
	text := r.known(r.fields.time)
	for _, layout := range [...]string{time.RFC3339Nano, time.DateTime, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func (r *Record) known(slot int32) string {
	value, _ := r.Field(int(slot))
	return value
}
