package recording

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// The names of what every record is asked for, whether or not a rule reads it.
const (
	channelField  = "Channel"
	providerField = "Provider_Name"
	eventIDField  = "EventID"
	timeField     = "TimeCreated_SystemTime"
)

// aliases gives the other names that collectors write at the top of flat lines: the value answers to both, unless the line
// has the Windows name itself. Of several, the first counts.
func aliases() [][2]string {
	return [][2]string{
		{"SourceName", providerField},
		{"ProviderName", providerField},
		{"TimeCreated", timeField},
		{"UtcTime", timeField},
		{"@timestamp", timeField},
		{"EventTime", timeField},
		{"Hostname", "Computer"},
		{"message", "Message"},
		{"ProviderGuid", "Provider_Guid"},
		{"RecordNumber", "EventRecordID"},
		{"ExecutionProcessID", "Execution_ProcessID"},
		{"ThreadID", "Execution_ThreadID"},
		{"UserID", "Security_UserID"},
	}
}

// fieldTable finds the slot of a name. Names that no rule reads are remembered up to a limit, so that the next record's are
// recognised without another look.
type fieldTable struct {
	seed    maphash.Seed
	entries []fieldEntry
	index   []int32 // entry + 1, by hash
	slots   int
	learned int

	// longest is the length beyond which no name of an event is a field's, spaces included.
	longest int

	channel, provider, eventID, time int32
	// ownChannel is the channel that a record was written to, where its data has a Channel too.
	ownChannel int32
}

type fieldEntry struct {
	name string
	// slot is -1 for a name that nobody reads.
	slot int32
	// alias is a second slot, in flat lines, and aliasRank how much the name counts there; -1 without.
	alias     int32
	aliasRank uint16
	// start is how a member of this name begins: the name in quotes and a colon. It is empty for a name that cannot stand in
	// JSON as it is.
	start string
	// head is the first eight bytes of start, or fewer and zeros: a look at it saves most looks at start.
	head uint64
	// next are the names that lately followed this one at the top of a line, the likeliest first; -1 for none.
	next [guesses]int32
}

const (
	guesses        = 4
	maxLearned     = 4096
	maxLearnedName = 128
	aliasRank      = 1 << 15
)

func newFieldTable(fields []string) *fieldTable {
	t := &fieldTable{seed: maphash.MakeSeed(), longest: 256}
	for n, name := range fields {
		t.slots = n
		t.longest = max(t.longest, 2*len(name))
		t.bind(name)
	}
	t.slots = len(fields)
	t.channel, t.provider = t.bind(channelField), t.bind(providerField)
	t.eventID, t.time = t.bind(eventIDField), t.bind(timeField)
	own, _ := t.find([]byte(channelField))
	t.entries[own].alias, t.entries[own].aliasRank = int32(t.slots), aliasRank
	t.ownChannel = int32(t.slots)
	t.slots++
	for rank, pair := range aliases() {
		target, ok := t.find([]byte(pair[1]))
		if !ok {
			continue
		}
		slot := t.entries[target].slot
		at, ok := t.find([]byte(pair[0]))
		if !ok {
			at = t.add(pair[0], -1)
		}
		t.entries[at].alias, t.entries[at].aliasRank = slot, uint16(aliasRank+rank)
	}
	return t
}

// bind gives a name the next slot, if it has none yet.
func (t *fieldTable) bind(name string) int32 {
	if at, ok := t.find([]byte(name)); ok {
		if t.entries[at].slot < 0 {
			t.entries[at].slot = int32(t.slots)
			t.slots++
		}
		return t.entries[at].slot
	}
	at := t.add(name, int32(t.slots))
	t.slots++
	return t.entries[at].slot
}

func (t *fieldTable) add(name string, slot int32) int {
	e := fieldEntry{name: name, slot: slot, alias: -1, next: [guesses]int32{-1, -1, -1, -1}}
	if verbatim(name) {
		e.start = `"` + name + `":`
		var head [8]byte
		copy(head[:], e.start)
		e.head = binary.LittleEndian.Uint64(head[:])
	}
	t.entries = append(t.entries, e)
	if len(t.index) < 4*len(t.entries) {
		t.index = make([]int32, 1<<bits.Len(uint(8*len(t.entries))))
		for i := range t.entries {
			t.enter(i)
		}
	} else {
		t.enter(len(t.entries) - 1)
	}
	return len(t.entries) - 1
}

func (t *fieldTable) enter(at int) {
	mask := uint64(len(t.index) - 1)
	h := maphash.String(t.seed, t.entries[at].name) & mask
	for t.index[h] != 0 {
		h = (h + 1) & mask
	}
	t.index[h] = int32(at + 1)
}

func (t *fieldTable) find(name []byte) (int, bool) {
	if len(t.index) == 0 {
		return 0, false
	}
	mask := uint64(len(t.index) - 1)
	for h := maphash.Bytes(t.seed, name) & mask; ; h = (h + 1) & mask {
		at := int(t.index[h]) - 1
		if at < 0 {
			return 0, false
		}
		if string(name) == t.entries[at].name {
			return at, true
		}
	}
}

// lookup gives the number of the entry of a name as an event writes it: with spaces, which Sigma's names do not have. It is
// -1 for a name that nobody reads and that there was no room to remember.
func (t *fieldTable) lookup(name []byte) int32 {
	if at, ok := t.find(name); ok {
		return int32(at)
	}
	return t.learn(name)
}

func (t *fieldTable) learn(name []byte) int32 {
	text, bound := string(name), -1
	if strings.Contains(text, " ") {
		if at, ok := t.find([]byte(strings.ReplaceAll(text, " ", ""))); ok {
			bound = at
		}
	}
	if t.learned == maxLearned || len(name) > maxLearnedName {
		return int32(bound)
	}
	t.learned++
	at := t.add(text, -1)
	if bound >= 0 {
		e := t.entries[bound]
		t.entries[at].slot, t.entries[at].alias, t.entries[at].aliasRank = e.slot, e.alias, e.aliasRank
	}
	return int32(at)
}

func verbatim(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
