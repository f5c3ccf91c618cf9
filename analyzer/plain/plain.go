// Package plain makes text that an attacker may have shaped safe to print.
package plain

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text writes what is not a visible character or a space as an escape, so that a terminal cannot act upon it and a line stays
// a line.
func Text(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x`)
			b.WriteString(strconv.FormatUint(uint64(text[0]), 16))
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			escaped := strconv.QuoteRune(r)
			b.WriteString(escaped[1 : len(escaped)-1])
		}
		text = text[size:]
	}
	return b.String()
}

// JSON escapes in a JSON document what JSON itself lets stand and a terminal could act upon, or a reader not see: control
// characters above the first 32, direction overrides, invisible characters. The document keeps its meaning; one on a line of
// its own keeps the line end.
func JSON(document []byte) []byte {
	safe := func(r rune) bool { return r == '\n' || strconv.IsPrint(r) && r != utf8.RuneError }
	for i := 0; ; {
		if i == len(document) {
			return document
		}
		r, size := utf8.DecodeRune(document[i:])
		if !safe(r) {
			break
		}
		i += size
	}
	var b []byte
	for i := 0; i < len(document); {
		r, size := utf8.DecodeRune(document[i:])
		switch {
		case safe(r):
			b = append(b, document[i:i+size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
		i += size
	}
	return b
}
