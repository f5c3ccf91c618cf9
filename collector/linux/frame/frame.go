// Package frame fills what the events of all sensors have in common: the header of a record, the acting task, files.
package frame

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/record"
	pb "github.com/vedette-edr/vedette/proto"
)

// Frame is an event that a decoder fills again for every record, so that decoding allocates nothing. Its zero value is not
// usable; it is not safe for concurrent use.
type Frame struct {
	Event pb.Event

	clock   Clock
	actor   pb.Actor
	process pb.ProcessKey
	parent  pb.ProcessKey
}

// New returns the frame of the events of a class.
func New(class pb.Class) *Frame {
	f := &Frame{}
	f.actor.Process, f.actor.Parent = &f.process, &f.parent
	f.Event.Class = class
	f.Event.Actor = &f.actor
	return f
}

// Header fills the event from a record's header. Texts alias the record.
func (f *Frame) Header(h *record.Header) {
	f.Event.Cpu = h.CPU
	f.Event.Sequence = h.Sequence
	f.Event.KernelTimeNs = h.Time
	f.Event.WallTimeNs = f.clock.At(h.Time)
	f.Event.Flags = uint32(h.Flags)
	a := &h.Actor
	SetKey(&f.process, &a.Process)
	SetKey(&f.parent, &a.Parent)
	f.actor.Tid = a.TID
	f.actor.Comm = record.Text(a.Comm[:])
	f.actor.Uid, f.actor.Euid, f.actor.Gid, f.actor.Egid = a.UID, a.EUID, a.GID, a.EGID
	f.actor.CgroupId = a.CgroupID
	f.actor.MountNamespace, f.actor.PidNamespace, f.actor.NamespacePid = a.MountNS, a.PIDNS, a.NamespacePID
}

// Clock is the clock of the frame's events.
func (f *Frame) Clock() *Clock { return &f.clock }

// SetKey copies the identity of a process.
func SetKey(to *pb.ProcessKey, from *record.Key) {
	to.Pid, to.StartTimeNs = from.TGID, from.StartTime
}

// SetFile fills a file from its identity and the path that the kernel walked, which it aliases.
func SetFile(to *pb.File, from *record.FileIdentity, path []byte, mountNamespace uint32) {
	to.Path = path
	to.Source = pb.PathSource_PATH_SOURCE_KERNEL
	to.Device, to.Inode = from.Device, from.Inode
	to.CtimeNs, to.MtimeNs = from.CTime, from.MTime
	to.Size = from.Size
	to.Mode, to.Uid, to.Gid, to.Links = from.Mode, from.UID, from.GID, from.Links
	to.Flags = from.Flags
	to.Filesystem, to.MountId, to.MountNamespace = from.Filesystem, from.MountID, mountNamespace
}

// Clock turns boot times into Unix times. It looks at the clocks again when a second of events has passed, so a step of the
// wall clock is followed within that. The zero value is ready.
type Clock struct {
	offset   int64
	measured uint64
}

// ClockAt returns a clock that was looked at when it was measured since boot, and then stood at measured+offset, both in ns.
func ClockAt(offset int64, measured uint64) Clock { return Clock{offset, measured} }

// At returns the Unix time of a boot time, both in ns.
func (c *Clock) At(boot uint64) int64 {
	if c.measured == 0 || boot > c.measured+uint64(time.Second) {
		c.measured = uint64(BootTime())
		c.offset = time.Now().UnixNano() - int64(c.measured)
	}
	return int64(boot) + c.offset
}

// BootTime reads CLOCK_BOOTTIME, in ns.
func BootTime() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		// It exists on every kernel that we load on.
		return 0
	}
	return ts.Nano()
}
