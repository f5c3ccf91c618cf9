package alert

import (
	"encoding/hex"
	"path"
	"strconv"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/eventtext"
	"github.com/vedette-edr/vedette/proto/linuxabi"
)

const (
	// maxSummary and maxWord bound vedette.summary and one text within it, in bytes.
	maxSummary = 1024
	maxWord    = 256
	// Lengths of hashes, in bytes.
	md5Size, sha1Size, sha256Size = 16, 20, 32
)

// describeEvent fills what the document says of the event beyond the process that acted.
func (b *Builder) describeEvent(doc *ecs.Alert, f Finding, cut *cutter) {
	classify(doc, f.Event)
	doc.Vedette.Uncertain = uncertain(f.Event)
	doc.Vedette.Summary = b.summary(f, cut)
	b.describeFile(doc, f.Event, cut)
	b.describeTarget(doc, f, cut)
	b.describeIdentity(doc, f.Event, cut)
	b.describeKernel(doc, f, cut)
	if t := f.Event.GetThrottled(); t != nil {
		doc.Vedette.Withheld = &ecs.Withheld{
			Class: className(t.GetClass()), Events: t.GetWithheld(), IntervalNS: t.GetIntervalNs(), Ended: t.GetEnded(),
		}
	}
}

// summary says what happened. Starts and ends of programs have none: what there is to say is the command line.
func (b *Builder) summary(f Finding, cut *cutter) string {
	switch f.Event.Payload.(type) {
	case *pb.Event_Exec, *pb.Event_Seed, *pb.Event_Fork, *pb.Event_Exit:
		return ""
	}
	words := eventtext.Words{
		Text:  func(text []byte) string { return ecs.Text(shorten(string(text), min(maxWord, cut.other))) },
		User:  func(id uint32) string { return ecs.Text(b.users.Name(id)) },
		Group: func(id uint32) string { return ecs.Text(b.groups.Name(id)) },
		Process: func(key *pb.ProcessKey) string {
			text := "pid " + decimal(key.GetPid())
			if p := b.other(key); p != nil && p.Name() != "" {
				text = ecs.Text(shorten(p.Name(), maxWord)) + " (" + text + ")"
			}
			return text
		},
	}
	return shorten(words.About(f.Event), min(maxSummary, cut.other))
}

// shorten cuts s to at most most bytes and shows that it did.
func shorten(s string, most int) string {
	const mark = "…"
	if len(s) <= most {
		return s
	}
	return clip(s, most-len(mark)) + mark
}

// other gives a process that an event names, nil when the tree does not know it.
func (b *Builder) other(key *pb.ProcessKey) *state.Process {
	if key.GetPid() == 0 {
		return nil
	}
	return b.tree.Process(state.Key{PID: key.GetPid(), Start: key.GetStartTimeNs()})
}

// fileOf gives the file that the event is about, nil when it is about none.
func fileOf(ev *pb.Event) *pb.File {
	switch x := ev.Payload.(type) {
	case *pb.Event_FileOpen:
		return x.FileOpen.GetFile()
	case *pb.Event_FileWrite:
		return x.FileWrite.GetFile()
	case *pb.Event_FileClose:
		return x.FileClose.GetFile()
	case *pb.Event_FileDelete:
		return x.FileDelete.GetFile()
	case *pb.Event_FileRename:
		return x.FileRename.GetFrom()
	case *pb.Event_FileLink:
		return x.FileLink.GetTarget()
	case *pb.Event_FileMode:
		return x.FileMode.GetFile()
	case *pb.Event_FileOwner:
		return x.FileOwner.GetFile()
	case *pb.Event_FileTruncate:
		return x.FileTruncate.GetFile()
	case *pb.Event_FileTimes:
		return x.FileTimes.GetFile()
	case *pb.Event_FileAttribute:
		return x.FileAttribute.GetFile()
	case *pb.Event_DirectoryChange:
		return x.DirectoryChange.GetDirectory()
	case *pb.Event_MemfdCreate:
		return x.MemfdCreate.GetFile()
	case *pb.Event_UnixBind:
		return x.UnixBind.GetFile()
	case *pb.Event_FileStream:
		return x.FileStream.GetFile()
	case *pb.Event_ModuleLoad:
		return x.ModuleLoad.GetFile()
	case *pb.Event_Kexec:
		return x.Kexec.GetKernel()
	case *pb.Event_SysctlWrite:
		return x.SysctlWrite.GetFile()
	case *pb.Event_ImageLoad:
		return x.ImageLoad.GetFile()
	}
	return nil
}

