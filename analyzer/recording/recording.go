// Package recording reads recorded events: Windows event logs (.evtx), the JSON that tools make of them, the flat JSON lines
// that collectors write, and other JSON. Each record is an event for the Sigma engine, under the names that rules use.
//
// Files packed with gzip, and zip archives, are read without unpacking them first. JSON may be UTF-8, or UTF-16 as PowerShell
// writes it, and have one record on each line, records over several lines, or one list of records.
package recording

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// Format is a format of recordings.
type Format string

// The formats. Auto finds out for each file by its first bytes.
const (
	Auto Format = ""
	EVTX Format = "evtx"
	JSON Format = "json"
)

// Reader reads the records of one recording. It is not safe for concurrent use.
type Reader struct {
	name    string
	format  Format
	decoder *Decoder
	current source
	// pending are the files of an archive that are still to be read.
	pending []*zip.File
	file    io.Closer
	member  io.Closer
}

// source gives the records of one file until io.EOF.
type source interface {
	next() (*Record, error)
}

// Open opens the recording at a path.
func Open(path string, format Format) (*Reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open recording: %w", err)
	}
	r := newReader(path, format)
	r.file = file
	var magic [len(zipMagic)]byte
	if n, _ := file.ReadAt(magic[:], 0); string(magic[:n]) == zipMagic {
		err = r.openArchive(file)
	} else {
		r.current, err = r.detect(r.name, file, 0)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return r, nil
}

// New reads a recording, which is no zip archive, from a stream. The name is used in positions and messages.
func New(name string, stream io.Reader, format Format) (*Reader, error) {
	r := newReader(name, format)
	var err error
	if r.current, err = r.detect(name, stream, 0); err != nil {
		return nil, err
	}
	return r, nil
}

func newReader(name string, format Format) *Reader {
	return &Reader{name: name, format: format, decoder: NewDecoder(nil)}
}

// Bind makes the numbers that Record.Field takes mean these fields, the names of which are distinct. It is called before Next.
func (r *Reader) Bind(fields []string) { r.decoder.rebind(fields) }

// Next gives the next record, which is valid until Next is called again. At the end it fails with io.EOF. After a *Problem it
// can be called again and goes on behind it; any other error is final.
func (r *Reader) Next() (*Record, error) {
	for {
		record, err := r.current.next()
		if !errors.Is(err, io.EOF) {
			return record, err
		}
		if len(r.pending) == 0 {
			return nil, io.EOF
		}
		if err := r.nextMember(); err != nil {
			return nil, err
		}
	}
}

// Close closes what Open opened.
func (r *Reader) Close() error {
	if r.member != nil {
		_ = r.member.Close() // it was only read
	}
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

func (r *Reader) openArchive(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("cannot open archive %q: %w", r.name, err)
	}
	archive, err := zip.NewReader(file, info.Size())
	if err != nil {
		return fmt.Errorf("cannot open archive %q: %w", r.name, err)
	}
	for _, f := range archive.File {
		hidden := strings.HasPrefix(f.Name, "__MACOSX/") || strings.HasPrefix(path.Base(f.Name), ".")
		if !hidden && !f.FileInfo().IsDir() {
			r.pending = append(r.pending, f)
		}
	}
	if len(r.pending) == 0 {
		return fmt.Errorf("cannot read archive %q: it has no files", r.name)
	}
	return r.nextMember()
}

// nextMember goes on to the next file of an archive.
func (r *Reader) nextMember() error {
	f := r.pending[0]
	r.pending = r.pending[1:]
	name := r.name + "!" + f.Name
	member, err := f.Open()
	if err != nil {
		return fmt.Errorf("cannot read %q: %w", name, err)
	}
	if r.member != nil {
		_ = r.member.Close() // it was only read
	}
	r.member = member
	if r.current, err = r.detect(name, member, 0); err != nil {
		r.current = &refused{&Problem{Position: Position{File: name}, Lost: true, Reason: err.Error()}}
	}
	return nil
}

// refused is a file of an archive that cannot be read.
type refused struct{ problem *Problem }

func (f *refused) next() (*Record, error) {
	if f.problem == nil {
		return nil, io.EOF
	}
	problem := f.problem
	f.problem = nil
	return nil, problem
}
