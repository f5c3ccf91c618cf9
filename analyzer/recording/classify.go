package recording

import "encoding/binary"

// classifyPortably finds the quotes, backslashes and control characters of blocks, one bit for each byte, and whether a byte
// is beyond ASCII. It looks at eight bytes at a time.
func classifyPortably(text []byte, quotes, slashes, controls []uint64) (foreign bool) {
	var high uint64
	for block := 0; len(text) >= blockSize; block++ {
		var quote, slash, control uint64
		for at := 0; at < blockSize; at += 8 {
			x := binary.LittleEndian.Uint64(text[at:])
			quote |= bitOfByte(zeroBytes(x^allQuotes)) << at
			slash |= bitOfByte(zeroBytes(x^allSlashes)) << at
			control |= bitOfByte(zeroBytes(x&^lowFive)) << at
			high |= x
		}
		quotes[block], slashes[block], controls[block] = quote, slash, control
		text = text[blockSize:]
	}
	return high&highs != 0
}

// Eight bytes in one number: each constant has the same byte eight times.
const (
	ones       = 0x0101010101010101
	highs      = 0x80 * ones
	lows       = 0x7f * ones
	lowFive    = 0x1f * ones
	allQuotes  = '"' * ones
	allSlashes = '\\' * ones
)

// zeroBytes sets the highest bit of each byte that is zero, and no other.
func zeroBytes(x uint64) uint64 {
	return ^((x&lows + lows) | x | lows)
}

// bitOfByte gathers the highest bits of the bytes, which have no others: the first byte's is the lowest.
func bitOfByte(x uint64) uint64 {
	return x * 0x0002040810204081 >> 56
}
