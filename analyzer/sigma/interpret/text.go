package interpret

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// longestShown is how many bytes of a value Text shows.
const longestShown = 300

// Text writes the explanation for people to read, one part a line: what holds begins with yes, what does not with no.
// Characters that a terminal could act on are written as escapes, and long values are cut. The only errors are those of w.
func (x Explanation) Text(w io.Writer) error {
	p := printer{x: x, shown: make(map[int]bool)}
	verdict := "does not match"
	if x.Matches {
		verdict = "matches"
	}
	fmt.Fprintf(&p.out, "%s (%s%s) %s\n", printable(x.Title), printable(x.ID), place(x.File, x.Line), verdict)
	p.node(x.Condition, 0)
	_, err := w.Write(p.out.Bytes())
	return err
}

func place(file string, line int) string {
	switch {
	case file != "":
		return ", " + printable(file) + ":" + strconv.Itoa(line)
	case line > 0:
		return ", line " + strconv.Itoa(line)
	}
	return ""
}

// printer writes the tree. A selection that is asked twice is shown in full only once.
type printer struct {
	out   bytes.Buffer
	x     Explanation
	shown map[int]bool
}

func (p *printer) line(holds bool, depth int, format string, args ...any) {
	verdict := "no "
	if holds {
		verdict = "yes"
	}
	fmt.Fprintf(&p.out, "%s %s", verdict, strings.Repeat("  ", depth))
	fmt.Fprintf(&p.out, format+"\n", args...)
}

// remark writes a line without a verdict.
func (p *printer) remark(depth int, format string, args ...any) {
	fmt.Fprintf(&p.out, "    %s", strings.Repeat("  ", depth))
	fmt.Fprintf(&p.out, format+"\n", args...)
}

func (p *printer) node(n Node, depth int) {
	switch {
	case n.Selection != nil:
		p.selection(*n.Selection, depth)
	case n.Item != nil:
		p.item(n.Holds, n.Item, depth)
	case len(n.Parts) == 1 && n.Kind != "not":
		p.node(n.Parts[0], depth)
	default:
		meaning := map[string]string{"and": "all of", "or": "any of", "not": "not"}
		p.line(n.Holds, depth, "%s", meaning[n.Kind])
		for _, part := range n.Parts {
			p.node(part, depth+1)
		}
	}
}

func (p *printer) selection(at, depth int) {
	s := p.x.Selections[at]
	if p.shown[at] {
		p.line(s.Holds, depth, "selection %s, as above", printable(s.Name))
		return
	}
	p.shown[at] = true
	p.line(s.Holds, depth, "selection %s%s", printable(s.Name), place(s.File, s.Line))
	p.node(s.Body, depth+1)
}

func (p *printer) item(holds bool, it *Item, depth int) {
	key := printable(it.Key)
	if it.Field == "" {
		key = strings.TrimSpace("keywords " + key)
	}
	p.line(holds, depth, "%s%s%s", key, place("", it.Line), it.mode())
	depth++
	switch {
	case it.Field == "":
	case !it.Present:
		p.remark(depth, "the event does not have the field")
	default:
		for _, value := range it.Values {
			p.remark(depth, "the event has %s", quoted(value))
		}
		for _, value := range it.Aliases {
			if it.Strict {
				p.remark(depth, "the alias %s does not count under a not", quoted(value))
			} else {
				p.remark(depth, "and the alias %s", quoted(value))
			}
		}
	}
	if it.Hint != "" {
		p.remark(depth, "(%s)", printable(it.Hint))
	}
	for _, wanted := range it.Wanted {
		hint, found := "", ""
		if wanted.Hint != "" {
			hint = " (" + printable(wanted.Hint) + ")"
		}
		if wanted.Holds && (it.Field == "" || len(it.Values) > 1 || len(it.Aliases) > 0 && !it.Strict) {
			found = " in " + quoted(wanted.Found)
		}
		p.line(wanted.Holds, depth, "%s%s%s", quoted(wanted.Value), found, hint)
	}
}

// mode says how the verdicts on the wanted values make that of the item.
func (it *Item) mode() string {
	some := len(it.Wanted) > 1
	switch {
	case it.Negated && it.All && some:
		return ": not all of"
	case it.Negated:
		return ": none of"
	case it.All && some:
		return ": all of"
	case some:
		return ": any of"
	}
	return ""
}

// quoted gives a value between quotes, cut where it is long. Backslashes and quotes within stay as they are: values full of
// Windows paths are easier to read so.
func quoted(value string) string {
	if len(value) <= longestShown {
		return `"` + printable(value) + `"`
	}
	cut := longestShown
	for cut > longestShown-utf8.UTFMax && !utf8.RuneStart(value[cut]) {
		cut--
	}
	return fmt.Sprintf(`"%s"… (%d bytes)`, printable(value[:cut]), len(value))
}

// printable writes what is not a visible character or a space as an escape.
func printable(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			escaped := strconv.QuoteRune(r)
			b.WriteString(escaped[1 : len(escaped)-1])
		}
		text = text[size:]
	}
	return b.String()
}
