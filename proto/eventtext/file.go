package eventtext

import (
	"fmt"
	"strings"
	"time"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/linuxabi"
)

func (w Words) file(ev *pb.Event) string {
	switch x := ev.Payload.(type) {
	case *pb.Event_FileOpen:
		o := x.FileOpen
		notes := append([]string{linuxabi.OpenAccess(o.GetFlags()), when(o.GetCreated(), "created")}, linuxabi.OpenChanges(o.GetFlags())...)
		return failed(noted(w.path(o.GetFile()), notes...), o.GetError())
	case *pb.Event_FileWrite:
		return noted(w.path(x.FileWrite.GetFile()), fmt.Sprintf("wrote %d bytes at %d", x.FileWrite.GetLength(), x.FileWrite.GetOffset()))
	case *pb.Event_FileClose:
		written := fmt.Sprintf("wrote %d bytes", x.FileClose.GetBytesWritten())
		return noted(w.path(x.FileClose.GetFile()), "closed", when(x.FileClose.GetWritten(), written))
	case *pb.Event_FileDelete:
		return noted(w.path(x.FileDelete.GetFile()), "deleted")
	case *pb.Event_FileRename:
		r := x.FileRename
		return noted(w.path(r.GetFrom())+" -> "+w.text(r.GetTo()), when(r.GetReplaced() != nil, "replaced"))
	case *pb.Event_FileLink:
		l := x.FileLink
		if l.GetSymbolic() {
			return noted(w.text(l.GetLink())+" -> "+w.text(l.GetLinkText()), "symbolic link")
		}
		return noted(w.text(l.GetLink())+" -> "+w.path(l.GetTarget()), "hard link")
	case *pb.Event_FileMode:
		m := x.FileMode
		return fmt.Sprintf("%s mode %s -> %s", w.path(m.GetFile()), linuxabi.Permissions(m.GetOldMode()), linuxabi.Permissions(m.GetNewMode()))
	case *pb.Event_FileOwner:
		o := x.FileOwner
		return fmt.Sprintf("%s owner %s:%s -> %s:%s", w.path(o.GetFile()),
			w.user(o.GetOldUid()), w.group(o.GetOldGid()), w.user(o.GetNewUid()), w.group(o.GetNewGid()))
	case *pb.Event_FileTruncate:
		return fmt.Sprintf("%s size %d -> %d", w.path(x.FileTruncate.GetFile()), x.FileTruncate.GetOldSize(), x.FileTruncate.GetNewSize())
	case *pb.Event_FileTimes:
		return w.times(x.FileTimes)
	case *pb.Event_FileAttribute:
		a := x.FileAttribute
		return spaced(w.path(a.GetFile()), "attribute", w.text(a.GetName()), either(a.GetRemoved(), "removed", "set"))
	case *pb.Event_DirectoryChange:
		return noted(w.path(x.DirectoryChange.GetDirectory()), either(x.DirectoryChange.GetRemoved(), "directory removed", "directory made"))
	case *pb.Event_MemfdCreate:
		return noted("memfd:"+w.text(x.MemfdCreate.GetName()), linuxabi.MemfdFlags(x.MemfdCreate.GetFlags())...)
	case *pb.Event_Mount:
		return w.mount(x.Mount)
	case *pb.Event_UnixBind:
		b := x.UnixBind
		name := "@" + w.text(b.GetName())
		if !b.GetAbstract() {
			name = w.path(b.GetFile())
		}
		return noted(name, linuxabi.SocketType(b.GetType())+" socket")
	case *pb.Event_FileStream:
		return w.path(x.FileStream.GetFile()) + ":" + w.text(x.FileStream.GetStream())
	case *pb.Event_RawDiskAccess:
		return "raw disk " + w.text(x.RawDiskAccess.GetDevice())
	}
	return ""
}

func (w Words) times(x *pb.FileTimes) string {
	if x.GetNewCreationNs() != 0 {
		return fmt.Sprintf("%s created %s -> %s", w.path(x.GetFile()), moment(x.GetOldCreationNs()), moment(x.GetNewCreationNs()))
	}
	return fmt.Sprintf("%s modified %s -> %s", w.path(x.GetFile()), moment(x.GetOldMtimeNs()), moment(x.GetNewMtimeNs()))
}

func (w Words) mount(x *pb.Mount) string {
	text := w.word(x.GetOperation())
	if source := w.text(x.GetSource()); source != "" {
		text = spaced(text, source, "on")
	}
	text = spaced(text, w.text(x.GetTarget()))
	if kind := w.text(x.GetFilesystem()); kind != "" {
		text += " type " + kind
	}
	return noted(text, append(MountFlags(x), w.text(x.GetOptions()))...)
}

// MountFlags names the flags of a mount event, as its operation has them. It gives none for an operation whose flags are not
// those of mount(2) or umount2(2).
func MountFlags(x *pb.Mount) []string {
	switch operation := x.GetOperation(); {
	case operation == "mount":
		return linuxabi.MountFlags(x.GetFlags())
	case strings.HasPrefix(operation, "umount"):
		return linuxabi.UnmountFlags(x.GetFlags())
	}
	return nil
}

// moment is a time in UTC, to the second: enough to see what was set back.
func moment(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05Z") }

func duration(ns uint64) string {
	return time.Duration(min(ns, 1<<62)).Round(time.Millisecond).String()
}
