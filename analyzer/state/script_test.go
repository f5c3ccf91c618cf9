package state_test

import (
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
)

func TestGiven(t *testing.T) {
	f := func(filename, directory, root, want string) {
		t.Helper()
		tree, w := state.New(state.Options{}), newWorld()
		ev := w.exec(key(5, 1), 2, "/usr/bin/x")
		x := ev.GetExec()
		x.Filename, x.WorkingDirectory, x.RootDirectory = []byte(filename), []byte(directory), []byte(root)
		if got := apply(tree, ev).Program.Given; got != want {
			t.Errorf("%q in %q below %q is %q, want %q", filename, directory, root, got, want)
		}
	}
	f("/usr/bin/x", "/tmp", "", "/usr/bin/x")
	f("./x", "/tmp", "", "/tmp/x")
	f("x", "/", "", "/x")
	f("../x", "/tmp/a", "", "/tmp/x")
	f("../../../x", "/tmp", "", "/x")
	f("a/./b//../c/", "/tmp", "", "/tmp/a/c")
	f("/tmp/./.x/../y", "/srv", "", "/tmp/y")
	f("//tmp//y/.", "/srv", "", "/tmp/y")
	f("/", "/srv", "", "/")
	f("/..", "/srv", "", "/")
	f("/...", "/srv", "", "/...")
	f("/.x", "/srv", "", "/.x")
	f("x", "", "", "x")
	f("../x", "", "", "../x")
	f("x", "tmp", "", "x")
	f("", "/tmp", "", "")
	f("/bin/sh", "/jail/home", "/jail", "/jail/bin/sh")
	f("sh", "/jail/home", "/jail", "/jail/home/sh")
	f("/dev/fd/3", "/tmp", "", "/dev/fd/3")
	f("/a\xff//b", "/", "", "/a\xff/b")
}

func TestWhatAnInterpreterRuns(t *testing.T) {
	const file, pipe, socket, device = 0o100644, 0o010600, 0o140777, 0o020620
	stdin := func(path string, mode uint32) *pb.File { return &pb.File{Path: []byte(path), Mode: mode} }
	f := func(image, command string, in *pb.File, wantSource, wantPath, wantInput string) {
		t.Helper()
		tree, w := state.New(state.Options{}), newWorld()
		ev := w.exec(key(5, 1), 2, image, strings.Fields(command)...)
		ev.GetExec().WorkingDirectory, ev.GetExec().Stdin = []byte("/srv"), in
		p := apply(tree, ev).Program
		if p.ScriptSource.String() != wantSource || p.ScriptPath != wantPath || p.StandardInput() != wantInput {
			t.Errorf("%s: %q runs %s %q with input %q, want %s %q with %q", image, command, p.ScriptSource, p.ScriptPath,
				p.StandardInput(), wantSource, wantPath, wantInput)
		}
	}
	f("/usr/bin/dash", "sh x.sh", nil, "file", "/srv/x.sh", "")
	f("/usr/bin/dash", "sh /opt/../x.sh", nil, "file", "/x.sh", "")
	f("/usr/bin/python3.11", "python3 -u ../x.py", nil, "file", "/x.py", "")
	f("/usr/bin/dash", "sh", nil, "none", "", "")
	f("/usr/bin/dash", "sh -s", nil, "stdin", "", "")
	f("/usr/bin/dash", "sh", stdin("pipe:[12]", pipe), "stdin", "", "pipe")
	f("/usr/bin/dash", "sh", stdin("", pipe), "stdin", "", "pipe")
	f("/usr/bin/dash", "sh", stdin("/tmp/f", pipe), "stdin", "", "/tmp/f")
	f("/usr/bin/dash", "sh -i", stdin("socket:[12]", socket), "stdin", "", "socket")
	f("/usr/bin/dash", "sh", stdin("/tmp/y.sh", file), "stdin", "/tmp/y.sh", "/tmp/y.sh")
	f("/usr/bin/dash", "sh x.sh", stdin("/tmp/y.sh", file), "file", "/srv/x.sh", "/tmp/y.sh")
	f("/usr/bin/bash", "bash", stdin("/dev/pts/0", device), "none", "", "terminal")
	f("/usr/bin/bash", "bash", stdin("/dev/tty1", device), "none", "", "terminal")
	f("/usr/bin/bash", "bash", stdin("/dev/null", device), "stdin", "", "/dev/null")
	f("/usr/bin/bash", "bash -c id", stdin("/dev/null", device), "inline", "", "/dev/null")
	f("/usr/bin/cat", "cat", stdin("pipe:[12]", pipe), "none", "", "pipe")

	// What the kernel says of a script is truer than the arguments.
	tree, w := state.New(state.Options{}), newWorld()
	ev := w.exec(key(5, 1), 2, "/usr/bin/dash", "/bin/sh", "./x.sh", "-c")
	ev.GetExec().Script, ev.GetExec().Interpreter = &pb.File{Path: []byte("/opt/x.sh")}, []byte("/bin/sh")
	if p := apply(tree, ev).Program; p.ScriptPath != "/opt/x.sh" || p.ScriptSource.String() != "file" {
		t.Errorf("a script runs %s %q", p.ScriptSource, p.ScriptPath)
	}
}

// The text survives, or is absent: it never reaches beyond arguments that were cut to save memory.
func TestInlineScript(t *testing.T) {
	tree, w := state.New(state.Options{MaxBytes: 1 << 20}), newWorld()
	f := func(want string, args ...string) {
		t.Helper()
		p := apply(tree, w.exec(key(5, 1), 2, "/usr/bin/perl", args...)).Program
		if got, ok := p.InlineScript(); got != want || ok != (want != "") {
			t.Errorf("%q has the text %q, want %q", args, got, want)
		}
	}
	f("", "perl", "x.pl")
	f("print 1", "perl", "-e", "print 1", "x")
	f("print 1 -e  2", "perl", "-eprint 1", "-e", " 2", "x")
	long := strings.Repeat("x", 100<<10)
	for i := range 100 {
		apply(tree, w.exec(key(uint32(10+i), 3), 4, "/usr/bin/perl", "perl", "-e", long))
	}
	p := tree.Process(key(10, 3)).Program
	if text, ok := p.InlineScript(); !p.Trimmed || ok {
		t.Errorf("trimmed %t, text of %d bytes", p.Trimmed, len(text))
	}
}
