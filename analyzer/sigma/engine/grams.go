package engine

import "math/bits"

// gramSize is the length of the runs of bytes that a filter of grams looks at, and so the least length of a literal in it.
const gramSize = 4

const (
	// lowBit20 turns letters into lower case, and some other characters into each other: enough for a filter.
	lowBit20 = 0x20202020
	// gramSpread spreads grams over the filter.
	gramSpread = 0x9e3779b1
	// bitsPerGram keeps the share of bits that are set, and with it that of grams found in vain, low.
	bitsPerGram = 32
	mostBits    = 17
	// mostStrided is the number of entries beyond which a longer stride, for which literals are filed more often, does not pay.
	mostStrided = 4096
)

// grams finds which of many literals a text contains. Each literal is filed under one of its runs of four bytes for each
// residue of the stride, and of a text only every stride-th run is looked up: in a bitmap that fits the nearest cache.
type grams struct {
	bitmap []uint64
	// ranks are the number of bits set before each word of bitmap: they lead from a bit to its entries.
	ranks   []int32
	starts  []int32
	entries []gramEntry
	shift   uint8
	stride  int
	// shortest is the length of the shortest literal.
	shortest int
}

type gramEntry struct {
	gram uint32
	// offset is where in the literal the gram stands.
	offset  int32
	post    int32
	literal string
}

// newGrams makes grams of folded literals of at least gramSize bytes. frequency estimates how often a gram is met.
func newGrams(needles []needle, frequency func(gram uint32) int) *grams {
	if len(needles) == 0 {
		return nil
	}
	g := &grams{stride: 1, shortest: len(needles[0].literal)}
	for _, n := range needles {
		g.shortest = min(g.shortest, len(n.literal))
	}
	for g.stride < 8 && g.shortest-gramSize+1 > g.stride && len(needles)*(g.stride+1) < mostStrided {
		g.stride++
	}
	size := min(max(bits.Len(uint(len(needles)*g.stride*bitsPerGram)), 8), mostBits)
	g.shift = uint8(32 - size)
	g.bitmap = make([]uint64, 1<<size/64)
	filed := g.file(needles, frequency)
	g.arrange(filed)
	return g
}

// file chooses the grams of each literal.
func (g *grams) file(needles []needle, frequency func(gram uint32) int) []gramEntry {
	filed := make([]gramEntry, 0, len(needles)*g.stride)
	crowd := make(map[uint32]int, len(needles)*g.stride)
	for _, n := range needles {
		for residue := range g.stride {
			best, bestCost := gramEntry{}, -1
			for offset := residue; offset+gramSize <= len(n.literal); offset += g.stride {
				gram := load32(n.literal, offset) | lowBit20
				// Whoever meets the gram has to compare all literals that are filed under it.
				cost := frequency(gram)*(1+crowd[gram]) + crowd[gram]
				if bestCost < 0 || cost < bestCost {
					best = gramEntry{gram: gram, offset: int32(offset), post: n.post, literal: n.literal}
					bestCost = cost
				}
			}
			crowd[best.gram]++
			filed = append(filed, best)
		}
	}
	return filed
}

// arrange puts the entries in the order of their bits.
func (g *grams) arrange(filed []gramEntry) {
	for i := range filed {
		h := g.hash(filed[i].gram)
		g.bitmap[h>>6] |= 1 << (h & 63)
	}
	g.ranks = make([]int32, len(g.bitmap))
	total := int32(0)
	for i, word := range g.bitmap {
		g.ranks[i] = total
		total += int32(bits.OnesCount64(word))
	}
	g.starts = make([]int32, total+1)
	for i := range filed {
		g.starts[g.rank(g.hash(filed[i].gram))+1]++
	}
	for i := range total {
		g.starts[i+1] += g.starts[i]
	}
	g.entries = make([]gramEntry, len(filed))
	next := append([]int32(nil), g.starts...)
	for i := range filed {
		at := &next[g.rank(g.hash(filed[i].gram))]
		g.entries[*at] = filed[i]
		*at++
	}
}

func (g *grams) hash(gram uint32) uint32 { return gram * gramSpread >> g.shift }

// rank gives the number of bits set before that of a hash.
func (g *grams) rank(h uint32) int32 {
	return g.ranks[h>>6] + int32(bits.OnesCount64(g.bitmap[h>>6]&(1<<(h&63)-1)))
}

