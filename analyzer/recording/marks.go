package recording

import (
	"math/bits"
	"slices"
	"unicode/utf8"
)

// marks says where the quotes of a JSON text are that begin and end strings. They are found in blocks of 64 bytes, each of
// which is a bit, ahead of the decoder, without the branches that every string and every escape would cost it.
type marks struct {
	text   []byte
	quotes []uint64
	// behind are the characters that an escaping backslash stands before.
	behind []uint64
	done   int // bytes that have been looked at; behind the end for the last block
	// foreign is set once a byte beyond ASCII has been seen.
	foreign bool
	// wrong is where the first control character in a string, or the first escape that there is not, stands; reason says which.
	wrong  int
	reason error

	escaped  uint64 // 1 when the next block's first byte has a backslash before it
	inString uint64 // all ones when the next block begins in a string

	classes [window]class
	last    [blockSize]byte
}

const (
	blockSize = 64
	// window is the number of blocks that are looked at at once.
	window = 64
)

func (m *marks) reset(text []byte) {
	m.text, m.quotes, m.behind, m.done, m.foreign = text, m.quotes[:0], m.behind[:0], 0, false
	m.wrong, m.reason, m.escaped, m.inString = len(text), nil, 0, 0
}

// stringEnd gives the position of the quote that ends the string whose first character is at i. It is negative where there is
// none, or where something is wrong before it: fault says what.
func (m *marks) stringEnd(i int) int {
	w := i / blockSize
	if w < len(m.quotes) {
		if x := m.quotes[w] >> (i % blockSize); x != 0 {
			if end := i + bits.TrailingZeros64(x); end <= m.wrong {
				return end
			}
			return -1
		}
		w++
	}
	return m.laterEnd(i, w)
}

// laterEnd is stringEnd for a string that is open still where block w begins, or that begins in it.
func (m *marks) laterEnd(i, w int) int {
	for ; ; w++ {
		for w >= len(m.quotes) {
			if !m.more() {
				return -1
			}
		}
		x := m.quotes[w]
		if w == i/blockSize {
			x = x >> (i % blockSize) << (i % blockSize)
		}
		if x != 0 {
			if end := w*blockSize + bits.TrailingZeros64(x); end <= m.wrong {
				return end
			}
			return -1
		}
	}
}

// fault gives the reason why the string at i has no end.
func (m *marks) fault(i int) error {
	if m.wrong < len(m.text) && m.wrong >= i {
		return fail(m.wrong, m.reason)
	}
	return fail(len(m.text), errEnd)
}

// more looks at the next blocks. It is false at the end of the text.
func (m *marks) more() bool {
	rest := len(m.text) - m.done
	if rest <= 0 {
		return false
	}
	first := len(m.quotes)
	blocks := min(rest/blockSize, window)
	for range max(blocks, 1) {
		m.quotes, m.behind = append(m.quotes, 0), append(m.behind, 0)
	}
	var foreign bool
	if blocks > 0 {
		foreign = classify(m.text[m.done:m.done+blocks*blockSize], m.classes[:])
	} else {
		for i := copy(m.last[:], m.text[m.done:]); i < blockSize; i++ {
			m.last[i] = ' '
		}
		foreign = classify(m.last[:], m.classes[:])
	}
	m.foreign = m.foreign || foreign
	for n := first; n < len(m.quotes); n++ {
		m.settle(n, &m.classes[n-first])
		m.done += blockSize
	}
	return true
}

// settle takes the quotes with a backslash before them out of a block, and looks for what must not be in a string.
func (m *marks) settle(block int, c *class) {
	quotes := c.quotes
	if c.slashes|m.escaped != 0 {
		behind := m.behindSlashes(c.slashes)
		m.behind[block] = behind
		quotes &^= behind
		if rare := behind & c.rare; rare != 0 {
			m.checkEscapes(rare)
		}
	}
	m.quotes[block] = quotes
	if c.controls != 0 {
		if in := c.controls & (insideOf(quotes) ^ m.inString); in != 0 {
			m.note(m.done+bits.TrailingZeros64(in), errControl)
		}
	}
	m.inString ^= -(uint64(bits.OnesCount64(quotes)) & 1)
}

