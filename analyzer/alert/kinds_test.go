package alert_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/vedette-edr/vedette/analyzer/alert"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// allowedTypes is what ECS 9.4 expects in event.type for each event.category.
func allowedTypes() map[string][]string {
	return map[string][]string{
		"configuration": {"access", "change", "creation", "deletion", "info"},
		"driver":        {"change", "end", "info", "start"},
		"file":          {"access", "change", "creation", "deletion", "info"},
		"host":          {"access", "change", "end", "info", "start"},
		"iam":           {"admin", "change", "creation", "deletion", "group", "info", "user"},
		"library":       {"start"},
		"network":       {"access", "allowed", "connection", "denied", "end", "info", "protocol", "start"},
		"process":       {"access", "change", "end", "info", "start"},
		"registry":      {"access", "change", "creation", "deletion"},
		"session":       {"start", "end", "info"},
	}
}

func kinds() protoreflect.FieldDescriptors {
	return (&pb.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("payload").Fields()
}

// touching is a finding about an event of a process that is known: chmod under bash.
func (s *scene) touching(ev *pb.Event) alert.Finding {
	shell := &pb.ProcessExec{Executable: &pb.File{Path: []byte("/usr/bin/bash")}, Arguments: []byte("-bash\x00"), ArgumentsSize: 6, ArgumentCount: 1}
	s.tree.Apply(stamp(&pb.Event{Actor: actor(100, 10, key(1, 1), "bash"), Payload: &pb.Event_Exec{Exec: shell}}, 11))
	tool := &pb.ProcessExec{Executable: &pb.File{Path: []byte("/usr/bin/tool")}, Arguments: []byte("tool\x00-x\x00"), ArgumentsSize: 8, ArgumentCount: 2}
	root := actor(200, 20, key(100, 10), "tool")
	root.Uid = 0
	s.tree.Apply(stamp(&pb.Event{Actor: root, Payload: &pb.Event_Exec{Exec: tool}}, 20))
	daemon := &pb.ProcessExec{Executable: &pb.File{Path: []byte("/usr/sbin/sshd")}, Arguments: []byte("sshd\x00-D\x00"), ArgumentsSize: 8, ArgumentCount: 2}
	s.tree.Apply(stamp(&pb.Event{Actor: actor(12, 2, key(1, 1), "sshd"), Payload: &pb.Event_Exec{Exec: daemon}}, 19))
	ev.Actor = root
	stamp(ev, 21)
	return alert.Finding{
		Match:  engine.Match{Rule: &rule.Rule{ID: "r", Title: "A rule", Level: "high"}},
		BootID: "boot", Instance: 1, Event: ev, Process: s.tree.Apply(ev),
	}
}

// Every kind of the model, whatever it holds, has a place in ECS, says what happened, and makes a document that fits.
func TestEveryKindOfTheModel(t *testing.T) {
	const limit = 8 << 10
	all := kinds()
	for i := range all.Len() {
		field := all.Get(i)
		for what, fills := range map[string]func(protoreflect.Message){
			"full":    func(m protoreflect.Message) { fill(m, true, 4) },
			"hostile": func(m protoreflect.Message) { fill(m, false, 4) },
			"empty":   func(protoreflect.Message) {},
		} {
			s, ev := newScene(t, limit), &pb.Event{}
			fills(ev.ProtoReflect().Mutable(field).Message())
			f := s.touching(ev)
			kind := string(field.Name())
			line, err := s.builder.Build(f)
			if err != nil {
				t.Errorf("%s, %s: %v", kind, what, err)
				continue
			}
			doc, err := ecs.Decode(line.Line)
			if err != nil {
				t.Fatal(err)
			}
			if doc.Event.Action != kind {
				t.Errorf("%s, %s: the action is %q", kind, what, doc.Event.Action)
			}
			if len(line.Line) > limit || !utf8.Valid(line.Line) || !json.Valid(line.Line) {
				t.Errorf("%s, %s: the document has %d bytes, the limit is %d; or it is not valid", kind, what, len(line.Line), limit)
			}
			checkPlace(t, kind+", "+what, doc)
			if what == "empty" {
				continue
			}
			if doc.Message == "A rule" || !strings.HasPrefix(doc.Message, "A rule: ") {
				t.Errorf("%s, %s: the message is %q", kind, what, doc.Message)
			}
			if starts := slices.Contains([]string{"exec", "seed", "fork", "exit"}, kind); starts != (doc.Vedette.Summary == "") {
				t.Errorf("%s, %s: the summary is %q", kind, what, doc.Vedette.Summary)
			}
		}
	}
}

func checkPlace(t *testing.T, what string, doc *ecs.Alert) {
	t.Helper()
	if len(doc.Event.Category) == 0 || len(doc.Event.Type) == 0 {
		t.Errorf("%s: category %q and type %q", what, doc.Event.Category, doc.Event.Type)
	}
	if !slices.Contains([]string{"", "success", "failure"}, doc.Event.Outcome) {
		t.Errorf("%s: the outcome is %q", what, doc.Event.Outcome)
	}
	var allowed []string
	for _, category := range doc.Event.Category {
		if allowedTypes()[category] == nil {
			t.Errorf("%s: %q is no category of ECS that is used here", what, category)
		}
		allowed = append(allowed, allowedTypes()[category]...)
	}
	for _, kind := range doc.Event.Type {
		if !slices.Contains(allowed, kind) {
			t.Errorf("%s: ECS does not expect the type %q in the categories %q", what, kind, doc.Event.Category)
		}
	}
}

func fill(m protoreflect.Message, truth bool, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Kind() == protoreflect.MessageKind {
			if depth > 0 && !field.IsList() {
				fill(m.Mutable(field).Message(), truth, depth-1)
			}
			continue
		}
		value := sample(field, truth)
		if !field.IsList() {
			m.Set(field, value)
			continue
		}
		for range 2000 {
			m.Mutable(field).List().Append(value)
		}
	}
}

