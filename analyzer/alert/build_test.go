package alert_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/alert"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/state"
	"github.com/vedette-edr/vedette/analyzer/users"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/eventkey"
)

const (
	hostID = "0123456789ab"
	second = uint64(time.Second)
	// booted is when the machine of these tests was started.
	booted = int64(1_700_000_000_000_000_000)
)

// scene is a process tree with a builder over it.
type scene struct {
	tree    *state.Tree
	builder *alert.Builder
}

func newScene(t testing.TB, maxDocument int) *scene {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tree := state.New(state.Options{})
	builder := alert.NewBuilder(tree,
		users.New(write("passwd", "root:x:0:\nada:x:1000:\n"), nil), users.New(write("group", "root:x:0:\nusers:x:100:\n"), nil),
		alert.BuilderOptions{
			Host: ecs.Host{ID: hostID, Name: "testhost", OS: &ecs.OS{Type: "linux"}}, Version: "1.2.3", MaxDocument: maxDocument,
			Now: func() time.Time { return time.Unix(0, booted+int64(21*second)+5_000_000) },
		})
	return &scene{tree: tree, builder: builder}
}

func curlRule() *rule.Rule {
	return &rule.Rule{
		ID: "6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1b", Title: "Curl under a shell", Description: "A download.", Status: "test",
		Level: "high", Author: "Ada, Grace", License: "Apache-2.0", Date: "2025-01-01", Modified: "2025-02-02",
		References: []string{"https://example.org/a", "https://example.org/b"}, FalsePositives: []string{"Administrators"},
		Tags:      []string{"attack.command-and-control", "attack.t1105", "attack.t1059.004", "attack.unheard-of", "cve.2024-1"},
		Logsource: rule.Logsource{Category: "process_creation", Product: "linux"}, File: "rules/curl.yml",
	}
}

func key(pid uint32, start uint64) *pb.ProcessKey {
	return &pb.ProcessKey{Pid: pid, StartTimeNs: start * second}
}

func actor(pid uint32, start uint64, parent *pb.ProcessKey, comm string) *pb.Actor {
	return &pb.Actor{
		Process: key(pid, start), Parent: parent, Tid: pid, Comm: []byte(comm), Uid: 1000, Euid: 0, Gid: 100, Egid: 100,
		CgroupId: 77, NamespacePid: 5,
	}
}

func stamp(ev *pb.Event, at uint64) *pb.Event {
	ev.Class, ev.Cpu, ev.Sequence = pb.Class_CLASS_PROCESS, 3, 41
	ev.KernelTimeNs, ev.WallTimeNs = at*second, booted+int64(at*second)
	return ev
}

func curl() *pb.ProcessExec {
	return &pb.ProcessExec{
		Executable: &pb.File{Path: []byte("/usr/bin/curl"), Device: 2049, Inode: 99, Mode: 0o100755, Size: 1234, CtimeNs: booted, Flags: 2 | 8},
		Filename:   []byte("./curl"), Arguments: []byte("curl\x00-s\x00https://example.org/\x00"), ArgumentsSize: 29, ArgumentCount: 3,
		Environment: [][]byte{[]byte("LD_PRELOAD=/tmp/x.so")}, WorkingDirectory: []byte("/tmp"), RootDirectory: []byte("/jail"),
		Script: &pb.File{Path: []byte("/tmp/run.sh"), Inode: 5}, Interpreter: []byte("/bin/sh"), Tty: []byte("pts1"),
		Session: 100, ProcessGroup: 200, PreviousComm: []byte("bash"), SecureExec: true,
		Credentials: &pb.Credentials{
			Uid: 1000, Euid: 0, Gid: 100, Egid: 100, LoginUid: 1000, AuditSession: 12, Capabilities: &pb.Capabilities{Effective: 1<<39 | 1, Permitted: 1 << 60},
		},
		Namespaces: &pb.Namespaces{Mount: 4026531840},
	}
}

// finding is a curl under a bash under an init that nobody knows more of than its key.
func (s *scene) finding(exec *pb.ProcessExec) alert.Finding {
	shell := &pb.ProcessExec{Executable: &pb.File{Path: []byte("/usr/bin/bash")}, Arguments: []byte("-bash\x00"), ArgumentsSize: 6, ArgumentCount: 1}
	s.tree.Apply(stamp(&pb.Event{Actor: actor(100, 10, key(1, 1), "bash"), Payload: &pb.Event_Exec{Exec: shell}}, 11))
	ev := stamp(&pb.Event{Actor: actor(200, 20, key(100, 10), "curl"), Payload: &pb.Event_Exec{Exec: exec}}, 21)
	return alert.Finding{
		Match: engine.Match{Rule: curlRule(), Fields: []engine.MatchedField{
			{Field: "Image", Value: "/usr/bin/curl", Pattern: "/curl"}, {Field: "", Value: "x", Pattern: "keyword"},
		}},
		BootID: "boot", Instance: 1 << 60, Event: ev, Process: s.tree.Apply(ev),
	}
}