// behindSlashes gives the bytes that an escaping backslash stands before: those behind runs of an odd number of backslashes, and
// every other byte of a run. Adding the first backslash of a run to the run carries over to the byte behind it; runs that
// begin at even and at odd bits have to be told apart, because what counts is whether the sum begins at an even distance.
func (m *marks) behindSlashes(slashes uint64) uint64 {
	const even = 0x5555555555555555
	slashes &^= m.escaped
	follows := slashes<<1 | m.escaped
	sum, carry := bits.Add64(slashes&^even&^follows, slashes, 0)
	m.escaped = carry
	return (even ^ sum<<1) & follows
}

// insideOf gives the bytes from each odd quote up to, but not with, the even one that follows.
func insideOf(quotes uint64) uint64 {
	for shift := 1; shift < 64; shift *= 2 {
		quotes ^= quotes << shift
	}
	return quotes
}

func (m *marks) checkEscapes(behind uint64) {
	for ; behind != 0; behind &= behind - 1 {
		at := m.done + bits.TrailingZeros64(behind)
		if at >= len(m.text) {
			return
		}
		c := m.text[at]
		if escapes[c] != 0 {
			continue
		}
		if c != 'u' {
			m.note(at-1, errEscape)
			return
		}
		for n := at + 1; n < min(at+5, len(m.text)); n++ {
			if hexDigit(m.text[n]) < 0 {
				m.note(at-1, errEscape)
				return
			}
		}
	}
}

// note keeps the first fault of the text.
func (m *marks) note(at int, reason error) {
	if at < m.wrong {
		m.wrong, m.reason = at, reason
	}
}

// verbatim reports whether a string, without its quotes at [from, to), stands in the text as it is.
func (m *marks) verbatim(from, to int) bool {
	if m.foreign {
		return plainRun(m.text[from:to], 0) == to-from
	}
	for w := from / blockSize; w*blockSize < to; w++ {
		if m.behindIn(w, from, to) != 0 {
			return false
		}
	}
	return true
}

// behindIn gives those of a block's characters behind backslashes that are at [from, to).
func (m *marks) behindIn(block, from, to int) uint64 {
	behind := m.behind[block]
	if start := block * blockSize; start < from {
		behind = behind >> (from - start) << (from - start)
	}
	if rest := to - block*blockSize; rest < blockSize {
		behind &= 1<<rest - 1
	}
	return behind
}

// appendDecoded appends the text of a string, which stands without its quotes at [from, to) and has an end.
func (m *marks) appendDecoded(dst []byte, from, to int) []byte {
	s := m.text[:to]
	if m.foreign {
		return appendDecoded(dst, s[from:])
	}
	// Decoded text is never longer. What is copied too far is written over.
	const piece = 16
	n := len(dst)
	dst = slices.Grow(dst, to-from+piece)
	dst = dst[:n+to-from+piece]
	for w := from / blockSize; w*blockSize < to; w++ {
		for behind := m.behindIn(w, from, to); behind != 0; behind &= behind - 1 {
			at := w*blockSize + bits.TrailingZeros64(behind)
			if at <= from {
				continue // the second half of a pair
			}
			if length := at - 1 - from; length <= piece && from+piece <= len(s) {
				*(*[piece]byte)(dst[n:]) = [piece]byte(s[from:])
				n += length
			} else {
				n += copy(dst[n:], s[from:at-1])
			}
			if simple := escapes[s[at]]; simple != 0 {
				dst[n] = simple
				n++
				from = at + 1
				continue
			}
			r, size := escapedRune(s, at-1)
			n += utf8.EncodeRune(dst[n:], r)
			from = at - 1 + size
		}
	}
	n += copy(dst[n:], s[from:])
	return dst[:n]
}
