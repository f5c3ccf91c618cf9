package rule

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// encodeBase64 gives the base64 form of s or, with offsets, what of it does not hang on what stands around s at each of the
// three places that s can have within a longer text. It counts bytes. One of the three is empty when s is a single byte.
func encodeBase64(s string, offsets bool) []string {
	if !offsets {
		return []string{base64.StdEncoding.EncodeToString([]byte(s))}
	}
	codes := make([]string, 3)
	for offset := range codes {
		code := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", offset) + s))
		// A character of the code is 6 bits; those that share bits with a neighbour of s are cut off.
		first := (offset*8 + 5) / 6
		last := (offset + len(s)) * 8 / 6
		codes[offset] = code[min(first, last):last]
	}
	return codes
}

// encodeUTF16 gives the bytes of s in UTF-16.
func encodeUTF16(s string, order binary.AppendByteOrder) string {
	b := make([]byte, 0, 2*len(s))
	for _, unit := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}
