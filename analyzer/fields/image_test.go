package fields_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/interpret"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	pb "github.com/vedette-edr/vedette/proto"
)

// aliases gives what a field of a record of the event goes by.
func aliases(t *testing.T, w *world, ev *pb.Event, record, field string) string {
	t.Helper()
	w.view.Bind([]string{field})
	for i := range w.show(ev) {
		w.view.Show(i)
		if w.view.Record() == record {
			return strings.Join(w.view.Aliases(0), "|")
		}
	}
	t.Fatalf("the event is not shown as %s", record)
	return ""
}

// given makes the start of a program by a name, in the directory /tmp.
func given(pid uint32, image, name string, arguments ...string) *pb.Event {
	ev := exec(pid, image, arguments...)
	ev.GetExec().Filename = []byte(name)
	return ev
}

// scripted makes the start of a script.
func scripted(pid uint32, interpreter, file, name string) *pb.Event {
	ev := given(pid, interpreter, name, "/bin/sh", name)
	ev.GetExec().Script, ev.GetExec().Interpreter = &pb.File{Path: []byte(file), Inode: 9}, []byte("/bin/sh")
	return ev
}

func TestAliasesOfPrograms(t *testing.T) {
	w := newWorld(t, linux)
	f := func(ev *pb.Event, record, field, want string) {
		t.Helper()
		if got := aliases(t, w, ev, record, field); got != want {
			t.Errorf("%s of %s goes by %q, want %q", field, record, got, want)
		}
	}
	f(exec(200, "/usr/bin/ls", "ls"), "process_creation", "Image", "")
	f(given(200, "/usr/bin/dash", "/bin/sh", "sh"), "process_creation", "Image", "/bin/sh")
	f(given(200, "/usr/bin/dash", "/bin/sh", "sh"), "execve", "exe", "/bin/sh")
	f(given(200, "/usr/bin/dash", "/bin/sh", "sh"), "execve", "name", "/bin/sh")
	f(given(200, "/usr/bin/dash", "./x", "sh"), "process_creation", "Image", "/tmp/x")
	f(scripted(200, "/usr/bin/dash", "/opt/x.sh", "/opt/x.sh"), "process_creation", "Image", "/opt/x.sh")
	f(scripted(200, "/usr/bin/dash", "/opt/x.sh", "y.sh"), "process_creation", "Image", "/tmp/y.sh|/opt/x.sh")
	f(scripted(200, "/usr/bin/dash", "/opt/x.sh", "y.sh"), "execve", "name", "/tmp/y.sh")
	f(scripted(200, "/usr/bin/dash", "/opt/x.sh", "y.sh"), "process_creation", "CommandLine", "")

	w.tree.Apply(given(50, "/usr/bin/dash", "/bin/sh", "sh"))
	w.tree.Apply(scripted(100, "/usr/bin/dash", "/opt/x.sh", "/opt/x.sh"))
	f(exec(200, "/usr/bin/ls", "ls"), "process_creation", "ParentImage", "/opt/x.sh")
	f(exec(200, "/usr/bin/ls", "ls"), "process_creation", "GrandParentImage", "/bin/sh")
	traced := by(100, 1000, "sh")
	traced.Payload = &pb.Event_ProcessTrace{ProcessTrace: &pb.ProcessTrace{Target: key(50), Request: 16}}
	f(traced, "process_trace", "TargetImage", "/bin/sh")
	f(traced, "process_trace", "SourceImage", "/opt/x.sh")
	opened := read("/etc/shadow")
	opened.Actor.Process = key(100)
	f(opened, "file_access", "Image", "/opt/x.sh")
}

