package alert_test

import (
	pb "github.com/vedette-edr/vedette/proto"
)

// linuxEvents has one event at least of each kind that a Linux sensor reports, but for programs and the network.
func linuxEvents() []*pb.Event {
	object := func(path string) *pb.File {
		return &pb.File{
			Path: []byte(path), Source: pb.PathSource_PATH_SOURCE_KERNEL, Device: 2049, Inode: 77, Mode: 0o100644, Uid: 1000, Gid: 100,
			Links: 1, Size: 12, CtimeNs: booted, MtimeNs: booted,
		}
	}
	sshd := key(12, 2)
	ada := &pb.Credentials{
		Uid: 1000, Euid: 1000, Suid: 1000, Fsuid: 1000, Gid: 100, Egid: 100, Sgid: 100, Fsgid: 100, Capabilities: &pb.Capabilities{},
	}
	root := &pb.Credentials{Capabilities: &pb.Capabilities{Effective: 1<<21 | 1, Permitted: 1<<21 | 1}}
	cron := object("/etc/cron.d/x.sh")
	cron.Flags = uint32(pb.FileFlag_FILE_FLAG_WRITABLE_BY_OTHERS)
	return append([]*pb.Event{
		{Payload: &pb.Event_FileOpen{FileOpen: &pb.FileOpen{File: cron, Flags: 0o1101, Created: true}}},
		{Payload: &pb.Event_FileOpen{FileOpen: &pb.FileOpen{File: object("/etc/shadow"), Error: 13}}},
		{Payload: &pb.Event_FileWrite{FileWrite: &pb.FileWrite{File: object("/x"), Offset: 8, Length: 4096, Head: []byte("#!/bin/sh")}}},
		{Payload: &pb.Event_FileClose{FileClose: &pb.FileClose{
			File: object("/x"), Written: true, BytesWritten: 4096, Hashes: &pb.Hashes{Sha256: []byte{0xde, 0xad}},
		}}},
		{Payload: &pb.Event_FileDelete{FileDelete: &pb.FileDelete{File: object("/var/log/wtmp")}}},
		{Payload: &pb.Event_FileRename{FileRename: &pb.FileRename{
			From: object("/tmp/.a"), To: []byte("/usr/bin/ls"), ToSource: pb.PathSource_PATH_SOURCE_LEXICAL, Replaced: object("/usr/bin/ls"),
		}}},
		{Payload: &pb.Event_FileLink{FileLink: &pb.FileLink{Target: object("/etc/shadow"), Link: []byte("/tmp/hard")}}},
		{Payload: &pb.Event_FileLink{FileLink: &pb.FileLink{Link: []byte("/tmp/soft"), Symbolic: true, LinkText: []byte("../etc/shadow")}}},
		{Payload: &pb.Event_FileMode{FileMode: &pb.FileMode{File: object("/tmp/x"), OldMode: 0o100755, NewMode: 0o104755}}},
		{Payload: &pb.Event_FileOwner{FileOwner: &pb.FileOwner{File: object("/tmp/x"), OldUid: 1000, OldGid: 100}}},
		{Payload: &pb.Event_FileTruncate{FileTruncate: &pb.FileTruncate{File: object("/var/log/auth.log"), OldSize: 900}}},
		{Payload: &pb.Event_FileTimes{FileTimes: &pb.FileTimes{
			File: object("/usr/bin/ls"), OldMtimeNs: booted, NewMtimeNs: booted - 1e18, NewAtimeNs: booted,
		}}},
		{Payload: &pb.Event_FileAttribute{FileAttribute: &pb.FileAttribute{
			File: object("/tmp/x"), Name: []byte("security.capability"), Value: []byte("\x01\x00\x00\x02\xff"),
		}}},
		{Payload: &pb.Event_DirectoryChange{DirectoryChange: &pb.DirectoryChange{Directory: object("/tmp/.hidden")}}},
		{Payload: &pb.Event_MemfdCreate{MemfdCreate: &pb.MemfdCreate{Name: []byte("payload"), Flags: 3, File: object("memfd:payload")}}},
		{Payload: &pb.Event_Mount{Mount: &pb.Mount{
			Operation: "mount", Source: []byte("/proc"), Target: []byte("/mnt"), Filesystem: []byte("none"), Flags: 4096,
		}}},
		{Payload: &pb.Event_UnixBind{UnixBind: &pb.UnixBind{File: object("/tmp/.s"), Type: 1}}},
		{Payload: &pb.Event_UnixBind{UnixBind: &pb.UnixBind{Name: []byte("hidden"), Abstract: true, Type: 2}}},

		{Payload: &pb.Event_MemoryMap{MemoryMap: &pb.MemoryMap{Region: &pb.MemoryRegion{Address: 0x7f0000000000, Length: 4096, Protection: 7, Flags: 0x22}}}},
		{Payload: &pb.Event_MemoryProtect{MemoryProtect: &pb.MemoryProtect{
			Region: &pb.MemoryRegion{Address: 0x7f0000000000, Length: 4096, Protection: 5, File: object("memfd:payload")}, OldProtection: 3,
		}}},
		{Payload: &pb.Event_ProcessTrace{ProcessTrace: &pb.ProcessTrace{Target: sshd, Request: 16}}},
		{Payload: &pb.Event_ProcessTrace{ProcessTrace: &pb.ProcessTrace{Target: key(99, 9), Request: 5, Address: 0x400000, Data: 0x90, Error: 3}}},
		{Payload: &pb.Event_ProcessMemory{ProcessMemory: &pb.ProcessMemory{
			Target: sshd, Write: true, Address: 0x400000, Length: 64, Method: "process_vm_writev",
		}}},
		{Payload: &pb.Event_HandleSteal{HandleSteal: &pb.HandleSteal{Target: sshd, Descriptor_: 3}}},
		{Payload: &pb.Event_Signal{Signal: &pb.Signal{Target: sshd, Number: 9, Code: 0, Delivered: true}}},
	}, identityAndKernel(ada, root, object)...)
}