// pathOf gives the path that file.path has: that of the file, or the name that the event gave it.
func pathOf(ev *pb.Event, f *pb.File) []byte {
	switch x := ev.Payload.(type) {
	case *pb.Event_FileRename:
		return x.FileRename.GetTo()
	case *pb.Event_FileLink:
		return x.FileLink.GetLink()
	case *pb.Event_RawDiskAccess:
		return x.RawDiskAccess.GetDevice()
	case *pb.Event_NamedPipe:
		return x.NamedPipe.GetName()
	case *pb.Event_DriverLoad:
		return x.DriverLoad.GetImage()
	case *pb.Event_MemfdCreate:
		if f == nil {
			return append([]byte("memfd:"), x.MemfdCreate.GetName()...)
		}
	case *pb.Event_IoUring:
		// Of a rename or link the second path is what comes to be.
		if second := x.IoUring.GetSecondPath(); len(second) > 0 {
			return second
		}
		return x.IoUring.GetPath()
	}
	return f.GetPath()
}

func (b *Builder) fileFields(ev *pb.Event, cut *cutter) *ecs.FileFields {
	f := fileOf(ev)
	where := string(pathOf(ev, f))
	if f == nil && where == "" {
		return nil
	}
	out := &ecs.FileFields{Path: cut.text("file.path", where)}
	if strings.HasPrefix(where, "/") {
		out.Directory, out.Name = cut.text("file.directory", path.Dir(where)), cut.text("file.name", path.Base(where))
		// A name that only begins with a dot has no extension.
		if dot := strings.LastIndexByte(path.Base(where), '.'); dot > 0 {
			out.Extension = cut.text("file.extension", path.Base(where)[dot+1:])
		}
	}
	if link := ev.GetFileLink(); link.GetSymbolic() {
		// The event tells of the link's own file nothing but that it is one.
		out.Type, out.TargetPath = "symlink", cut.text("file.target_path", string(link.GetLinkText()))
		return out
	} else if link != nil {
		out.TargetPath = cut.text("file.target_path", string(f.GetPath()))
	}
	out.ForkName = cut.text("file.fork_name", string(ev.GetFileStream().GetStream()))
	b.inodeFields(out, f)
	return out
}

// inodeFields fills what the inode says.
func (b *Builder) inodeFields(out *ecs.FileFields, f *pb.File) {
	if f.GetInode() != 0 {
		size := f.GetSize()
		out.Inode, out.Device, out.Size = strconv.FormatUint(f.GetInode(), 10), linuxabi.Device(f.GetDevice()), &size
	}
	if f.GetMode() != 0 {
		out.Mode, out.Type = linuxabi.Permissions(f.GetMode()), fileType(f.GetMode())
		out.UID, out.Owner = decimal(f.GetUid()), name(b.users, f.GetUid())
		out.GID, out.Group = decimal(f.GetGid()), name(b.groups, f.GetGid())
	}
	if f.GetMtimeNs() != 0 {
		out.MTime = wallTime(f.GetMtimeNs())
	}
	if f.GetCtimeNs() != 0 {
		out.CTime = wallTime(f.GetCtimeNs())
	}
}

// fileType is a type in the words of ECS.
func fileType(mode uint32) string {
	switch word := linuxabi.FileType(mode); word {
	case "regular":
		return "file"
	case "directory":
		return "dir"
	default:
		return word
	}
}

// object describes a file that is not the one that the event is about.
func (b *Builder) object(f *pb.File, field string, cut *cutter) *ecs.File {
	if f == nil {
		return nil
	}
	return b.file(string(f.GetPath()), state.FileInfo{
		Device: f.GetDevice(), Inode: f.GetInode(), CtimeNS: f.GetCtimeNs(), Size: f.GetSize(), Mode: f.GetMode(), UID: f.GetUid(),
		GID: f.GetGid(), Flags: f.GetFlags(),
	}, field, cut)
}

// hashOf gives hashes, none of them longer than such a hash is.
func hashOf(h *pb.Hashes) *ecs.Hash {
	digest := func(b []byte, size int) string { return hex.EncodeToString(b[:min(len(b), size)]) }
	return &ecs.Hash{MD5: digest(h.GetMd5(), md5Size), SHA1: digest(h.GetSha1(), sha1Size), SHA256: digest(h.GetSha256(), sha256Size)}
}

func hexadecimal(n uint64) string { return "0x" + strconv.FormatUint(n, 16) }

// nonzero gives a number in hexadecimal, and nothing for zero.
func nonzero(n uint64) string {
	if n == 0 {
		return ""
	}
	return hexadecimal(n)
}
