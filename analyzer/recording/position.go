package recording

import "fmt"

// Position says where in a recording a record stands.
type Position struct {
	// File is the path of the file; for a file in an archive, that of the archive, ! and its path inside.
	File string `json:"file"`
	// Record counts the records of the file, from 1. In an event log, it is not the number that Windows gave the record.
	Record int64 `json:"record"`
	// Line is where the record begins, from 1; 0 in a binary file.
	Line int64 `json:"line,omitempty"`
	// Offset is where in the (unpacked) file the record begins, in bytes.
	Offset int64 `json:"offset"`
}

// String gives file:line, or the offset in a binary file.
func (p Position) String() string {
	if p.Line > 0 {
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s: offset %d", p.File, p.Offset)
}

// Problem is a part of a recording that is not as it should be. It is an error that Reader.Next can be called again after.
type Problem struct {
	Position
	// Lost says that something that may have been a record was left out.
	Lost   bool
	Reason string
}

func (p *Problem) Error() string {
	if p.Line > 0 {
		return fmt.Sprintf("%s: offset %d: %s", p.Position, p.Offset, p.Reason)
	}
	return p.Position.String() + ": " + p.Reason
}
