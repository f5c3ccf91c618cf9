package fields

import (
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	pb "github.com/vedette-edr/vedette/proto"
)

// What the kernel's headers call the parts of an open's flags and of a file's mode.
const (
	accessMode  = 0o3
	writeOnly   = 0o1
	readWrite   = 0o2
	typeMask    = 0o170000
	regularFile = 0o100000
	executable  = 0o111
)

// writesFile reports whether an open gives a regular file to write to.
func writesFile(open *pb.FileOpen) bool {
	if kind := open.GetFile().GetMode() & typeMask; kind != 0 && kind != regularFile {
		return false
	}
	mode := open.GetFlags() & accessMode
	return open.GetCreated() || mode == writeOnly || mode == readWrite
}

func linuxFileShapes() map[string]shape {
	opening := func() shape {
		s := audited("openat", []string{"SYSCALL", "CWD", "PATH"}, linuxActor(), aboutFile(), auditFile((*View).file))
		s.fields["nametype"] = func(v *View) (string, bool) {
			if v.ev.GetFileOpen().GetCreated() {
				return "CREATE", true
			}
			return "NORMAL", true
		}
		return s
	}
	event := opening().only(func(v *View) bool { return v.subject.errno == 0 && writesFile(v.ev.GetFileOpen()) })
	access := opening().typed("NORMAL").only(func(v *View) bool { return v.subject.errno == 0 && !writesFile(v.ev.GetFileOpen()) })
	failed := opening().only(func(v *View) bool { return v.subject.errno != 0 })

	change := func(payload, syscall string, extra table) shape {
		s := audited(syscall, []string{"SYSCALL", "CWD", "PATH"}, linuxActor(), aboutFile(), auditFile((*View).file),
			table{"Operation": constant(payload)}, extra)
		return s.typed("NORMAL")
	}
	deleted := audited("unlinkat", []string{"SYSCALL", "CWD", "PATH"}, linuxActor(), aboutFile(), auditFile((*View).file), deletion())
	return map[string]shape{
		"file_event":       event,
		"file_access":      access,
		"file_open_failed": failed,
		"file_write":       {fields: with(linuxActor(), aboutFile(), table{"Operation": constant("file_write")})},
		"file_delete":      deleted.typed("DELETE"),
		"file_rename":      renaming(),
		"file_link":        linking(),
		"file_mode": change("file_mode", "fchmodat", table{
			"OldMode": func(v *View) (string, bool) { return v.octal(v.ev.GetFileMode().GetOldMode()) },
			"NewMode": func(v *View) (string, bool) { return v.octal(v.ev.GetFileMode().GetNewMode()) },
		}),
		"file_owner": change("file_owner", "fchownat", table{
			"OldUser": func(v *View) (string, bool) { return v.users.Name(v.ev.GetFileOwner().GetOldUid()), true },
			"NewUser": func(v *View) (string, bool) { return v.users.Name(v.ev.GetFileOwner().GetNewUid()), true },
		}),
		"file_truncate": change("file_truncate", "ftruncate", table{
			"OldSize": func(v *View) (string, bool) { return v.decimal(v.ev.GetFileTruncate().GetOldSize()) },
			"NewSize": func(v *View) (string, bool) { return v.decimal(v.ev.GetFileTruncate().GetNewSize()) },
		}),
		"file_times": change("file_times", "utimensat", table{
			"PreviousModificationUtcTime": func(v *View) (string, bool) { return v.moment(v.ev.GetFileTimes().GetOldMtimeNs()) },
			"ModificationUtcTime":         func(v *View) (string, bool) { return v.moment(v.ev.GetFileTimes().GetNewMtimeNs()) },
		}),
		"file_attribute": change("file_attribute", "setxattr", table{
			"AttributeName":  func(v *View) (string, bool) { return presentBytes(v.ev.GetFileAttribute().GetName()) },
			"AttributeValue": func(v *View) (string, bool) { return presentBytes(v.ev.GetFileAttribute().GetValue()) },
		}).called(eitherCall("removexattr", "setxattr", func(v *View) bool { return v.ev.GetFileAttribute().GetRemoved() })),
		"directory_change": directory(),
		"memfd_create": audited("memfd_create", []string{"SYSCALL"}, linuxActor(), table{
			"FileName": func(v *View) (string, bool) { return presentBytes(v.ev.GetMemfdCreate().GetName()) },
			"Flags":    func(v *View) (string, bool) { return v.hexadecimal(uint64(v.ev.GetMemfdCreate().GetFlags())) },
		}),
		"mount": mounting(),
	}
}

