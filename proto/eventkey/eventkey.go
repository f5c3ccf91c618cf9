// Package eventkey names processes and events: short ids that are the same in every component and after every restart,
// because they are computed from what the kernel said and from nothing else.
package eventkey

import (
	"crypto/sha256"
	"encoding/binary"

	pb "github.com/vedette-edr/vedette/proto"
)

// Size is the length of every id in characters: 100 bits of SHA-256 in lower-case base 32.
const Size = 20

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

// Entity is the id of one process, unique over hosts, boots and reuse of process ids. It does not change when the process
// executes another program. A nil key gives the empty string: a process that nobody knows has no id.
func Entity(host, bootID string, key *pb.ProcessKey) string {
	if key == nil {
		return ""
	}
	return EntityOf(host, bootID, key.Pid, key.StartTimeNs)
}

// EntityOf is Entity for a key in parts.
func EntityOf(host, bootID string, pid uint32, startTimeNS uint64) string {
	var numbers [12]byte
	binary.BigEndian.PutUint32(numbers[0:], pid)
	binary.BigEndian.PutUint64(numbers[4:], startTimeNS)
	return id("entity", numbers[:], host, bootID)
}

// Event is the id of one event: the place in the numbering of the collector run that made it. An event that is sent again
// keeps its id.
func Event(host string, instance uint64, class pb.Class, cpu uint32, sequence uint64) string {
	var numbers [24]byte
	binary.BigEndian.PutUint64(numbers[0:], instance)
	binary.BigEndian.PutUint32(numbers[8:], uint32(class))
	binary.BigEndian.PutUint32(numbers[12:], cpu)
	binary.BigEndian.PutUint64(numbers[16:], sequence)
	return id("event", numbers[:], host)
}

// Alert is the id of what one rule says of one event, so that the same finding made twice is recognised as one.
func Alert(ruleID, eventID string) string {
	return id("alert", nil, ruleID, eventID)
}

// id hashes the kind, the numbers and the texts. Each text is preceded by its length: no two lists of texts read alike.
func id(kind string, numbers []byte, texts ...string) string {
	var space [256]byte
	b := append(space[:0], kind...)
	b = append(b, 0)
	b = append(b, numbers...)
	for _, t := range texts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(t)))
		b = append(b, t...)
	}
	sum := sha256.Sum256(b)
	var out [Size]byte
	for i := range out {
		// 5 bits at bit offset 5*i: at most two bytes hold them.
		at := 5 * i
		window := uint16(sum[at/8])<<8 | uint16(sum[at/8+1])
		out[i] = alphabet[window>>(11-at%8)&31]
	}
	return string(out[:])
}
