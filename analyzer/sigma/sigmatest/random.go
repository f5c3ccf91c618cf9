package sigmatest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Random makes rules and events of a small vocabulary, so that rules match often and share much with each other.
type Random struct{ *rand.Rand }

// NewRandom gives a Random that depends on seed alone.
func NewRandom(seed uint64) Random { return Random{rand.New(rand.NewPCG(seed, seed))} }

// RandomOfBytes gives a Random whose choices the bytes make, one each, so that a fuzzer can steer them. Behind the last byte
// they are random, and depend on data alone.
func RandomOfBytes(data []byte) Random {
	sum := fnv.New64a()
	sum.Write(data)
	return Random{rand.New(&byteSource{data, rand.NewPCG(sum.Sum64(), 0)})}
}

type byteSource struct {
	data   []byte
	beyond *rand.PCG
}

// Uint64 implements rand.Source.
func (s *byteSource) Uint64() uint64 {
	n := s.beyond.Uint64()
	if len(s.data) > 0 {
		// A choice among few hangs on the highest bits.
		n = uint64(s.data[0])<<56 | n>>8
		s.data = s.data[1:]
	}
	return n
}

// oneIn is true once in n times.
func (r Random) oneIn(n int) bool { return r.IntN(n) == 0 }

func pick[T any](r Random, among ...T) T { return among[r.IntN(len(among))] }

// textFields, numberFields and so on are the fields of random rules and events. A field has mostly what its name says.
func textFields() []string {
	return []string{"Image", "ParentImage", "CommandLine", "Details", "User"}
}

func (r Random) field() string {
	switch r.IntN(8) {
	case 0:
		return "Port"
	case 1:
		return "Time"
	case 2:
		return "Address"
	}
	return pick(r, textFields()...)
}

// Event gives a random event with one or two of the log sources of random rules.
func (r Random) Event() *Event {
	ev := NewEvent()
	ev.Name = "random"
	ev.Sources = []rule.Logsource{r.logsource()}
	if r.oneIn(3) {
		ev.Sources = append(ev.Sources, r.logsource())
	}
	for _, field := range append(textFields(), "Port", "Time", "Address", "Unasked") {
		if r.oneIn(4) {
			continue
		}
		ev.Values[field] = r.value(field)
		if r.oneIn(10) {
			ev.Lists = map[string][]string{field: {r.value(field)}}
			for r.oneIn(2) {
				ev.Lists[field] = append(ev.Lists[field], r.value(field))
			}
		}
	}
	for _, field := range AliasedFields() {
		if _, there := ev.Values[field]; there && r.oneIn(2) {
			ev.Alias = map[string][]string{field: {r.value(field)}}
			for r.oneIn(3) {
				ev.Alias[field] = append(ev.Alias[field], r.value(field))
			}
		}
	}
	return ev
}

func (r Random) logsource() rule.Logsource {
	return pick(r,
		rule.Logsource{Category: "process_creation", Product: "windows"},
		rule.Logsource{Category: "process_creation", Product: "linux"},
		rule.Logsource{Category: "process_creation"},
		rule.Logsource{Product: "windows"},
		rule.Logsource{Product: "windows", Service: "security"},
	)
}

// value gives what an event may have in the field.
func (r Random) value(field string) string {
	if r.oneIn(12) {
		return ""
	}
	switch field {
	case "Port":
		return pick(r, "4", "4.0", "+4", "-5", "0x10", "1e3", "1000", "9007199254740992", "9007199254740993", "nan", "4 ", ".5", "443", "5")
	case "Time":
		return pick(r, "2023-11-14 22:13:20.123", "2024-12-30T00:05:00Z", "2021-01-01T13:00:00+05:30", "2023-11-14", "1700000000", "1700000000123", "now", "14")
	case "Address":
		return pick(r, "10.1.2.3", "192.168.1.7", "::ffff:10.1.2.3", "2001:DB8::1", "fe80::1%eth0", "::1", "host", "10.1.2", "10.1.2.3:80", "127.0.0.1")
	}
	if r.oneIn(40) {
		return r.text(150)
	}
	return r.text(5)
}

