package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	readSize = 1 << 20
	// maxRecord bounds the memory that one record can ask for, in bytes.
	maxRecord = 32 << 20
)

// jsonFile reads the records of a file with JSON. Where the first line is a whole record, every line has to be one, and an
// error costs its line. Else records may go over several lines and be items of a list, and after an error the next line that
// begins with a brace is taken for the next record.
type jsonFile struct {
	file    string
	stream  io.Reader
	decoder *Decoder

	buffer   []byte
	from, to int // what of the buffer is still to be read
	offset   int64
	line     int64
	count    int64
	failed   error // of the stream, in the end io.EOF
	began    bool
	lines    bool
	lost     bool // looking for the next record
}

func newJSONFile(file string, stream io.Reader, d *Decoder) *jsonFile {
	d.record.each = eachJSON
	return &jsonFile{file: file, stream: stream, decoder: d, line: 1}
}

func (f *jsonFile) next() (*Record, error) {
	if !f.began {
		f.began = true
		line, _ := f.wholeLine(0)
		f.lines = len(line) > 0 && f.decoder.Decode(line) == nil
	}
	if f.lines {
		return f.nextLine()
	}
	return f.nextDocument()
}

// fill reads more of the stream behind what is still to be read. It is false at the end of the stream, and when there is no
// more room for one record.
func (f *jsonFile) fill() bool {
	if f.failed != nil || f.to-f.from >= maxRecord {
		return false
	}
	if f.from > 0 {
		copy(f.buffer, f.buffer[f.from:f.to])
		f.from, f.to = 0, f.to-f.from
	}
	if len(f.buffer)-f.to < readSize/2 {
		grown := make([]byte, max(readSize, 2*len(f.buffer)))
		copy(grown, f.buffer[:f.to])
		f.buffer = grown
	}
	for range 100 {
		n, err := f.stream.Read(f.buffer[f.to:])
		f.to += n
		f.failed = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	f.failed = io.ErrNoProgress
	return false
}

// double reads as much again as there is, or up to the end, so that reading a long record from its beginning each time costs
// no more than twice its length. It is false when there is nothing more.
func (f *jsonFile) double() bool {
	before := f.to - f.from
	for f.fill() && f.to-f.from < 2*before {
	}
	return f.to-f.from > before
}

// advance steps over bytes of the buffer.
func (f *jsonFile) advance(n, newlines int) {
	f.from += n
	f.offset += int64(n)
	f.line += int64(newlines)
}

// end says why there is nothing more to read.
func (f *jsonFile) end() error {
	if errors.Is(f.failed, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("cannot read %q: %w", f.file, f.failed)
}

// wholeLine gives what is left of the line without its end, from at bytes on; whole is false where it is too long.
func (f *jsonFile) wholeLine(at int) (line []byte, whole bool) {
	for {
		rest := f.buffer[f.from:f.to]
		if n := bytes.IndexByte(rest[at:], '\n'); n >= 0 {
			return rest[:at+n], true
		}
		at = len(rest)
		if !f.fill() {
			return f.buffer[f.from:f.to], f.failed != nil
		}
	}
}

func (f *jsonFile) nextLine() (*Record, error) {
	for {
		line, whole := f.wholeLine(0)
		if !whole {
			return nil, f.skipLine()
		}
		if len(line) == 0 && f.from == f.to {
			return nil, f.end()
		}
		where := Position{File: f.file, Record: f.count + 1, Line: f.line, Offset: f.offset}
		size := min(len(line)+1, f.to-f.from)
		if skipSpace(line, 0) == len(line) {
			f.advance(size, 1)
			continue
		}
		err := f.decoder.Decode(line)
		f.advance(size, 1)
		if err != nil {
			return nil, f.problem(where, nil, err)
		}
		f.count++
		f.decoder.record.position = where
		return &f.decoder.record, nil
	}
}

// problem makes a Problem of an error in the text that begins at a position.
func (f *jsonFile) problem(where Position, text []byte, err error) *Problem {
	if syntax, ok := errors.AsType[*syntaxError](err); ok {
		where.Offset += int64(syntax.offset)
		where.Line += int64(bytes.Count(text[:min(syntax.offset, len(text))], []byte("\n")))
	}
	return &Problem{Position: where, Lost: true, Reason: err.Error()}
}

// skipLine gives up a line that is too long.
func (f *jsonFile) skipLine() error {
	problem := &Problem{
		Position: Position{File: f.file, Record: f.count + 1, Line: f.line, Offset: f.offset},
		Lost:     true,
		Reason:   fmt.Sprintf("the line is longer than %d bytes", maxRecord),
	}
	for {
		f.advance(f.to-f.from, 0)
		if !f.fill() {
			return problem
		}
		if n := bytes.IndexByte(f.buffer[f.from:f.to], '\n'); n >= 0 {
			f.advance(n+1, 1)
			return problem
		}
	}
}

func (f *jsonFile) nextDocument() (*Record, error) {
	if f.lost && !f.findDocument() {
		return nil, f.end()
	}
	if !f.skipSeparators() {
		return nil, f.end()
	}
	for {
		text := f.buffer[f.from:f.to]
		end, err := f.decoder.decode(text)
		if errors.Is(err, errEnd) && f.double() {
			continue
		}
		where := Position{File: f.file, Record: f.count + 1, Line: f.line, Offset: f.offset}
		if err == nil {
			f.advance(end, bytes.Count(text[:end], []byte("\n")))
			f.count++
			f.decoder.record.position = where
			return &f.decoder.record, nil
		}
		if errors.Is(err, errEnd) && f.failed == nil {
			err = fmt.Errorf("the record is longer than %d bytes", maxRecord)
		}
		problem := f.problem(where, text, err)
		// The error itself can be the brace that begins the next record; the search goes on from the byte before it.
		skipped := 1
		if syntax, ok := errors.AsType[*syntaxError](err); ok {
			skipped = max(1, syntax.offset-1)
		}
		f.advance(skipped, bytes.Count(text[:skipped], []byte("\n")))
		f.lost = true
		return nil, problem
	}
}

// findDocument goes to the next line that begins with a brace, from the current position on.
func (f *jsonFile) findDocument() bool {
	for {
		rest := f.buffer[f.from:f.to]
		if n := bytes.Index(rest, []byte("\n{")); n >= 0 {
			f.advance(n+1, bytes.Count(rest[:n+1], []byte("\n")))
			f.lost = false
			return true
		}
		if keep := len(rest) - 1; keep > 0 {
			f.advance(keep, bytes.Count(rest[:keep], []byte("\n")))
		}
		if !f.fill() {
			return false
		}
	}
}

// skipSeparators goes to the next record, over white space and what makes records a list.
func (f *jsonFile) skipSeparators() bool {
	for {
		rest := f.buffer[f.from:f.to]
		n := 0
		for n < len(rest) && bytes.IndexByte([]byte(" \t\r\n[],"), rest[n]) >= 0 {
			n++
		}
		f.advance(n, bytes.Count(rest[:n], []byte("\n")))
		if n < len(rest) {
			return true
		}
		if !f.fill() {
			return false
		}
	}
}