func sample(field protoreflect.FieldDescriptor, truth bool) protoreflect.Value {
	hostile := "\x1b\"\u202e\x00\n"
	switch field.Kind() {
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(bytes.Repeat([]byte(hostile+"\xff/."), 1000))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(strings.Repeat(hostile, 1000))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(truth)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(1000)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(0.5)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(-1)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(1 << 62)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(1<<31 | 7)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(1<<63 | 7)
	}
	panic("BUG: the model uses a kind of field that the test does not know: " + field.Kind().String())
}

// shown is the part of a document that differs from one kind of event to another.
type shown struct {
	Category  []string        `json:"category"`
	Type      []string        `json:"type"`
	Outcome   string          `json:"outcome,omitempty"`
	Error     *ecs.Error      `json:"error,omitempty"`
	File      *ecs.FileFields `json:"file,omitempty"`
	Related   []string        `json:"related_user,omitempty"`
	Vedette   ecs.Vedette     `json:"vedette"`
	Truncated bool            `json:"-"`
}

// TestKinds shows what alerts say of each kind of event that a Linux sensor reports.
func TestKinds(t *testing.T) {
	var b strings.Builder
	seen := map[string]bool{}
	for _, ev := range linuxEvents() {
		s := newScene(t, 0)
		_, doc := build(t, s, s.touching(ev))
		v := doc.Vedette
		if target := v.Target; target != nil {
			// What a process looks like is shown elsewhere.
			v.Target = &ecs.Process{PID: target.PID, Executable: target.Executable, CommandLine: target.CommandLine, RealUser: target.RealUser}
		}
		v.Level, v.Ancestors, v.AncestorsCount, v.Executable, v.Collector, v.LatencyNS, v.CgroupID = "", nil, 0, nil, ecs.Origin{}, 0, 0
		v.ExecGeneration, v.Summary = 0, ""
		text, err := json.MarshalIndent(shown{
			Category: doc.Event.Category, Type: doc.Event.Type, Outcome: doc.Event.Outcome, Error: doc.Error, File: doc.File,
			Related: doc.Related.User, Vedette: v,
		}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		// The members that every document has say nothing here.
		for _, empty := range []string{
			"  \"level\": \"\",\n", "  \"ancestors_count\": 0,\n",
			"  \"collector\": {\n   \"event_id\": \"\",\n   \"instance\": \"\",\n   \"class\": \"\",\n   \"cpu\": 0,\n   \"sequence\": 0\n  }\n",
		} {
			text = bytes.Replace(text, []byte(empty), nil, 1)
		}
		fmt.Fprintf(&b, "## %s\n%s\n%s\n", doc.Event.Action, doc.Message, text)
		seen[doc.Event.Action] = true
	}
	path := filepath.Join("testdata", "kinds.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", path, diff)
	}
	// The numbers of the model's families: file, memory, identity and kernel, and the Unix socket with a file name.
	all := kinds()
	for i := range all.Len() {
		name, number := string(all.Get(i).Name()), all.Get(i).Number()
		windows := slices.Contains([]string{"file_stream", "raw_disk_access", "process_access", "remote_thread", "driver_load"}, name)
		if linux := number >= 40 && number < 70 || number == 77 || number >= 90 && number < 150; linux && !windows && !seen[name] {
			t.Errorf("the kind %s has no sample", name)
		}
	}
}

func TestUncertainPaths(t *testing.T) {
	f := func(what string, ev *pb.Event, want ...string) {
		t.Helper()
		s := newScene(t, 0)
		flags := ev.Flags
		finding := s.touching(ev)
		ev.Flags = flags
		_, doc := build(t, s, finding)
		if diff := cmp.Diff(want, doc.Vedette.Uncertain); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	remove := func(source pb.PathSource) *pb.Event_FileDelete {
		return &pb.Event_FileDelete{FileDelete: &pb.FileDelete{File: &pb.File{Path: []byte("/x"), Source: source}}}
	}
	f("the kernel answered", &pb.Event{Payload: remove(pb.PathSource_PATH_SOURCE_KERNEL)})
	f("lexical", &pb.Event{Payload: remove(pb.PathSource_PATH_SOURCE_LEXICAL)}, "lexical")
	f("changed", &pb.Event{Payload: remove(pb.PathSource_PATH_SOURCE_CHANGED)}, "changed")
	f("changed, and the flag says it too", &pb.Event{
		Flags: uint32(pb.EventFlag_EVENT_FLAG_CHANGED_DURING_CALL), Payload: remove(pb.PathSource_PATH_SOURCE_CHANGED),
	}, "changed")
	f("the new name of a rename", &pb.Event{Payload: &pb.Event_FileRename{FileRename: &pb.FileRename{
		From: &pb.File{Source: pb.PathSource_PATH_SOURCE_KERNEL}, ToSource: pb.PathSource_PATH_SOURCE_LEXICAL,
	}}}, "lexical")
}
