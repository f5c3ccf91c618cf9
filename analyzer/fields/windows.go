package fields

import (
	"maps"
	"strings"

	pb "github.com/vedette-edr/vedette/proto"
)

// windowsShapes says how each record of Windows is read.
func windowsShapes() map[string]shape {
	all := map[string]shape{}
	for _, group := range []map[string]shape{
		windowsProcessShapes(), windowsFileShapes(), windowsRegistryShapes(), windowsNetworkShapes(), windowsScriptShapes(),
	} {
		maps.Copy(all, group)
	}
	return all
}

// numbered puts tables together with the number that Sysmon, or the event log, gives such an event.
func numbered(eventID string, tables ...table) shape {
	all := with(tables...)
	if eventID != "" {
		all["EventID"] = constant(eventID)
	}
	return shape{fields: all}
}

// windowsActor adds the account where every Windows has it under the same security identifier.
func windowsActor() table {
	t := actor()
	delete(t, "ImageAsGiven")
	delete(t, "ScriptPath")
	t["User"] = wellKnownUser
	return t
}

func wellKnownUser(v *View) (string, bool) {
	switch v.ev.GetActor().GetSid() {
	case "S-1-5-18":
		return `NT AUTHORITY\SYSTEM`, true
	case "S-1-5-19":
		return `NT AUTHORITY\LOCAL SERVICE`, true
	case "S-1-5-20":
		return `NT AUTHORITY\NETWORK SERVICE`, true
	}
	return "", false
}

func windowsProcessShapes() map[string]shape {
	source := sourceOf()
	source["SourceUser"] = wellKnownUser
	target := targetOf()
	delete(target, "TargetUser")
	access := with(windowsActor(), source, target, table{
		"GrantedAccess":  func(v *View) (string, bool) { return v.hexadecimal(uint64(v.ev.GetProcessAccess().GetGrantedAccess())) },
		"CallTrace":      func(v *View) (string, bool) { return presentBytes(v.ev.GetProcessAccess().GetCallTrace()) },
		"SourceThreadId": func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetActor().GetTid())) },
		"TargetImage": func(v *View) (string, bool) {
			return first(v, v.ev.GetProcessAccess().GetTargetImage(), target["TargetImage"])
		},
		"SourceUser": func(v *View) (string, bool) {
			if user := v.ev.GetProcessAccess().GetSourceUser(); user != "" {
				return user, true
			}
			return wellKnownUser(v)
		},
		"TargetUser": func(v *View) (string, bool) { return present(v.ev.GetProcessAccess().GetTargetUser()) },
	})
	return map[string]shape{
		"process_creation": numbered("1", windowsActor(), version(), windowsStart(), table{"Hashes": (*View).hashes}),
		"process_termination": numbered("5", windowsActor(), table{
			"ExitStatus": func(v *View) (string, bool) { return v.hexadecimal(uint64(v.ev.GetExit().GetStatus())) },
		}),
		"process_access":       numbered("10", access),
		"create_remote_thread": numbered("8", windowsActor(), source, target, remoteThread(target)),
		"image_load": numbered("7", windowsActor(), version(), signature(), table{
			"ImageLoaded": ofFile(path), "Hashes": (*View).hashes,
		}),
		"driver_load": numbered("6", signature(), table{
			"UtcTime":     actor()["UtcTime"],
			"ImageLoaded": func(v *View) (string, bool) { return presentBytes(v.ev.GetDriverLoad().GetImage()) },
			"Hashes":      (*View).hashes,
		}),
		"signal": {fields: with(windowsActor(), target)},
		"memory_protect": {fields: with(windowsActor(), region(), table{
			"Protection":    func(v *View) (string, bool) { return v.hexadecimal(uint64(v.subject.region.GetProtection())) },
			"OldProtection": func(v *View) (string, bool) { return v.hexadecimal(uint64(v.ev.GetMemoryProtect().GetOldProtection())) },
		})},
	}
}

// first gives the bytes, or, without any, what the accessor reads.
func first(v *View, b []byte, otherwise accessor) (string, bool) {
	if len(b) > 0 {
		return borrow(b), true
	}
	return otherwise(v)
}

// windowsStart reads what the start of a program tells besides its actor.
func windowsStart() table {
	text := func(read func(e *pb.ProcessExec) string) accessor {
		return func(v *View) (string, bool) { return present(read(v.ev.GetExec())) }
	}
	tree := actor()
	return table{
		"Image": func(v *View) (string, bool) {
			if v.subject.file != nil {
				return path(v.subject.file)
			}
			return v.image()
		},
		"CommandLine": func(v *View) (string, bool) {
			if value, ok := v.commandLine(); ok && value != "" {
				return value, true
			}
			return "", false
		},
		"CurrentDirectory":  func(v *View) (string, bool) { return presentBytes(v.ev.GetExec().GetWorkingDirectory()) },
		"User":              text(func(e *pb.ProcessExec) string { return e.GetUser() }),
		"IntegrityLevel":    text(func(e *pb.ProcessExec) string { return e.GetIntegrityLevel() }),
		"LogonId":           logonID,
		"TerminalSessionId": func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetActor().GetSessionId())) },
		"ParentImage": func(v *View) (string, bool) {
			return first(v, v.ev.GetExec().GetParentImage(), tree["ParentImage"])
		},
		"ParentCommandLine": func(v *View) (string, bool) {
			return first(v, v.ev.GetExec().GetParentCommandLine(), tree["ParentCommandLine"])
		},
	}
}

