package recording

import "encoding/binary"

// class is what is known of a block: a bit for each byte.
type class struct {
	quotes, slashes, controls uint64
	// rare is not set for the bytes that can stand behind a backslash and then mean one character, and need not be looked at
	// once more.
	rare uint64
}

// classifyPortably finds the classes of blocks, and whether a byte is beyond ASCII. It looks at eight bytes at a time.
func classifyPortably(text []byte, classes []class) (foreign bool) {
	var high uint64
	for block := 0; len(text) >= blockSize; block++ {
		var quote, slash, control uint64
		for at := 0; at < blockSize; at += 8 {
			x := binary.LittleEndian.Uint64(text[at:])
			quote |= bitOfByte(zeroBytes(x^allQuotes)) << at
			if hits := zeroBytes(x ^ allSlashes); hits != 0 {
				slash |= bitOfByte(hits) << at
			}
			if hits := zeroBytes(x &^ lowFive); hits != 0 {
				control |= bitOfByte(hits) << at
			}
			high |= x
		}
		classes[block] = class{quotes: quote, slashes: slash, controls: control, rare: ^uint64(0)}
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
