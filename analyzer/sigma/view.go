package sigma

// largestKeptArena bounds the memory, in bytes, that an idle view holds on to.
const largestKeptArena = 1 << 20

// view is one event while it is being matched: it asks for each field once and folds each text once.
type view struct {
	ev    Event
	names []string
	// round tells slots that were filled for this event from those of earlier ones.
	round uint64
	slots []slot
	// values are the texts that keywords search, fetched when hasValues is set.
	values    []slot
	hasValues bool
	raw       []string
	// arena is the memory behind the texts' bytes.
	arena []byte
}

type slot struct {
	round   uint64
	present bool
	text    text
}

// text is a value in the forms that tests want it in, each made on first use.
type text struct {
	raw             string
	plain, folded   []byte
	isPlain, isFold bool
}

func (rs *Ruleset) take(ev Event) *view {
	var v *view
	select {
	case v = <-rs.idle:
	default:
		v = &view{names: rs.fields, slots: make([]slot, len(rs.fields))}
	}
	v.ev = ev
	v.round++
	return v
}

func (rs *Ruleset) give(v *view) {
	v.ev = nil
	v.hasValues = false
	clear(v.values)
	clear(v.raw)
	v.arena = v.arena[:0]
	if cap(v.arena) > largestKeptArena {
		v.arena = nil
	}
	select {
	case rs.idle <- v:
	default:
	}
}

func (v *view) field(n int) *slot {
	s := &v.slots[n]
	if s.round != v.round {
		value, ok := v.ev.Field(v.names[n])
		*s = slot{round: v.round, present: ok, text: text{raw: value}}
	}
	return s
}

// keywords gives every value of the event, or nothing when the event cannot list them.
func (v *view) keywords() []slot {
	if v.hasValues {
		return v.values
	}
	v.hasValues = true
	v.values = v.values[:0]
	if ev, ok := v.ev.(KeywordEvent); ok {
		v.raw = ev.AppendValues(v.raw[:0])
		for _, value := range v.raw {
			v.values = append(v.values, slot{present: true, text: text{raw: value}})
		}
	}
	return v.values
}

// bytes gives the text as it is, or case-folded.
func (v *view) bytes(t *text, cased bool) []byte {
	start := len(v.arena)
	switch {
	case cased && !t.isPlain:
		v.arena = append(v.arena, t.raw...)
		t.plain, t.isPlain = v.arena[start:], true
	case !cased && !t.isFold:
		v.arena = appendFolded(v.arena, t.raw)
		t.folded, t.isFold = v.arena[start:], true
	}
	if cased {
		return t.plain
	}
	return t.folded
}
