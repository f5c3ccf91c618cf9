package fields_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/eventkey"
)

// fill puts something into every field of a message: text into texts, and the number into numbers.
func fill(m protoreflect.Message, text string, number uint64) {
	described := m.Descriptor().Fields()
	for i := range described.Len() {
		f := described.Get(i)
		value := func() protoreflect.Value {
			switch f.Kind() {
			case protoreflect.MessageKind:
				child := m.NewField(f)
				if f.IsList() {
					child = child.List().NewElement()
				}
				fill(child.Message(), text, number)
				return child
			case protoreflect.StringKind:
				return protoreflect.ValueOfString(text)
			case protoreflect.BytesKind:
				if f.Name() == "address" {
					return protoreflect.ValueOfBytes([]byte{192, 0, 2, 1})
				}
				return protoreflect.ValueOfBytes([]byte(text))
			case protoreflect.BoolKind:
				return protoreflect.ValueOfBool(number%2 == 1)
			case protoreflect.Int32Kind:
				if number == 1 && strings.HasPrefix(string(f.Name()), "err") {
					return protoreflect.ValueOfInt32(0)
				}
				return protoreflect.ValueOfInt32(int32(number))
			case protoreflect.Int64Kind:
				return protoreflect.ValueOfInt64(int64(number))
			case protoreflect.Uint32Kind:
				return protoreflect.ValueOfUint32(uint32(number))
			case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
				return protoreflect.ValueOfUint64(number)
			case protoreflect.DoubleKind:
				return protoreflect.ValueOfFloat64(float64(number))
			case protoreflect.EnumKind:
				return protoreflect.ValueOfEnum(1)
			}
			panic(fmt.Sprintf("BUG: no value for a field of kind %s", f.Kind()))
		}()
		if f.IsList() {
			m.Mutable(f).List().Append(value)
		} else {
			m.Set(f, value)
		}
	}
}

// filled makes an event with one payload, all of it filled.
func filled(payload protoreflect.FieldDescriptor, text string, number uint64) *pb.Event {
	ev := by(200, 1000, "sh")
	child := ev.ProtoReflect().NewField(payload)
	fill(child.Message(), text, number)
	ev.ProtoReflect().Set(payload, child)
	return ev
}

