package capture

import (
	"encoding/json"
	"fmt"
	"io"
)

// Writer writes one recording. It is not safe for concurrent use. After an error the file is readable up to the last block
// that was written whole, and nothing more should be added.
type Writer struct {
	w       io.Writer
	buf     []byte
	written int64
}

// NewWriter begins a recording in w, which stays the caller's to close. Every block is one call of w.Write, so that nothing
// waits in memory.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	c := &Writer{w: w, buf: []byte(magic)}
	return c, c.text(kindHeader, h)
}

// Batch adds an encoded EventBatch, which is not kept.
func (c *Writer) Batch(data []byte) error {
	if len(data) > maxBlock {
		return fmt.Errorf("cannot record a batch of %d bytes: the limit is %d", len(data), maxBlock)
	}
	return c.block(kindBatch, data)
}

// Loss says that batches are missing at this place.
func (c *Writer) Loss(l Loss) error { return c.text(kindLoss, l) }

// End closes the recording.
func (c *Writer) End(e End) error { return c.text(kindEnd, e) }

// Written is the size of the file so far, in bytes.
func (c *Writer) Written() int64 { return c.written }

func (c *Writer) text(kind byte, content any) error {
	data, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("BUG: cannot encode block %q: %w", kind, err)
	}
	if len(data) > maxText {
		return fmt.Errorf("cannot record a block %q of %d bytes: the limit is %d", kind, len(data), maxText)
	}
	return c.block(kind, data)
}

func (c *Writer) block(kind byte, content []byte) error {
	c.buf = appendBlock(c.buf, kind, content)
	n, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	c.written += int64(n)
	if err != nil {
		return fmt.Errorf("cannot write to the recording after %d bytes: %w", c.written, err)
	}
	return nil
}
