package taxonomy

import "slices"

func linuxFile() []Record {
	open := func(name, note string, categories ...string) Record {
		return Record{
			Name: name, Payload: "file_open", Sources: withAuditd(categories...), Note: note,
			Fields: slices.Concat(
				linuxActor(), always("TargetFilename", "FileName"),
				only(whyTypes, "type", "SYSCALL", "CWD", "PATH"), auditActor("openat"), auditPath(), oneOf("nametype", "NORMAL", "CREATE"),
			),
		}
	}
	event := open("file_event", "A regular file opened for writing, created or not: a path that matters is not to be written around "+
		"a rule by writing to the file that is there.", "file_event")
	access := open("file_access", "An opening of another kind, of the files that `file.read_paths` of the collector names and of "+
		"those that rules name.", "file_access")
	failed := open("file_open_failed", "An opening that was denied; one that failed for another reason only when a rule asks for "+
		"such.", "file_open_failed")
	event.Fields, failed.Fields = saying(event.Fields, "success", "yes"), saying(failed.Fields, "success", "no")
	access.Fields = saying(saying(access.Fields, "success", "yes"), "nametype", "NORMAL")
	change := func(payload string, syscalls []string, extra ...[]Field) Record {
		return Record{
			Name: payload, Payload: payload, Sources: withAuditd("file_change"),
			Fields: slices.Concat(
				linuxActor(), always("TargetFilename", "FileName"), oneOf("Operation", payload),
				only(whyTypes, "type", "SYSCALL", "CWD", "PATH"), auditActor(syscalls...), auditPath(), oneOf("nametype", "NORMAL"),
				slices.Concat(extra...),
			),
		}
	}
	return []Record{
		event,
		access,
		failed,
		{
			Name: "file_write", Payload: "file_write", Sources: of(Linux, "file_change"),
			Fields: slices.Concat(linuxActor(), always("TargetFilename", "FileName"), oneOf("Operation", "file_write")),
		},
		{
			Name: "file_delete", Payload: "file_delete", Sources: withAuditd("file_delete"),
			Fields: slices.Concat(
				linuxActor(), always("TargetFilename", "FileName", "IsExecutable", "Archived"),
				only(whyTypes, "type", "SYSCALL", "CWD", "PATH"), auditActor("unlinkat"), auditPath(), oneOf("nametype", "DELETE"),
			),
		},
		{
			Name: "file_rename", Payload: "file_rename", Sources: withAuditd("file_rename", "file_event"),
			Fields: slices.Concat(
				linuxActor(), always("TargetFilename", "FileName", "SourceFilename"),
				only(whyTypes, "type", "SYSCALL", "CWD", "PATH"), auditActor("renameat2"), auditPath(), oneOf("nametype", "CREATE", "DELETE"),
			),
			Note: "A file comes to be at TargetFilename: rules for file_event see it as well.",
		},
		{
			Name: "file_link", Payload: "file_link", Sources: withAuditd("file_event"),
			Fields: slices.Concat(
				linuxActor(), always("TargetFilename", "FileName"), sometimes("not for a symbolic link", "SourceFilename"),
				sometimes("only of a symbolic link", "LinkText"),
				only(whyTypes, "type", "SYSCALL", "CWD", "PATH"), auditActor("linkat", "symlinkat"), auditPath(), oneOf("nametype", "CREATE", "NORMAL"),
			),
			Note: "TargetFilename is the new name, hard link or symbolic.",
		},
		change("file_mode", []string{"fchmodat"}, always("OldMode", "NewMode")),
		change("file_owner", []string{"fchownat"}, always("OldUser", "NewUser")),
		change("file_truncate", []string{"ftruncate"}, always("OldSize", "NewSize")),
		change("file_times", []string{"utimensat"}, always("PreviousModificationUtcTime", "ModificationUtcTime"),
			never("Linux cannot set the time of creation", "CreationUtcTime", "PreviousCreationUtcTime")),
		change("file_attribute", []string{"setxattr", "removexattr"}, always("AttributeName"), sometimes("not when it was removed", "AttributeValue")),
		{
			Name: "directory_change", Payload: "directory_change", Sources: withAuditd("directory_change"),
			Fields: slices.Concat(
				linuxActor(), always("TargetFilename", "FileName"), oneOf("Operation", "mkdir", "rmdir"),
				only(whyTypes, "type", "SYSCALL", "CWD", "PATH"), auditActor("mkdirat", "rmdir"), auditPath(), oneOf("nametype", "CREATE", "DELETE"),
			),
		},
		{
			Name: "memfd_create", Payload: "memfd_create", Sources: withAuditd("memfd_create"),
			Fields: slices.Concat(linuxActor(), always("FileName", "Flags"), only(whyTypes, "type", "SYSCALL"), auditActor("memfd_create")),
		},
		{
			Name: "mount", Payload: "mount", Sources: withAuditd("mount"),
			Fields: slices.Concat(
				linuxActor(), always("TargetFilename", "SourceFilename", "FilesystemType", "MountFlags", "MountOptions", "Operation"),
				only(whyTypes, "type", "SYSCALL", "CWD", "PATH"), auditActor(MountCalls()...),
				always("name"), oneOf("nametype", "NORMAL"),
			),
		},
	}
}
