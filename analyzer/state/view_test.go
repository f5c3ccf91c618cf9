package state_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma"
	"github.com/vedette-edr/vedette/analyzer/state"
	"github.com/vedette-edr/vedette/analyzer/users"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/eventkey"
)

func accounts(t testing.TB) *users.Names {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(path, []byte("root:x:0:\nada:x:1000:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return users.New(path, nil)
}

func TestViewFields(t *testing.T) {
	tree, w := state.New(state.Options{}), newWorld()
	view := state.NewView(tree, accounts(t))
	shell, child := key(100, 10), key(200, 20)
	ev := w.exec(child, 21, "/usr/bin/python3", "python3", "x y", "")
	exec := ev.GetExec()
	exec.Executable.Flags = uint32(pb.FileFlag_FILE_FLAG_DELETED | pb.FileFlag_FILE_FLAG_TMPFS)
	exec.Filename, exec.WorkingDirectory, exec.Tty = []byte("./run"), []byte("/tmp"), []byte("pts3")
	exec.Script, exec.Interpreter = &pb.File{Path: []byte("/tmp/run")}, []byte("/usr/bin/env")
	exec.RootDirectory, exec.PreviousComm = []byte("/jail"), []byte("bash")
	exec.Environment = [][]byte{[]byte("LD_PRELOAD=/tmp/x.so"), []byte("PATH=/bin")}
	exec.Session = 77
	exec.Credentials = &pb.Credentials{Uid: 1000, Euid: 0, LoginUid: 1000, Capabilities: &pb.Capabilities{Effective: 0x1ff}}

	apply(tree, w.seed(shell, key(1, 0), 15, "/usr/bin/bash", "-bash"), w.fork(shell, child))
	view.Reset("host", "boot", apply(tree, ev))
	f := func(name, want string) {
		t.Helper()
		if got, ok := view.Field(name); !ok || got != want {
			t.Errorf("%s = %q, %v, want %q", name, got, ok, want)
		}
	}
	f("Image", "/usr/bin/python3")
	f("CommandLine", "python3 x y ")
	f("ParentImage", "/usr/bin/bash")
	f("ParentCommandLine", "-bash")
	f("ProcessId", "200")
	f("ParentProcessId", "100")
	f("CurrentDirectory", "/tmp")
	f("User", "ada")
	f("ParentUser", "ada")
	f("EffectiveUser", "root")
	f("LogonId", "1000")
	f("ProcessGuid", eventkey.EntityOf("host", "boot", child.PID, child.Start))
	f("ParentProcessGuid", eventkey.EntityOf("host", "boot", shell.PID, shell.Start))
	f("TTY", "pts3")
	f("ScriptPath", "/tmp/run")
	f("Interpreter", "/usr/bin/env")
	f("ImageAsGiven", "./run")
	f("ExecutableFlags", "deleted tmpfs")
	f("RootDirectory", "/jail")
	f("Environment", "LD_PRELOAD=/tmp/x.so\nPATH=/bin")
	f("TerminalSessionId", "77")
	f("CapabilitiesEffective", "0x1ff")
	f("PreviousName", "bash")

	if got := view.Logsources(); !slices.Equal(got, []sigma.Logsource{{Category: "process_creation", Product: "linux"}}) {
		t.Errorf("log sources are %v", got)
	}
	values := view.AppendValues(nil)
	if len(values) != 23 || !slices.Contains(values, "python3 x y ") {
		t.Errorf("%d values %q, want all 23 fields", len(values), values)
	}
}

func TestViewLeavesOutWhatIsNotKnown(t *testing.T) {
	tree, w := state.New(state.Options{}), newWorld()
	view := state.NewView(tree, accounts(t))
	view.Reset("host", "boot", apply(tree, w.exec(key(5, 1), 2, "/bin/true")))
	for _, name := range []string{
		"ParentImage", "ParentCommandLine", "ParentProcessId", "ParentProcessGuid", "ParentUser", "Parent", "TTY", "ScriptPath",
		"Interpreter", "ExecutableFlags", "RootDirectory", "Environment", "CurrentDirectory", "LogonId", "Hashes", "image", "",
	} {
		if value, ok := view.Field(name); ok {
			t.Errorf("%s = %q, want it absent", name, value)
		}
	}
	if value, ok := view.Field("CommandLine"); !ok || value != "" {
		t.Errorf("CommandLine = %q, %v, want it present and empty", value, ok)
	}
}

func TestViewOfAPartialProcess(t *testing.T) {
	tree, w := state.New(state.Options{}), newWorld()
	view := state.NewView(tree, accounts(t))
	view.Reset("host", "boot", apply(tree, w.event(key(5, 1), 2)))
	if value, ok := view.Field("Image"); ok {
		t.Errorf("Image = %q, want it absent", value)
	}
	if value, ok := view.Field("ProcessId"); !ok || value != "5" {
		t.Errorf("ProcessId = %q, %v", value, ok)
	}
}

func TestImageOfAMemfd(t *testing.T) {
	f := func(path, want string) {
		t.Helper()
		tree, w := state.New(state.Options{}), newWorld()
		ev := w.exec(key(5, 1), 2, path)
		ev.GetExec().Executable.Flags = uint32(pb.FileFlag_FILE_FLAG_MEMFD)
		if got := apply(tree, ev).Program.Image; got != want {
			t.Errorf("path %q gives the image %q, want %q", path, got, want)
		}
	}
	f("/memfd:x", "memfd:x")
	f("memfd:x", "memfd:x")
}

func TestViewUnderARealRule(t *testing.T) {
	dir := t.TempDir()
	rule := `title: Curl under a shell
id: 6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1b
status: test
level: high
logsource: {category: process_creation, product: linux}
detection:
  selection:
    Image|endswith: /curl
    ParentImage|endswith: /bash
    CommandLine|contains: example.org
  condition: selection
`
	if err := os.WriteFile(filepath.Join(dir, "rule.yml"), []byte(rule), 0o644); err != nil {
		t.Fatal(err)
	}
	rules, problems, err := sigma.Load(dir)
	if err != nil || len(problems) > 0 {
		t.Fatalf("problems %v, error %v", problems, err)
	}
	tree, w := state.New(state.Options{}), newWorld()
	view := state.NewView(tree, accounts(t))
	shell, child := key(100, 10), key(200, 20)
	apply(tree, w.seed(shell, key(1, 0), 15, "/usr/bin/bash", "-bash"), w.fork(shell, child))
	view.Reset("host", "boot", apply(tree, w.exec(child, 21, "/usr/bin/curl", "curl", "https://example.org")))
	matches := rules.Match(view, nil)
	if len(matches) != 1 || matches[0].Rule.Title != "Curl under a shell" {
		t.Errorf("matches are %+v", matches)
	}
	view.Reset("host", "boot", apply(tree, w.exec(child, 22, "/usr/bin/wget", "wget", "https://example.org")))
	if matches := rules.Match(view, nil); len(matches) > 0 {
		t.Errorf("wget matches %+v", matches)
	}
}
