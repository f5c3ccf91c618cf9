package ecs

import (
	"strings"
	"unicode/utf8"
)

// Text makes bytes from the kernel fit for a document: each byte that is not part of valid UTF-8 becomes the four
// characters \xNN, so that it can be seen and two different names stay different to the eye. Valid text is returned as it
// is, a backslash in it included; Text is for reading and not meant to be undone.
func Text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.Grow(len(s) + 32)
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			b.WriteString(`\x`)
			b.WriteByte(hex[s[0]>>4])
			b.WriteByte(hex[s[0]&15])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// Severity gives a rule's level as event.severity: informational 1, low 21, medium 47, high 73, critical 99, as Elastic's
// own rules count. An unknown level counts as medium.
func Severity(level string) int64 {
	switch level {
	case "informational":
		return 1
	case "low":
		return 21
	case "high":
		return 73
	case "critical":
		return 99
	default:
		return 47
	}
}

// Level gives the level that a rule without a usable one gets: medium, as Sigma has no default of its own.
func Level(level string) string {
	switch level {
	case "informational", "low", "medium", "high", "critical":
		return level
	default:
		return "medium"
	}
}
