package eventtext_test

import (
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/eventtext"
)

func file(path string) *pb.File { return &pb.File{Path: []byte(path)} }

func target() *pb.ProcessKey { return &pb.ProcessKey{Pid: 12, StartTimeNs: 7} }

func TestAbout(t *testing.T) {
	words := eventtext.Words{}
	f := func(ev *pb.Event, want string) {
		t.Helper()
		if got := words.About(ev); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f(&pb.Event{}, "")

	// Files.
	open := func(o *pb.FileOpen) *pb.Event { return &pb.Event{Payload: &pb.Event_FileOpen{FileOpen: o}} }
	f(open(&pb.FileOpen{File: file("/etc/passwd"), Flags: 0o101, Created: true}), "/etc/passwd (write, created)")
	f(open(&pb.FileOpen{File: file("/x"), Flags: 0o3002}), "/x (read and write, truncate, append)")
	f(open(&pb.FileOpen{File: file("/etc/shadow"), Error: 13}), "/etc/shadow (read) failed EACCES")
	f(open(&pb.FileOpen{File: &pb.File{Inode: 5, Device: 2049}}), "inode 5 on 8:1 (read)")
	f(open(&pb.FileOpen{}), "? (read)")
	f(&pb.Event{Payload: &pb.Event_FileWrite{FileWrite: &pb.FileWrite{File: file("/x"), Offset: 8, Length: 4096}}}, "/x (wrote 4096 bytes at 8)")
	f(&pb.Event{Payload: &pb.Event_FileClose{FileClose: &pb.FileClose{File: file("/x"), Written: true, BytesWritten: 9}}}, "/x (closed, wrote 9 bytes)")
	f(&pb.Event{Payload: &pb.Event_FileDelete{FileDelete: &pb.FileDelete{File: file("/x")}}}, "/x (deleted)")
	f(&pb.Event{Payload: &pb.Event_FileRename{FileRename: &pb.FileRename{From: file("/a"), To: []byte("/b"), Replaced: file("/b")}}}, "/a -> /b (replaced)")
	f(&pb.Event{Payload: &pb.Event_FileLink{FileLink: &pb.FileLink{Target: file("/a"), Link: []byte("/b")}}}, "/b -> /a (hard link)")
	f(&pb.Event{Payload: &pb.Event_FileLink{FileLink: &pb.FileLink{Link: []byte("/b"), Symbolic: true, LinkText: []byte("../a")}}}, "/b -> ../a (symbolic link)")
	f(&pb.Event{Payload: &pb.Event_FileMode{FileMode: &pb.FileMode{File: file("/x"), OldMode: 0o100755, NewMode: 0o104755}}}, "/x mode 0755 -> 4755")
	f(&pb.Event{Payload: &pb.Event_FileOwner{FileOwner: &pb.FileOwner{File: file("/x"), OldUid: 1000, OldGid: 100}}}, "/x owner 1000:100 -> 0:0")
	f(&pb.Event{Payload: &pb.Event_FileTruncate{FileTruncate: &pb.FileTruncate{File: file("/x"), OldSize: 10}}}, "/x size 10 -> 0")
	f(&pb.Event{Payload: &pb.Event_FileTimes{FileTimes: &pb.FileTimes{File: file("/x"), OldMtimeNs: 1_700_000_000e9, NewMtimeNs: 1e9}}},
		"/x modified 2023-11-14T22:13:20Z -> 1970-01-01T00:00:01Z")
	f(&pb.Event{Payload: &pb.Event_FileTimes{FileTimes: &pb.FileTimes{File: file("/x"), NewCreationNs: 1e9}}},
		"/x created 1970-01-01T00:00:00Z -> 1970-01-01T00:00:01Z")
	f(&pb.Event{Payload: &pb.Event_FileAttribute{FileAttribute: &pb.FileAttribute{File: file("/x"), Name: []byte("security.capability")}}},
		"/x attribute security.capability set")
	f(&pb.Event{Payload: &pb.Event_DirectoryChange{DirectoryChange: &pb.DirectoryChange{Directory: file("/d"), Removed: true}}}, "/d (directory removed)")
	f(&pb.Event{Payload: &pb.Event_MemfdCreate{MemfdCreate: &pb.MemfdCreate{Name: []byte("a"), Flags: 3}}}, "memfd:a (cloexec, allow_sealing)")
	f(&pb.Event{Payload: &pb.Event_Mount{Mount: &pb.Mount{
		Operation: "mount", Source: []byte("/a"), Target: []byte("/b"), Filesystem: []byte("ext4"), Flags: 4096, Options: []byte("quota"),
	}}}, "mount /a on /b type ext4 (bind, quota)")
	f(&pb.Event{Payload: &pb.Event_Mount{Mount: &pb.Mount{Operation: "umount2", Target: []byte("/b"), Flags: 2}}}, "umount2 /b (detach)")
	f(&pb.Event{Payload: &pb.Event_UnixBind{UnixBind: &pb.UnixBind{File: file("/run/s"), Type: 1}}}, "/run/s (stream socket)")
	f(&pb.Event{Payload: &pb.Event_UnixBind{UnixBind: &pb.UnixBind{Name: []byte("s"), Abstract: true, Type: 2}}}, "@s (dgram socket)")

	// Memory and other processes.
	region := &pb.MemoryRegion{Address: 0x7f00, Length: 4096, Protection: 7}
	f(&pb.Event{Payload: &pb.Event_MemoryMap{MemoryMap: &pb.MemoryMap{Region: region}}}, "rwx anonymous, 4096 bytes at 0x7f00")
	f(&pb.Event{Payload: &pb.Event_MemoryProtect{MemoryProtect: &pb.MemoryProtect{
		Region: &pb.MemoryRegion{Protection: 5, Length: 1, File: file("memfd:x")}, OldProtection: 3,
	}}}, "rw- -> r-x memfd:x, 1 bytes at 0x0")
	f(&pb.Event{Payload: &pb.Event_ProcessTrace{ProcessTrace: &pb.ProcessTrace{Target: target(), Request: 16, Error: 1}}}, "PTRACE_ATTACH -> pid 12 failed EPERM")
	f(&pb.Event{Payload: &pb.Event_ProcessTrace{ProcessTrace: &pb.ProcessTrace{Request: 5, Address: 0x40}}}, "PTRACE_POKEDATA at 0x40 -> an unknown process")
	f(&pb.Event{Payload: &pb.Event_ProcessMemory{ProcessMemory: &pb.ProcessMemory{Target: target(), Write: true, Length: 3, Method: "procfs"}}},
		"write 3 bytes at 0x0 -> pid 12 (procfs)")
	f(&pb.Event{Payload: &pb.Event_HandleSteal{HandleSteal: &pb.HandleSteal{Target: target(), Descriptor_: 4}}}, "descriptor 4 of pid 12")
	signal := func(s *pb.Signal) *pb.Event { return &pb.Event{Payload: &pb.Event_Signal{Signal: s}} }
	f(signal(&pb.Signal{Target: target(), Number: 9, Delivered: true}), "SIGKILL -> pid 12")
	f(signal(&pb.Signal{Target: target(), Number: 15, Error: 1}), "SIGTERM -> pid 12 failed EPERM")
	f(signal(&pb.Signal{Target: target(), Number: 11, Code: 0x80}), "SIGSEGV -> pid 12 (not delivered, by the kernel)")

	// Identity.
	credentials := func(c *pb.CredentialChange) *pb.Event {
		return &pb.Event{Payload: &pb.Event_CredentialChange{CredentialChange: c}}
	}
	ada := &pb.Credentials{Uid: 1000, Euid: 1000, Suid: 1000, Fsuid: 1000, Gid: 1000, Egid: 1000, Sgid: 1000, Fsgid: 1000}
	f(credentials(&pb.CredentialChange{Operation: "setresuid", Before: ada, After: &pb.Credentials{
		Uid: 1000, Suid: 1000, Gid: 1000, Egid: 1000, Sgid: 1000, Fsgid: 1000, Capabilities: &pb.Capabilities{Effective: 0xf},
	}}), "setresuid euid/fsuid 1000 -> 0, gained CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and 1 more")
	f(credentials(&pb.CredentialChange{Unexplained: true, Before: ada, After: ada}), "changed without a call: credentials")
	f(credentials(&pb.CredentialChange{Unexplained: true, Before: ada, After: &pb.Credentials{
		Euid: 7, Suid: 1000, Fsuid: 7, Gid: 1000, Egid: 1000, Sgid: 1000, Fsgid: 7,
	}}), "changed without a call: uid 1000 -> 0, euid/fsuid 1000 -> 7, fsgid 1000 -> 7")
	f(credentials(&pb.CredentialChange{Operation: "setuid", Error: 1}), "setuid failed EPERM")
	namespaces := func(n *pb.NamespaceChange) *pb.Event {
		return &pb.Event{Payload: &pb.Event_NamespaceChange{NamespaceChange: n}}
	}
	f(namespaces(&pb.NamespaceChange{Operation: "unshare", Flags: 0x10020000, Error: 1}), "unshare mount,user failed EPERM")
	f(namespaces(&pb.NamespaceChange{Operation: "setns", Before: &pb.Namespaces{Mount: 1, Pid: 2}, After: &pb.Namespaces{Mount: 3, Pid: 2}}), "setns mount")
	f(&pb.Event{Payload: &pb.Event_LoginSession{LoginSession: &pb.LoginSession{Uid: 1000, AuditSession: 3}}}, "1000 session 3 (began)")

	// The kernel.
	f(&pb.Event{Payload: &pb.Event_ModuleLoad{ModuleLoad: &pb.ModuleLoad{Name: []byte("m"), File: file("/m.ko"), Parameters: []byte("a=1")}}}, "module m from /m.ko a=1")
	f(&pb.Event{Payload: &pb.Event_ModuleLoad{ModuleLoad: &pb.ModuleLoad{FromMemory: true, Error: 1}}}, "module from memory failed EPERM")
	f(&pb.Event{Payload: &pb.Event_ModuleUnload{ModuleUnload: &pb.ModuleUnload{Name: []byte("m")}}}, "module m (removed)")
	bpf := func(b *pb.BpfOperation) *pb.Event { return &pb.Event{Payload: &pb.Event_BpfOperation{BpfOperation: b}} }
	f(bpf(&pb.BpfOperation{Command: 5, ProgramType: 2, Name: []byte("hide"), Id: 5}), `prog_load kprobe "hide" id=5`)
	f(bpf(&pb.BpfOperation{Command: 0, MapType: 27}), "map_create ringbuf")
	f(bpf(&pb.BpfOperation{Command: 17, Target: []byte("sys_enter"), Error: 1}), "raw_tracepoint_open on sys_enter failed EPERM")
	f(&pb.Event{Payload: &pb.Event_PerfEventOpen{PerfEventOpen: &pb.PerfEventOpen{Type: 2, Config: 0x10, WithProgram: true}}}, "tracepoint config 0x10 (with a BPF program)")
	f(&pb.Event{Payload: &pb.Event_Kexec{Kexec: &pb.Kexec{Kernel: file("/vmlinuz"), CommandLine: []byte("quiet")}}}, "kernel /vmlinuz quiet")
	f(&pb.Event{Payload: &pb.Event_SysctlWrite{SysctlWrite: &pb.SysctlWrite{Name: []byte("kernel/yama/ptrace_scope"), OldValue: []byte("1"), NewValue: []byte("0")}}},
		"kernel/yama/ptrace_scope = 1 -> 0")
	f(&pb.Event{Payload: &pb.Event_KeyOperation{KeyOperation: &pb.KeyOperation{Call: "keyctl", Operation: 11, Serial: 77}}}, "keyctl read key=77")
	f(&pb.Event{Payload: &pb.Event_KeyOperation{KeyOperation: &pb.KeyOperation{Call: "add_key", Type: []byte("user"), Description: []byte("d"), Keyring: -3}}},
		"add_key user d keyring=session")
	ring := func(r *pb.IoUring) *pb.Event { return &pb.Event{Payload: &pb.Event_IoUring{IoUring: r}} }
	f(ring(&pb.IoUring{Created: true, Entries: 8, SetupFlags: 2}), "ring of 8 entries (sqpoll)")
	f(ring(&pb.IoUring{Opcode: 35, Path: []byte("/a"), SecondPath: []byte("/b")}), "renameat /a -> /b")
	f(ring(&pb.IoUring{Opcode: 16, Remote: &pb.Endpoint{Address: []byte{10, 0, 0, 1}, Port: 443}}), "connect 10.0.0.1:443")

	f(&pb.Event{Payload: &pb.Event_Throttled{Throttled: &pb.Throttled{Class: pb.Class_CLASS_FILE, Withheld: 7, IntervalNs: 1e9}}},
		"7 events of class file withheld in 1s")
	f(&pb.Event{Payload: &pb.Event_NetworkConnect{NetworkConnect: &pb.NetworkConnect{
		Socket: &pb.Socket{Protocol: 6, Remote: &pb.Endpoint{Address: []byte{10, 0, 0, 1}, Port: 443}}, Error: 111,
	}}}, "tcp -> 10.0.0.1:443 failed ECONNREFUSED")
}

// Every kind of the model has words of its own, and nothing an attacker shaped passes Text by.
func TestEveryKindHasWords(t *testing.T) {
	words := eventtext.Words{
		Text:    func(b []byte) string { return strings.Trim(strconv.QuoteToASCII(string(b)), `"`) },
		User:    func(uint32) string { return "somebody" },
		Process: func(*pb.ProcessKey) string { return "other" },
	}
	payloads := (&pb.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("payload").Fields()
	for i := range payloads.Len() {
		field := payloads.Get(i)
		for _, fills := range []func(protoreflect.Message){
			func(m protoreflect.Message) { fill(m, true, 4) }, func(m protoreflect.Message) { fill(m, false, 4) }, nil,
		} {
			ev := &pb.Event{}
			payload := ev.ProtoReflect().Mutable(field).Message()
			if fills != nil {
				fills(payload)
			}
			text := words.About(ev)
			if fills != nil && text == "" {
				t.Errorf("the kind %s has no words", field.Name())
			}
			for _, r := range text {
				if r < ' ' || r > '~' {
					t.Errorf("%s: the text holds %U: %q", field.Name(), r, text)
					break
				}
			}
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
		if field.IsList() {
			continue
		}
		switch field.Kind() {
		case protoreflect.BoolKind:
			m.Set(field, protoreflect.ValueOfBool(truth))
		case protoreflect.BytesKind:
			m.Set(field, protoreflect.ValueOfBytes([]byte("\x1b]0;\xff\u202e\x00\n")))
		case protoreflect.StringKind:
			m.Set(field, protoreflect.ValueOfString("\x1b]0;\u202e\x00\n"))
		case protoreflect.Uint32Kind:
			m.Set(field, protoreflect.ValueOfUint32(1<<31))
		case protoreflect.Uint64Kind:
			m.Set(field, protoreflect.ValueOfUint64(1<<63))
		case protoreflect.Int64Kind:
			m.Set(field, protoreflect.ValueOfInt64(-1))
		case protoreflect.Int32Kind:
			m.Set(field, protoreflect.ValueOfInt32(-1))
		}
	}
}
