package file

import (
	"fmt"

	"github.com/vedette-edr/vedette/bpf/record"
)

// Operation is what was done to a file. The numbers are those of enum file_operation in bpf/include/file_record.h.
type Operation uint32

// Operations.
const (
	Open Operation = iota + 1
	Write
	Close
	Delete
	Rename
	Link
	Symlink
	Chmod
	Chown
	Truncate
	Utimes
	SetXattr
	RemoveXattr
	Mkdir
	Rmdir
	Memfd
	Mount
	Bind
	Mknod
)

// Text names one of the texts that follow the fixed part of a record.
type Text uint16

// Texts in the order in which they follow the record.
const (
	// TextPath is the path, or, when TextName is there, the directory that the caller's string has to be joined to.
	TextPath Text = iota
	TextName
	TextSecondPath
	TextSecondName
	// TextFirst and TextSecond are by operation: name and value of an attribute; the text of a link; type and options of a
	// mount; the beginning of what was written; the name of a memfd or of an abstract socket.
	TextFirst
	TextSecond
	textCount
)

// Sources of a path, as in enum path_source.
const (
	SourceKernel  = 1
	SourceLexical = 2
	SourceChanged = 3
)

// Record is one operation.
type Record struct {
	record.Header
	// File is the object as it is afterwards. Before is the object as it was, or for a rename the one that was replaced.
	File, Before record.FileIdentity
	// Value is by operation: open: flags, whether created. write: offset, length. close: bytes written. mount: flags. utimes:
	// access time. memfd: flags. bind: type of the socket, whether the name is abstract.
	Value                [2]uint64
	Operation            Operation
	Error                int32
	Call                 uint32
	Source, SecondSource uint16
	TextLength           [textCount]uint16
	_                    uint32
}

// Texts are the texts of a record, by Text.
type Texts [textCount][]byte

// Parse views a record and its texts. Both alias it.
func Parse(rec []byte) (*Record, Texts, error) {
	var texts Texts
	r, rest, err := record.View[Record](rec)
	if err != nil {
		return nil, texts, err
	}
	if err := record.Texts(rest, r.TextLength[:], texts[:]); err != nil {
		return nil, texts, fmt.Errorf("record of operation %d: %w", r.Operation, err)
	}
	return r, texts, nil
}
