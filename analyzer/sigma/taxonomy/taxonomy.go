// Package taxonomy knows which log sources and fields of Sigma are served by which events, which of them there are today,
// and what that means for a rule: whether it can fire here, and if not, why. Package fields reads the fields out of events
// as the tables here promise.
package taxonomy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Linux and Windows are the products whose events we have.
const (
	Linux   = "linux"
	Windows = "windows"
)

// Supply says how surely an event has a field.
type Supply uint8

// The degrees of Supply.
const (
	Never Supply = iota
	Sometimes
	Always
)

// String gives never, sometimes or always.
func (s Supply) String() string {
	switch s {
	case Never:
		return "never"
	case Sometimes:
		return "sometimes"
	case Always:
		return "always"
	}
	return fmt.Sprintf("Supply(%d)", uint8(s))
}

// Field is one field of a record.
type Field struct {
	Name   string
	Supply Supply
	// Why gives the reason where Supply is not Always, and where something is missing among Values.
	Why string
	// Values are all that the field can say, where those are few; empty for any text.
	Values []string
}

// Record is one way in which an event is shown to rules: under which log sources, and with which fields.
type Record struct {
	// Name is unique within a platform.
	Name string
	// Payload is the field of the event message that holds what is shown.
	Payload string
	// Sources are the log sources the record belongs to.
	Sources []rule.Logsource
	Fields  []Field
	// Open is set when the record brings fields of its own besides Fields.
	Open bool
	// Since is the version that the record has been supplied from; empty while no sensor makes its event.
	Since string
	// Note says when an event is shown as this record, where its payload alone does not tell.
	Note string
}

// Aliased names the fields of Linux that go by further values, which count for a match and never against one: of a program the
// path as its caller gave it, and of a script its own, where Image is its interpreter.
func Aliased() []string {
	return []string{"Image", "ParentImage", "GrandParentImage", "SourceImage", "TargetImage", "exe", "name"}
}

// Failed is what the name of a record of calls that failed ends with, where another one has those that succeeded.
const Failed = "_failed"

// Tried is what the category ends with that has the calls of a record whether they succeeded or failed.
const Tried = "_tried"

// failing makes two records of one whose call can fail: rules for its categories see calls that succeeded, those for its name
// with Failed the others, and those for its name with Tried and for the audit daemon both.
func failing(r Record) []Record {
	failed := r
	failed.Name += Failed
	failed.Sources = withAuditd(failed.Name, r.Name+Tried)
	r.Sources = slices.Concat(r.Sources, of(Linux, r.Name+Tried))
	failed.Note = "A call that failed."
	r.Fields, failed.Fields = saying(r.Fields, "success", "yes"), saying(r.Fields, "success", "no")
	return []Record{r, failed}
}

// saying gives fields one of which says one word alone.
func saying(fields []Field, name, word string) []Field {
	fields = slices.Clone(fields)
	for i := range fields {
		if fields[i].Name == name {
			fields[i].Values = []string{word}
		}
	}
	return fields
}

// Field gives what the record knows of a field. ok is false when the record never has it and gives no particular reason.
func (r *Record) Field(name string) (f Field, ok bool) {
	for _, f := range r.Fields {
		if f.Name == name {
			return f, true
		}
	}
	if ArgumentIndex(name) >= 0 {
		if i := slices.IndexFunc(r.Fields, func(f Field) bool { return f.Name == "aN" }); i >= 0 {
			return r.Fields[i], true
		}
	}
	if r.Open {
		return Field{Name: name, Supply: Sometimes, Why: "only where the record itself has it"}, true
	}
	return Field{}, false
}

// lists reports whether the record names the field: what else it has, such as an argument by its number, is there or not by
// its nature.
func (r *Record) lists(name string) bool {
	return slices.ContainsFunc(r.Fields, func(f Field) bool { return f.Name == name })
}