// apply marks the literals that the text contains, which may be folded or not. It reports whether the text has a byte
// outside ASCII, in which case it has found everything only if the text is folded.
func (g *grams) apply(text string, posts *postings, hits []uint64) (foreign bool) {
	if len(text) < g.shortest {
		// No literal fits, whatever the text is when folded: folding makes no text longer.
		return false
	}
	if g.stride > 1 {
		return g.applySparse(text, posts, hits)
	}
	return g.applyDense(text, posts, hits)
}

const (
	lowBits20 = lowBit20<<32 | lowBit20
	topBits   = 0x8080808080808080
)

// applyDense looks up every gram of the text.
func (g *grams) applyDense(text string, posts *postings, hits []uint64) bool {
	bitmap, shift := g.bitmap, g.shift&31
	met := uint64(0)
	i := 0
	for ; i+8 <= len(text); i += 5 {
		w := load64(text, i)
		met |= w
		w |= lowBits20
		a := uint32(w) * gramSpread >> shift
		b := uint32(w>>8) * gramSpread >> shift
		c := uint32(w>>16) * gramSpread >> shift
		d := uint32(w>>24) * gramSpread >> shift
		e := uint32(w>>32) * gramSpread >> shift
		if bitmap[a>>6]>>(a&63)&1 != 0 {
			g.mark(text, i, a, posts, hits)
		}
		if bitmap[b>>6]>>(b&63)&1 != 0 {
			g.mark(text, i+1, b, posts, hits)
		}
		if bitmap[c>>6]>>(c&63)&1 != 0 {
			g.mark(text, i+2, c, posts, hits)
		}
		if bitmap[d>>6]>>(d&63)&1 != 0 {
			g.mark(text, i+3, d, posts, hits)
		}
		if bitmap[e>>6]>>(e&63)&1 != 0 {
			g.mark(text, i+4, e, posts, hits)
		}
	}
	for ; i+gramSize <= len(text); i++ {
		w := load32(text, i)
		met |= uint64(w)
		h := (w | lowBit20) * gramSpread >> shift
		if bitmap[h>>6]>>(h&63)&1 != 0 {
			g.mark(text, i, h, posts, hits)
		}
	}
	return met&topBits != 0
}

// applySparse looks up only some of the grams.
func (g *grams) applySparse(text string, posts *postings, hits []uint64) bool {
	bitmap, shift, stride := g.bitmap, g.shift&31, g.stride
	last := tail8(text)
	met := last
	i := 0
	for ; i+8 <= len(text); i += stride {
		w := load64(text, i)
		met |= w
		h := (uint32(w) | lowBit20) * gramSpread >> shift
		if bitmap[h>>6]>>(h&63)&1 != 0 {
			g.mark(text, i, h, posts, hits)
		}
	}
	// The grams that begin within the last bytes are taken from there. In a shorter text these are at the top of last.
	for ; i+gramSize <= len(text); i += stride {
		h := (uint32(last>>(8*(8-(len(text)-i))&63)) | lowBit20) * gramSpread >> shift
		if bitmap[h>>6]>>(h&63)&1 != 0 {
			g.mark(text, i, h, posts, hits)
		}
	}
	return met&topBits != 0
}

// mark confirms the entries of a gram found at a place of the text.
func (g *grams) mark(text string, at int, h uint32, posts *postings, hits []uint64) {
	gram := load32(text, at) | lowBit20
	r := g.rank(h)
	for i := g.starts[r]; i < g.starts[r+1]; i++ {
		e := &g.entries[i]
		if e.gram != gram {
			continue
		}
		start := at - int(e.offset)
		if start >= 0 && start+len(e.literal) <= len(text) && folds(text[start:start+len(e.literal)], e.literal) {
			posts.mark(e.post, hits)
		}
	}
}

// folds reports whether the text, if it is ASCII, is the literal when it is folded; other text it compares as it is. Both
// have the same length, which is not 0.
func folds(text, literal string) bool {
	// Most texts differ at an end, which saves looking at the rest.
	last := len(literal) - 1
	if lower(text[0]) != literal[0] || lower(text[last]) != literal[last] {
		return false
	}
	if text == literal {
		return true
	}
	for i := range len(text) {
		if lower(text[i]) != literal[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
