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
	keys  *keys
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
	l.keys, l.grams = newKeys(whole), newGrams(inner, frequency)
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
	return l.keys == nil && len(l.single) == 0 && l.foreign < 0 && l.grams != nil
}

// applyRaw marks what holds for a text that was not folded, if it is ASCII. For other text it marks nothing but part of that
// and reports false.
func (l *lookup) applyRaw(text string, posts *postings, hits []uint64) bool {
	return !l.grams.apply(text, posts, hits)
}

// apply marks what holds for a folded text, which may have been foreign before.
func (l *lookup) apply(text string, foreign bool, posts *postings, hits []uint64) {
	if l.keys != nil {
		l.keys.apply(text, posts, hits)
	}
	if l.grams != nil {
		l.grams.apply(text, posts, hits)
	}
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
	if hit[0] == 0 && l.grams != nil {
		l.grams.apply(text, l.posts, hit[:])
	}
	return hit[0] != 0
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
