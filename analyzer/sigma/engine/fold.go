package engine

import (
	"slices"
	"unicode/utf8"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// fold gives s as texts are compared regardless of case.
func fold(s string) string {
	if folded := rule.AppendFolded(nil, s); string(folded) != s {
		return string(folded)
	}
	return s
}

// foldASCII writes s in lower case to dst, which has the same length, up to the first byte that is not ASCII or a little
// before it. It gives the number of bytes written.
func foldASCII(dst []byte, s string) int {
	const ones = 0x0101010101010101
	i := 0
	for ; i+8 <= len(s) && i+8 <= len(dst); i += 8 {
		w := load64(s, i)
		if w&topBits != 0 {
			return i
		}
		// Adding sets the top bit of the bytes that are at least A, and of those above Z.
		upper := (w + (0x80-'A')*ones) &^ (w + (0x80-'Z'-1)*ones) & topBits
		w |= upper >> 2
		d := dst[i : i+8]
		d[0], d[1], d[2], d[3] = byte(w), byte(w>>8), byte(w>>16), byte(w>>24)
		d[4], d[5], d[6], d[7] = byte(w>>32), byte(w>>40), byte(w>>48), byte(w>>56)
	}
	for ; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return i
		}
		dst[i] = lower(s[i])
	}
	return i
}

// appendFolded does what rule.AppendFolded does, faster for ASCII and for scripts without case.
func appendFolded(dst []byte, s string) []byte {
	dst = slices.Grow(dst, len(s))
	for s != "" {
		// Folding makes no text longer.
		done := foldASCII(dst[len(dst):len(dst)+len(s)], s)
		dst, s = dst[:len(dst)+done], s[done:]
		foreign := false
		for s != "" && (s[0] >= utf8.RuneSelf || !foreign) {
			var size int
			dst, size = appendFoldedChar(dst, s)
			foreign = foreign || s[0] >= utf8.RuneSelf
			s = s[size:]
		}
	}
	return dst
}

// appendFoldedChar appends the first character of s folded and gives its length in s.
func appendFoldedChar(dst []byte, s string) (_ []byte, size int) {
	if s[0] < utf8.RuneSelf {
		return append(dst, lower(s[0])), 1
	}
	r, size := utf8.DecodeRuneInString(s)
	if caseless(r) {
		return append(dst, s[:size]...), size
	}
	return utf8.AppendRune(dst, rule.FoldRune(r)), size
}

// caseless reports whether r is known to have no other case: signs of Latin-1, Hebrew to Hindi, punctuation, and what is
// between the Cyrillic extensions and those of Latin for Vietnamese and Chinese. Invalid bytes are among them.
func caseless(r rune) bool {
	return 0x80 <= r && r < 0xb5 || 0x590 <= r && r < 0x10a0 || 0x2000 <= r && r < 0x2126 || 0x2e80 <= r && r < 0xa640 ||
		r == utf8.RuneError
}