func build(t testing.TB, s *scene, f alert.Finding) (alert.Alert, *ecs.Alert) {
	t.Helper()
	a, err := s.builder.Build(f)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := ecs.Decode(a.Line)
	if err != nil {
		t.Fatal(err)
	}
	return a, doc
}

func TestDocument(t *testing.T) {
	s := newScene(t, 0)
	a, doc := build(t, s, s.finding(curl()))

	yes, no := true, false
	at := func(sec uint64) time.Time { return time.Unix(0, booted+int64(sec*second)).UTC() }
	root, ada, group := &ecs.Account{ID: "0", Name: "root"}, &ecs.Account{ID: "1000", Name: "ada"}, &ecs.Account{ID: "100", Name: "users"}
	entity := func(pid uint32, start uint64) string { return eventkey.EntityOf(hostID, "boot", pid, start*second) }
	eventID := eventkey.Event(hostID, 1<<60, pb.Class_CLASS_PROCESS, 3, 41)
	want := &ecs.Alert{
		Timestamp: at(21), ECS: ecs.ECS{Version: "9.4.0"}, Tags: curlRule().Tags,
		Message: "Curl under a shell: curl -s https://example.org/ started by bash as ada",
		Event: ecs.Event{
			ID: eventkey.Alert(curlRule().ID, eventID), Kind: "alert", Category: []string{"process"}, Type: []string{"start"}, Action: "exec",
			Outcome: "success", Severity: 73, Sequence: 41, Created: at(21).Add(5 * time.Millisecond), Dataset: "vedette.alert", Module: "vedette",
			Provider: "kernel", Reason: `Image matches "/curl", keyword "keyword"`,
		},
		Rule: ecs.Rule{
			ID: curlRule().ID, Name: "Curl under a shell", Description: "A download.", Author: []string{"Ada", "Grace"}, License: "Apache-2.0",
			Reference: "https://example.org/a", Ruleset: "sigma", Version: "2025-02-02", Category: "process_creation",
		},
		Threat: &ecs.Threat{
			Framework: "MITRE ATT&CK",
			Tactic: &ecs.Tactic{
				ID: []string{"TA0011"}, Name: []string{"Command and Control"}, Reference: []string{"https://attack.mitre.org/tactics/TA0011/"},
			},
			Technique: &ecs.Technique{
				ID:        []string{"T1105", "T1059"},
				Reference: []string{"https://attack.mitre.org/techniques/T1105/", "https://attack.mitre.org/techniques/T1059/"},
				Subtechnique: &ecs.Subtechnique{
					ID: []string{"T1059.004"}, Reference: []string{"https://attack.mitre.org/techniques/T1059/004/"},
				},
			},
		},
		Process: &ecs.Process{
			EntityID: entity(200, 20), PID: 200, VPID: 5, Name: "curl", Executable: "/usr/bin/curl",
			CommandLine: "curl -s https://example.org/", Args: []string{"curl", "-s", "https://example.org/"}, ArgsCount: 3,
			WorkingDirectory: "/tmp", Start: at(20), Interactive: &yes, EnvVars: []string{"LD_PRELOAD=/tmp/x.so"},
			User: root, RealUser: ada, SavedUser: root, Group: group, RealGroup: group, SavedGroup: &ecs.Account{ID: "0", Name: "root"},
			Thread: &ecs.Thread{ID: 200, Name: "curl", Capabilities: &ecs.ThreadCapabilities{
				Effective: []string{"CAP_CHOWN", "CAP_BPF"}, Permitted: []string{"60"},
			}},
			GroupLeader:   &ecs.Leader{EntityID: entity(200, 20), PID: 200, SameAsProcess: &yes},
			SessionLeader: &ecs.Leader{EntityID: entity(100, 10), PID: 100, SameAsProcess: &no},
			Parent: &ecs.Process{
				EntityID: entity(100, 10), PID: 100, VPID: 5, Name: "bash", Executable: "/usr/bin/bash", CommandLine: "-bash",
				Args: []string{"-bash"}, ArgsCount: 1, Start: at(10), Interactive: &no,
				User: root, RealUser: ada, Group: group, RealGroup: group,
			},
		},
		User:    &ecs.User{ID: "1000", Name: "ada", Effective: root},
		Host:    ecs.Host{ID: hostID, Name: "testhost", OS: &ecs.OS{Type: "linux"}},
		Agent:   ecs.Agent{ID: hostID, Type: "vedette", Version: "1.2.3", Name: "testhost"},
		Related: &ecs.Related{User: []string{"ada", "root"}, Hosts: []string{"testhost", hostID}},
		Vedette: ecs.Vedette{
			Level: "high", RuleStatus: "test", RuleFile: "rules/curl.yml", RuleReferences: curlRule().References,
			FalsePositives: []string{"Administrators"},
			Matched: []ecs.Matched{
				{Field: "Image", Value: "/usr/bin/curl", Pattern: "/curl"}, {Field: "", Value: "x", Pattern: "keyword"},
			},
			Ancestors: []ecs.Ancestor{
				{EntityID: entity(100, 10), PID: 100, Name: "bash", Executable: "/usr/bin/bash", CommandLine: "-bash", User: "ada"},
				{EntityID: entity(1, 1), PID: 1, User: "root", Incomplete: true},
			},
			AncestorsCount: 2, Filename: "./curl", Script: &ecs.File{Path: "/tmp/run.sh", Inode: 5}, Interpreter: "/bin/sh",
			Executable: &ecs.File{
				Path: "/usr/bin/curl", Device: 2049, Inode: 99, Changed: at(0), Mode: "0100755", Owner: root, Size: 1234,
				Flags: []string{"memfd", "tmpfs"},
			},
			RootDirectory: "/jail", TTY: "pts1", LoginUser: ada, AuditSession: 12, Namespaces: &ecs.Namespaces{Mount: 4026531840},
			CgroupID: 77, SecureExec: true, PreviousName: "bash", ExecGeneration: 1, LatencyNS: 5_000_000,
			Collector: ecs.Origin{EventID: eventID, Instance: "1152921504606846976", BootID: "boot", Class: "process", CPU: 3, Sequence: 41},
		},
	}
	want.Process.Executable, want.Vedette.Executable.Path = "usr/bin/curl", "usr/bin/curl"
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if a.ID != want.Event.ID || a.Level != "high" {
		t.Errorf("alert %s of level %s, want %s of level high", a.ID, a.Level, want.Event.ID)
	}
}

