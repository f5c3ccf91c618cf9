// Package capture is the file format of recorded events: the batches of one host, byte for byte as they were on the bus.
//
// A file is a line that names the format and its version, and blocks. A block is a kind (one byte), the length of its
// content (uint32), the content, and a CRC-32C of all of these (uint32); numbers are little-endian. The first block is the
// Header and the last one the End, both JSON; between them are encoded EventBatches, and a Loss, JSON, where some are
// missing. A file whose writer was killed ends without an End and can be read up to there.
package capture

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

const (
	// family begins the files of every version, magic those of this one.
	family = "vedette capture "
	magic  = family + "1\n"
)

// Kinds of blocks. A reader passes over those it does not know.
const (
	kindHeader = 'H'
	kindBatch  = 'B'
	kindLoss   = 'L'
	kindEnd    = 'E'
)

const (
	frameBytes = 5
	sumBytes   = 4
	// maxBlock bounds the content of a block in bytes; the bus takes messages of 1.06 MiB.
	maxBlock = 4 << 20
	// maxText bounds the content of a block of JSON in bytes.
	maxText = 2 << 20
)

// ErrNotCapture is wrapped by the error of NewReader about a file of another kind.
var ErrNotCapture = errors.New("not a recording of vedette capture")

// ErrVersion is wrapped by the error of NewReader about a file that a newer program wrote.
var ErrVersion = errors.New("recording of a version that this program does not know")

// ErrCut is wrapped by errors about a file that does not go on to its end mark, or is damaged: what was read before is good.
var ErrCut = errors.New("the recording is cut off")

// Header says where and when a recording was made.
type Header struct {
	Host    string    `json:"host"`
	BootID  string    `json:"boot_id,omitempty"`
	Started time.Time `json:"started"`
	// Version is that of the program that wrote the file.
	Version string `json:"version,omitempty"`
	// Classes are those recorded, named as in subjects; empty for all.
	Classes []string `json:"classes,omitempty"`
	// Users are the names of the host's accounts, by number: a replay on another host needs them.
	Users map[uint32]string `json:"users,omitempty"`
}

// Loss counts what is not in the recording though it was sent.
type Loss struct {
	// Batches never arrived: their numbers are missing between those that did.
	Batches uint64 `json:"batches,omitempty"`
	// Unreadable batches arrived and could not be decoded.
	Unreadable uint64 `json:"unreadable,omitempty"`
}

func (l Loss) plus(other Loss) Loss {
	return Loss{Batches: l.Batches + other.Batches, Unreadable: l.Unreadable + other.Unreadable}
}

// End closes a recording.
type End struct {
	Stopped time.Time `json:"stopped"`
	// Batches and Events are what the file holds; Processes of the events are seeds.
	Batches   uint64 `json:"batches"`
	Events    uint64 `json:"events"`
	Processes uint64 `json:"processes"`
	// Seeded says that the list of the processes that ran at the beginning is complete.
	Seeded bool `json:"seeded"`
	// Lost is what was sent and is not here.
	Lost Loss `json:"lost"`
	// LostAtSource counts, by cause, the events that kernel and collector reported as lost while the recording ran.
	LostAtSource map[string]uint64 `json:"lost_at_source,omitempty"`
}

// checksum covers the frame of a block and its content.
func checksum(frame, content []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(frame, table), table, content)
}

// appendBlock appends one block.
func appendBlock(dst []byte, kind byte, content []byte) []byte {
	start := len(dst)
	dst = append(dst, kind)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(content)))
	sum := checksum(dst[start:], content)
	dst = append(dst, content...)
	return binary.LittleEndian.AppendUint32(dst, sum)
}
