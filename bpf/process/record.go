package process

import (
	"errors"
	"fmt"
	"unsafe"
)

// The Go side of bpf/include/record.h. Field for field the same layout; record_test.go compares it with the object's BTF.

// Kind is the kind of a record.
type Kind uint16

// Kinds of records.
const (
	KindExec  Kind = 1
	KindFork  Kind = 2
	KindExit  Kind = 3
	KindChunk Kind = 4
	KindSeed  Kind = 5
)

// Text names one of the texts that follow the fixed part of an Exec.
type Text uint16

// Texts in the order in which they follow the record.
const (
	TextExecutable Text = iota
	TextScript
	TextWorkingDirectory
	TextRootDirectory
	TextFilename
	TextInterpreter
	TextArguments
	TextEnvironment
	textCount
)

// Largest arguments, and largest environment, that travel whole, in bytes.
const MaxAreaBytes = chunkBytes * chunkCount

const (
	chunkBytes = 8192
	chunkCount = 32
)

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

// Header starts every record but a Chunk.
type Header struct {
	Sequence uint64
	Time     uint64
	CPU      uint32
	Kind     Kind
	Flags    uint16
	Actor    Actor
}

// File is the identity of a file.
type File struct {
	Device, Inode  uint64
	CTime, MTime   int64
	Size           uint64
	Mode, UID, GID uint32
	Links, Flags   uint32
	Filesystem     uint32
	MountID        uint32
	_              uint32
}

// Exec is a new program in a process, or, with KindSeed, a process that was there before.
type Exec struct {
	Header
	Executable, Script                   File
	Creator                              Key
	CapEffective, CapPermitted           uint64
	CapInheritable, CapBounding          uint64
	CapAmbient                           uint64
	ArgumentsSize, EnvironmentSize       uint64
	UID, GID, EUID, EGID                 uint32
	SUID, SGID, FSUID, FSGID             uint32
	LoginUID, AuditSession, Securebits   uint32
	Session, ProcessGroup, ArgumentCount uint32
	CallingThread                        uint32
	MountNS, PIDNS, NetworkNS, UserNS    uint32
	UTSNS, IPCNS, CgroupNS, TimeNS       uint32
	TextLength                           [textCount]uint16
	SecureExec                           uint8
	_                                    [3]uint8
	TTY                                  [16]byte
	PreviousComm                         [16]byte
}

// Fork is a new process, made by the actor.
type Fork struct {
	Header
	Child, Parent     Key
	ChildCgroupID     uint64
	ChildNamespacePID uint32
	ChildPIDNS        uint32
}

// Exit is the end of a process. Status is encoded as for wait(2).
type Exit struct {
	Header
	UserTime, SystemTime uint64
	MaxResidentPages     uint64
	Status               uint32
	_                    uint32
}

// Chunk is a piece of the arguments or environment of the Exec that follows with the same CPU and Sequence.
type Chunk struct {
	Sequence uint64
	Time     uint64
	CPU      uint32
	Kind     Kind
	Flags    uint16
	Field    Text
	Index    uint16
	Length   uint32
	Data     [chunkBytes]byte
}

// ErrMalformed says that bytes are not a record of this build's programs.
var ErrMalformed = errors.New("malformed record")

const kindOffset = unsafe.Offsetof(Header{}.Kind)

// KindOf reads the kind of a record.
func KindOf(record []byte) (Kind, error) {
	if len(record) < int(kindOffset)+2 {
		return 0, fmt.Errorf("%w: %d bytes hold no header", ErrMalformed, len(record))
	}
	return Kind(uint16(record[kindOffset]) | uint16(record[kindOffset+1])<<8), nil
}

// ParseExec views a record as an Exec and its texts. Both alias the record.
func ParseExec(record []byte) (*Exec, [textCount][]byte, error) {
	var texts [textCount][]byte
	e, err := view[Exec](record)
	if err != nil {
		return nil, texts, err
	}
	rest := record[unsafe.Sizeof(*e):]
	for i, n := range e.TextLength {
		if int(n) > len(rest) {
			return nil, texts, fmt.Errorf("%w: text %d of an exec has %d bytes, %d are left", ErrMalformed, i, n, len(rest))
		}
		texts[i], rest = rest[:n:n], rest[n:]
	}
	return e, texts, nil
}

// ParseFork views a record as a Fork.
func ParseFork(record []byte) (*Fork, error) { return view[Fork](record) }

// ParseExit views a record as an Exit.
func ParseExit(record []byte) (*Exit, error) { return view[Exit](record) }

// ParseChunk views a record as a Chunk and its bytes.
func ParseChunk(record []byte) (*Chunk, []byte, error) {
	c, err := view[Chunk](record)
	if err != nil {
		return nil, nil, err
	}
	if c.Length > chunkBytes || c.Index >= chunkCount || (c.Field != TextArguments && c.Field != TextEnvironment) {
		return nil, nil, fmt.Errorf("%w: chunk %d of text %d with %d bytes", ErrMalformed, c.Index, c.Field, c.Length)
	}
	return c, c.Data[:c.Length], nil
}

// ExecSize is the length of the whole record that starts record, for records that follow each other without framing, as an
// iterator writes them. It fails when the fixed part is not whole yet.
func ExecSize(record []byte) (int, error) {
	e, err := view[Exec](record)
	if err != nil {
		return 0, err
	}
	size := int(unsafe.Sizeof(*e))
	for _, n := range e.TextLength {
		size += int(n)
	}
	return size, nil
}

func view[T Exec | Fork | Exit | Chunk](record []byte) (*T, error) {
	var zero T
	if len(record) < int(unsafe.Sizeof(zero)) {
		return nil, fmt.Errorf("%w: %d bytes, want at least %d", ErrMalformed, len(record), unsafe.Sizeof(zero))
	}
	p := unsafe.Pointer(unsafe.SliceData(record))
	if uintptr(p)%unsafe.Alignof(zero) != 0 {
		return nil, fmt.Errorf("%w: the buffer is not aligned to %d bytes", ErrMalformed, unsafe.Alignof(zero))
	}
	return (*T)(p), nil
}
