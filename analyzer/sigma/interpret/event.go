package interpret

import "slices"

// Event is what a rule is tried on.
type Event interface {
	// Values gives the values of the field with exactly this name, at least one, and whether the event has the field. The
	// caller does not change the slice.
	Values(field string) (values []string, ok bool)
	// All gives the values of all fields: what keywords are looked for in.
	All() []string
}

// AliasEvent is an Event some fields of which go by further values. Such a value counts for a match and never against one: for
// items under no not and no modifier neq, or under two of them, and so on.
type AliasEvent interface {
	Event
	// Aliases gives the further values of a field that the event has. The caller does not change the slice.
	Aliases(field string) []string
}

// FieldEvent is an event whose fields have numbers, as package engine takes it.
type FieldEvent interface {
	// Field gives the first value of the field with this number, and whether the event has the field.
	Field(n int) (value string, ok bool)
	// AppendValues appends the values of all fields.
	AppendValues(dst []string) []string
}

// Adapt gives the event under the names of its fields: fields[n] is the name of the field with the number n, and no other
// name is known. If ev has a method More(n int) []string, it gives the values after the first, and a method Aliases of that
// kind the aliases.
func Adapt(fields []string, ev FieldEvent) Event {
	numbers := make(map[string]int, len(fields))
	for n, name := range fields {
		numbers[name] = n
	}
	return &adapted{numbers, ev}
}

type adapted struct {
	numbers map[string]int
	ev      FieldEvent
}

func (a *adapted) All() []string { return a.ev.AppendValues(nil) }

func (a *adapted) Values(field string) ([]string, bool) {
	n, known := a.numbers[field]
	if !known {
		return nil, false
	}
	value, ok := a.ev.Field(n)
	if !ok {
		return nil, false
	}
	values := []string{value}
	if list, ok := a.ev.(interface{ More(n int) []string }); ok {
		values = append(values, list.More(n)...)
	}
	return values, true
}

// Aliases implements AliasEvent.
func (a *adapted) Aliases(field string) []string {
	n, known := a.numbers[field]
	aliased, ok := a.ev.(interface{ Aliases(n int) []string })
	if !known || !ok {
		return nil
	}
	return slices.Clone(aliased.Aliases(n))
}

// Names gives the names of the fields that the event has.
func (a *adapted) Names() []string {
	var names []string
	for name, n := range a.numbers {
		if _, ok := a.ev.Field(n); ok {
			names = append(names, name)
		}
	}
	return names
}

// Reading is an event together with what has been worked out about its values, which saves time where many rules are tried
// on one event. It is for one goroutine.
type Reading struct {
	ev     Event
	fields map[look][]*value
	// everything is what keywords are looked for in, once asked for.
	everything []*value
	listed     bool
	// steps is where patterns are taken apart.
	steps []step
}

// look is how an item looks at a field. One that is strict sees no aliases.
type look struct {
	field  string
	strict bool
}

// value is one value of a field, and once asked for, its characters: folded first, cased second.
type value struct {
	text       string
	isAlias    bool
	characters [2][]character
}

// Read begins to read an event, which does not change any more.
func Read(ev Event) *Reading { return &Reading{ev: ev, fields: make(map[look][]*value)} }

// values gives the values of a field, aliases last, and whether the event has it.
func (rd *Reading) values(l look) (values []*value, present bool) {
	values, known := rd.fields[l]
	if !known {
		if texts, ok := rd.ev.Values(l.field); ok {
			values = valuesOf(texts)
			if !l.strict {
				values = append(values, rd.aliases(l.field)...)
			}
		}
		rd.fields[l] = values
	}
	return values, values != nil
}

func (rd *Reading) aliases(field string) []*value {
	aliased, ok := rd.ev.(AliasEvent)
	if !ok {
		return nil
	}
	values := valuesOf(aliased.Aliases(field))
	for _, v := range values {
		v.isAlias = true
	}
	return values
}

// all gives every value of the event.
func (rd *Reading) all() []*value {
	if !rd.listed {
		rd.everything, rd.listed = valuesOf(rd.ev.All()), true
	}
	return rd.everything
}

// valuesOf is never nil.
func valuesOf(texts []string) []*value {
	values := make([]*value, len(texts))
	for i, text := range texts {
		values[i] = &value{text: text}
	}
	return values
}

// in gives the characters of the value.
func (v *value) in(cased bool) []character {
	which := 0
	if cased {
		which = 1
	}
	if v.characters[which] == nil {
		v.characters[which] = appendCharacters(nil, v.text, cased)
	}
	return v.characters[which]
}
