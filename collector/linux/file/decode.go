// Package file turns the records of the file sensor's eBPF programs into events. It copies what the kernel wrote; the one thing
// it decides is which of the openings that passed the kernel's coarse sieve are of files that somebody asked for.
package file

import (
	"bytes"
	"fmt"

	kernel "github.com/vedette-edr/vedette/bpf/file"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/syscalls"
	"github.com/vedette-edr/vedette/collector/core"
	"github.com/vedette-edr/vedette/collector/linux/frame"
	pb "github.com/vedette-edr/vedette/proto"
)

// Decoder implements rings.Decoder. It owns one event of each kind and fills it anew. Not safe for concurrent use.
type Decoder struct {
	frame    *frame.Frame
	throttle frame.Throttle
	wanted   *Wanted
	calls    []string

	file, second pb.File
	path, to     []byte // room for joined paths

	open      pb.Event_FileOpen
	write     pb.Event_FileWrite
	closed    pb.Event_FileClose
	deleted   pb.Event_FileDelete
	rename    pb.Event_FileRename
	link      pb.Event_FileLink
	mode      pb.Event_FileMode
	owner     pb.Event_FileOwner
	truncate  pb.Event_FileTruncate
	times     pb.Event_FileTimes
	attribute pb.Event_FileAttribute
	directory pb.Event_DirectoryChange
	memfd     pb.Event_MemfdCreate
	mount     pb.Event_Mount
	bind      pb.Event_UnixBind
}

// NewDecoder returns a decoder that passes on what wanted asks for.
func NewDecoder(wanted *Wanted) *Decoder {
	d := &Decoder{frame: frame.New(pb.Class_CLASS_FILE), wanted: wanted, calls: syscalls.Names()}
	d.open.FileOpen, d.write.FileWrite, d.closed.FileClose = &pb.FileOpen{}, &pb.FileWrite{}, &pb.FileClose{}
	d.deleted.FileDelete, d.rename.FileRename, d.link.FileLink = &pb.FileDelete{}, &pb.FileRename{}, &pb.FileLink{}
	d.mode.FileMode, d.owner.FileOwner, d.truncate.FileTruncate = &pb.FileMode{}, &pb.FileOwner{}, &pb.FileTruncate{}
	d.times.FileTimes, d.attribute.FileAttribute = &pb.FileTimes{}, &pb.FileAttribute{}
	d.directory.DirectoryChange, d.memfd.MemfdCreate = &pb.DirectoryChange{}, &pb.MemfdCreate{}
	d.mount.Mount, d.bind.UnixBind = &pb.Mount{}, &pb.UnixBind{}
	return d
}

// Decode implements rings.Decoder.
func (d *Decoder) Decode(kind record.Kind, rec []byte) (*pb.Event, error) {
	if kind == record.Throttled {
		return d.throttle.Decode(d.frame, rec)
	}
	if kind != record.File {
		return nil, fmt.Errorf("%w: kind %d is none of the file sensor's", record.ErrMalformed, kind)
	}
	r, texts, err := kernel.Parse(rec)
	if err != nil {
		return nil, err
	}
	d.frame.Header(&r.Header)
	d.path = d.setFile(&d.file, &r.File, r, texts[kernel.TextPath], texts[kernel.TextName], r.Source, d.path)
	if err := d.payload(r, &texts); err != nil {
		return nil, err
	}
	if r.Sequence == 0 {
		// It has only passed the sieve, and gets its number here when it was meant.
		if !d.wanted.reads(&d.file) {
			return nil, nil
		}
		d.frame.Event.Cpu = core.SeedCPU
	}
	if err := d.learn(r); err != nil {
		return nil, err
	}
	return &d.frame.Event, nil
}

// learn keeps in mind the objects that have come to a path whose reading is told.
func (d *Decoder) learn(r *kernel.Record) error {
	switch r.Operation {
	case kernel.Open:
		return d.wanted.learn(d.file.Path, d.file.Device, d.file.Inode)
	case kernel.Rename, kernel.Link:
		if err := d.wanted.learn(d.second.Path, r.File.Device, r.File.Inode); err != nil {
			return err
		}
		return d.wanted.learn(d.file.Path, r.File.Device, r.File.Inode)
	}
	return nil
}

// setFile fills a file of the record. Where the kernel could not look the name up, the directory and the caller's string are
// joined in room, which is returned.
func (d *Decoder) setFile(f *pb.File, id *record.FileIdentity, r *kernel.Record, path, name []byte, source uint16, room []byte) []byte {
	if len(name) > 0 {
		room = appendJoined(room[:0], path, name)
		path = room
	}
	frame.SetFile(f, id, path, r.Actor.MountNS)
	f.Source = pb.PathSource(source)
	return room
}

