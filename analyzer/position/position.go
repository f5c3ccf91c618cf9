// Package position keeps on disk how far the analyzer has come in the stream of a collector, so that a new run goes on
// counting where the one before stopped, however it stopped.
package position

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vedette-edr/vedette/analyzer/tally"
)

// FileName is the file within the state directory.
const FileName = "position"

// Position is a point in the stream: everything up to batch Number is safe, and Tally is the count at that point.
type Position struct {
	Number uint64
	Tally  *tally.Tally
}

// The file holds two records that are written in turn, each in place: a write that a kill cuts short spoils one record and
// leaves the other. It is never synced. It has to outlive the process, not the machine: a new boot is a new instance of
// the collector. Written ten times a second this costs one page in the cache, and the disk sees it every half minute.
const (
	slotSize   = 256 << 10
	headerSize = 24
	magic      = 0x56454450
)

// Store is an open position file. It is not safe for concurrent use.
type Store struct {
	file       *os.File
	generation uint64
	buf        []byte
}

// Open opens or makes the position file in dir, and gives the last position saved there: nil when there is none that can
// be used.
func Open(dir string) (*Store, *Position, error) {
	path := filepath.Join(dir, FileName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open position file %q: %w", path, err)
	}
	s := &Store{file: file}
	last, err := s.load()
	if err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("cannot read position file %q: %w", path, err)
	}
	return s, last, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.file.Close() }

// Encode appends to dst a position in the form that Save takes.
func Encode(dst []byte, number uint64, t *tally.Tally) []byte {
	dst = binary.AppendUvarint(dst, number)
	return t.Append(dst)
}

// ErrTooLarge is wrapped when a position does not fit its file.
var ErrTooLarge = errors.New("position is too large")

// Save writes an encoded position over the older of the two that the file holds.
func (s *Store) Save(encoded []byte) error {
	if len(encoded) > slotSize-headerSize {
		return fmt.Errorf("cannot save %d bytes, the room is %d: %w", len(encoded), slotSize-headerSize, ErrTooLarge)
	}
	generation := s.generation + 1
	s.buf = appendRecord(s.buf[:0], generation, encoded)
	if _, err := s.file.WriteAt(s.buf, slotOf(generation)); err != nil {
		return fmt.Errorf("cannot save position to %q: %w", s.file.Name(), err)
	}
	s.generation = generation
	return nil
}

func slotOf(generation uint64) int64 { return int64(generation%2) * slotSize }

func appendRecord(dst []byte, generation uint64, payload []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, magic)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.LittleEndian.AppendUint64(dst, generation)
	sum := crc32.Update(crc32.ChecksumIEEE(dst[len(dst)-16:]), crc32.IEEETable, payload)
	dst = binary.LittleEndian.AppendUint32(dst, sum)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	return append(dst, payload...)
}

func (s *Store) load() (*Position, error) {
	var newest *Position
	buf := make([]byte, slotSize)
	for slot := range int64(2) {
		n, err := s.file.ReadAt(buf, slot*slotSize)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		generation, payload, ok := readRecord(buf[:n])
		if !ok || generation <= s.generation {
			continue
		}
		s.generation = generation
		newest = nil
		if p, err := Decode(payload); err == nil {
			newest = p
		}
	}
	return newest, nil
}

func readRecord(slot []byte) (generation uint64, payload []byte, ok bool) {
	if len(slot) < headerSize || binary.LittleEndian.Uint32(slot) != magic {
		return 0, nil, false
	}
	size := binary.LittleEndian.Uint32(slot[4:])
	if uint64(size) > uint64(len(slot)-headerSize) {
		return 0, nil, false
	}
	payload = slot[headerSize : headerSize+int(size)]
	sum := crc32.Update(crc32.ChecksumIEEE(slot[:16]), crc32.IEEETable, payload)
	if sum != binary.LittleEndian.Uint32(slot[16:]) {
		return 0, nil, false
	}
	return binary.LittleEndian.Uint64(slot[8:]), payload, true
}

// Decode reads what Encode wrote.
func Decode(encoded []byte) (*Position, error) {
	number, n := binary.Uvarint(encoded)
	if n <= 0 {
		return nil, fmt.Errorf("cannot read position: %w", fs.ErrInvalid)
	}
	t, err := tally.Restore(encoded[n:])
	if err != nil {
		return nil, fmt.Errorf("cannot read position: %w", err)
	}
	return &Position{Number: number, Tally: t}, nil
}
