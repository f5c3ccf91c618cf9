package term

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Escape makes untrusted text safe to print: whatever a terminal could act upon, or a reader could not see, is written as
// an escape of the Go language (\n, \x1b, \u202e). A backslash is doubled, so that the text reads back to the same bytes.
// The result holds only printable characters and the space.
func Escape(s string) string {
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		clean = s[i] >= ' ' && s[i] < 0x7f && s[i] != '\\'
	}
	if clean {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == utf8.RuneError && size == 1:
			writeByte(&b, s[i])
		case r < ' ' || r == 0x7f:
			writeControl(&b, byte(r))
		// IsPrint leaves out format characters: direction overrides, zero-width joiners, language tags.
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			b.WriteString(`\u`)
			writeHex(&b, uint32(r), 4)
		default:
			b.WriteString(`\U`)
			writeHex(&b, uint32(r), 8)
		}
		i += size
	}
	return b.String()
}

func writeControl(b *strings.Builder, c byte) {
	switch c {
	case '\n':
		b.WriteString(`\n`)
	case '\r':
		b.WriteString(`\r`)
	case '\t':
		b.WriteString(`\t`)
	default:
		writeByte(b, c)
	}
}

func writeByte(b *strings.Builder, c byte) {
	b.WriteString(`\x`)
	writeHex(b, uint32(c), 2)
}

func writeHex(b *strings.Builder, v uint32, digits int) {
	const hex = "0123456789abcdef"
	for i := digits - 1; i >= 0; i-- {
		b.WriteByte(hex[v>>(4*i)&0xf])
	}
}

// Clip returns Escape(s), cut to about limit characters; a cut is shown together with the number of bytes left out.
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return Escape(s)
	}
	cut, chars := 0, 0
	for cut < len(s) && chars < limit {
		_, size := utf8.DecodeRuneInString(s[cut:])
		cut += size
		chars++
	}
	if cut == len(s) {
		return Escape(s)
	}
	return Escape(s[:cut]) + "… (+" + strconv.Itoa(len(s)-cut) + " bytes)"
}

// EscapeJSON makes a compact JSON document (no space outside of strings) safe to print and keeps its meaning: JSON itself escapes only the first 32 control
// characters, and leaves others, direction overrides and invisible characters as they are.
func EscapeJSON(doc []byte) []byte {
	clean := true
	for i := 0; i < len(doc) && clean; i++ {
		clean = doc[i] >= ' ' && doc[i] < 0x7f
	}
	if clean {
		return doc
	}
	var b strings.Builder
	b.Grow(len(doc) + 16)
	for len(doc) > 0 {
		r, size := utf8.DecodeRune(doc)
		switch {
		case unicode.IsPrint(r) && (r != utf8.RuneError || size > 1):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b.WriteString(`\u`)
			writeHex(&b, uint32(high), 4)
			b.WriteString(`\u`)
			writeHex(&b, uint32(low), 4)
		default:
			b.WriteString(`\u`)
			writeHex(&b, uint32(r), 4)
		}
		doc = doc[size:]
	}
	return []byte(b.String())
}
