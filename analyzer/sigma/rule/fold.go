package rule

import (
	"unicode"
	"unicode/utf8"
)

// AppendFolded appends s with every character replaced by the one that stands for all that differ from it in case only
// (Unicode simple case folding). Bytes that are not valid UTF-8 stay as they are.
func AppendFolded(dst []byte, s string) []byte {
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
		if r == utf8.RuneError {
			dst = append(dst, s[i:i+size]...)
		} else {
			dst = utf8.AppendRune(dst, FoldRune(r))
		}
		i += size
	}
	return dst
}

// FoldRune gives the character that stands for r in either case: K, k and the Kelvin sign are all k.
func FoldRune(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}