func identityAndKernel(ada, root *pb.Credentials, object func(string) *pb.File) []*pb.Event {
	return []*pb.Event{
		{Payload: &pb.Event_CredentialChange{CredentialChange: &pb.CredentialChange{Before: ada, After: root, Operation: "setresuid"}}},
		{Payload: &pb.Event_CredentialChange{CredentialChange: &pb.CredentialChange{Before: ada, After: root, Unexplained: true}}},
		{Payload: &pb.Event_CredentialChange{CredentialChange: &pb.CredentialChange{Operation: "setuid", Error: 1}}},
		{Payload: &pb.Event_NamespaceChange{NamespaceChange: &pb.NamespaceChange{
			Operation: "setns", Before: &pb.Namespaces{Mount: 1, Pid: 5}, After: &pb.Namespaces{Mount: 2, Pid: 5}, Flags: 0x20000,
		}}},
		{Payload: &pb.Event_LoginSession{LoginSession: &pb.LoginSession{AuditSession: 7, Uid: 1000}}},

		{Payload: &pb.Event_ModuleLoad{ModuleLoad: &pb.ModuleLoad{
			Name: []byte("diamorphine"), File: object("/tmp/d.ko"), Parameters: []byte("hide=1"), Size: 4096,
		}}},
		{Payload: &pb.Event_ModuleLoad{ModuleLoad: &pb.ModuleLoad{FromMemory: true, Error: 1}}},
		{Payload: &pb.Event_ModuleUnload{ModuleUnload: &pb.ModuleUnload{Name: []byte("diamorphine")}}},
		{Payload: &pb.Event_BpfOperation{BpfOperation: &pb.BpfOperation{
			Command: 5, ProgramType: 2, Name: []byte("hide"), Id: 5, Tag: []byte{1, 2, 3, 4, 5, 6, 7, 8}, Helpers: []uint32{36, 58}, Instructions: 40,
		}}},
		{Payload: &pb.Event_PerfEventOpen{PerfEventOpen: &pb.PerfEventOpen{Type: 2, Config: 0x10, WithProgram: true}}},
		{Payload: &pb.Event_Kexec{Kexec: &pb.Kexec{Kernel: object("/boot/evil"), Initrd: object("/boot/initrd"), CommandLine: []byte("quiet"), Flags: 2}}},
		{Payload: &pb.Event_SysctlWrite{SysctlWrite: &pb.SysctlWrite{
			Name: []byte("kernel/yama/ptrace_scope"), OldValue: []byte("1"), NewValue: []byte("0"), File: object("/proc/sys/kernel/yama/ptrace_scope"),
		}}},
		{Payload: &pb.Event_KeyOperation{KeyOperation: &pb.KeyOperation{Call: "keyctl", Operation: 11, Serial: 1234, Keyring: -3}}},
		{Payload: &pb.Event_IoUring{IoUring: &pb.IoUring{Created: true, Entries: 8, SetupFlags: 2}}},
		{Payload: &pb.Event_IoUring{IoUring: &pb.IoUring{Opcode: 18, Path: []byte("/etc/shadow"), RingCreator: key(200, 20)}}},
		{Payload: &pb.Event_IoUring{IoUring: &pb.IoUring{Opcode: 16, Remote: &pb.Endpoint{Address: []byte{10, 0, 0, 1}, Port: 443}}}},
		{Payload: &pb.Event_Throttled{Throttled: &pb.Throttled{Class: pb.Class_CLASS_FILE, Withheld: 7, IntervalNs: 1e9}}},
	}
}