func (d *Decoder) payload(r *kernel.Record, texts *kernel.Texts) error {
	f, before := &d.file, &r.Before
	first, second := texts[kernel.TextFirst], texts[kernel.TextSecond]
	ev := &d.frame.Event
	switch r.Operation {
	case kernel.Open, kernel.Mknod:
		p := d.open.FileOpen
		p.File, p.Flags, p.Created, p.Error = f, uint32(r.Value[0]), r.Value[1] != 0 || r.Operation == kernel.Mknod, r.Error
		ev.Payload = &d.open
	case kernel.Write:
		p := d.write.FileWrite
		p.File, p.Offset, p.Length, p.Head = f, r.Value[0], r.Value[1], first
		ev.Payload = &d.write
	case kernel.Close:
		p := d.closed.FileClose
		p.File, p.Written, p.BytesWritten = f, true, r.Value[0]
		ev.Payload = &d.closed
	case kernel.Delete:
		d.deleted.FileDelete.File = f
		ev.Payload = &d.deleted
	case kernel.Rename:
		p := d.rename.FileRename
		d.to = d.setFile(&d.second, before, r, texts[kernel.TextSecondPath], texts[kernel.TextSecondName], r.SecondSource, d.to)
		p.From, p.To, p.ToSource, p.Replaced = f, d.second.Path, d.second.Source, nil
		if before.Inode != 0 {
			p.Replaced = &d.second
		}
		ev.Payload = &d.rename
	case kernel.Link:
		p := d.link.FileLink
		d.to = d.setFile(&d.second, before, r, texts[kernel.TextSecondPath], texts[kernel.TextSecondName], r.SecondSource, d.to)
		p.Target, p.Link, p.Symbolic, p.LinkText = f, d.second.Path, false, nil
		ev.Payload = &d.link
	case kernel.Symlink:
		p := d.link.FileLink
		p.Target, p.Link, p.Symbolic, p.LinkText = nil, f.Path, true, first
		ev.Payload = &d.link
	case kernel.Chmod:
		p := d.mode.FileMode
		p.File, p.OldMode, p.NewMode = f, before.Mode, r.File.Mode
		ev.Payload = &d.mode
	case kernel.Chown:
		p := d.owner.FileOwner
		p.File, p.OldUid, p.OldGid, p.NewUid, p.NewGid = f, before.UID, before.GID, r.File.UID, r.File.GID
		ev.Payload = &d.owner
	case kernel.Truncate:
		p := d.truncate.FileTruncate
		p.File, p.OldSize, p.NewSize = f, before.Size, r.File.Size
		ev.Payload = &d.truncate
	case kernel.Utimes:
		p := d.times.FileTimes
		p.File, p.OldMtimeNs, p.NewMtimeNs, p.NewAtimeNs = f, before.MTime, r.File.MTime, int64(r.Value[0])
		ev.Payload = &d.times
	case kernel.SetXattr, kernel.RemoveXattr:
		p := d.attribute.FileAttribute
		p.File, p.Name, p.Value, p.Removed = f, first, second, r.Operation == kernel.RemoveXattr
		ev.Payload = &d.attribute
	case kernel.Mkdir, kernel.Rmdir:
		p := d.directory.DirectoryChange
		p.Directory, p.Removed = f, r.Operation == kernel.Rmdir
		ev.Payload = &d.directory
	case kernel.Memfd:
		p := d.memfd.MemfdCreate
		p.Name, p.Flags, p.File = first, uint32(r.Value[0]), f
		ev.Payload = &d.memfd
	case kernel.Mount:
		p := d.mount.Mount
		p.Source, p.Target, p.Filesystem, p.Flags, p.Options = texts[kernel.TextSecondPath], f.Path, first, r.Value[0], second
		p.Operation = ""
		if int(r.Call) < len(d.calls) {
			p.Operation = d.calls[r.Call]
		}
		ev.Payload = &d.mount
	case kernel.Bind:
		p := d.bind.UnixBind
		p.File, p.Name, p.Abstract, p.Type = f, nil, r.Value[1] != 0, uint32(r.Value[0])
		if p.Abstract {
			p.File, p.Name = nil, first
		}
		ev.Payload = &d.bind
	default:
		return fmt.Errorf("%w: operation %d is none of the file sensor's", record.ErrMalformed, r.Operation)
	}
	return nil
}

// appendJoined appends the caller's string as it stands below a directory: empty and "." components go, and ".." takes the one
// before it, which is what the kernel does where no symbolic link is in the way.
func appendJoined(dst, directory, name []byte) []byte {
	if len(name) > 0 && name[0] != '/' {
		dst = append(dst, bytes.TrimSuffix(directory, []byte{'/'})...)
	}
	for len(name) > 0 {
		component := name
		if i := bytes.IndexByte(name, '/'); i >= 0 {
			component, name = name[:i], name[i+1:]
		} else {
			name = nil
		}
		switch string(component) {
		case "", ".":
		case "..":
			dst = dst[:max(0, bytes.LastIndexByte(dst, '/'))]
		default:
			dst = append(append(dst, '/'), component...)
		}
	}
	if len(dst) == 0 {
		dst = append(dst, '/')
	}
	return dst
}
