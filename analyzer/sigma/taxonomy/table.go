package taxonomy

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// WriteTable writes the tables of both platforms as Markdown: every log source with the events that serve it, every field
// with whether and why not it is supplied, and what is served by nothing. The text is the same at every call.
func WriteTable(w io.Writer) error {
	out := bufio.NewWriter(w)
	for i, product := range []string{Linux, Windows} {
		if i > 0 {
			fmt.Fprintln(out)
		}
		For(product).write(out)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("cannot write the table of log sources and fields: %w", err)
	}
	return nil
}

func (p *Platform) write(out *bufio.Writer) {
	fmt.Fprintf(out, "## %s\n\n| log source | records | since |\n|---|---|---|\n", title(p.Product))
	p.writeSources(out)
	groups := p.groups()
	for _, g := range groups {
		fmt.Fprintf(out, "\n### %s\n\n%s\n\n", title(g.name), g.text)
		writeFields(out, g.fields)
	}
	for i := range p.Records {
		r := &p.Records[i]
		if name, isFailed := strings.CutSuffix(r.Name, Failed); isFailed && p.Record(name) != nil && sameFields(r, p.Record(name)) {
			fmt.Fprintf(out, "\n### `%s`: event `%s`, %s\n\n%s It has the fields of `%s`; `success` says no.\n",
				r.Name, r.Payload, supplied(r.Since), r.Note, name)
			continue
		}
		writeRecord(out, r, groups)
	}
	fmt.Fprintf(out, "\n### Served by nothing\n\n| log source or event | why |\n|---|---|\n")
	for _, u := range p.Unserved {
		fmt.Fprintf(out, "| %s | %s |\n", sourceText(short(u.Logsource)), u.Why)
	}
	for _, u := range p.Hidden {
		fmt.Fprintf(out, "| event `%s` | %s |\n", u.Payload, u.Why)
	}
}

// sameFields reports whether two records have the same fields, whatever words these say.
func sameFields(a, b *Record) bool {
	return slices.EqualFunc(a.Fields, b.Fields, func(f, g Field) bool { return f.Name == g.Name && f.Supply == g.Supply && f.Why == g.Why })
}

// writeSources writes a row for each group of neighbouring log sources that the same records serve.
func (p *Platform) writeSources(out *bufio.Writer) {
	var waiting []string
	var served string
	flush := func() {
		if len(waiting) > 0 {
			fmt.Fprintf(out, "| %s | %s |\n", strings.Join(waiting, "; "), served)
		}
		waiting = waiting[:0]
	}
	for _, source := range p.sources() {
		var names []string
		earliest := ""
		for i := range p.Records {
			r := &p.Records[i]
			if !slices.Contains(r.Sources, source) {
				continue
			}
			if name, isFailed := strings.CutSuffix(r.Name, Failed); isFailed && len(names) > 0 && names[len(names)-1] == "`"+name+"`" {
				names[len(names)-1] += " and `…" + Failed + "`"
				continue
			}
			names = append(names, "`"+r.Name+"`")
			if r.Since != "" && (earliest == "" || r.Since < earliest) {
				earliest = r.Since
			}
		}
		row := fmt.Sprintf("%s | %s", strings.Join(names, ", "), sinceText(earliest))
		if row != served {
			flush()
			served = row
		}
		waiting = append(waiting, sourceText(short(source)))
	}
	flush()
}

// short leaves out the product, which the heading says.
func short(l rule.Logsource) rule.Logsource {
	l.Product = ""
	return l
}

// sources gives the log sources of all records in the order of their first mention.
func (p *Platform) sources() []rule.Logsource {
	var list []rule.Logsource
	for i := range p.Records {
		for _, source := range p.Records[i].Sources {
			if !slices.Contains(list, source) {
				list = append(list, source)
			}
		}
	}
	return list
}

// group is fields that many records have alike, and that are written out once.
type group struct {
	name, text string
	fields     []Field
}

func (p *Platform) groups() []group {
	if p.Product == Windows {
		return []group{{"the acting process", "What most records tell of the process that acted.", windowsActor()}}
	}
	return []group{
		{
			"the acting process", "What most records tell of the process that acted. Image is the file that the kernel mapped: links " +
				"followed, and of a script the interpreter. Image, ParentImage, GrandParentImage, SourceImage, TargetImage and exe go " +
				"by the path as the caller gave it as well, and by that of the script: see [sigma.md](sigma.md#two-meanings-of-image).",
			linuxActor(),
		},
		{
			"the audit daemon's view of it", "The same in the words of the audit daemon. One record stands for all those of an audit event: " +
				"`type` and `name` have several values at once. In `type`, " + whyTypes + "; in `SYSCALL`, " + whyCalls + ".",
			auditOutcome(),
		},
	}
}

func writeRecord(out *bufio.Writer, r *Record, groups []group) {
	fmt.Fprintf(out, "\n### `%s`: event `%s`, %s\n\n", r.Name, r.Payload, supplied(r.Since))
	if r.Note != "" {
		fmt.Fprintf(out, "%s\n\n", r.Note)
	}
	own, also := r.Fields, []string(nil)
	for _, g := range groups {
		if rest, ok := without(own, g.fields); ok {
			own, also = rest, append(also, g.name)
		}
	}
	if len(also) > 0 {
		fmt.Fprintf(out, "All fields of %s.\n", strings.Join(also, " and of "))
		if len(own) > 0 {
			fmt.Fprintln(out)
		}
	}
	if len(own) > 0 || r.Open {
		writeFields(out, own)
	}
	if r.Open {
		fmt.Fprintf(out, "| any other, by the record's own names | %s | |\n", Sometimes)
	}
}

// without takes the fields out; ok is false when the list lacks one of them, or has it otherwise.
func without(list, out []Field) (rest []Field, ok bool) {
	found := 0
	for _, f := range list {
		if slices.ContainsFunc(out, func(g Field) bool { return f.Name == g.Name && f.Supply == g.Supply && f.Why == g.Why }) {
			found++
		} else {
			rest = append(rest, f)
		}
	}
	return rest, found == len(out)
}

func writeFields(out *bufio.Writer, list []Field) {
	fmt.Fprintf(out, "| fields | supplied | |\n|---|---|---|\n")
	for start := 0; start < len(list); {
		f := list[start]
		end := start + 1
		for end < len(list) && len(f.Values) == 0 && alike(f, list[end]) {
			end++
		}
		names := make([]string, 0, end-start)
		for _, f := range list[start:end] {
			names = append(names, "`"+fieldText(f.Name)+"`")
		}
		fmt.Fprintf(out, "| %s | %s | %s |\n", strings.Join(names, ", "), f.Supply, remark(f))
		start = end
	}
}

func alike(a, b Field) bool { return a.Supply == b.Supply && a.Why == b.Why && len(b.Values) == 0 }

func fieldText(name string) string {
	if name == "aN" {
		return "a0, a1, …"
	}
	return name
}

func remark(f Field) string {
	if len(f.Values) == 0 {
		return f.Why
	}
	words := "says " + strings.Join(f.Values, ", ")
	if f.Supply == Always {
		return words
	}
	return f.Why + "; " + words
}

func sinceText(version string) string {
	if version == "" {
		return "not yet"
	}
	return version
}

func supplied(since string) string {
	if since == "" {
		return "not supplied yet"
	}
	return "since " + since
}

func title(product string) string { return strings.ToUpper(product[:1]) + product[1:] }