// aboutFile reads the path of the file that the event is about, under the names that Sysmon and Kernel-File have for it.
func aboutFile() table {
	return table{"TargetFilename": ofFile(path), "FileName": ofFile(path)}
}

// deletion reads what Sysmon says of a deleted file, on either platform.
func deletion() table {
	return table{
		"IsExecutable": ofFile(func(f *pb.File) (string, bool) { return truth(f.Mode&executable != 0) }),
		"Archived":     func(v *View) (string, bool) { return truth(v.ev.GetFileDelete().GetArchived()) },
	}
}

func renaming() shape {
	to := func(v *View) (string, bool) { return presentBytes(v.ev.GetFileRename().GetTo()) }
	s := audited("renameat2", []string{"SYSCALL", "CWD", "PATH"}, linuxActor(), auditFile((*View).file), table{
		"TargetFilename": to, "FileName": to, "SourceFilename": ofFile(path),
	})
	return s.typed("CREATE", "DELETE").named(to, func(v *View) []string {
		from, _ := ofFile(path)(v)
		return v.one(from)
	})
}

func linking() shape {
	link := func(v *View) (string, bool) { return presentBytes(v.ev.GetFileLink().GetLink()) }
	s := audited("linkat", []string{"SYSCALL", "CWD", "PATH"}, linuxActor(), auditFile((*View).file), table{
		"TargetFilename": link,
		"FileName":       link,
		"SourceFilename": func(v *View) (string, bool) {
			if v.ev.GetFileLink().GetSymbolic() {
				return "", false
			}
			return ofFile(path)(v)
		},
		"LinkText": func(v *View) (string, bool) { return presentBytes(v.ev.GetFileLink().GetLinkText()) },
	})
	s = s.called(func(v *View) (string, bool) {
		if v.ev.GetFileLink().GetSymbolic() {
			return "symlinkat", true
		}
		return "linkat", true
	})
	return s.typed("CREATE", "NORMAL").named(link, func(v *View) []string {
		target, _ := ofFile(path)(v)
		return v.one(target)
	})
}

func directory() shape {
	choice := func(made, removed string) accessor {
		return func(v *View) (string, bool) {
			if v.ev.GetDirectoryChange().GetRemoved() {
				return removed, true
			}
			return made, true
		}
	}
	s := audited("mkdirat", []string{"SYSCALL", "CWD", "PATH"}, linuxActor(), aboutFile(), auditFile((*View).file), table{
		"Operation": choice("mkdir", "rmdir"), "nametype": choice("CREATE", "DELETE"),
	})
	return s.called(choice("mkdirat", "rmdir"))
}

func mounting() shape {
	mount := func(read func(m *pb.Mount) []byte) accessor {
		return func(v *View) (string, bool) { return presentBytes(read(v.ev.GetMount())) }
	}
	target := mount(func(m *pb.Mount) []byte { return m.GetTarget() })
	operation := func(v *View) (string, bool) { return present(v.ev.GetMount().GetOperation()) }
	s := audited("mount", []string{"SYSCALL", "CWD", "PATH"}, linuxActor(), table{
		"TargetFilename": target,
		"SourceFilename": mount(func(m *pb.Mount) []byte { return m.GetSource() }),
		"FilesystemType": mount(func(m *pb.Mount) []byte { return m.GetFilesystem() }),
		"MountOptions":   mount(func(m *pb.Mount) []byte { return m.GetOptions() }),
		"MountFlags":     func(v *View) (string, bool) { return v.hexadecimal(v.ev.GetMount().GetFlags()) },
		"Operation":      operation,
	})
	calls := taxonomy.MountCalls()
	s = s.called(func(v *View) (string, bool) {
		switch name := v.ev.GetMount().GetOperation(); {
		case slices.Contains(calls, name):
			return name, true
		case strings.HasPrefix(name, "um"), strings.HasPrefix(name, "unm"):
			return "umount2", true
		}
		return "mount", true
	})
	return s.typed("NORMAL").named(target, nil)
}
