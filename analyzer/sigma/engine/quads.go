package engine

import (
	"cmp"
	"math/bits"
	"slices"
)

const (
	// mostQuads is the number of literals beyond which too many quads would be found in vain.
	mostQuads = 48
	buckets   = 8
	// block is how many quads are looked up at once.
	block = 32
)

// quads finds which of a few literals texts contain, 32 places of a text at a time. Each literal is filed under four of
// its bytes in one of eight buckets; tables say, for the lower and upper half of each of the four, in which buckets it occurs.
// A place where all eight agree on a bucket is looked at.
type quads struct {
	masks [128]byte
	// entries are chained by a hash of their quads; heads are one more than the first of each chain.
	heads   [256]uint8
	entries []quadEntry
	// shortest is the length of the shortest literal.
	shortest int
}

type quadEntry struct {
	quad uint32
	// offset is where in the literal the quad stands.
	offset  int32
	post    int32
	next    uint8
	literal string
}

// newQuads makes quads of at most mostQuads folded literals of at least gramSize bytes.
func newQuads(needles []needle, frequency func(gram uint32) int) *quads {
	t := &quads{shortest: len(needles[0].literal)}
	for _, n := range needles {
		t.shortest = min(t.shortest, len(n.literal))
		best, bestCost := 0, -1
		for offset := range len(n.literal) - gramSize + 1 {
			if cost := frequency(quadAt(n.literal, offset)); bestCost < 0 || cost < bestCost {
				best, bestCost = offset, cost
			}
		}
		t.entries = append(t.entries, quadEntry{
			quad: quadAt(n.literal, best), offset: int32(best), post: n.post, literal: n.literal,
		})
	}
	// Like quads share a bucket.
	slices.SortStableFunc(t.entries, func(a, b quadEntry) int { return cmp.Compare(a.quad, b.quad) })
	for n := range t.entries {
		e := &t.entries[n]
		bucket := byte(1) << (n * buckets / len(t.entries))
		for i := range gramSize {
			c := byte(e.quad >> (8 * i))
			t.masks[32*i+int(c&15)] |= bucket
			t.masks[32*i+16+int(c>>4)] |= bucket
		}
		head := &t.heads[quadHash(e.quad)]
		e.next, *head = *head, uint8(n+1)
	}
	return t
}

// quadAt gives the four bytes at a place, letters in lower case.
func quadAt(text string, at int) uint32 { return load32(text, at) | lowBit20 }

func quadHash(quad uint32) uint8 { return uint8(quad * gramSpread >> 24) }

// apply marks the literals that the texts contain, which may be folded or not, and appends the numbers of those that have a
// byte outside ASCII: of these it has found everything only if they are folded.
func (t *quads) apply(texts []string, posts *postings, hits []uint64, foreign []int) []int {
	for n, at := 0, 0; ; {
		text, place, found, strange := nextQuad(texts, n, at, t.shortest, &t.masks)
		if text >= len(texts) {
			return foreign
		}
		if found == ^uint64(0) {
			strange = t.applySlowly(texts[text], posts, hits)
			found = 0
		}
		if strange != 0 && (len(foreign) == 0 || foreign[len(foreign)-1] != text) {
			foreign = append(foreign, text)
		}
		for ; found != 0; found &= found - 1 {
			t.mark(texts[text], place+bits.TrailingZeros64(found), posts, hits)
		}
		n, at = text, place+block
		if at >= len(texts[text]) {
			n, at = text+1, 0
		}
	}
}

// applySlowly looks at every quad of a text of less than a block. It gives the bits of its bytes outside ASCII.
func (t *quads) applySlowly(text string, posts *postings, hits []uint64) (strange uint64) {
	for i := range len(text) {
		strange |= uint64(text[i]) & 0x80
	}
	for i := range len(text) - gramSize + 1 {
		t.mark(text, i, posts, hits)
	}
	return strange
}

// mark confirms the entries that have the quad at a place of the text.
func (t *quads) mark(text string, at int, posts *postings, hits []uint64) {
	quad := quadAt(text, at)
	for n := t.heads[quadHash(quad)]; n != 0; {
		e := &t.entries[n-1]
		n = e.next
		if e.quad != quad {
			continue
		}
		start := at - int(e.offset)
		if start >= 0 && start+len(e.literal) <= len(text) && folds(text[start:start+len(e.literal)], e.literal) {
			posts.mark(e.post, hits)
		}
	}
}
