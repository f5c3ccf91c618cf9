package evasion

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/vedette-edr/vedette/proto"
)

// facts are what an act told of itself, and what it was given. Of a fact that was told several times the last counts; all that
// it was are under its name with "#" behind.
type facts map[string]string

func readFacts(t *testing.T, text string) facts {
	t.Helper()
	f := facts{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok {
			t.Fatalf("the act told %q, which is no fact", line)
		}
		f[name] = value
		f[name+"#"] += value + " "
	}
	return f
}

// all gives everything that a fact was.
func (f facts) all(name string) []string { return strings.Fields(f[name+"#"]) }

// want is an event that is to be reported, or, absent, must not be. It is written as
//
//	[no] KIND CONDITION...
//
// where KIND is a payload of pb.Event and a condition is one of
//
//	field=value  field!=value  field>=number  field&bits (all are set)  field!&bits (none is)
//	field?=suffix  (the field is not empty and suffix ends with it)
//	field@name   (the field is the file that the facts NAME, NAME.ino and NAME.dev describe, as the kernel knows it)
//
// Fields are of the payload, or begin with "actor." or "event."; text has every byte outside of graphic ASCII as %XX; {name}
// stands for a fact. The actor is the process of the fact pid, and the thread of the fact tid if there is one, unless said otherwise.
type want struct {
	text       string
	absent     bool
	kind       string
	conditions []condition
}

type condition struct {
	field, operator, value string
}

var (
	conditionPattern = regexp.MustCompile(`^([a-z0-9_.]+)(!=|>=|!&|\?=|=|&|@)(.*)$`)
	factPattern      = regexp.MustCompile(`\{([a-z0-9_.#-]+)\}`)
)

func parseWant(t *testing.T, f facts, line string) want {
	t.Helper()
	for _, m := range factPattern.FindAllStringSubmatch(line, -1) {
		value, ok := f[m[1]]
		if !ok {
			t.Fatalf("the act told no fact %q, which %q asks for", m[1], line)
		}
		line = strings.ReplaceAll(line, m[0], value)
	}
	w := want{text: line}
	words := strings.Fields(line)
	if words[0] == "no" {
		w.absent, words = true, words[1:]
	}
	w.kind = words[0]
	if (&pb.Event{}).ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(w.kind)) == nil {
		t.Fatalf("there is no kind of event %q", w.kind)
	}
	actor := false
	for _, word := range words[1:] {
		m := conditionPattern.FindStringSubmatch(word)
		if m == nil {
			t.Fatalf("%q is no condition", word)
		}
		if m[2] == "@" {
			for suffix, field := range map[string]string{"": ".path", ".ino": ".inode", ".dev": ".device"} {
				if value, ok := f[m[3]+suffix]; ok {
					w.conditions = append(w.conditions, condition{m[1] + field, "=", value})
				} else {
					t.Fatalf("the act told no fact %q", m[3]+suffix)
				}
			}
			w.conditions = append(w.conditions, condition{m[1] + ".source", "=", "PATH_SOURCE_KERNEL"})
			if mounts, ok := f["mntns"]; ok {
				w.conditions = append(w.conditions, condition{m[1] + ".mount_namespace", "=", mounts})
			}
			continue
		}
		actor = actor || m[1] == "actor.process.pid"
		w.conditions = append(w.conditions, condition{m[1], m[2], m[3]})
	}
	if !actor {
		w.conditions = append(w.conditions, condition{"actor.process.pid", "=", f["pid"]})
		if tid, ok := f["tid"]; ok {
			w.conditions = append(w.conditions, condition{"actor.tid", "=", tid})
		}
	}
	return w
}

func (w *want) sameKind(ev *pb.Event) bool { return kindOf(ev) == w.kind }

// difference tells what of an event is not as wanted; it is empty when all is.
func (w *want) difference(ev *pb.Event) string {
	if !w.sameKind(ev) {
		return "it is " + kindOf(ev)
	}
	var out []string
	for _, c := range w.conditions {
		got, ok := fieldOf(ev, c.field)
		switch {
		case !ok:
			out = append(out, "there is no field "+c.field)
		case !c.holds(got):
			out = append(out, fmt.Sprintf("%s is %s, want %s%s", c.field, got, c.operator, c.value))
		}
	}
	return strings.Join(out, "; ")
}

func (c *condition) holds(got string) bool {
	switch c.operator {
	case "=":
		return got == c.value || number(got) == number(c.value) && number(c.value) != notNumber
	case "!=":
		return got != c.value
	case ">=":
		return number(got) != notNumber && number(got) >= number(c.value)
	case "&":
		return number(got)&number(c.value) == number(c.value)
	case "!&":
		return number(got)&number(c.value) == 0
	case "?=":
		return got != "" && strings.HasSuffix(c.value, got)
	}
	return false
}

const notNumber = 0x7eadbeef7eadbeef

func number(s string) int64 {
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		return n
	}
	if n, err := strconv.ParseUint(s, 0, 64); err == nil {
		return int64(n)
	}
	return notNumber
}

func kindOf(ev *pb.Event) string {
	m := ev.ProtoReflect()
	f := m.WhichOneof(m.Descriptor().Oneofs().ByName("payload"))
	if f == nil {
		return "nothing"
	}
	return string(f.Name())
}

// fieldOf gives a field of an event as text.
func fieldOf(ev *pb.Event, path string) (string, bool) {
	m := ev.ProtoReflect()
	names := strings.Split(path, ".")
	switch names[0] {
	case "event":
		names = names[1:]
	case "actor":
	default:
		names = append([]string{kindOf(ev)}, names...)
	}
	for i, name := range names {
		f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		if f == nil {
			return "", false
		}
		if i == len(names)-1 {
			return textOf(f, m.Get(f)), true
		}
		m = m.Get(f).Message()
	}
	return "", false
}

func textOf(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch {
	case f.IsList():
		var out []string
		for i := range v.List().Len() {
			out = append(out, v.List().Get(i).String())
		}
		return strings.Join(out, ",")
	case f.Kind() == protoreflect.EnumKind:
		if e := f.Enum().Values().ByNumber(v.Enum()); e != nil {
			return string(e.Name())
		}
		return fmt.Sprint(v.Enum())
	case f.Kind() == protoreflect.BytesKind:
		return escape(string(v.Bytes()))
	case f.Kind() == protoreflect.StringKind:
		return escape(v.String())
	case f.Kind() == protoreflect.MessageKind:
		return fmt.Sprint(v.Message().IsValid())
	}
	return v.String()
}

// escape is how acts tell text.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// shownSize is how much of an event a person wants to read.
const shownSize = 700

// show is an event on one line, for a person.
func show(ev *pb.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d/%d %s", ev.Actor.GetProcess().GetPid(), ev.Actor.GetTid(), kindOf(ev))
	if ev.Flags != 0 {
		fmt.Fprintf(&b, " event.flags=%d", ev.Flags)
	}
	var walk func(prefix string, m protoreflect.Message)
	walk = func(prefix string, m protoreflect.Message) {
		m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			if f.Kind() == protoreflect.MessageKind && !f.IsList() {
				walk(prefix+string(f.Name())+".", v.Message())
			} else if f.Name() != "environment" {
				fmt.Fprintf(&b, " %s%s=%s", prefix, f.Name(), textOf(f, v))
			}
			return true
		})
	}
	m := ev.ProtoReflect()
	if f := m.WhichOneof(m.Descriptor().Oneofs().ByName("payload")); f != nil {
		walk("", m.Get(f).Message())
	}
	if b.Len() > shownSize {
		return b.String()[:shownSize] + "..."
	}
	return b.String()
}
