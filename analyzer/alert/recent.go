package alert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/vedette-edr/vedette/proto/eventkey"
)

const (
	// maxRecent bounds the ids that are remembered. It is far above what can be on its way when an analyzer is killed: the
	// outbox takes 4096, and the stream of events stands still until they are safe.
	maxRecent = 16384
	// maxTail bounds, in bytes, how far back a file is read.
	maxTail = 64 << 20
)

// recent remembers the ids of the alerts that the file got last.
type recent struct {
	ids  map[string]bool
	ring []string
	next int
}

func newRecent() *recent { return &recent{ids: map[string]bool{}} }

func (r *recent) has(id string) bool { return r.ids[id] }

func (r *recent) add(id string) {
	if r.ids[id] {
		return
	}
	r.ids[id] = true
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, id)
		return
	}
	delete(r.ids, r.ring[r.next])
	r.ring[r.next] = id
	r.next = (r.next + 1) % maxRecent
}

// readTail adds the ids of the alerts in the last part of a file. A file that does not exist has none.
func (r *recent) readTail(path string) error {
	handle, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read back alerts: %w", err)
	}
	defer handle.Close()
	info, err := handle.Stat()
	if err != nil {
		return fmt.Errorf("cannot read back alerts of %q: %w", path, err)
	}
	start := max(0, info.Size()-maxTail)
	if err := r.scan(io.NewSectionReader(handle, start, info.Size()-start)); err != nil {
		return fmt.Errorf("cannot read back alerts of %q: %w", path, err)
	}
	return nil
}

// idPrefix comes before the id in every document: ecs.Event has the id first. No text within a document can hold it, for a
// quote in a text is written with a backslash before it.
const idPrefix = `"event":{"id":"`

func (r *recent) scan(from io.Reader) error {
	const overlap = len(idPrefix) + eventkey.Size + 1
	buf := make([]byte, 0, 1<<20)
	for {
		n, err := io.ReadFull(from, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		rest := buf
		for {
			at := bytes.Index(rest, []byte(idPrefix))
			if at < 0 || len(rest) < at+overlap {
				break
			}
			id := rest[at+len(idPrefix):][:eventkey.Size]
			if rest[at+overlap-1] == '"' {
				r.add(string(id))
			}
			rest = rest[at+len(idPrefix):]
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
		keep := min(len(rest), overlap)
		buf = append(buf[:0], rest[len(rest)-keep:]...)
	}
}

// linePrefix begins every line that ecs.Encode makes.
const linePrefix = `{"@timestamp":`

// cutUnfinished cuts off an alert that follows the last line end, and gives the size that is left. Anything else that is
// there is not ours to cut.
func cutUnfinished(handle *os.File, size int64) (int64, error) {
	end := size
	buf := make([]byte, 64<<10)
	for end > 0 {
		from := max(0, end-int64(len(buf)))
		part := buf[:end-from]
		if _, err := handle.ReadAt(part, from); err != nil {
			return 0, fmt.Errorf("cannot look for the last line: %w", err)
		}
		if at := bytes.LastIndexByte(part, '\n'); at >= 0 {
			end = from + int64(at) + 1
			break
		}
		end = from
	}
	if end == size {
		return size, nil
	}
	head := make([]byte, min(int64(len(linePrefix)), size-end))
	if _, err := handle.ReadAt(head, end); err != nil {
		return 0, fmt.Errorf("cannot look at the last line: %w", err)
	}
	if !bytes.HasPrefix([]byte(linePrefix), head) {
		return 0, errors.New("its last line is neither finished nor an alert; move the file away or name another")
	}
	if err := handle.Truncate(end); err != nil {
		return 0, fmt.Errorf("cannot cut off an unfinished line at byte %d: %w", end, err)
	}
	return end, nil
}