// Nobody gets himself out of a rule by the name that he starts a program by.
func TestBothMeaningsOfImage(t *testing.T) {
	set, problems := rule.Parse(rule.Options{}, "x.yml", []byte(`title: X
id: 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11
logsource: {product: linux, category: process_creation}
detection:
  tool:
    Image|endswith: [/lsmod, /x.sh]
  filter:
    Image|startswith: /usr/sbin/trusted
  condition: tool and not filter
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	rules := engine.New(set.Rules, engine.Options{Aliased: taxonomy.Aliased()})
	f := func(ev *pb.Event, want bool) {
		t.Helper()
		w := newWorld(t, linux, rules.Fields()...)
		w.show(ev)
		w.view.Show(0)
		matched := len(rules.Program(w.view.Sources()).Match(w.view, nil)) > 0
		walked := interpret.Matches(set.Rules[0], interpret.Adapt(rules.Fields(), w.view))
		if matched != want || walked != want {
			t.Errorf("%s as %s: matched %t, by the interpreter %t, want %t", ev.GetExec().Executable.Path, ev.GetExec().Filename, matched, walked, want)
		}
	}
	f(given(200, "/usr/bin/kmod", "/sbin/lsmod", "lsmod"), true)
	f(given(200, "/usr/bin/kmod", "/sbin/modprobe", "modprobe"), false)
	f(given(200, "/tmp/lsmod", "/usr/sbin/trusted", "trusted"), true)
	f(given(200, "/usr/sbin/trusted", "/sbin/lsmod", "lsmod"), false)
	f(scripted(200, "/usr/bin/dash", "/opt/x.sh", "/opt/x.sh"), true)
	f(scripted(200, "/usr/bin/dash", "/opt/x.sh", "/usr/sbin/trusted"), true)
}

func TestWhatAnInterpreterRuns(t *testing.T) {
	w := newWorld(t, linux)
	f := func(ev *pb.Event, pairs ...string) {
		t.Helper()
		wants(t, texts(t, w, ev, "process_creation"), pairs...)
	}
	f(exec(200, "/usr/bin/ls", "ls"), "ScriptSource", "none", "ScriptPath", "-", "Interpreter", "-", "InlineScript", "-", "StandardInput", "-")
	f(exec(200, "/usr/bin/dash", "sh", "x.sh"), "ScriptSource", "file", "ScriptPath", "/tmp/x.sh", "Interpreter", "/usr/bin/dash")
	f(scripted(200, "/usr/bin/dash", "/opt/x.sh", "x"), "ScriptSource", "file", "ScriptPath", "/opt/x.sh", "Interpreter", "/bin/sh")
	f(exec(200, "/usr/bin/python3.11", "python3", "-c", "import os", "a"), "ScriptSource", "inline", "InlineScript", "import os",
		"ScriptPath", "-", "Interpreter", "/usr/bin/python3.11")
	piped := exec(200, "/usr/bin/bash", "bash")
	piped.GetExec().Stdin = &pb.File{Path: []byte("pipe:[7]"), Mode: 0o010600}
	f(piped, "ScriptSource", "stdin", "StandardInput", "pipe", "Interpreter", "/usr/bin/bash", "ScriptPath", "-")
	fed := exec(200, "/usr/bin/bash", "bash")
	fed.GetExec().Stdin = &pb.File{Path: []byte("/tmp/y.sh"), Mode: 0o100644}
	f(fed, "ScriptSource", "stdin", "StandardInput", "/tmp/y.sh", "ScriptPath", "/tmp/y.sh")
	wants(t, texts(t, w, wrote("/x"), "file_event"), "ScriptPath", "/tmp/y.sh")
}

// An event that arrives after its process has executed something else is that of the program before.
func TestEventsAreOfTheProgramThatRan(t *testing.T) {
	w := newWorld(t, linux)
	at := func(ev *pb.Event, when time.Duration) *pb.Event {
		ev.KernelTimeNs = uint64(time.Hour + when)
		return ev
	}
	w.tree.Apply(at(given(100, "/usr/bin/dash", "/bin/sh", "sh"), 0))
	w.tree.Apply(at(given(200, "/usr/bin/dash", "/bin/sh", "sh", "-c", "cat x"), 1))
	w.tree.Apply(at(exec(100, "/usr/bin/vi", "vi"), 8))
	w.tree.Apply(at(exec(200, "/usr/bin/cat", "cat", "x"), 9))
	late := at(wrote("/x"), 5)
	late.Actor.Uid, late.Actor.Euid = 0, 33
	wants(t, texts(t, w, late, "file_event"), "Image", "/usr/bin/dash", "CommandLine", "sh -c cat x", "exe", "/usr/bin/dash",
		"ParentImage", "/usr/bin/dash", "User", "root", "EffectiveUser", "www-data")
	if got := aliases(t, w, late, "file_event", "Image"); got != "/bin/sh" {
		t.Errorf("the program before goes by %q", got)
	}
	wants(t, texts(t, w, at(wrote("/x"), 10), "file_event"), "Image", "/usr/bin/cat", "ParentImage", "/usr/bin/vi")
}

func TestRecordsOfTheKernel(t *testing.T) {
	w := newWorld(t, linux)
	w.tree.Apply(exec(200, "/usr/bin/sh", "sh"))
	f := func(payload *pb.Event, record string, pairs ...string) {
		t.Helper()
		ev := by(200, 0, "sh")
		ev.Payload = payload.Payload
		wants(t, texts(t, w, ev, record), pairs...)
	}
	f(&pb.Event{Payload: &pb.Event_CredentialChange{CredentialChange: &pb.CredentialChange{Operation: "execve"}}},
		"credential_change", "SYSCALL", "execve", "success", "yes")
	f(&pb.Event{Payload: &pb.Event_CredentialChange{CredentialChange: &pb.CredentialChange{Operation: "setuid", Error: 1}}},
		"credential_change_failed", "SYSCALL", "setuid", "success", "no", "exit", "-1")
	f(&pb.Event{Payload: &pb.Event_CredentialChange{CredentialChange: &pb.CredentialChange{Unexplained: true}}},
		"credential_change", "SYSCALL", "-", "Unexplained", "true")
	f(&pb.Event{Payload: &pb.Event_ProcessMemory{ProcessMemory: &pb.ProcessMemory{Target: key(1), Method: "procfs", Write: true}}},
		"process_memory", "SYSCALL", "write", "Operation", "procfs")
	f(&pb.Event{Payload: &pb.Event_BpfOperation{BpfOperation: &pb.BpfOperation{MapType: 27}}}, "bpf_operation", "MapType", "27")
	f(&pb.Event{Payload: &pb.Event_PerfEventOpen{PerfEventOpen: &pb.PerfEventOpen{WithProgram: true}}}, "perf_event_open", "SYSCALL", "ioctl")
	f(&pb.Event{Payload: &pb.Event_Kexec{Kexec: &pb.Kexec{Flags: 5}}}, "kexec", "SYSCALL", "kexec_load", "Flags", "0x5")
	f(&pb.Event{Payload: &pb.Event_Kexec{Kexec: &pb.Kexec{Kernel: &pb.File{Path: []byte("/boot/x")}}}}, "kexec", "SYSCALL", "kexec_file_load")
	f(&pb.Event{Payload: &pb.Event_KeyOperation{KeyOperation: &pb.KeyOperation{Call: "add_key"}}}, "key_operation", "SYSCALL", "add_key")
	f(&pb.Event{Payload: &pb.Event_ModuleLoad{ModuleLoad: &pb.ModuleLoad{Size: 4096, FromMemory: true, Error: 1}}},
		"module_load_failed", "Size", "4096", "SYSCALL", "init_module", "success", "no")
	f(&pb.Event{Payload: &pb.Event_SysctlWrite{SysctlWrite: &pb.SysctlWrite{Name: []byte("kernel/yama/ptrace_scope"), Error: 22}}},
		"sysctl_write_failed", "name", "/proc/sys/kernel/yama/ptrace_scope", "exit", "-22")
	f(&pb.Event{Payload: &pb.Event_IoUring{IoUring: &pb.IoUring{Created: true, Entries: 8, SetupFlags: 2}}},
		"io_uring", "SYSCALL", "io_uring_setup", "Entries", "8", "SetupFlags", "0x2", "DestinationIp", "-")
	f(&pb.Event{Payload: &pb.Event_IoUring{IoUring: &pb.IoUring{Opcode: 16, Remote: &pb.Endpoint{Address: []byte{192, 0, 2, 1}, Port: 443}}}},
		"io_uring", "SYSCALL", "io_uring_enter", "DestinationIp", "192.0.2.1", "DestinationPort", "443", "Entries", "-")
	f(&pb.Event{Payload: &pb.Event_FileAttribute{FileAttribute: &pb.FileAttribute{Removed: true}}}, "file_attribute", "SYSCALL", "removexattr")

	bound := &pb.Event{Payload: &pb.Event_UnixBind{UnixBind: &pb.UnixBind{File: &pb.File{Path: []byte("/tmp/s"), Inode: 4, Mode: 0o140755}, Type: 1}}}
	f(bound, "unix_bind", "TargetFilename", "/tmp/s", "SocketName", "/tmp/s", "Abstract", "false", "SYSCALL", "bind", "name", "/tmp/s",
		"nametype", "CREATE", "inode", "4", "SocketType", "1")
	f(bound, "unix_bind_file", "TargetFilename", "/tmp/s", "Image", "/usr/bin/sh")
	abstract := by(200, 0, "sh")
	abstract.Payload = &pb.Event_UnixBind{UnixBind: &pb.UnixBind{Name: []byte("x"), Abstract: true}}
	f(abstract, "unix_bind", "TargetFilename", "-", "SocketName", "x", "name", "-", "inode", "-")
	if n := w.show(abstract); n != 1 {
		t.Errorf("an abstract name is shown %d times, want once", n)
	}
}

// What failed is no deed: no record of it belongs to a category of what succeeded.
func TestFailedCallsAreApart(t *testing.T) {
	w := newWorld(t, linux)
	platform := taxonomy.For(linux)
	payloads := (&pb.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("payload").Fields()
	failing := 0
	for i := range payloads.Len() {
		ok, failed := filled(payloads.Get(i), "x", 1), filled(payloads.Get(i), "x", 7)
		categories := func(ev *pb.Event) (list []string) {
			for n := range w.show(ev) {
				w.view.Show(n)
				for _, s := range platform.Record(w.view.Record()).Sources {
					if s.Category != "" {
						list = append(list, s.Category)
					}
				}
			}
			return list
		}
		error := payloads.Get(i).Message().Fields().ByName("error")
		if error == nil {
			continue
		}
		succeeded := categories(ok)
		for _, category := range categories(failed) {
			failing++
			if both := strings.HasSuffix(category, taxonomy.Tried); slices.Contains(succeeded, category) != both {
				t.Errorf("a %s that failed is in the category %s, and that it succeeded is %v", payloads.Get(i).Name(), category, !both)
			}
		}
	}
	if failing < 15 {
		t.Errorf("%d calls that failed were seen", failing)
	}
}