// Whatever an event holds, and however little, its records keep what the tables promise of their fields.
func TestRecordsKeepThePromisesOfTheTables(t *testing.T) {
	payloads := (&pb.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("payload").Fields()
	for _, product := range []string{taxonomy.Linux, taxonomy.Windows} {
		platform := taxonomy.For(product)
		seen := map[string]bool{}
		w := newWorld(t, product)
		w.tree.Apply(exec(100, "/usr/bin/bash", "bash"))
		w.tree.Apply(exec(200, "/usr/bin/sh", "sh", "-c", "x"))
		names := fieldsOf(platform.Records...)
		w.view.Bind(names)
		for i := range payloads.Len() {
			payload := payloads.Get(i)
			for _, text := range []string{"x", "create", "rename", "delete", "set", "filter", "consumer", "binding", "setuid", "unshare"} {
				for _, number := range []uint64{1, 2, 115, 1<<40 + 7} {
					for _, record := range keepsPromises(t, platform, w, names, filled(payload, text, number), true) {
						seen[record] = true
					}
				}
			}
			// The same without a thing in it.
			empty := by(200, 1000, "sh")
			empty.ProtoReflect().Set(payload, empty.ProtoReflect().NewField(payload))
			for _, record := range keepsPromises(t, platform, w, names, empty, false) {
				seen[record] = true
			}
		}
		for _, r := range platform.Records {
			if !seen[r.Name] {
				t.Errorf("%s: no event was shown as %s", product, r.Name)
			}
		}
	}
}

// fieldsOf gives the names of all fields of the records, each once.
func fieldsOf(records ...taxonomy.Record) []string {
	var names []string
	for _, r := range records {
		for _, f := range r.Fields {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// keepsPromises shows the event, and gives the names of its records. In a whole event, no part is empty.
func keepsPromises(t *testing.T, platform *taxonomy.Platform, w *world, names []string, ev *pb.Event, whole bool) []string {
	t.Helper()
	var records []string
	for i := range w.show(ev) {
		w.view.Show(i)
		record := platform.Record(w.view.Record())
		records = append(records, record.Name)
		for n, name := range names {
			value, ok := w.view.Field(n)
			f, _ := record.Field(name)
			switch {
			case ok && f.Supply == taxonomy.Never:
				t.Errorf("%s: %s has %s = %q, which it never has", platform.Product, record.Name, name, value)
			case !ok && f.Supply == taxonomy.Always && whole:
				t.Errorf("%s: %s has no %s, which it always has", platform.Product, record.Name, name)
			}
			for _, value := range append(w.view.More(n), value) {
				if ok && len(f.Values) > 0 && !slices.Contains(f.Values, value) {
					t.Errorf("%s: %s has %s = %q, want one of %q", platform.Product, record.Name, name, value, f.Values)
				}
			}
		}
		w.view.AppendValues(nil)
	}
	return records
}

// texts gives all fields that a record of an event has.
func texts(t *testing.T, w *world, ev *pb.Event, record string) map[string]string {
	t.Helper()
	names := fieldsOf(slices.Concat(taxonomy.For(taxonomy.Linux).Records, taxonomy.For(taxonomy.Windows).Records)...)
	names = append(names, "a0", "a1", "a2", "a3")
	w.view.Bind(names)
	got := map[string]string{}
	for i := range w.show(ev) {
		w.view.Show(i)
		if w.view.Record() != record {
			continue
		}
		for n, name := range names {
			if value, ok := w.view.Field(n); ok {
				got[name] = strings.Join(append([]string{value}, w.view.More(n)...), "|")
			}
		}
		return got
	}
	t.Fatalf("the event is not shown as %s", record)
	return nil
}

// wants compares some fields; one that is wanted as "-" has to be absent.
func wants(t *testing.T, got map[string]string, pairs ...string) {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		name, want := pairs[i], pairs[i+1]
		value, ok := got[name]
		if !ok {
			value = "-"
		}
		if value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
}

func TestStartOfAProgram(t *testing.T) {
	w := newWorld(t, linux)
	w.tree.Apply(exec(50, "/usr/sbin/sshd", "sshd"))
	w.tree.Apply(exec(100, "/usr/bin/bash", "-bash"))
	ev := exec(200, "/usr/bin/python3", "python3", "x y", "")
	start := ev.GetExec()
	start.Executable.Flags = uint32(pb.FileFlag_FILE_FLAG_DELETED | pb.FileFlag_FILE_FLAG_TMPFS)
	start.Filename, start.Tty = []byte("./run"), []byte("pts3")
	start.Script, start.Interpreter = &pb.File{Path: []byte("/tmp/run"), Inode: 9, Mode: 0o100755, Uid: 1000}, []byte("/usr/bin/env")
	start.RootDirectory, start.PreviousComm = []byte("/jail"), []byte("bash")
	start.Environment = [][]byte{[]byte("LD_PRELOAD=/tmp/x.so"), []byte("PATH=/bin")}
	start.Session = 77
	start.Credentials = &pb.Credentials{Uid: 0, Euid: 33, LoginUid: 1000, AuditSession: 3, Capabilities: &pb.Capabilities{Effective: 0x1ff}}
	guid := func(pid uint32) string { return eventkey.Entity("host", "boot", key(pid)) }

	wants(t, texts(t, w, ev, "process_creation"),
		"UtcTime", "2026-11-23 18:24:07.089", "ProcessId", "200", "ProcessGuid", guid(200), "Image", "/usr/bin/python3",
		"CommandLine", "python3 x y ", "CurrentDirectory", "/tmp", "User", "root", "EffectiveUser", "www-data", "LoginUser", "ada",
		"LogonId", "0", "TerminalSessionId", "3", "SessionLeaderId", "77", "TTY", "pts3", "ScriptPath", "/tmp/run",
		"Interpreter", "/usr/bin/env", "ImageAsGiven", "./run", "ExecutableFlags", "deleted tmpfs", "RootDirectory", "/jail",
		"Environment", "LD_PRELOAD=/tmp/x.so\nPATH=/bin", "CapabilitiesEffective", "0x1ff", "PreviousName", "bash",
		"ParentImage", "/usr/bin/bash", "ParentCommandLine", "-bash", "ParentUser", "ada", "ParentProcessId", "100",
		"ParentProcessGuid", guid(100), "GrandParentImage", "/usr/sbin/sshd", "OriginalFileName", "-", "Hashes", "-")
	wants(t, texts(t, w, ev, "execve"),
		"type", "EXECVE|SYSCALL|CWD|PATH|PROCTITLE", "SYSCALL", "execve", "success", "yes", "exit", "0", "argc", "3",
		"a0", "python3", "a1", "x y", "a2", "", "a3", "-", "exe", "/usr/bin/python3", "comm", "python3", "pid", "200",
		"ppid", "100", "uid", "0", "euid", "33", "auid", "1000", "ses", "3", "cwd", "/tmp", "proctitle", "python3 x y ",
		"name", "/tmp/run|/usr/bin/python3", "nametype", "NORMAL", "inode", "9", "mode", "0100755", "ouid", "1000", "tty", "pts3",
		"key", "-")
}

func TestStartLeavesOutWhatIsNotKnown(t *testing.T) {
	w := newWorld(t, linux)
	ev := by(200, 1000, "x")
	ev.Actor.Parent = nil
	ev.Payload = &pb.Event_Exec{Exec: &pb.ProcessExec{Executable: &pb.File{Path: []byte("/usr/bin/x")}}}
	got := texts(t, w, ev, "process_creation")
	have := slices.Sorted(maps.Keys(got))
	want := []string{
		"CommandLine", "EffectiveUser", "Image", "LogonId", "ProcessGuid", "ProcessId", "ScriptSource", "SessionLeaderId", "User", "UtcTime",
	}
	if !slices.Equal(have, want) {
		t.Errorf("a bare start has %q, want %q", have, want)
	}
	wants(t, got, "CommandLine", "")
}

// What the rules for daemons written with Sysmon for Linux in mind mean by LogonId 0 is a process of root, logged in or not.
func TestLogonIDIsTheUser(t *testing.T) {
	ev := execAs(0, 200, "/usr/bin/sh", "sh")
	ev.GetExec().Credentials.LoginUid = 1<<32 - 1
	wants(t, texts(t, newWorld(t, linux), ev, "process_creation"), "LogonId", "0", "LoginUser", "-")
}

func TestKeywordsSeeEachTextOnce(t *testing.T) {
	w := newWorld(t, linux)
	w.tree.Apply(exec(100, "/usr/bin/bash", "bash"))
	if n := w.show(exec(200, "/usr/bin/id", "id", "-u")); n != 2 {
		t.Fatalf("a start has %d records, want 2", n)
	}
	w.view.Show(0)
	values := w.view.AppendValues(nil)
	for _, want := range []string{"/usr/bin/id", "id -u", "/usr/bin/bash", "/tmp", "ada"} {
		if !slices.Contains(values, want) {
			t.Errorf("the values %q lack %q", values, want)
		}
	}
	if slices.ContainsFunc(values, func(s string) bool { return len(s) == eventkey.Size && !strings.Contains(s, "/") }) {
		t.Errorf("the values %q have the id of a process", values)
	}
	w.view.Show(1)
	if got := w.view.AppendValues(nil); !slices.Equal(got, []string{"id -u"}) {
		t.Errorf("the values of execve are %q, want the command line", got)
	}
}

func TestRecordsOfFiles(t *testing.T) {
	w := newWorld(t, linux)
	w.tree.Apply(exec(200, "/usr/bin/sh", "sh"))
	f := func(ev *pb.Event, record string, pairs ...string) {
		t.Helper()
		wants(t, texts(t, w, ev, record), pairs...)
	}
	f(wrote("/etc/cron.d/x"), "file_event", "TargetFilename", "/etc/cron.d/x", "Image", "/usr/bin/sh", "SYSCALL", "openat",
		"type", "SYSCALL|CWD|PATH", "name", "/etc/cron.d/x", "nametype", "CREATE", "mode", "0100644", "exe", "/usr/bin/sh")
	f(read("/etc/shadow"), "file_access", "FileName", "/etc/shadow", "nametype", "NORMAL", "success", "yes")
	denied := read("/etc/shadow")
	denied.GetFileOpen().Error = 13
	f(denied, "file_open_failed", "success", "no", "exit", "-13")
	device := wrote("/dev/null")
	device.GetFileOpen().File.Mode = 0o020666
	f(device, "file_access", "FileName", "/dev/null")

	rename := by(200, 0, "mv")
	rename.Payload = &pb.Event_FileRename{FileRename: &pb.FileRename{From: &pb.File{Path: []byte("/tmp/x")}, To: []byte("/etc/cron.d/x")}}
	f(rename, "file_rename", "SourceFilename", "/tmp/x", "TargetFilename", "/etc/cron.d/x", "name", "/etc/cron.d/x|/tmp/x", "nametype", "CREATE|DELETE")
	link := by(200, 0, "ln")
	link.Payload = &pb.Event_FileLink{FileLink: &pb.FileLink{Link: []byte("/etc/x"), Symbolic: true, LinkText: []byte("/tmp/x")}}
	f(link, "file_link", "TargetFilename", "/etc/x", "LinkText", "/tmp/x", "SYSCALL", "symlinkat", "SourceFilename", "-")
	mode := by(200, 0, "chmod")
	mode.Payload = &pb.Event_FileMode{FileMode: &pb.FileMode{File: &pb.File{Path: []byte("/x")}, OldMode: 0o100755, NewMode: 0o104755}}
	f(mode, "file_mode", "OldMode", "0100755", "NewMode", "0104755", "Operation", "file_mode")
}

func TestRecordsOfConnections(t *testing.T) {
	w := newWorld(t, linux)
	w.tree.Apply(exec(200, "/usr/bin/sh", "sh"))
	socket := &pb.Socket{
		Local:    &pb.Endpoint{Address: []byte{10, 0, 0, 1}, Port: 40000},
		Remote:   &pb.Endpoint{Address: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 9}, Port: 443, Hostname: []byte("example.org")},
		Protocol: 6,
	}
	connect := by(200, 1000, "sh")
	connect.Payload = &pb.Event_NetworkConnect{NetworkConnect: &pb.NetworkConnect{Socket: socket, Error: 115, Initiated: true}}
	wants(t, texts(t, w, connect, "network_connection"), "Initiated", "true", "Protocol", "tcp", "SourceIp", "10.0.0.1",
		"SourcePort", "40000", "DestinationIp", "192.0.2.9", "DestinationPort", "443", "DestinationIsIpv6", "false",
		"DestinationHostname", "example.org", "SYSCALL", "connect")
	accept := by(200, 1000, "sh")
	accept.Payload = &pb.Event_NetworkAccept{NetworkAccept: &pb.NetworkAccept{Socket: socket}}
	wants(t, texts(t, w, accept, "network_accept"), "Initiated", "false", "SourceIp", "192.0.2.9", "DestinationPort", "40000")
	connect.GetNetworkConnect().Error = 111
	wants(t, texts(t, w, connect, "network_connection_failed"), "success", "no", "exit", "-111")

	query := by(200, 1000, "sh")
	query.Payload = &pb.Event_DnsQuery{DnsQuery: &pb.DnsQuery{Name: []byte("example.org."), Type: 16, Results: []byte("v=spf1")}}
	wants(t, texts(t, w, query, "dns_query"), "QueryName", "example.org", "query", "example.org", "record_type", "TXT", "answer", "v=spf1")
}

func TestRecordsOfWindows(t *testing.T) {
	w := newWorld(t, taxonomy.Windows)
	f := func(ev *pb.Event, record string, pairs ...string) {
		t.Helper()
		wants(t, texts(t, w, ev, record), pairs...)
	}
	start := by(200, 0, "")
	start.Payload = &pb.Event_Exec{Exec: &pb.ProcessExec{
		Executable: &pb.File{Path: []byte(`C:\Windows\System32\cmd.exe`)}, Arguments: []byte("cmd /c x"), ArgumentsSize: 8,
		WorkingDirectory: []byte(`C:\`), User: `HOST\ada`, IntegrityLevel: "High", LogonId: 0x3e7,
		ParentImage: []byte(`C:\Windows\explorer.exe`), VersionInfo: &pb.VersionInfo{OriginalFileName: []byte("Cmd.Exe")},
		Hashes: &pb.Hashes{Md5: []byte{0xab}, Sha256: []byte{1, 2}, Imphash: []byte{0xff}},
	}}
	f(start, "process_creation", "EventID", "1", "Image", `C:\Windows\System32\cmd.exe`, "CommandLine", "cmd /c x",
		"User", `HOST\ada`, "IntegrityLevel", "High", "LogonId", "0x3e7", "ParentImage", `C:\Windows\explorer.exe`,
		"OriginalFileName", "Cmd.Exe", "Hashes", "MD5=AB,SHA256=0102,IMPHASH=FF", "CurrentDirectory", `C:\`)

	value := by(200, 0, "")
	set := func(kind uint32, data []byte) *pb.Event {
		value.Payload = &pb.Event_RegistryValue{RegistryValue: &pb.RegistryValueChange{
			Operation: "set", Key: []byte(`HKLM\Software\X`), ValueName: []byte("V"), Type: kind, Data: data,
		}}
		return value
	}
	f(set(4, []byte{1, 0, 0, 0}), "registry_set", "EventID", "13", "EventType", "SetValue", "TargetObject", `HKLM\Software\X\V`,
		"Details", "DWORD (0x00000001)")
	f(set(11, []byte{1, 0, 0, 0, 2, 0, 0, 0}), "registry_set", "Details", "QWORD (0x00000002-0x00000001)")
	f(set(1, []byte("a\x00\xe4\x00\x3d\xd8\x00\xde\x00\x00")), "registry_set", "Details", "aä😀")
	f(set(7, []byte("a\x00\x00\x00b\x00\x00\x00\x00\x00")), "registry_set", "Details", "a;b")
	f(set(3, []byte{1}), "registry_set", "Details", "Binary Data")
	f(set(1, nil), "registry_set", "Details", "(Empty)")

	access := by(200, 0, "")
	access.Payload = &pb.Event_ProcessAccess{ProcessAccess: &pb.ProcessAccess{
		Target: key(4), GrantedAccess: 0x1410, CallTrace: []byte("UNKNOWN(0)"), TargetImage: []byte(`C:\Windows\System32\lsass.exe`),
	}}
	f(access, "process_access", "GrantedAccess", "0x1410", "CallTrace", "UNKNOWN(0)", "TargetImage", `C:\Windows\System32\lsass.exe`,
		"SourceImage", `C:\Windows\System32\cmd.exe`, "TargetProcessId", "4")
	thread := by(200, 0, "")
	thread.Payload = &pb.Event_RemoteThread{RemoteThread: &pb.RemoteThread{Target: key(4), StartAddress: 0x7ffc2a1e0b80}}
	f(thread, "create_remote_thread", "StartAddress", "0x00007FFC2A1E0B80", "SourceCommandLine", "cmd /c x")
	pipe := by(200, 0, "")
	pipe.Payload = &pb.Event_NamedPipe{NamedPipe: &pb.NamedPipe{Name: []byte("evil")}}
	f(pipe, "pipe_created", "PipeName", `\evil`, "EventID", "18")
	stream := by(200, 0, "")
	stream.Payload = &pb.Event_FileStream{FileStream: &pb.FileStream{File: &pb.File{Path: []byte(`C:\x`)}, Stream: []byte(":s")}}
	f(stream, "create_stream_hash", "TargetFilename", `C:\x:s`)
	script := by(200, 0, "")
	script.Payload = &pb.Event_ScriptBlock{ScriptBlock: &pb.ScriptBlock{Text: []byte("iex"), Part: 1, Parts: 1}}
	f(script, "ps_script", "ScriptBlockText", "iex", "EventID", "4104")
}

func TestRecordsOfTheEventLog(t *testing.T) {
	w := newWorld(t, taxonomy.Windows, "EventID", "Channel", "Data", "NewValue", "Absent", "Provider_Name")
	record := func(channel string, id uint32, fields ...string) *pb.Event {
		r := &pb.EventLogRecord{Channel: channel, Provider: "P", EventId: id}
		for i := 0; i+1 < len(fields); i += 2 {
			r.Fields = append(r.Fields, &pb.Field{Name: fields[i], Value: []byte(fields[i+1])})
		}
		return &pb.Event{Payload: &pb.Event_EventLogRecord{EventLogRecord: r}}
	}
	f := func(ev *pb.Event, want rule.Logsource, values ...string) {
		t.Helper()
		if n := w.show(ev); n != 1 {
			t.Fatalf("the record is shown %d times, want once", n)
		}
		w.view.Show(0)
		if got := w.view.Sources(); !slices.Contains(got, want) {
			t.Errorf("the log sources are %v, want %v among them", got, want)
		}
		var got []string
		for n := range 6 {
			value, ok := w.view.Field(n)
			if !ok {
				value = "-"
			}
			got = append(got, strings.Join(append([]string{value}, w.view.More(n)...), "|"))
		}
		if !slices.Equal(got, values) {
			t.Errorf("the fields are %q, want %q", got, values)
		}
	}
	f(record("Windows PowerShell", 400, "", "one", "", "two", "New Value", "x"),
		rule.Logsource{Category: "ps_classic_start", Product: "windows", Service: "powershell-classic"},
		"400", "Windows PowerShell", "one|two", "x", "-", "P")
	kind := w.view.Kind()
	f(record("Security", 4688, "Data", ""), rule.Logsource{Product: "windows", Service: "security"}, "4688", "Security", "", "-", "-", "P")
	if w.view.Kind() == kind {
		t.Error("two sets of log sources have one kind")
	}
	if slices.ContainsFunc(w.view.Sources(), func(s rule.Logsource) bool { return s.Category != "" }) {
		t.Error("a start in the security log counts as process_creation, which the sensor tells of already")
	}
	f(record("Windows PowerShell", 400), rule.Logsource{Category: "ps_classic_start", Product: "windows", Service: "powershell-classic"},
		"400", "Windows PowerShell", "-", "-", "-", "P")
	if w.view.Kind() != kind {
		t.Error("one set of log sources has two kinds")
	}
	f(record("Microsoft-Windows-Sysmon/Operational", 12, "EventType", "CreateKey"),
		rule.Logsource{Category: "registry_add", Product: "windows", Service: "sysmon"}, "12", "Microsoft-Windows-Sysmon/Operational", "-", "-", "-", "P")
}

// Events come from outside: whatever they hold, they can be shown.
func FuzzView(f *testing.F) {
	payloads := (&pb.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("payload").Fields()
	for i := range payloads.Len() {
		data, err := proto.Marshal(filled(payloads.Get(i), "set", 3))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	worlds := []*world{newWorld(f, taxonomy.Linux), newWorld(f, taxonomy.Windows)}
	names := fieldsOf(slices.Concat(taxonomy.For(taxonomy.Linux).Records, taxonomy.For(taxonomy.Windows).Records)...)
	names = append(names, "a0", "a9999", "Data")
	for _, w := range worlds {
		w.view.Bind(names)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ev := &pb.Event{}
		if proto.Unmarshal(data, ev) != nil {
			return
		}
		for _, w := range worlds {
			for i := range w.show(ev) {
				w.view.Show(i)
				for n := range names {
					_, ok := w.view.Field(n)
					if more := w.view.More(n); len(more) > 0 && !ok {
						t.Errorf("%s of %s has further values and no first", names[n], w.view.Record())
					}
					if len(w.view.Aliases(n)) > 0 && !slices.Contains(taxonomy.Aliased(), names[n]) {
						t.Errorf("%s of %s has aliases that nobody asks for", names[n], w.view.Record())
					}
				}
				w.view.AppendValues(nil)
				if w.view.Sources() == nil || w.view.Kind() < 0 {
					t.Errorf("%s has no log sources", w.view.Record())
				}
			}
		}
	})
}
