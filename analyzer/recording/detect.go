package recording

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	zipMagic  = "PK\x03\x04"
	gzipMagic = "\x1f\x8b"
	evtxMagic = "ElfFile\x00"
	utf8Mark  = "\xef\xbb\xbf"
)

// maxUnpacked is how often a file can be packed: there are files that unpack to themselves.
const maxUnpacked = 2

// detect finds out what a stream is, unpacks it, and begins to read it.
func (r *Reader) detect(name string, stream io.Reader, unpacked int) (source, error) {
	const enough = 4096
	buffered := bufio.NewReaderSize(stream, 1<<16)
	head, err := buffered.Peek(enough)
	if err != nil && err != io.EOF && len(head) == 0 {
		return nil, fmt.Errorf("cannot read %q: %w", name, err)
	}
	begins := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case begins(gzipMagic):
		if unpacked == maxUnpacked {
			return nil, fmt.Errorf("cannot unpack %q: it is packed more than %d times", name, maxUnpacked)
		}
		inner, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("cannot unpack %q: %w", name, err)
		}
		return r.detect(name, inner, unpacked+1)
	case begins(zipMagic):
		return nil, fmt.Errorf("cannot read %q: an archive in a stream or another archive; unpack it first", name)
	case r.format == EVTX || r.format == Auto && begins(evtxMagic):
		return newEventLog(name, buffered, r.decoder)
	case begins("\xff\xfe"):
		_, _ = buffered.Discard(2)
		return r.text(name, &utf16Reader{source: buffered, order: binary.LittleEndian})
	case begins("\xfe\xff"):
		_, _ = buffered.Discard(2)
		return r.text(name, &utf16Reader{source: buffered, order: binary.BigEndian})
	case len(head) >= 2 && head[0] != 0 && head[1] == 0:
		return r.text(name, &utf16Reader{source: buffered, order: binary.LittleEndian})
	case len(head) >= 2 && head[0] == 0 && head[1] != 0:
		return r.text(name, &utf16Reader{source: buffered, order: binary.BigEndian})
	case begins(utf8Mark):
		_, _ = buffered.Discard(len(utf8Mark))
	}
	return r.text(name, buffered)
}

// text begins to read JSON.
func (r *Reader) text(name string, stream io.Reader) (source, error) {
	buffered, ok := stream.(*bufio.Reader)
	if !ok {
		buffered = bufio.NewReaderSize(stream, 1<<16)
	}
	head, _ := buffered.Peek(4096)
	if start := skipSpace(head, 0); start < len(head) && r.format == Auto {
		switch c := head[start]; c {
		case '{', '[':
		case '<':
			return nil, fmt.Errorf("cannot read %q: it is XML; export the log as .evtx, or as JSON", name)
		default:
			return nil, fmt.Errorf("cannot read %q: it is neither a Windows event log nor JSON: it begins with %q", name, c)
		}
	}
	return newJSONFile(name, buffered, r.decoder), nil
}

// utf16Reader turns UTF-16 into UTF-8; what is not UTF-16 becomes U+FFFD.
type utf16Reader struct {
	source *bufio.Reader
	order  binary.ByteOrder
	ready  []byte
	held   rune // a unit that was read too far, or 0
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.ready) == 0 {
		u.ready = u.ready[:0]
		for len(u.ready) < 4096 {
			r, err := u.next()
			if err != nil {
				if len(u.ready) == 0 {
					return 0, err
				}
				break
			}
			u.ready = utf8.AppendRune(u.ready, r)
		}
	}
	n := copy(p, u.ready)
	u.ready = u.ready[n:]
	return n, nil
}

func (u *utf16Reader) next() (rune, error) {
	r, err := u.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	low, err := u.unit()
	if err != nil {
		return utf8.RuneError, nil //nolint:nilerr // the end comes with the next call
	}
	if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
		return pair, nil
	}
	u.held = low
	return utf8.RuneError, nil
}

func (u *utf16Reader) unit() (rune, error) {
	if held := u.held; held != 0 {
		u.held = 0
		return held, nil
	}
	var unit [2]byte
	if _, err := io.ReadFull(u.source, unit[:]); err != nil {
		if err == io.ErrUnexpectedEOF {
			return 0, io.EOF
		}
		return 0, err
	}
	return rune(u.order.Uint16(unit[:])), nil
}
