package engine

import "strings"

// needle is a literal in an index.
type needle struct {
	// kind is one of kindEquals to kindForeign.
	kind kind
	// literal is folded.
	literal string
	// post is what the literal stands for: an index into postings.
	post int32
}

// indexable reports whether lookups can find the literal.
func (n needle) indexable() bool {
	switch n.kind {
	case kindEquals:
		return true
	case kindPrefix, kindSuffix:
		return n.literal != ""
	case kindContains:
		return len(n.literal) >= gramSize
	case kindByte, kindForeign:
		return true
	}
	return false
}

// lookup finds which of many literals hold for a text.
type lookup struct {
	keys *keys
	// At most one of quads and grams finds what may be anywhere in a text.
	quads *quads
	grams *grams
	// single are bytes and foreign, when it is not negative, any byte outside ASCII.
	single  []singleByte
	foreign int32
	// posts are of a lookup that only tells whether any literal holds.
	posts *postings
}

// singleByte is a byte that is looked for by itself.
type singleByte struct {
	char byte
	post int32
}

// newLookup makes a lookup of indexable needles.
func newLookup(needles []needle, frequency func(gram uint32) int) *lookup {
	return newLookupWith(needles, frequency, hasVectors())
}

func newLookupWith(needles []needle, frequency func(gram uint32) int, vectors bool) *lookup {
	l := &lookup{foreign: -1}
	var whole, inner []needle
	for _, n := range needles {
		switch n.kind {
		case kindContains:
			inner = append(inner, n)
		case kindByte:
			l.single = append(l.single, singleByte{char: n.literal[0], post: n.post})
		case kindForeign:
			l.foreign = n.post
		default:
			whole = append(whole, n)
		}
	}
	l.keys = newKeys(whole)
	if vectors && len(inner) > 0 && len(inner) <= mostQuads {
		l.quads = newQuads(inner, frequency)
	} else {
		l.grams = newGrams(inner, frequency)
	}
	return l
}

// newAny makes a lookup that tells whether any of the needles holds.
func newAny(needles []needle, frequency func(gram uint32) int) *lookup {
	for i := range needles {
		needles[i].post = 0
	}
	l := newLookup(needles, frequency)
	l.posts = newPostings([][]int{{0}})
	return l
}

// rawToo reports whether applyRaw can be used.
func (l *lookup) rawToo() bool {
	return l.keys == nil && len(l.single) == 0 && l.foreign < 0
}

// applyRaw marks what holds for texts that were not folded, as far as they are ASCII, and appends the numbers of those that
// are not.
func (l *lookup) applyRaw(texts []string, posts *postings, hits []uint64, foreign []int) []int {
	if l.quads != nil {
		return l.quads.apply(texts, posts, hits, foreign)
	}
	for n, text := range texts {
		if l.grams.apply(text, posts, hits) {
			foreign = append(foreign, n)
		}
	}
	return foreign
}

// apply marks what holds for a folded text, which may have been foreign before.
func (l *lookup) apply(text string, foreign bool, posts *postings, hits []uint64) {
	if l.keys != nil {
		l.keys.apply(text, posts, hits)
	}
	l.applyInner(text, posts, hits)
	for i := range l.single {
		if strings.IndexByte(text, l.single[i].char) >= 0 {
			posts.mark(l.single[i].post, hits)
		}
	}
	if foreign && l.foreign >= 0 {
		posts.mark(l.foreign, hits)
	}
}

// holds reports whether anything holds for the folded text.
func (l *lookup) holds(text string) bool {
	var hit [1]uint64
	if l.keys != nil {
		l.keys.apply(text, l.posts, hit[:])
	}
	if hit[0] == 0 {
		l.applyInner(text, l.posts, hit[:])
	}
	return hit[0] != 0
}

func (l *lookup) applyInner(text string, posts *postings, hits []uint64) {
	switch {
	case l.quads != nil:
		var foreign [1]int
		l.quads.apply([]string{text}, posts, hits, foreign[:0])
	case l.grams != nil:
		l.grams.apply(text, posts, hits)
	}
}

// postings say which bits a literal sets.
type postings struct {
	starts []int32
	marks  []posting
}

// posting sets bits in one word.
type posting struct {
	word int32
	bits uint64
}

// newPostings makes postings of the bits, in ascending order, of each literal.
func newPostings(bitsOf [][]int) *postings {
	p := &postings{starts: make([]int32, 1, len(bitsOf)+1)}
	for _, numbers := range bitsOf {
		for i, n := range numbers {
			if word := int32(n >> 6); i == 0 || p.marks[len(p.marks)-1].word != word {
				p.marks = append(p.marks, posting{word: word})
			}
			p.marks[len(p.marks)-1].bits |= 1 << (n & 63)
		}
		p.starts = append(p.starts, int32(len(p.marks)))
	}
	return p
}

// mark sets the bits of a literal.
func (p *postings) mark(n int32, hits []uint64) {
	for _, m := range p.marks[p.starts[n]:p.starts[n+1]] {
		hits[m.word] |= m.bits
	}
}