// ArgumentIndex gives N of auditd's field aN, and -1 for every other name.
func ArgumentIndex(name string) int {
	digits, ok := strings.CutPrefix(name, "a")
	if !ok || digits == "" || len(digits) > 4 || digits[0] == '0' && len(digits) > 1 {
		return -1
	}
	n := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// Covers reports whether the record belongs to a log source that a rule names.
func (r *Record) Covers(wanted rule.Logsource) bool {
	return slices.ContainsFunc(r.Sources, wanted.Covers)
}

// Unserved is a log source, or a payload, that no record shows.
type Unserved struct {
	Logsource rule.Logsource
	// Payload is a field of the event message; then the log source is empty.
	Payload string
	Why     string
}

// Platform has the records of one operating system. It is not changed after it has been made.
type Platform struct {
	// Product is Linux or Windows.
	Product string
	Records []Record
	// Unserved are log sources of the product that no record can show, each with the reason.
	Unserved []Unserved
	// Hidden are the payloads of events that rules do not see, each with the reason.
	Hidden []Unserved
}

// For gives the tables of a platform, with what is supplied as of this version. It panics for a product that is not Linux or
// Windows.
func For(product string) *Platform {
	p := &Platform{Product: product}
	switch product {
	case Linux:
		p.Records = slices.Concat(linuxProcess(), linuxFile(), linuxNetwork(), linuxMemory(), linuxIdentity(), linuxKernel())
		p.Unserved, p.Hidden = linuxUnserved(), linuxHidden()
	case Windows:
		p.Records = slices.Concat(windowsProcess(), windowsFile(), windowsRegistry(), windowsOther())
		p.Unserved, p.Hidden = windowsUnserved(), windowsHidden()
	default:
		panic(fmt.Sprintf("BUG: no tables for the product %q", product))
	}
	for i := range p.Records {
		p.Records[i].Since = since(product, p.Records[i].Payload)
	}
	return p
}

// Record gives a record by its name, nil for an unknown one.
func (p *Platform) Record(name string) *Record {
	for i := range p.Records {
		if p.Records[i].Name == name {
			return &p.Records[i]
		}
	}
	return nil
}

// since says from which version on a sensor makes the events with a payload; empty for none yet. A new sensor adds its
// payloads here, and everything else follows.
func since(product, payload string) string {
	switch product {
	case Linux:
		switch payload {
		case "exec", "exit":
			return "0.1"
		case "file_open", "file_write", "file_delete", "file_rename", "file_link", "file_mode", "file_owner", "file_truncate",
			"file_times", "file_attribute", "directory_change", "memfd_create", "mount", "unix_bind",
			"memory_map", "memory_protect", "process_trace", "process_memory", "handle_steal", "signal",
			"credential_change", "namespace_change", "login_session",
			"module_load", "module_unload", "bpf_operation", "perf_event_open", "kexec", "sysctl_write", "key_operation", "io_uring":
			return "0.2"
		}
	case Windows:
		return ""
	}
	return ""
}

func of(product string, categories ...string) []rule.Logsource {
	sources := make([]rule.Logsource, len(categories))
	for i, category := range categories {
		sources[i] = rule.Logsource{Category: category, Product: product}
	}
	return sources
}

func always(names ...string) []Field { return fields(Always, "", names) }

func sometimes(why string, names ...string) []Field { return fields(Sometimes, why, names) }

func never(why string, names ...string) []Field { return fields(Never, why, names) }

func fields(supply Supply, why string, names []string) []Field {
	list := make([]Field, len(names))
	for i, name := range names {
		list[i] = Field{Name: name, Supply: supply, Why: why}
	}
	return list
}

// only is a field that is always there and says one, or several at once, of a few words, for a reason.
func only(why, name string, values ...string) []Field {
	return []Field{{Name: name, Supply: Always, Why: why, Values: values}}
}

// oneOf is a field that is always there and says one, or several at once, of a few words.
func oneOf(name string, values ...string) []Field {
	return []Field{{Name: name, Supply: Always, Values: values}}
}
