package engine

import (
	"math/bits"
	"strings"
)

// Keys are of up to wordKey bytes or of longestKey; what else a literal has is compared.
const (
	wordKey    = 8
	longestKey = 16
)

// keySize gives how many bytes of a literal make its key.
func keySize(literal string) int {
	if len(literal) >= longestKey {
		return longestKey
	}
	return min(len(literal), wordKey)
}

// keys finds, for a text, the literals that it equals, begins with or ends with. Keys are the first or last bytes of a
// literal together with their number, so that a text is looked up once for each number in use.
type keys struct {
	// filter has a bit for each hash in use, which rejects most texts without touching the table.
	filter []uint64
	shift  uint8
	table  []keySlot
	// prefixes and suffixes have bit n set when there are keys of n bytes.
	prefixes, suffixes uint32
	equals             bool
	entries            []keyEntry
}

// keySlot is a place of the hash table; entries are chained, and first is one more than the index of the first.
type keySlot struct {
	key   uint64
	first int32
}

type keyEntry struct {
	kind    kind
	literal string
	// post is what the literal stands for.
	post int32
	next int32
}

// newKeys makes keys of literals, none of which is of kindContains.
func newKeys(needles []needle) *keys {
	if len(needles) == 0 {
		return nil
	}
	bitsOf := max(bits.Len(uint(len(needles)*2)), 3)
	k := &keys{
		shift:   uint8(64 - bitsOf),
		table:   make([]keySlot, 1<<bitsOf),
		filter:  make([]uint64, max(1<<bitsOf*8/64, 1)),
		entries: make([]keyEntry, 0, len(needles)),
	}
	for _, n := range needles {
		k.add(n)
	}
	return k
}

func (k *keys) add(n needle) {
	size := keySize(n.literal)
	var key uint64
	switch n.kind {
	case kindEquals:
		k.equals = true
		key = equalsKey(head8(n.literal), tail8(n.literal), len(n.literal))
	case kindPrefix:
		k.prefixes |= 1 << size
		key = prefixKey(n.literal, head8(n.literal), size)
	case kindSuffix:
		k.suffixes |= 1 << size
		key = suffixKey(n.literal, tail8(n.literal), size)
	default:
		panic("BUG: a literal of another kind among keys")
	}
	bit := key >> (k.shift - 3)
	k.filter[bit>>6] |= 1 << (bit & 63)
	at := key >> k.shift
	for k.table[at].first != 0 && k.table[at].key != key {
		at = (at + 1) & uint64(len(k.table)-1)
	}
	k.entries = append(k.entries, keyEntry{kind: n.kind, literal: n.literal, post: n.post, next: k.table[at].first})
	k.table[at] = keySlot{key: key, first: int32(len(k.entries))}
}

// find gives one more than the index of the first entry that has the key, or 0.
func (k *keys) find(key uint64) int32 {
	bit := key >> (k.shift - 3)
	if k.filter[bit>>6]>>(bit&63)&1 == 0 {
		return 0
	}
	for at := key >> k.shift; ; at = (at + 1) & uint64(len(k.table)-1) {
		if sl := &k.table[at]; sl.first == 0 || sl.key == key {
			return sl.first
		}
	}
}

// apply marks what the text equals, begins with or ends with.
func (k *keys) apply(text string, posts *postings, hits []uint64) {
	head, tail := head8(text), tail8(text)
	if k.equals {
		if first := k.find(equalsKey(head, tail, len(text))); first != 0 {
			k.mark(first, text, posts, hits)
		}
	}
	// Keys longer than the text are of no use.
	fitting := uint32(1)<<(min(len(text), longestKey)+1) - 1
	for sizes := k.suffixes & fitting; sizes != 0; sizes &= sizes - 1 {
		if first := k.find(suffixKey(text, tail, bits.TrailingZeros32(sizes))); first != 0 {
			k.mark(first, text, posts, hits)
		}
	}
	for sizes := k.prefixes & fitting; sizes != 0; sizes &= sizes - 1 {
		if first := k.find(prefixKey(text, head, bits.TrailingZeros32(sizes))); first != 0 {
			k.mark(first, text, posts, hits)
		}
	}
}

// mark confirms the entries of a key.
func (k *keys) mark(first int32, text string, posts *postings, hits []uint64) {
	for first != 0 {
		e := &k.entries[first-1]
		if e.holds(text) {
			posts.mark(e.post, hits)
		}
		first = e.next
	}
}

func (e *keyEntry) holds(text string) bool {
	switch e.kind {
	case kindEquals:
		return text == e.literal
	case kindPrefix:
		return strings.HasPrefix(text, e.literal)
	}
	return strings.HasSuffix(text, e.literal)
}

// The keys of the three kinds and of all sizes share one table. Multiplying by odd numbers spreads them.

func equalsKey(head, tail uint64, size int) uint64 {
	return (head ^ bits.RotateLeft64(tail, 29) ^ uint64(size)*0xd6e8feb86659fd93) * 0x9e3779b97f4a7c15
}

// prefixKey is of the first size bytes of s, the first of which head has.
func prefixKey(s string, head uint64, size int) uint64 {
	if size == longestKey {
		head ^= bits.RotateLeft64(load64(s, wordKey), 29)
	} else {
		head &= 1<<(8*size) - 1
	}
	return (head ^ head>>32 ^ uint64(size)<<20 ^ 0x5851f42d4c957f2d) * 0x9e3779b97f4a7c15
}

// suffixKey is of the last size bytes of s, the last of which tail has.
func suffixKey(s string, tail uint64, size int) uint64 {
	if size == longestKey {
		tail ^= bits.RotateLeft64(load64(s, len(s)-longestKey), 29)
	} else {
		tail >>= 64 - 8*size
	}
	return (tail ^ tail>>32 ^ uint64(size)<<20) * 0x9e3779b97f4a7c15
}

// head8 gives the first 8 bytes, of a shorter text all of them, the first one lowest.
func head8(s string) uint64 {
	if len(s) >= 8 {
		return load64(s, 0)
	}
	return short(s)
}

// tail8 gives the last 8 bytes, of a shorter text all of them, the last one highest.
func tail8(s string) uint64 {
	if len(s) >= 8 {
		return load64(s, len(s)-8)
	}
	return short(s) << (64 - 8*len(s))
}

// short gives the bytes of a text of fewer than 8.
func short(s string) uint64 {
	if len(s) >= 4 {
		return uint64(load32(s, 0)) | uint64(load32(s, len(s)-4))<<(8*(len(s)-4))
	}
	var w uint64
	for i := len(s) - 1; i >= 0; i-- {
		w = w<<8 | uint64(s[i])
	}
	return w
}

// load32 reads 4 bytes; the compiler makes one instruction of it.
func load32(s string, i int) uint32 {
	s = s[i : i+4]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}
