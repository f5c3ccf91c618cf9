package eventview

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/vedette/term"
)

// sensed has events of the kinds that Linux sensors report of files, memory, other processes, identity and the kernel.
func sensed() []*pb.Event {
	object := func(path string) *pb.File {
		return &pb.File{Path: []byte(path), Source: pb.PathSource_PATH_SOURCE_KERNEL, Device: 2049, Inode: 77, Mode: 0o100644}
	}
	other := &pb.ProcessKey{Pid: 12, StartTimeNs: 2_000_000_000}
	ada := &pb.Credentials{Uid: 1000, Euid: 1000, Suid: 1000, Fsuid: 1000}
	events := []*pb.Event{
		{Payload: &pb.Event_FileOpen{FileOpen: &pb.FileOpen{File: object("/etc/passwd"), Flags: 0o101, Created: true}}},
		{Payload: &pb.Event_FileOpen{FileOpen: &pb.FileOpen{File: object("/etc/shadow"), Error: 13}}},
		{Payload: &pb.Event_FileWrite{FileWrite: &pb.FileWrite{File: object("/x"), Length: 4, Head: []byte("\x7fELF")}}},
		{Payload: &pb.Event_FileClose{FileClose: &pb.FileClose{File: object("/x"), Written: true, BytesWritten: 4096}}},
		{Payload: &pb.Event_FileDelete{FileDelete: &pb.FileDelete{File: object("/var/log/wtmp\x1b[2J")}}},
		{Payload: &pb.Event_FileRename{FileRename: &pb.FileRename{From: object("/a"), To: []byte("/b"), Replaced: object("/b")}}},
		{Payload: &pb.Event_FileLink{FileLink: &pb.FileLink{Link: []byte("/l"), Symbolic: true, LinkText: []byte("../etc/shadow")}}},
		{Payload: &pb.Event_FileMode{FileMode: &pb.FileMode{File: object("/x"), OldMode: 0o100644, NewMode: 0o104755}}},
		{Payload: &pb.Event_FileOwner{FileOwner: &pb.FileOwner{File: object("/x"), OldUid: 1000, OldGid: 1000}}},
		{Payload: &pb.Event_FileTruncate{FileTruncate: &pb.FileTruncate{File: object("/x"), OldSize: 900}}},
		{Payload: &pb.Event_FileTimes{FileTimes: &pb.FileTimes{File: object("/x"), OldMtimeNs: 1_700_000_000e9, NewMtimeNs: 1e9}}},
		{Payload: &pb.Event_FileAttribute{FileAttribute: &pb.FileAttribute{File: object("/x"), Name: []byte("user.a"), Value: []byte("v\xff")}}},
		{Payload: &pb.Event_DirectoryChange{DirectoryChange: &pb.DirectoryChange{Directory: object("/d")}}},
		{Payload: &pb.Event_MemfdCreate{MemfdCreate: &pb.MemfdCreate{Name: []byte("p"), Flags: 1}}},
		{Payload: &pb.Event_Mount{Mount: &pb.Mount{Operation: "mount", Source: []byte("/a"), Target: []byte("/b"), Filesystem: []byte("none"), Flags: 4096}}},
		{Payload: &pb.Event_UnixBind{UnixBind: &pb.UnixBind{Name: []byte("s"), Abstract: true, Type: 1}}},
		{Payload: &pb.Event_MemoryMap{MemoryMap: &pb.MemoryMap{Region: &pb.MemoryRegion{Address: 0x7f0000, Length: 4096, Protection: 7, Flags: 0x22}}}},
		{Payload: &pb.Event_MemoryProtect{MemoryProtect: &pb.MemoryProtect{Region: &pb.MemoryRegion{Address: 0x7f0000, Length: 4096, Protection: 7}, OldProtection: 3}}},
		{Payload: &pb.Event_ProcessTrace{ProcessTrace: &pb.ProcessTrace{Target: other, Request: 16, Error: 1}}},
		{Payload: &pb.Event_ProcessTrace{ProcessTrace: &pb.ProcessTrace{Target: other}}},
		{Payload: &pb.Event_ProcessMemory{ProcessMemory: &pb.ProcessMemory{Target: other, Write: true, Address: 0x400000, Length: 64, Method: "procfs"}}},
		{Payload: &pb.Event_HandleSteal{HandleSteal: &pb.HandleSteal{Target: other}}},
		{Payload: &pb.Event_Signal{Signal: &pb.Signal{Target: other, Number: 9, Delivered: true}}},
		{Payload: &pb.Event_CredentialChange{CredentialChange: &pb.CredentialChange{Before: ada, After: &pb.Credentials{}, Operation: "setresuid"}}},
		{Payload: &pb.Event_NamespaceChange{NamespaceChange: &pb.NamespaceChange{Operation: "unshare", Flags: 0x10020000}}},
		{Payload: &pb.Event_LoginSession{LoginSession: &pb.LoginSession{AuditSession: 7, Uid: 1000}}},
		{Payload: &pb.Event_ModuleLoad{ModuleLoad: &pb.ModuleLoad{Name: []byte("m"), File: object("/m.ko")}}},
		{Payload: &pb.Event_ModuleUnload{ModuleUnload: &pb.ModuleUnload{Name: []byte("m"), Error: 1}}},
		{Payload: &pb.Event_BpfOperation{BpfOperation: &pb.BpfOperation{Command: 5, ProgramType: 2, Name: []byte("name"), Id: 5, Tag: []byte{1, 2, 3, 4, 5, 6, 7, 8}}}},
		{Payload: &pb.Event_BpfOperation{BpfOperation: &pb.BpfOperation{MapType: 1}}},
		{Payload: &pb.Event_PerfEventOpen{PerfEventOpen: &pb.PerfEventOpen{Type: 2, Config: 16, WithProgram: true}}},
		{Payload: &pb.Event_Kexec{Kexec: &pb.Kexec{Kernel: object("/boot/k"), CommandLine: []byte("quiet")}}},
		{Payload: &pb.Event_SysctlWrite{SysctlWrite: &pb.SysctlWrite{Name: []byte("kernel/yama/ptrace_scope"), OldValue: []byte("1"), NewValue: []byte("0")}}},
		{Payload: &pb.Event_KeyOperation{KeyOperation: &pb.KeyOperation{Call: "keyctl", Operation: 11, Serial: 77}}},
		{Payload: &pb.Event_IoUring{IoUring: &pb.IoUring{Created: true, Entries: 8}}},
		{Payload: &pb.Event_IoUring{IoUring: &pb.IoUring{Opcode: 18, Path: []byte("/etc/shadow")}}},
		{Payload: &pb.Event_Throttled{Throttled: &pb.Throttled{Class: pb.Class_CLASS_FILE, Withheld: 7, IntervalNs: 1e9}}},
	}
	for _, ev := range events {
		ev.WallTimeNs = 1_700_000_000_123_456_789
		ev.Actor = &pb.Actor{Process: &pb.ProcessKey{Pid: 42, StartTimeNs: 7e9}, Parent: &pb.ProcessKey{Pid: 41, StartTimeNs: 5e9}, Comm: []byte("vim"), Uid: 1000}
	}
	return events
}

