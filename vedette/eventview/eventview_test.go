package eventview

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/vedette/term"
)

// events has one of each kind about a program, one of others, and hostile text.
func events() []*pb.Event {
	actor := func(pid, ppid uint32, comm string) *pb.Actor {
		return &pb.Actor{
			Process: &pb.ProcessKey{Pid: pid, StartTimeNs: 7_000_000_000},
			Parent:  &pb.ProcessKey{Pid: ppid, StartTimeNs: 5_000_000_000},
			Tid:     pid, Comm: []byte(comm), Uid: 1000, Euid: 0,
		}
	}
	at := int64(1_700_000_000_123_456_789)
	return []*pb.Event{
		{Class: pb.Class_CLASS_PROCESS, Cpu: 1, Sequence: 9, WallTimeNs: at, Actor: actor(42, 41, "cat"), Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{
			Executable: &pb.File{Path: []byte("/usr/bin/cat"), Source: pb.PathSource_PATH_SOURCE_KERNEL, Inode: 77},
			Filename:   []byte("cat"), Arguments: []byte("cat\x00/etc/shadow\x00<a&b>\x00"), ArgumentCount: 3,
			Environment: [][]byte{[]byte("LD_PRELOAD=/tmp/x.so")}, WorkingDirectory: []byte("/root"),
		}}},
		{Class: pb.Class_CLASS_PROCESS, WallTimeNs: at, Flags: 1 | 16, Actor: actor(43, 42, "x\x1b[2J"), Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{
			Executable: &pb.File{Path: []byte("/tmp/\xff\x1b]0;owned\x07\u202e")}, Script: &pb.File{Path: []byte("/tmp/s.sh\n")}, Arguments: []byte("sh\x00\xfe\x00"),
		}}},
		{Class: pb.Class_CLASS_PROCESS, WallTimeNs: at, Actor: actor(42, 41, "sh"), Payload: &pb.Event_Fork{Fork: &pb.ProcessFork{Child: &pb.ProcessKey{Pid: 50}}}},
		{Class: pb.Class_CLASS_PROCESS, WallTimeNs: at, Actor: actor(50, 42, "sh"), Payload: &pb.Event_Exit{Exit: &pb.ProcessExit{Code: 3}}},
		{Class: pb.Class_CLASS_PROCESS, WallTimeNs: at, Actor: actor(50, 42, "sh"), Payload: &pb.Event_Exit{Exit: &pb.ProcessExit{Signal: 11, CoreDumped: true}}},
		{Class: pb.Class_CLASS_PROCESS, WallTimeNs: at, Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{Processes: 120, Vanished: 1}}},
		{Class: pb.Class_CLASS_NETWORK, WallTimeNs: at, Actor: actor(60, 1, "curl"), Payload: &pb.Event_NetworkConnect{NetworkConnect: &pb.NetworkConnect{
			Socket: &pb.Socket{Remote: &pb.Endpoint{Address: []byte{10, 0, 0, 1}, Port: 443}, Protocol: 6},
		}}},
		{Class: pb.Class_CLASS_FILE, WallTimeNs: at, Actor: actor(60, 1, "dd"), Payload: &pb.Event_FileClose{FileClose: &pb.FileClose{
			Hashes: &pb.Hashes{Sha256: []byte{0xde, 0xad}, Entropy: 7.5},
		}}},
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", path, diff)
	}
}

func TestLines(t *testing.T) {
	var b strings.Builder
	for _, ev := range events() {
		b.WriteString(Line(ev, term.Palette{}, time.UTC) + "\n")
	}
	golden(t, "lines.txt", b.String())
}

func TestJSONLines(t *testing.T) {
	batch := &pb.EventBatch{Host: "h1", BootId: "b1", Instance: 1_700_000_000_000_000_000}
	var b strings.Builder
	for _, ev := range events() {
		line := JSON(ev, batch)
		if !json.Valid(line) {
			t.Errorf("not JSON: %s", line)
		}
		b.Write(append(line, '\n'))
	}
	golden(t, "events.ndjson", b.String())
}

func TestKinds(t *testing.T) {
	kinds := Kinds()
	for _, want := range []string{"exec", "fork", "exit", "seed", "seed_end", "collector_gap"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("%q is not among the kinds %v", want, kinds)
		}
	}
	if got := Kind(&pb.Event{}); got != "" {
		t.Errorf("an event without payload has the kind %q", got)
	}
}

// Every kind of the model, filled to the last field with hostile bytes, becomes one line of valid JSON and of safe text.
func TestEveryKindCanBeShown(t *testing.T) {
	for _, kind := range Kinds() {
		ev := &pb.Event{WallTimeNs: 1, Actor: &pb.Actor{Comm: []byte("\x1b[2J\xff")}}
		m := ev.ProtoReflect()
		field := m.Descriptor().Fields().ByName(protoreflect.Name(kind))
		fill(m.Mutable(field).Message(), 4)
		if got := Kind(ev); got != kind {
			t.Fatalf("kind %q is taken for %q", kind, got)
		}
		line := JSON(ev, nil)
		if !json.Valid(line) {
			t.Errorf("%s: not JSON: %s", kind, line)
		}
		for _, text := range []string{string(line), Line(ev, term.Palette{}, time.UTC)} {
			for _, r := range text {
				if !unicode.IsPrint(r) {
					t.Errorf("%s: the line holds %U: %s", kind, r, text)
					break
				}
			}
		}
	}
}

func fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Kind() == protoreflect.MessageKind {
			if depth == 0 {
				continue
			}
			if field.IsList() {
				fill(m.Mutable(field).List().AppendMutable().Message(), depth-1)
			} else {
				fill(m.Mutable(field).Message(), depth-1)
			}
			continue
		}
		value := sample(field)
		if field.IsList() {
			m.Mutable(field).List().Append(value)
		} else {
			m.Set(field, value)
		}
	}
}

func sample(field protoreflect.FieldDescriptor) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("\x1b]0;\xff\u202e\x00\n"))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("\x1b]0;\u202e\x00\n")
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(1000)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(0.5)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(-1)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(-1)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(1 << 31)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(1 << 63)
	}
	panic("BUG: the model uses a kind of field that the test does not know: " + field.Kind().String())
}

func FuzzShow(f *testing.F) {
	for _, ev := range events() {
		raw, err := proto.Marshal(ev)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var ev pb.Event
		if err := ev.UnmarshalVTUnsafe(raw); err != nil {
			return
		}
		if line := JSON(&ev, nil); !json.Valid(line) {
			t.Errorf("not JSON: %s", line)
		}
		for _, r := range Line(&ev, term.Palette{}, time.UTC) {
			if !unicode.IsPrint(r) {
				t.Errorf("the line holds %U", r)
			}
		}
	})
}

func BenchmarkJSON(b *testing.B) {
	ev := events()[0]
	b.ReportAllocs()
	for b.Loop() {
		JSON(ev, nil)
	}
}
