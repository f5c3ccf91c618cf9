package sigmatest

import (
	"maps"
	"net/netip"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Satisfy makes an event that matches the rule: it chooses a way through the condition and gives each field on it a value
// made of the patterns, with wildcards filled at random and in random case. It is nil when many ways have failed, as they
// do for a condition that nothing satisfies.
func (r Random) Satisfy(made *rule.Rule) *Event {
	const ways = 60
	for way := range ways {
		w := wishes{
			Random: r, tests: make(map[string][]rule.Test), absent: make(map[string]bool), filled: make(map[string]bool),
			tight: way >= ways/3, lists: way >= 2*ways/3, aliases: way%4 == 3,
		}
		w.want(made.Condition, true)
		ev := w.event()
		ev.Name = "made for " + made.Title
		ev.Sources = []rule.Logsource{made.Logsource}
		if ev.Matches(made) {
			return ev
		}
	}
	return nil
}

// Miss gives a copy of an event with a small thing changed: a byte less, more or other in one value, or a field less.
func (r Random) Miss(ev *Event) *Event {
	missed := &Event{Name: ev.Name + ", missed", Sources: ev.Sources, Values: maps.Clone(ev.Values), Lists: ev.Lists, Alias: ev.Alias, Rest: ev.Rest}
	names := slices.Sorted(maps.Keys(ev.Values))
	if len(names) == 0 {
		return missed
	}
	name := pick(r, names...)
	value := ev.Values[name]
	if r.oneIn(6) {
		delete(missed.Values, name)
		return missed
	}
	at := r.IntN(len(value) + 1)
	rest := value[at:]
	if rest != "" && !r.oneIn(3) {
		rest = rest[1:]
	}
	if r.oneIn(3) {
		rest = pick(r, "x", "-", " ", `\`, "é", "\xff") + rest
	}
	missed.Values[name] = value[:at] + rest
	return missed
}

// wishes are what a way through a condition asks of an event.
type wishes struct {
	Random
	// tests are those to pass, by field; "" has the keywords.
	tests map[string][]rule.Test
	// absent fields are better missing, and filled ones better there.
	absent, filled map[string]bool
	// aliases puts the wanted values into aliases, where the field can have any.
	aliases bool
	// tight leaves out whatever is not asked for; lists gives a field that is asked for several things several values.
	tight, lists bool
}

// want notes what makes e come out as outcome. What should not hold is left to the absence of its field.
func (w *wishes) want(e rule.Expr, outcome bool) {
	switch e := e.(type) {
	case rule.And:
		w.wantParts(e, outcome, outcome)
	case rule.Or:
		w.wantParts(e, !outcome, outcome)
	case rule.Not:
		w.want(e.Of, !outcome)
	case *rule.Selection:
		w.want(e.Body, outcome)
	case *rule.Item:
		if e.Negated != outcome {
			w.wantItem(e)
		} else {
			w.avoidItem(e)
		}
	}
}

// avoidItem fills a field that an item would like to be absent.
func (w *wishes) avoidItem(it *rule.Item) {
	for _, value := range it.Values {
		switch t := value.Test.(type) {
		case rule.Null:
			w.filled[it.Field] = true
		case rule.Exists:
			if t {
				w.absent[it.Field] = true
			} else {
				w.filled[it.Field] = true
			}
		}
	}
}

func (w *wishes) wantParts(parts []rule.Expr, all, outcome bool) {
	if !all && len(parts) > 0 {
		parts = []rule.Expr{pick(w.Random, parts...)}
	}
	for _, part := range parts {
		w.want(part, outcome)
	}
}

func (w *wishes) wantItem(it *rule.Item) {
	values := it.Values
	if !it.All && len(values) > 0 {
		values = []rule.Value{pick(w.Random, values...)}
	}
	for _, value := range values {
		switch t := value.Test.(type) {
		case rule.Null:
			w.absent[it.Field] = true
		case rule.Exists:
			if t {
				w.tests[it.Field] = append(w.tests[it.Field], t)
			} else {
				w.absent[it.Field] = true
			}
		default:
			w.tests[it.Field] = append(w.tests[it.Field], t)
		}
	}
}

func (w *wishes) event() *Event {
	ev := NewEvent()
	ev.Lists, ev.Alias = make(map[string][]string), make(map[string][]string)
	for field := range w.filled {
		if len(w.tests[field]) == 0 {
			ev.Values[field] = "some " + field
		}
	}
	for _, field := range slices.Sorted(maps.Keys(w.tests)) {
		tests := w.tests[field]
		name := field
		if field == "" {
			name = "Message"
		}
		if w.absent[field] {
			continue
		}
		w.Shuffle(len(tests), func(i, j int) { tests[i], tests[j] = tests[j], tests[i] })
		if w.aliases && slices.Contains(AliasedFields(), name) {
			ev.Values[name] = "some " + name
			for _, t := range tests {
				ev.Alias[name] = append(ev.Alias[name], w.together([]rule.Test{t}, ev))
			}
			continue
		}
		if !w.lists {
			ev.Values[name] = w.together(tests, ev)
			continue
		}
		for n, t := range tests {
			value := w.together([]rule.Test{t}, ev)
			if n == 0 {
				ev.Values[name] = value
			} else {
				ev.Lists[name] = append(ev.Lists[name], value)
			}
		}
	}
	return ev
}

// together makes one value that passes all tests, as far as putting one behind the other can do that.
func (w *wishes) together(tests []rule.Test, ev *Event) string {
	head, middle, tail := "", "", ""
	for _, t := range tests {
		text := w.passing(t, ev)
		pattern, isText := t.(rule.Text)
		switch {
		case !isText || len(pattern.Alternatives) == 0 || len(pattern.Alternatives[0]) == 0:
			middle += text
		case pattern.Alternatives[0][0].Kind != rule.AnyText && head == "":
			head = text
		case pattern.Alternatives[0][len(pattern.Alternatives[0])-1].Kind != rule.AnyText && tail == "":
			tail = text
		default:
			middle += text + w.filling()
		}
	}
	return head + middle + tail
}

// filling is what AnyText may stand for.
func (w *wishes) filling() string {
	if w.tight || w.oneIn(2) {
		return ""
	}
	return w.text(1)
}

// passing makes a value that passes the test.
func (w *wishes) passing(t rule.Test, ev *Event) string {
	switch t := t.(type) {
	case rule.Text:
		if len(t.Alternatives) > 0 {
			return w.fill(pick(w.Random, t.Alternatives...), t.Cased)
		}
	case rule.Regex:
		if tree, err := syntax.Parse(t.Regex.String(), syntax.Perl); err == nil {
			return w.matching(tree)
		}
	case rule.Network:
		addr := netip.Prefix(t).Addr()
		if w.oneIn(2) && netip.Prefix(t).Contains(addr.Next()) {
			addr = addr.Next()
		}
		return addr.String()
	case rule.Number:
		if t.Part != rule.NoPart {
			return w.value("Time")
		}
		return w.value("Port")
	case rule.FieldRef:
		if other, ok := ev.Values[t.Other]; ok {
			return w.otherCase(other)
		}
		ev.Values[t.Other] = w.text(2)
		return ev.Values[t.Other]
	}
	return "x"
}

func (w *wishes) fill(p rule.Pattern, cased bool) string {
	var text strings.Builder
	for _, t := range p {
		switch t.Kind {
		case rule.Literal:
			if cased {
				text.WriteString(t.Text)
			} else {
				text.WriteString(w.otherCase(t.Text))
			}
		case rule.AnyText:
			text.WriteString(w.filling())
		case rule.AnyChar:
			text.WriteString(pick(w.Random, "x", "é", "😀", "\xff", "7"))
		case rule.AnyDash:
			text.WriteString(pick(w.Random, "-", "/", "–", "—", "―"))
		}
	}
	return text.String()
}

// matching makes a text that an expression matches; what it says of the ends of texts and words is left to luck.
func (w *wishes) matching(e *syntax.Regexp) string {
	switch e.Op {
	case syntax.OpLiteral:
		return string(e.Rune)
	case syntax.OpCharClass:
		if len(e.Rune) == 0 {
			return ""
		}
		// A character of ASCII where the class has one: the others are seldom what an author had in mind.
		ranges := len(e.Rune) / 2
		for ranges > 1 && e.Rune[2*ranges-2] > '~' {
			ranges--
		}
		n := w.IntN(ranges)
		low, high := e.Rune[2*n], e.Rune[2*n+1]
		if low < '!' && high >= '~' {
			low = '!'
		}
		if high > '~' && low <= '~' {
			high = '~'
		}
		return string(low + rune(w.IntN(int(high-low)+1)))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return pick(w.Random, "x", "7", " ", "-")
	case syntax.OpCapture:
		return w.matching(e.Sub[0])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		least, most := e.Min, e.Max
		switch e.Op {
		case syntax.OpStar:
			least, most = 0, 3
		case syntax.OpPlus:
			least, most = 1, 3
		case syntax.OpQuest:
			least, most = 0, 1
		default:
			if most < 0 || most > least+3 {
				most = least + 3
			}
		}
		var text strings.Builder
		for range least + w.IntN(most-least+1) {
			text.WriteString(w.matching(e.Sub[0]))
		}
		return text.String()
	case syntax.OpConcat:
		var text strings.Builder
		for _, part := range e.Sub {
			text.WriteString(w.matching(part))
		}
		return text.String()
	case syntax.OpAlternate:
		return w.matching(pick(w.Random, e.Sub...))
	default:
		return ""
	}
}
