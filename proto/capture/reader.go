package capture

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Reader reads one recording. It is not safe for concurrent use.
type Reader struct {
	r      *bufio.Reader
	at     int64
	header Header
	lost   Loss
	end    *End
	// batches read so far.
	batches uint64
	failure error
}

// IsCapture reports whether a file that begins with these bytes, 16 of them are enough, is a recording of any version.
func IsCapture(beginning []byte) bool { return strings.HasPrefix(string(beginning), family) }

// NewReader begins to read a recording from r, which stays the caller's to close. The error wraps ErrNotCapture, ErrVersion
// or ErrCut, or is r's.
func NewReader(r io.Reader) (*Reader, error) {
	c := &Reader{r: bufio.NewReaderSize(r, 256<<10)}
	beginning, err := c.r.Peek(len(magic))
	switch {
	case string(beginning) == magic:
	case err != nil && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("cannot read the recording: %w", err)
	case len(beginning) < len(family) || !IsCapture(beginning):
		return nil, fmt.Errorf("%w: it does not begin with %q", ErrNotCapture, strings.TrimSpace(family))
	case len(beginning) < len(magic):
		return nil, fmt.Errorf("%w in its first line", ErrCut)
	default:
		return nil, fmt.Errorf("%w: it begins with %q, not %q; use the program of that version", ErrVersion, beginning, magic)
	}
	if _, err := c.r.Discard(len(magic)); err != nil {
		return nil, fmt.Errorf("BUG: what was looked at is gone: %w", err)
	}
	c.at = int64(len(magic))
	kind, content, err := c.block()
	if err != nil {
		return nil, err
	}
	if kind != kindHeader {
		return nil, fmt.Errorf("%w: it begins with a block %q instead of its header", ErrCut, kind)
	}
	if err := json.Unmarshal(content, &c.header); err != nil {
		return nil, fmt.Errorf("%w: its header cannot be read: %w", ErrCut, err)
	}
	return c, nil
}

// Header is where and when the recording was made.
func (c *Reader) Header() Header { return c.header }

// Lost sums up what the blocks read so far say is missing.
func (c *Reader) Lost() Loss { return c.lost }

// End closes the recording; nil until Next has returned io.EOF.
func (c *Reader) End() *End { return c.end }

// Offset is how far the file has been read, in bytes.
func (c *Reader) Offset() int64 { return c.at }

// Next gives the next encoded EventBatch, which belongs to the caller. It returns io.EOF after the last one of a recording
// that is whole, and an error that wraps ErrCut where one that is not whole ends; either again when called again.
func (c *Reader) Next() ([]byte, error) {
	for c.failure == nil {
		kind, content, err := c.block()
		if err != nil {
			c.failure = err
			break
		}
		switch kind {
		case kindBatch:
			c.batches++
			return content, nil
		case kindLoss:
			var l Loss
			if c.failure = c.parse(content, &l); c.failure == nil {
				c.lost = c.lost.plus(l)
			}
		case kindEnd:
			c.failure = c.finish(content)
		}
	}
	return nil, c.failure
}

// finish takes the end mark, and checks it against what was read.
func (c *Reader) finish(content []byte) error {
	var end End
	if err := c.parse(content, &end); err != nil {
		return err
	}
	if end.Batches != c.batches {
		return fmt.Errorf("%w: its end speaks of %d batches and %d are there", ErrCut, end.Batches, c.batches)
	}
	c.end = &end
	return io.EOF
}

func (c *Reader) parse(content []byte, into any) error {
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%w before byte %d, after %d batches: %w", ErrCut, c.at, c.batches, err)
	}
	return nil
}

// block reads one block and checks it.
func (c *Reader) block() (kind byte, content []byte, err error) {
	var frame [frameBytes]byte
	if err := c.read(frame[:]); err != nil {
		return 0, nil, err
	}
	kind = frame[0]
	size, limit := binary.LittleEndian.Uint32(frame[1:]), uint32(maxText)
	if kind == kindBatch {
		limit = maxBlock
	}
	if size > limit {
		return 0, nil, fmt.Errorf("%w at byte %d, after %d batches: a block %q claims %d bytes", ErrCut, c.at-frameBytes, c.batches, kind, size)
	}
	content = make([]byte, size)
	if err := c.read(content); err != nil {
		return 0, nil, err
	}
	var sum [sumBytes]byte
	if err := c.read(sum[:]); err != nil {
		return 0, nil, err
	}
	if binary.LittleEndian.Uint32(sum[:]) != checksum(frame[:], content) {
		return 0, nil, fmt.Errorf("%w at byte %d, after %d batches: a block is damaged", ErrCut, c.at, c.batches)
	}
	return kind, content, nil
}

func (c *Reader) read(into []byte) error {
	n, err := io.ReadFull(c.r, into)
	c.at += int64(n)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w at byte %d, after %d batches", ErrCut, c.at, c.batches)
	}
	return fmt.Errorf("cannot read the recording at byte %d: %w", c.at, err)
}
