// Package evtx reads Windows event log files (.evtx): 64 KiB chunks of records, each a small XML document in Microsoft's
// binary form, which can use templates kept elsewhere in its chunk. The bytes are taken to be hostile: what cannot be read is
// reported with its offset and left out, and neither time nor memory grows beyond what the size of the file allows.
package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

const (
	fileHeaderSize  = 4096
	chunkSize       = 1 << 16
	chunkHeaderSize = 512
)

const (
	fileSignature  = "ElfFile\x00"
	chunkSignature = "ElfChnk\x00"
)

// ErrFormat is what New returns for input that is no event log.
var ErrFormat = errors.New("not a Windows event log")

// Damage is a part of a file that is not as it should be. It is an error that Reader.Next can be called again after.
type Damage struct {
	// Offset is where in the file the part begins, in bytes.
	Offset int64
	// Lost says that at least one record, or a part of a chunk in which there may have been some, was left out.
	Lost   bool
	Reason string
}

func (d *Damage) Error() string {
	return fmt.Sprintf("offset %d: %s", d.Offset, d.Reason)
}

// Record is one event. It, and all that it refers to but the names, is overwritten by the next call of Reader.Next.
type Record struct {
	// ID is the number that the log service gave the record.
	ID uint64
	// Written is when the log service stored it. It is the zero Time where the file does not say, as in exported parts of logs.
	Written time.Time
	// Offset is where in the file the record begins, in bytes.
	Offset int64
	// Elements are those of the XML document in the order in which they begin. The first is the root.
	Elements []Element
}

// Element is one element of a record's XML document.
type Element struct {
	Name string
	// Depth is the number of elements around it. The elements inside it are those that follow with a greater Depth.
	Depth      int
	Attributes []Attribute
	// Text is the character data directly inside it, in UTF-8, without any escaping.
	Text []byte

	attributes, text span
	repeats          span
	omitted          bool
}

// Attribute is one attribute of an element.
type Attribute struct {
	Name  string
	Value []byte

	value span
}

type span struct{ from, to int }

// Reader reads the records of one file. It is not safe for concurrent use.
type Reader struct {
	source io.Reader
	offset int64 // of the chunk
	chunk  []byte
	filled int // bytes of the chunk that the file had
	next   int // where in the chunk the next record is expected
	limit  int // where the chunk's records end
	free   int // where its header says that they end
	lastID uint64
	queued []*Damage
	eof    bool
	decode decoder
	record Record
}

// New begins to read a log. It fails with ErrFormat when source does not begin as an event log does.
func New(source io.Reader) (*Reader, error) {
	header := make([]byte, fileHeaderSize)
	n, err := io.ReadFull(source, header)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot read header of event log: %w", err)
	}
	if n < len(fileSignature) || string(header[:len(fileSignature)]) != fileSignature {
		return nil, ErrFormat
	}
	r := &Reader{source: source, offset: fileHeaderSize - chunkSize, chunk: make([]byte, chunkSize)}
	switch {
	case n < fileHeaderSize:
		r.eof = true
		r.queue(0, false, "the file ends within its header")
	case binary.LittleEndian.Uint32(header[124:]) != crc32.ChecksumIEEE(header[:120]):
		r.queue(0, false, "the checksum of the file's header is wrong")
	}
	return r, nil
}

func (r *Reader) queue(offset int64, lost bool, reason string) {
	r.queued = append(r.queued, &Damage{Offset: offset, Lost: lost, Reason: reason})
}

// Next gives the next record, which stays valid until Next is called again. At the end it fails with io.EOF. After a *Damage
// it can be called again and goes on behind it; any other error comes from the source and is final.
func (r *Reader) Next() (*Record, error) {
	for {
		if len(r.queued) > 0 {
			damage := r.queued[0]
			r.queued = r.queued[1:]
			return nil, damage
		}
		if r.next < r.limit {
			if record, err := r.nextInChunk(); record != nil || err != nil {
				return record, err
			}
			continue
		}
		if r.eof {
			return nil, io.EOF
		}
		if err := r.nextChunk(); err != nil {
			return nil, err
		}
	}
}

func (r *Reader) nextChunk() error {
	n, err := io.ReadFull(r.source, r.chunk)
	r.offset += chunkSize
	r.next, r.limit, r.filled = 0, 0, n
	switch {
	case errors.Is(err, io.EOF):
		r.eof = true
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		r.eof = true
		clear(r.chunk[n:])
	case err != nil:
		return fmt.Errorf("cannot read chunk at offset %d of event log: %w", r.offset, err)
	}
	r.openChunk()
	return nil
}

// openChunk finds out how far the records of the chunk go.
func (r *Reader) openChunk() {
	if isZero(r.chunk) {
		return // allocated ahead and never used
	}
	r.next, r.limit, r.free, r.lastID = chunkHeaderSize, r.filled, r.filled, 0
	r.decode.reset(r.chunk)
	if r.filled < chunkSize {
		r.queue(r.offset, true, fmt.Sprintf("the file ends within a chunk, after %d of %d bytes", r.filled, chunkSize))
	}
	if string(r.chunk[:len(chunkSignature)]) != chunkSignature {
		r.queue(r.offset, true, "a chunk does not begin as it should; looking for records in it")
		return
	}
	checksum := crc32.ChecksumIEEE(r.chunk[:120])
	checksum = crc32.Update(checksum, crc32.IEEETable, r.chunk[128:chunkHeaderSize])
	if checksum != binary.LittleEndian.Uint32(r.chunk[124:]) {
		r.queue(r.offset, false, "the checksum of a chunk's header is wrong")
		return
	}
	free := int(binary.LittleEndian.Uint32(r.chunk[48:]))
	if free < chunkHeaderSize || free > r.filled {
		if r.filled == chunkSize {
			r.queue(r.offset, false, fmt.Sprintf("a chunk says that its records end at %d", free))
		}
		return
	}
	r.free = free
	if crc32.ChecksumIEEE(r.chunk[chunkHeaderSize:free]) != binary.LittleEndian.Uint32(r.chunk[52:]) {
		r.queue(r.offset, false, "the checksum of a chunk's records is wrong")
	}
}

func isZero(data []byte) bool {
	return len(data) == 0 || data[0] == 0 && bytes.Equal(data[1:], data[:len(data)-1])
}