// phrases are texts whose parts patterns and values are made of.
func phrases() []string {
	return []string{
		`C:\Windows\System32\cmd.exe`, `powershell.exe -enc SQBFAFgA`, `\Temp\net.exe user /add`, `/usr/bin/curl http://Σίσυφος.example/ſk`,
		`rundll32 Привет,Straße –c öäü`, `sc config x start= disabled`,
	}
}

// text gives up to parts pieces of text in a row.
func (r Random) text(parts int) string {
	var b strings.Builder
	for range 1 + r.IntN(parts) {
		b.WriteString(r.piece())
	}
	return r.otherCase(b.String())
}

func (r Random) piece() string {
	switch r.IntN(4) {
	case 0:
		return pick(r, phrases()...)
	case 1:
		phrase := pick(r, phrases()...)
		from := r.IntN(len(phrase))
		to := from + r.IntN(len(phrase)-from) + 1
		if r.oneIn(20) {
			return phrase[from:to]
		}
		// Whole characters most of the time.
		for from > 0 && !utf8.RuneStart(phrase[from]) {
			from--
		}
		for to < len(phrase) && !utf8.RuneStart(phrase[to]) {
			to++
		}
		return phrase[from:to]
	}
	return pick(r, "a", "b", "ab", "k", "s", "ss", "ß", "σ", "Я", "-", "/", "–", "―", " ", "-enc", " /c ", ".exe", `\`, `\net.exe`, "é", "😀", "日本",
		"\xff", "\xc3", "\xf0\x9f", "\ufffd", "0", "1", "%", "*", "?", "\x00", "\n", "K", "\u212a")
}

// otherCase changes the case of some characters, to any that counts as the same.
func (r Random) otherCase(text string) string {
	if r.oneIn(2) {
		return text
	}
	var b []byte
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		if c == utf8.RuneError {
			b = append(b, text[i:i+size]...)
		} else {
			for r.oneIn(4) {
				c = unicode.SimpleFold(c)
			}
			b = utf8.AppendRune(b, c)
		}
		i += size
	}
	return string(b)
}

// Rule gives a random rule: up to four selections, and a condition that may ask them several times.
func (r Random) Rule() *rule.Rule {
	id := fmt.Sprintf("%08x-0000-4000-8000-%012x", r.Uint32(), r.Uint64()>>16)
	made := &rule.Rule{ID: id, Title: "Random " + id, Level: "medium", Logsource: r.logsource()}
	for n := range 1 + r.IntN(4) {
		made.Selections = append(made.Selections, &rule.Selection{Name: fmt.Sprintf("selection_%d", n), Body: r.body(), Line: n})
	}
	made.Condition = r.condition(made.Selections, 3)
	return made
}

func (r Random) condition(selections []*rule.Selection, depth int) rule.Expr {
	kind := r.IntN(10)
	switch {
	case depth == 0 || kind < 4:
		return pick(r, selections...)
	case kind < 6:
		return rule.And(r.conditions(selections, depth-1))
	case kind < 8:
		return rule.Or(r.conditions(selections, depth-1))
	case kind < 9:
		// The usual form: a selection and not a filter.
		return rule.And{pick(r, selections...), rule.Not{Of: r.condition(selections, depth-1)}}
	}
	return rule.Not{Of: r.condition(selections, depth-1)}
}

// conditions gives parts of And or Or, rarely none.
func (r Random) conditions(selections []*rule.Selection, depth int) []rule.Expr {
	var parts []rule.Expr
	if r.oneIn(20) {
		return parts
	}
	for range 1 + r.IntN(3) {
		parts = append(parts, r.condition(selections, depth))
	}
	return parts
}

// body gives a mapping, or a list of mappings.
func (r Random) body() rule.Expr {
	mapping := func() rule.Expr {
		if r.oneIn(3) {
			return r.Item()
		}
		var items rule.And
		for range 1 + r.IntN(3) {
			items = append(items, r.Item())
		}
		return items
	}
	if !r.oneIn(4) {
		return mapping()
	}
	var list rule.Or
	for range 1 + r.IntN(3) {
		list = append(list, mapping())
	}
	return list
}