// logonID is 0 for no logon session at all.
func logonID(v *View) (string, bool) {
	id := v.ev.GetExec().GetLogonId()
	if id == 0 {
		return "", false
	}
	return v.hexadecimal(id)
}

func remoteThread(target table) table {
	tree := actor()
	thread := func(read func(r *pb.RemoteThread) []byte) accessor {
		return func(v *View) (string, bool) { return presentBytes(read(v.ev.GetRemoteThread())) }
	}
	return table{
		"NewThreadId": func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetRemoteThread().GetNewTid())) },
		"StartAddress": func(v *View) (string, bool) {
			start := len(v.arena)
			v.arena = append(v.arena, "0x"...)
			for shift := 60; shift >= 0; shift -= 4 {
				v.arena = append(v.arena, "0123456789ABCDEF"[v.ev.GetRemoteThread().GetStartAddress()>>shift&15])
			}
			return v.made(start)
		},
		"StartModule":   thread(func(r *pb.RemoteThread) []byte { return r.GetStartModule() }),
		"StartFunction": thread(func(r *pb.RemoteThread) []byte { return r.GetStartFunction() }),
		"TargetImage": func(v *View) (string, bool) {
			return first(v, v.ev.GetRemoteThread().GetTargetImage(), target["TargetImage"])
		},
		"SourceParentImage": tree["ParentImage"],
		"TargetParentProcessId": func(v *View) (string, bool) {
			if p := v.tree.Process(keyOf(v.subject.target)); p != nil {
				return v.pidOf(p.Parent)
			}
			return "", false
		},
	}
}

// hashes gives the sums in the form that Sysmon has.
func (v *View) hashes() (string, bool) {
	h := v.subject.hashes
	if h == nil {
		return "", false
	}
	start := len(v.arena)
	v.appendHash(start, "SHA1", h.Sha1)
	v.appendHash(start, "MD5", h.Md5)
	v.appendHash(start, "SHA256", h.Sha256)
	v.appendHash(start, "IMPHASH", h.Imphash)
	if len(v.arena) == start {
		return "", false
	}
	return v.made(start)
}

// version reads the resources of the executable that the event is about.
func version() table {
	resource := func(read func(i *pb.VersionInfo) []byte) accessor {
		return func(v *View) (string, bool) { return presentBytes(read(v.subject.resources)) }
	}
	return table{
		"OriginalFileName": resource(func(i *pb.VersionInfo) []byte { return i.GetOriginalFileName() }),
		"FileVersion":      resource(func(i *pb.VersionInfo) []byte { return i.GetFileVersion() }),
		"Description":      resource(func(i *pb.VersionInfo) []byte { return i.GetDescription() }),
		"Product":          resource(func(i *pb.VersionInfo) []byte { return i.GetProduct() }),
		"Company":          resource(func(i *pb.VersionInfo) []byte { return i.GetCompany() }),
	}
}

func signature() table {
	return table{
		"Signed": func(v *View) (string, bool) {
			if v.subject.signed == nil {
				return "", false
			}
			return truth(v.subject.signed.GetSigned())
		},
		"Signature":       func(v *View) (string, bool) { return presentBytes(v.subject.signed.GetSigner()) },
		"SignatureStatus": func(v *View) (string, bool) { return present(v.subject.signed.GetStatus()) },
	}
}

func windowsFileShapes() map[string]shape {
	file := func(eventID string, extra ...table) shape {
		return numbered(eventID, append([]table{windowsActor(), {"TargetFilename": ofFile(path), "FileName": ofFile(path)}}, extra...)...)
	}
	created := table{"CreationUtcTime": func(v *View) (string, bool) { return v.moment(v.subject.file.GetCtimeNs()) }}
	made := func(v *View) bool { return v.subject.errno == 0 && v.ev.GetFileOpen().GetCreated() }
	stream := func(v *View) (string, bool) {
		name := v.ev.GetFileStream().GetStream()
		f, _ := ofFile(path)(v)
		if f == "" || len(name) == 0 {
			return present(f)
		}
		return v.joined([]byte(f), ":", []byte(strings.TrimPrefix(borrow(name), ":")))
	}
	to := func(v *View) (string, bool) { return presentBytes(v.ev.GetFileRename().GetTo()) }
	return map[string]shape{
		"file_event":  file("11", created).only(made),
		"file_access": file("").only(func(v *View) bool { return v.subject.errno == 0 && !made(v) }),
		"file_delete": file("23", deletion(), table{"Hashes": (*View).hashes}),
		"file_rename": file("", table{"TargetFilename": to, "FileName": to, "SourceFilename": ofFile(path)}),
		"file_change": file("2", table{
			"CreationUtcTime":         func(v *View) (string, bool) { return v.moment(v.ev.GetFileTimes().GetNewCreationNs()) },
			"PreviousCreationUtcTime": func(v *View) (string, bool) { return v.moment(v.ev.GetFileTimes().GetOldCreationNs()) },
		}),
		"create_stream_hash": file("15", created, table{
			"TargetFilename": stream,
			"FileName":       stream,
			"Hash":           (*View).hashes,
			"Hashes":         (*View).hashes,
			"Contents":       func(v *View) (string, bool) { return presentBytes(v.ev.GetFileStream().GetContents()) },
		}),
		"raw_access_thread": numbered("9", windowsActor(), table{
			"Device": func(v *View) (string, bool) { return presentBytes(v.ev.GetRawDiskAccess().GetDevice()) },
		}),
	}
}
