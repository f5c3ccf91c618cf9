package regex

import "unicode"

// foldRune gives the character that stands for r in either case, as package rule does: K, k and the Kelvin sign are all k.
func foldRune(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

// appendOrbit appends the characters that differ from r in case only, r among them.
func appendOrbit(dst []rune, r rune) []rune {
	dst = append(dst, r)
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		dst = append(dst, other)
	}
	return dst
}
