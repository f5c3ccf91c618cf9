package engine

import (
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
		c := s[i]
		if c >= utf8.RuneSelf {
			return i
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst[i] = c
	}
	return i
}

// appendFolded does what rule.AppendFolded does, faster for text in scripts without case.
func appendFolded(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if caseless(r) {
			dst = append(dst, s[i:i+size]...)
		} else {
			dst = utf8.AppendRune(dst, rule.FoldRune(r))
		}
		i += size
	}
	return dst
}

// caseless reports whether r is known to have no other case: signs of Latin-1, Hebrew to Hindi, punctuation, and what is
// between the Cyrillic extensions and those of Latin for Vietnamese and Chinese. Invalid bytes are among them.
func caseless(r rune) bool {
	return 0x80 <= r && r < 0xb5 || 0x590 <= r && r < 0x10a0 || 0x2000 <= r && r < 0x2126 || 0x2e80 <= r && r < 0xa640 ||
		r == utf8.RuneError
}