func TestAlertIDDependsOnRuleAndEventAlone(t *testing.T) {
	s := newScene(t, 0)
	first, _ := build(t, s, s.finding(curl()))
	other := newScene(t, 4<<10)
	f := other.finding(curl())
	f.Process = nil
	again, _ := build(t, other, f)
	if first.ID != again.ID {
		t.Errorf("the same finding has the ids %s and %s", first.ID, again.ID)
	}
	f.Event.Sequence++
	if next, _ := build(t, other, f); next.ID == first.ID {
		t.Error("another event has the same id")
	}
}

// Hostile arguments make neither an invalid nor an endless document, and the document says what is missing.
func TestHostileTextIsBounded(t *testing.T) {
	f := func(what string, arguments []byte, count uint32) {
		t.Helper()
		for _, limit := range []int{8 << 10, 192 << 10} {
			s := newScene(t, limit)
			exec := curl()
			exec.Arguments, exec.ArgumentsSize, exec.ArgumentCount = arguments, uint64(len(arguments)), count
			exec.WorkingDirectory = slices.Repeat([]byte("/\xff"), 2048)
			a, doc := build(t, s, s.finding(exec))
			if len(a.Line) > limit {
				t.Errorf("%s: the document has %d bytes, the limit is %d", what, len(a.Line), limit)
			}
			if !utf8.Valid(a.Line) || !json.Valid(a.Line) {
				t.Errorf("%s: the document is not valid", what)
			}
			i := slices.IndexFunc(doc.Vedette.Truncated, func(c ecs.Truncation) bool { return c.Field == "process.command_line" })
			if i < 0 || doc.Vedette.Truncated[i].Size != uint64(len(arguments)) {
				t.Errorf("%s: truncations are %+v, want the command line with %d bytes", what, doc.Vedette.Truncated, len(arguments))
			}
			if doc.Process.ArgsCount != count {
				t.Errorf("%s: %d arguments, want %d", what, doc.Process.ArgsCount, count)
			}
		}
	}
	f("one long argument", []byte("curl\x00"+strings.Repeat("x", 200<<10)+"\x00"), 2)
	f("many short arguments", []byte(strings.Repeat("x\x00", 100<<10)), 100<<10)
	f("no valid text at all", slices.Repeat([]byte{0xff, 0xc3, 0x28, 0}, 50<<10), 50<<10)
	f("nothing but line ends", append(slices.Repeat([]byte("\n"), 100<<10), 0), 1)
	f("nothing but quotes", append(slices.Repeat([]byte(`"\`), 100<<10), 0), 1)
}

func TestArgumentsAndCommandLineSayTheSame(t *testing.T) {
	s := newScene(t, 0)
	exec := curl()
	exec.Arguments = []byte("a\x00" + strings.Repeat("é", 20<<10) + "\x00c\x00")
	exec.ArgumentsSize, exec.ArgumentCount = uint64(len(exec.Arguments)), 3
	_, doc := build(t, s, s.finding(exec))
	if got := strings.Join(doc.Process.Args, " "); got != doc.Process.CommandLine {
		t.Errorf("arguments and command line differ in %d and %d bytes", len(got), len(doc.Process.CommandLine))
	}
	if !strings.HasSuffix(doc.Process.CommandLine, "é") {
		t.Errorf("the cut is in the middle of a character: %q", doc.Process.CommandLine[len(doc.Process.CommandLine)-8:])
	}
	want := []ecs.Truncation{
		{Field: "process.command_line", Size: uint64(len(exec.Arguments)), Kept: uint64(len(doc.Process.CommandLine))},
		{Field: "process.args", Size: 3, Kept: 2},
	}
	if diff := cmp.Diff(want, doc.Vedette.Truncated); diff != "" {
		t.Errorf("truncations (-want +got):\n%s", diff)
	}
}

// The collector cuts too, and says how much there was.
func TestCollectorsCutShows(t *testing.T) {
	s := newScene(t, 0)
	exec := curl()
	exec.ArgumentsSize, exec.ArgumentCount = 500_000, 7
	_, doc := build(t, s, s.finding(exec))
	want := []ecs.Truncation{
		{Field: "process.command_line", Size: 500_000, Kept: 28}, {Field: "process.args", Size: 7, Kept: 3},
	}
	if diff := cmp.Diff(want, doc.Vedette.Truncated); diff != "" {
		t.Errorf("truncations (-want +got):\n%s", diff)
	}
}

func TestLongChainsAreCutAndCounted(t *testing.T) {
	s := newScene(t, 0)
	parent := key(1, 1)
	for i := range uint32(3000) {
		child := key(1000+i, uint64(1000+i))
		s.tree.Apply(stamp(&pb.Event{Actor: &pb.Actor{Process: parent}, Payload: &pb.Event_Fork{Fork: &pb.ProcessFork{Child: child, Parent: parent}}}, uint64(1000+i)))
		parent = child
	}
	ev := stamp(&pb.Event{Actor: &pb.Actor{Process: parent}, Payload: &pb.Event_Exec{Exec: curl()}}, 5000)
	f := alert.Finding{Match: engine.Match{Rule: curlRule()}, Event: ev, Process: s.tree.Apply(ev)}
	_, doc := build(t, s, f)
	if doc.Vedette.AncestorsCount != 3000 || len(doc.Vedette.Ancestors) != ecs.MaxAncestors {
		t.Errorf("%d ancestors of %d, want %d of 3000", len(doc.Vedette.Ancestors), doc.Vedette.AncestorsCount, ecs.MaxAncestors)
	}
}

func TestDoubtsShow(t *testing.T) {
	s := newScene(t, 0)
	f := s.finding(curl())
	f.Event.Flags = uint32(pb.EventFlag_EVENT_FLAG_PATH_UNRESOLVED | pb.EventFlag_EVENT_FLAG_READ_FAULT | pb.EventFlag_EVENT_FLAG_CHANGED_DURING_CALL)
	_, doc := build(t, s, f)
	if diff := cmp.Diff([]string{"path", "memory", "changed"}, doc.Vedette.Uncertain); diff != "" {
		t.Errorf("doubts (-want +got):\n%s", diff)
	}
}

func TestRuleWithoutAnything(t *testing.T) {
	s := newScene(t, 0)
	f := s.finding(curl())
	f.Match = engine.Match{Rule: &rule.Rule{ID: "x"}}
	a, doc := build(t, s, f)
	if a.Level != "medium" || doc.Threat != nil || doc.Tags != nil {
		t.Errorf("the alert has level %q, threat %v, tags %v", a.Level, doc.Threat, doc.Tags)
	}
}

func BenchmarkBuild(b *testing.B) {
	s := newScene(b, 0)
	f := s.finding(curl())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.builder.Build(f); err != nil {
			b.Fatal(err)
		}
	}
}
