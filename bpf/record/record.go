// Package record is the Go side of what the records of all sensors have in common (bpf/include/record.h): fixed layout,
// little endian, field for field the same. A record is its fixed part followed by the texts whose lengths the fixed part
// names, in order.
package record

import (
	"bytes"
	"errors"
	"fmt"
	"unsafe"
)

// Kind is the kind of a record.
type Kind uint16

// Kinds of records, over all sensors.
const (
	Exec      Kind = 1
	Fork      Kind = 2
	Exit      Kind = 3
	Chunk     Kind = 4
	Seed      Kind = 5
	File      Kind = 6
	Memory    Kind = 7
	Identity  Kind = 8
	Kernel    Kind = 9
	Throttled Kind = 10
)

// ErrMalformed says that bytes are not a record of this build's programs.
var ErrMalformed = errors.New("malformed record")

// Key is the identity of a process: its id in the initial pid namespace and the boot time at which it started, in ns.
type Key struct {
	StartTime uint64
	TGID      uint32
	_         uint32
}

// Actor is the task that acted.
type Actor struct {
	Process, Parent Key
	CgroupID        uint64
	TID             uint32
	UID, EUID, GID  uint32
	EGID            uint32
	MountNS, PIDNS  uint32
	NamespacePID    uint32
	Comm            [16]byte
}

// Header starts every record but a chunk.
type Header struct {
	Sequence uint64
	Time     uint64
	CPU      uint32
	Kind     Kind
	Flags    uint16
	Actor    Actor
}

// FileIdentity is one object of a file system.
type FileIdentity struct {
	Device, Inode  uint64
	CTime, MTime   int64
	Size           uint64
	Mode, UID, GID uint32
	Links, Flags   uint32
	Filesystem     uint32
	MountID        uint32
	_              uint32
}

// Throttle says that the acting process did more of a class within a second than is told one by one
// (bpf/include/throttle.h). Ended is 0 when the first event was withheld, and 1 when Withheld tells how many there were in
// Interval ns.
type Throttle struct {
	Header
	Withheld, Interval uint64
	Class, Ended       uint32
}

const (
	timeOffset = unsafe.Offsetof(Header{}.Time)
	kindOffset = unsafe.Offsetof(Header{}.Kind)
)

// KindOf reads the kind of a record.
func KindOf(record []byte) (Kind, error) {
	if len(record) < int(kindOffset)+2 {
		return 0, fmt.Errorf("%w: %d bytes hold no header", ErrMalformed, len(record))
	}
	return Kind(uint16(record[kindOffset]) | uint16(record[kindOffset+1])<<8), nil
}

// TimeOf reads when a record was made, in ns since boot; 0 of a chunk, which belongs to the record that follows it, and of
// what is no record.
func TimeOf(record []byte) uint64 {
	if len(record) < int(timeOffset)+8 {
		return 0
	}
	var t uint64
	for i := range 8 {
		t |= uint64(record[int(timeOffset)+i]) << (8 * i)
	}
	return t
}

// View looks at the fixed part T of a record and gives what follows it. Both alias the record, which must begin at an
// address that T may have.
func View[T any](record []byte) (*T, []byte, error) {
	var zero T
	if len(record) < int(unsafe.Sizeof(zero)) {
		return nil, nil, fmt.Errorf("%w: %d bytes, want at least %d", ErrMalformed, len(record), unsafe.Sizeof(zero))
	}
	p := unsafe.Pointer(unsafe.SliceData(record))
	if uintptr(p)%unsafe.Alignof(zero) != 0 {
		return nil, nil, fmt.Errorf("%w: the buffer is not aligned to %d bytes", ErrMalformed, unsafe.Alignof(zero))
	}
	return (*T)(p), record[unsafe.Sizeof(zero):], nil
}

// Texts cuts what follows a record's fixed part into its texts, of the given lengths.
func Texts(rest []byte, lengths []uint16, texts [][]byte) error {
	for i, n := range lengths {
		if int(n) > len(rest) {
			return fmt.Errorf("%w: text %d has %d bytes, %d are left", ErrMalformed, i, n, len(rest))
		}
		texts[i], rest = rest[:n:n], rest[n:]
	}
	return nil
}

// Text cuts a fixed field at its first NUL.
func Text(field []byte) []byte {
	if before, _, ok := bytes.Cut(field, []byte{0}); ok {
		return before
	}
	return field
}
