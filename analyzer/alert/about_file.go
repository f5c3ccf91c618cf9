package alert

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/eventtext"
	"github.com/vedette-edr/vedette/proto/linuxabi"
)

// describeFile fills the file that the event is about, and what was done to it.
func (b *Builder) describeFile(doc *ecs.Alert, ev *pb.Event, cut *cutter) {
	v := &doc.Vedette
	doc.File = b.fileFields(ev, cut)
	v.FileFlags = state.FlagWords(fileOf(ev).GetFlags())
	v.Change = b.change(doc, ev, cut)
	switch x := ev.Payload.(type) {
	case *pb.Event_FileOpen:
		v.Open = &ecs.Open{
			Access: linuxabi.OpenAccess(x.FileOpen.GetFlags()), Created: x.FileOpen.GetCreated(),
			Changes: linuxabi.OpenChanges(x.FileOpen.GetFlags()), Flags: fmt.Sprintf("%#o", x.FileOpen.GetFlags()),
		}
	case *pb.Event_FileWrite:
		head := x.FileWrite.GetHead()
		head = head[:min(len(head), cut.other)]
		v.Write = &ecs.Write{
			Offset: x.FileWrite.GetOffset(), Bytes: x.FileWrite.GetLength(), Head: base64.StdEncoding.EncodeToString(head),
		}
	case *pb.Event_FileClose:
		if x.FileClose.GetWritten() {
			v.Write = &ecs.Write{Bytes: x.FileClose.GetBytesWritten()}
		}
		addHash(doc, x.FileClose.GetHashes())
	case *pb.Event_FileStream:
		addHash(doc, x.FileStream.GetHashes())
	case *pb.Event_ImageLoad:
		addHash(doc, x.ImageLoad.GetHashes())
	case *pb.Event_DriverLoad:
		addHash(doc, x.DriverLoad.GetHashes())
	case *pb.Event_ModuleLoad:
		addHash(doc, x.ModuleLoad.GetHashes())
	case *pb.Event_FileAttribute:
		v.Attribute = &ecs.Attribute{
			Name:    cut.text("vedette.attribute.name", string(x.FileAttribute.GetName())),
			Value:   cut.text("vedette.attribute.value", string(x.FileAttribute.GetValue())),
			Removed: x.FileAttribute.GetRemoved(),
		}
	case *pb.Event_Mount:
		v.Mount = &ecs.Mount{
			Operation: cut.text("vedette.mount.operation", x.Mount.GetOperation()),
			Source:    cut.text("vedette.mount.source", string(x.Mount.GetSource())),
			Target:    cut.text("vedette.mount.target", string(x.Mount.GetTarget())),
			// A file system's type is a name that the kernel knows; a failed mount does not come here.
			Filesystem: cut.text("vedette.mount.filesystem", string(x.Mount.GetFilesystem())),
			Flags:      nonzero(x.Mount.GetFlags()), FlagNames: eventtext.MountFlags(x.Mount),
			Options: cut.text("vedette.mount.options", string(x.Mount.GetOptions())),
		}
	case *pb.Event_UnixBind:
		v.Socket = &ecs.Socket{
			Path: cut.text("vedette.socket.path", string(x.UnixBind.GetFile().GetPath())),
			Name: cut.text("vedette.socket.name", string(x.UnixBind.GetName())), Type: linuxabi.SocketType(x.UnixBind.GetType()),
		}
	case *pb.Event_UnixConnect:
		v.Socket = &ecs.Socket{}
		where := cut.text("vedette.socket.path", string(x.UnixConnect.GetPath()))
		if x.UnixConnect.GetAbstract() {
			v.Socket.Name = where
		} else {
			v.Socket.Path = where
		}
	}
}

// addHash puts hashes to the file of the document; without one they stand for themselves.
func addHash(doc *ecs.Alert, h *pb.Hashes) {
	if h == nil {
		return
	}
	if doc.File == nil {
		doc.File = &ecs.FileFields{}
	}
	doc.File.Hash = hashOf(h)
}

// change gives the old and the new values of what the event changed, nil when it is not one that changes a file's own values.
// New owners are added to the users that the document is related to.
func (b *Builder) change(doc *ecs.Alert, ev *pb.Event, cut *cutter) *ecs.Change {
	switch x := ev.Payload.(type) {
	case *pb.Event_FileRename:
		out := &ecs.Change{
			Old: &ecs.FileState{Path: cut.text("vedette.change.old.path", string(x.FileRename.GetFrom().GetPath()))},
			New: &ecs.FileState{Path: cut.text("vedette.change.new.path", string(x.FileRename.GetTo()))},
		}
		if replaced := x.FileRename.GetReplaced(); replaced != nil {
			doc.Vedette.Replaced = b.object(replaced, "vedette.replaced.path", cut)
		}
		return out
	case *pb.Event_FileMode:
		return &ecs.Change{
			Old: &ecs.FileState{Mode: linuxabi.Permissions(x.FileMode.GetOldMode())},
			New: &ecs.FileState{Mode: linuxabi.Permissions(x.FileMode.GetNewMode())},
		}
	case *pb.Event_FileOwner:
		o := x.FileOwner
		return &ecs.Change{
			Old: &ecs.FileState{Owner: account(b.users, o.GetOldUid()), Group: account(b.groups, o.GetOldGid())},
			New: &ecs.FileState{Owner: account(b.users, o.GetNewUid()), Group: account(b.groups, o.GetNewGid())},
		}
	case *pb.Event_FileTruncate:
		old, now := x.FileTruncate.GetOldSize(), x.FileTruncate.GetNewSize()
		return &ecs.Change{Old: &ecs.FileState{Size: &old}, New: &ecs.FileState{Size: &now}}
	case *pb.Event_FileTimes:
		t := x.FileTimes
		return &ecs.Change{
			Old: &ecs.FileState{MTime: timeOf(t.GetOldMtimeNs()), Created: timeOf(t.GetOldCreationNs())},
			New: &ecs.FileState{
				MTime: timeOf(t.GetNewMtimeNs()), Accessed: timeOf(t.GetNewAtimeNs()), Created: timeOf(t.GetNewCreationNs()),
			},
		}
	}
	return nil
}

// timeOf gives the zero time for one that is not known.
func timeOf(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return wallTime(ns)
}
