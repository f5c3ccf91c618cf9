package recording

import "math/bits"

// marks says where the quotes of a JSON text are that begin and end strings. They are found in blocks of 64 bytes, each of
// which is a bit, ahead of the decoder, without the branches that every string and every escape would cost it.
type marks struct {
	text   []byte
	quotes []uint64
	done   int // bytes that have been looked at; behind the end for the last block
	// foreign is set once a byte beyond ASCII has been seen.
	foreign bool
	// wrong is where the first control character in a string, or the first escape that there is not, stands; reason says which.
	wrong  int
	reason error

	escaped  uint64 // 1 when the next block's first byte has a backslash before it
	inString uint64 // all ones when the next block begins in a string

	slashes, controls [window]uint64
	last              [blockSize]byte
}

const (
	blockSize = 64
	// window is the number of blocks that are looked at at once.
	window = 64
)

func (m *marks) reset(text []byte) {
	m.text, m.quotes, m.done, m.foreign = text, m.quotes[:0], 0, false
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
	for ; w < len(m.quotes) || m.more(); w++ {
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
	return -1
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
		m.quotes = append(m.quotes, 0)
	}
	quotes := m.quotes[first:]
	var foreign bool
	if blocks > 0 {
		foreign = classify(m.text[m.done:m.done+blocks*blockSize], quotes, m.slashes[:], m.controls[:])
	} else {
		for i := copy(m.last[:], m.text[m.done:]); i < blockSize; i++ {
			m.last[i] = ' '
		}
		foreign = classify(m.last[:], quotes, m.slashes[:], m.controls[:])
	}
	m.foreign = m.foreign || foreign
	for n := range quotes {
		m.settle(&quotes[n], m.slashes[n], m.controls[n])
		m.done += blockSize
	}
	return true
}

// settle takes the quotes with a backslash before them out of a block, and looks for what must not be in a string.
func (m *marks) settle(quotes *uint64, slashes, controls uint64) {
	if slashes|m.escaped != 0 {
		behind := m.behindSlashes(slashes)
		*quotes &^= behind
		m.checkEscapes(behind)
	}
	if controls != 0 {
		if in := controls & (insideOf(*quotes) ^ m.inString); in != 0 {
			m.note(m.done+bits.TrailingZeros64(in), errControl)
		}
	}
	m.inString ^= -(uint64(bits.OnesCount64(*quotes)) & 1)
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