func TestSensedLines(t *testing.T) {
	var b strings.Builder
	seen := map[string]bool{}
	for _, ev := range sensed() {
		b.WriteString(Line(ev, term.Palette{}, time.UTC) + "\n")
		seen[Kind(ev)] = true
	}
	golden(t, "sensed.txt", b.String())
	// The families of the model: file, memory, identity and kernel.
	fields := payloads().Fields()
	for i := range fields.Len() {
		name, number := string(fields.Get(i).Name()), fields.Get(i).Number()
		windows := slices.Contains([]string{"file_stream", "raw_disk_access", "process_access", "remote_thread", "driver_load"}, name)
		if linux := number >= 40 && number < 70 || number == 77 || number >= 90 && number < 150; linux && !windows && !seen[name] {
			t.Errorf("the kind %s has no sample", name)
		}
	}
}

func TestSensedJSON(t *testing.T) {
	var b strings.Builder
	for _, ev := range sensed() {
		ev.Actor = nil
		line := JSON(ev, nil)
		if !json.Valid(line) {
			t.Errorf("not JSON: %s", line)
		}
		b.Write(append(line, '\n'))
	}
	golden(t, "sensed.ndjson", b.String())
}

// A kind without words would show as nothing but the name of the process.
func TestEveryKindHasALineOfItsOwn(t *testing.T) {
	for _, kind := range Kinds() {
		ev := &pb.Event{Actor: &pb.Actor{Comm: []byte("vim")}}
		m := ev.ProtoReflect()
		fill(m.Mutable(m.Descriptor().Fields().ByName(protoreflect.Name(kind))).Message(), 4)
		if line := Line(ev, term.Palette{}, time.UTC); strings.HasSuffix(line, " vim") {
			t.Errorf("the kind %s has no line of its own: %s", kind, line)
		}
	}
}
