package process

import (
	"fmt"
	"unsafe"

	"github.com/vedette-edr/vedette/bpf/record"
)

// The Go side of the records of bpf/include/record.h that only this sensor makes; record_test.go compares it with the
// object's BTF.

// Text names one of the texts that follow the fixed part of an Exec.
type Text uint16

// Texts in the order in which they follow the record.
const (
	TextExecutable Text = iota
	TextScript
	TextWorkingDirectory
	TextRootDirectory
	TextStdin
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

// Exec is a new program in a process, or, with record.Seed, a process that was there before.
type Exec struct {
	record.Header
	Executable, Script, Stdin            record.FileIdentity
	Creator                              record.Key
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
	_                                    uint8
	TTY                                  [16]byte
	PreviousComm                         [16]byte
}

// Fork is a new process, made by the actor.
type Fork struct {
	record.Header
	Child, Parent     record.Key
	ChildCgroupID     uint64
	ChildNamespacePID uint32
	ChildPIDNS        uint32
}

// Exit is the end of a process. Status is encoded as for wait(2).
type Exit struct {
	record.Header
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
	Kind     record.Kind
	Flags    uint16
	Field    Text
	Index    uint16
	Length   uint32
	Data     [chunkBytes]byte
}

// ParseExec views a record as an Exec and its texts. Both alias the record.
func ParseExec(rec []byte) (*Exec, [textCount][]byte, error) {
	var texts [textCount][]byte
	e, rest, err := record.View[Exec](rec)
	if err != nil {
		return nil, texts, err
	}
	if err := record.Texts(rest, e.TextLength[:], texts[:]); err != nil {
		return nil, texts, err
	}
	return e, texts, nil
}

// ParseFork views a record as a Fork.
func ParseFork(rec []byte) (*Fork, error) {
	f, _, err := record.View[Fork](rec)
	return f, err
}

// ParseExit views a record as an Exit.
func ParseExit(rec []byte) (*Exit, error) {
	e, _, err := record.View[Exit](rec)
	return e, err
}

// ParseChunk views a record as a Chunk and its bytes.
func ParseChunk(rec []byte) (*Chunk, []byte, error) {
	c, _, err := record.View[Chunk](rec)
	if err != nil {
		return nil, nil, err
	}
	if c.Length > chunkBytes || c.Index >= chunkCount || (c.Field != TextArguments && c.Field != TextEnvironment) {
		return nil, nil, fmt.Errorf("%w: chunk %d of text %d with %d bytes", record.ErrMalformed, c.Index, c.Field, c.Length)
	}
	return c, c.Data[:c.Length], nil
}

// ExecSize is the length of the whole record that starts rec, for records that follow each other without framing, as an
// iterator writes them. It fails when the fixed part is not whole yet.
func ExecSize(rec []byte) (int, error) {
	e, _, err := record.View[Exec](rec)
	if err != nil {
		return 0, err
	}
	size := int(unsafe.Sizeof(*e))
	for _, n := range e.TextLength {
		size += int(n)
	}
	return size, nil
}
