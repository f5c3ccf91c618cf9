// Package glob matches the patterns that a user types on the command line: `*` stands for any text, also across '/', and
// `?` for one character. Case does not matter.
package glob

import (
	"strings"
	"unicode/utf8"
)

// Match reports whether the whole of s fits pattern. It takes time proportional to len(pattern) * len(s) at worst.
func Match(pattern, s string) bool {
	pattern, s = strings.ToLower(pattern), strings.ToLower(s)
	// Only the last star needs to be tried again: what an earlier star took can always be taken by the later one.
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			i += size
		case strings.HasPrefix(pattern[p:], s[i:i+size]):
			p += size
			i += size
		case star >= 0:
			_, step := utf8.DecodeRuneInString(s[mark:])
			mark += step
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
