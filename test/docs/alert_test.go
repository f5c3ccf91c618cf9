package docs

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
)

// shapes are parts of an alert that occur at several places, by the heading of the section that describes them.
func shapes() map[reflect.Type]string {
	return map[reflect.Type]string{
		reflect.TypeFor[ecs.Account](): "account", reflect.TypeFor[ecs.File](): "object", reflect.TypeFor[ecs.Process](): "process",
		reflect.TypeFor[ecs.Namespaces](): "namespaces", reflect.TypeFor[ecs.Credentials](): "credentials",
		reflect.TypeFor[ecs.FileState](): "state", reflect.TypeFor[ecs.Leader](): "leader", reflect.TypeFor[ecs.Ancestor](): "ancestor",
		reflect.TypeFor[ecs.Matched](): "matched", reflect.TypeFor[ecs.Truncation](): "truncation",
	}
}

// rows lists the fields of a type as the page has them: name and kind.
func rows(of reflect.Type, prefix string) []string {
	var out []string
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		kind := kindOf(field.Type)
		if kind == "" {
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			out = append(out, rows(inner, prefix+name+".")...)
			continue
		}
		out = append(out, prefix+name+" "+kind)
	}
	return out
}

// kindOf names the kind of a field, empty for a structure whose fields are listed in its place.
func kindOf(of reflect.Type) string {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if shape := shapes()[of]; shape != "" {
		return shape
	}
	switch of.Kind() {
	case reflect.Struct:
		if of == reflect.TypeFor[time.Time]() {
			return "date"
		}
		return ""
	case reflect.Slice:
		return "list of " + kindOf(of.Elem())
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "boolean"
	default:
		return "number"
	}
}

func TestEveryFieldOfAnAlertIsDocumentedAndEveryDocumentedFieldExists(t *testing.T) {
	text, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	f := func(heading string, of reflect.Type) {
		t.Helper()
		_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
		if !found {
			t.Errorf("docs/alerts.md has no section %q", heading)
			return
		}
		section, _, _ = strings.Cut(section, "\n## ")
		var documented []string
		for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([a-z ]+) \\| .* \\|$").FindAllStringSubmatch(section, -1) {
			documented = append(documented, m[1]+" "+m[2])
		}
		if diff := cmp.Diff(rows(of, ""), documented); diff != "" {
			t.Errorf("section %q differs from the program (-program +document):\n%s", heading, diff)
		}
	}
	f("Document", reflect.TypeFor[ecs.Alert]())
	for of, heading := range shapes() {
		f(heading, of)
	}
}

func TestEveryKindOfEventHasItsPlaceInTheDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Kinds of events\n")
	var documented []string
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 2 {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
			documented = append(documented, m[1])
		}
	}
	var kinds []string
	fields := (&pb.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("payload").Fields()
	for i := range fields.Len() {
		kinds = append(kinds, string(fields.Get(i).Name()))
	}
	slices.Sort(kinds)
	slices.Sort(documented)
	if diff := cmp.Diff(kinds, documented); diff != "" {
		t.Errorf("the kinds differ from the model (-model +document):\n%s", diff)
	}
}
