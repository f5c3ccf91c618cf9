package main

import (
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/recording"
)

// event is a decoded record that is kept, in as little memory as it takes: the fields of one would fill a cache if they were
// kept as the decoder has them.
type event struct {
	// first is, by field, 1 more than the place in values of its first one; 0 for a field that is absent.
	first []uint16
	// values are all of the record's and then those of fields that are not among them, such as JSON's null.
	values []string
	// named is how many of values the record has.
	named int
	more  map[int][]string
	views []view
}

// keep copies a record with this many fields.
func keep(r *recording.Record, fields int, views []view) *event {
	values := r.AppendValues(nil)
	e := &event{first: make([]uint16, fields), views: views, named: len(values)}
	text := strings.Join(values, "")
	for _, value := range values {
		e.values = append(e.values, text[:len(value)])
		text = text[len(value):]
	}
	for n := range fields {
		value, ok := r.Field(n)
		if !ok {
			continue
		}
		e.first[n] = e.place(value)
		for _, further := range r.More(n) {
			if e.more == nil {
				e.more = make(map[int][]string)
			}
			e.more[n] = append(e.more[n], e.values[e.place(further)-1])
		}
	}
	return e
}

// place is 1 more than where a value is.
func (e *event) place(value string) uint16 {
	at := slices.Index(e.values, value)
	if at < 0 {
		at = len(e.values)
		e.values = append(e.values, strings.Clone(value))
	}
	return uint16(at + 1)
}

// Field implements engine.Event.
func (e *event) Field(n int) (string, bool) {
	at := e.first[n]
	if at == 0 {
		return "", false
	}
	return e.values[at-1], true
}

// More implements engine.ListEvent.
func (e *event) More(n int) []string { return e.more[n] }

// AppendValues implements engine.Event.
func (e *event) AppendValues(dst []string) []string { return append(dst, e.values[:e.named]...) }

// touch brings an event into the cache, where a decoder leaves it. What it gives means nothing.
func (e *event) touch() int {
	const line = 64
	sum := 0
	for n := 0; n < len(e.first); n += line / 2 {
		sum += int(e.first[n])
	}
	for _, value := range e.values {
		for i := 0; i < len(value); i += line {
			sum += int(value[i])
		}
	}
	return sum
}
