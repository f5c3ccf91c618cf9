package regex

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The sets that PCRE has escapes for and package syntax does not, or has with another meaning, as parts of a class.
const (
	space         = `\x{9}-\x{d}\x{20}`
	notSpace      = `\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{10ffff}`
	horizontal    = `\x{9}\x{20}\x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}`
	notHorizontal = `\x{0}-\x{8}\x{a}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{180d}\x{180f}-\x{1fff}` +
		`\x{200b}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff}`
	vertical    = `\x{a}-\x{d}\x{85}\x{2028}\x{2029}`
	notVertical = `\x{0}-\x{9}\x{e}-\x{84}\x{86}-\x{2027}\x{202a}-\x{10ffff}`
	notLineFeed = `\x{0}-\x{9}\x{b}-\x{10ffff}`
	lineEnd     = `(?:\r\n|[` + vertical + `])`
)

// escaped translates what a backslash begins outside a class.
func (t *translator) escaped() error {
	rest := t.rest()
	if len(rest) == 1 {
		return t.fail(t.at, "the expression ends with a lone backslash", `write \\ for a plain backslash`)
	}
	switch c := rest[1]; c {
	case 'b', 'B', 'A', 'z':
		t.emit(2, `\`+string(c), atom)
		return nil
	case 'G':
		t.emit(2, `\A`, atom)
		return nil
	case 'Z':
		t.emit(2, dollar, atom)
		return nil
	case 'R':
		t.emit(2, lineEnd, atom)
		return nil
	case 'K':
		t.emit(2, "", nothing)
		return nil
	case 'Q':
		t.quoted(func(r rune) { t.emit(0, plain(r), atom) })
		return nil
	case 'E':
		t.at += 2
		return nil
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return t.refuse(fmt.Sprintf(`backreferences such as \%c`, c), `write the group out again; for a plain backslash write \\`)
	}
	r, set, size, err := t.escape()
	if err != nil {
		return err
	}
	switch {
	case set == "":
		t.emit(size, plain(r), atom)
	case t.modes.ignoreCase && strings.HasPrefix(set, `\x`):
		// Both cases are in these sets, or neither; to fold them would take long.
		t.emit(size, "(?-i:["+set+"])", atom)
	default:
		t.emit(size, "["+set+"]", atom)
	}
	return nil
}

// quoted reads \Q…\E.
func (t *translator) quoted(character func(rune)) {
	text, _, closed := strings.Cut(t.rest()[2:], `\E`)
	for _, r := range text {
		character(r)
	}
	t.at += len(`\Q`) + len(text)
	if closed {
		t.at += len(`\E`)
	}
}

// escape reads an escape that means the same in and out of a class: a character, or a set of them as the parts of a class.
// More than the backslash is there.
func (t *translator) escape() (r rune, set string, size int, err error) {
	rest := t.rest()
	switch c := rest[1]; c {
	case 'd', 'D', 'w', 'W':
		return 0, rest[:2], 2, nil
	case 's':
		return 0, space, 2, nil
	case 'S':
		return 0, notSpace, 2, nil
	case 'h':
		return 0, horizontal, 2, nil
	case 'H':
		return 0, notHorizontal, 2, nil
	case 'v':
		return 0, vertical, 2, nil
	case 'V':
		return 0, notVertical, 2, nil
	case 'N':
		if len(rest) < 4 || rest[2] != '{' || !isLetter(rest[3]) {
			return 0, notLineFeed, 2, nil
		}
	case 'p', 'P':
		if set, err = t.property(); err == nil {
			const aboutAsMuch = 20_000
			err = t.charge(aboutAsMuch)
		}
		return 0, set, len(set), err
	case 'a':
		return '\a', "", 2, nil
	case 'e':
		return 0x1b, "", 2, nil
	case 'f':
		return '\f', "", 2, nil
	case 'n':
		return '\n', "", 2, nil
	case 'r':
		return '\r', "", 2, nil
	case 't':
		return '\t', "", 2, nil
	case 'c':
		return t.control()
	case 'x', 'o', 'u', '0':
		return t.number()
	case 'g', 'k':
		return 0, "", 0, t.refuse(fmt.Sprintf(`backreferences such as \%c`, c), `write the group out again; for a plain backslash write \\`)
	case 'X', 'C':
		return 0, "", 0, t.refuse(fmt.Sprintf(`\%c and other items of several characters or bytes`, c), `use . for one character`)
	}
	r, width := utf8.DecodeRuneInString(rest[1:])
	if '0' <= r && r <= '9' || r < utf8.RuneSelf && isLetter(byte(r)) {
		return 0, "", 0, t.fail(t.at, fmt.Sprintf(`\%c means nothing`, r),
			fmt.Sprintf(`write \\%c for a backslash and %c, or %c alone for the letter`, r, r, r))
	}
	return r, "", 1 + width, nil
}

// isLetter reports whether c is an ASCII letter.
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// property checks the form of \pL and \p{…}; package syntax knows the names.
func (t *translator) property() (string, error) {
	rest := t.rest()
	if len(rest) > 2 && rest[2] == '{' {
		if end := strings.IndexByte(rest, '}'); end > 0 && plainName(strings.TrimPrefix(rest[3:end], "^")) {
			return rest[:end+1], nil
		}
	} else if len(rest) > 2 && plainName(rest[2:3]) {
		return rest[:3], nil
	}
	return "", t.fail(t.at, `\p is not followed by the name of a Unicode property`, `write \p{L} or \p{Greek}; \\p for a backslash and p`)
}

// plainName reports whether s is made of letters and _.
func plainName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}

// control reads \cX.
func (t *translator) control() (r rune, set string, size int, err error) {
	rest := t.rest()
	if len(rest) < 3 || rest[2] < ' ' || rest[2] > '~' {
		return 0, "", 0, t.fail(t.at, `\c is not followed by a printable character`, `write \\c for a backslash and c`)
	}
	c := rest[2]
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	return rune(c ^ 0x40), "", 3, nil
}

// number reads a character given by its number: \xH, \xHH, \x{…}, \o{…}, \0dd and \uXXXX.
func (t *translator) number() (r rune, set string, size int, err error) {
	rest := t.rest()
	radix := 16
	var digits string
	switch kind := rest[1]; {
	case kind == '0':
		radix, digits = 8, leading(rest[1:min(len(rest), 4)], 8)
		size = 1 + len(digits)
	case kind == 'u':
		digits = leading(rest[2:min(len(rest), 6)], 16)
		if len(digits) < 4 {
			return 0, "", 0, t.fail(t.at, `\u is not followed by four hexadecimal digits`, `write \\u for a backslash and u`)
		}
		size = 6
	case len(rest) > 2 && rest[2] == '{':
		if kind == 'o' {
			radix = 8
		}
		digits = leading(rest[3:], radix)
		size = 3 + len(digits) + 1
		if digits == "" || len(rest) < size || rest[size-1] != '}' {
			return 0, "", 0, t.fail(t.at, fmt.Sprintf(`\%c{ is not followed by a number and }`, kind), `write it as in \x{2014} or \o{101}`)
		}
	case kind == 'o':
		return 0, "", 0, t.fail(t.at, `\o is not followed by a number in braces`, `write \o{101}; \\o for a backslash and o`)
	default:
		// PCRE reads \x without digits as the character 0.
		digits = leading(rest[2:min(len(rest), 4)], 16)
		size = 2 + len(digits)
	}
	if digits == "" {
		return 0, "", size, nil
	}
	n, err := strconv.ParseInt(digits, radix, 32)
	if err != nil || n > utf8.MaxRune || 0xd800 <= n && n < 0xe000 {
		return 0, "", 0, t.fail(t.at, fmt.Sprintf("%s is no Unicode character", rest[:size]), "use a number up to 10ffff that is no surrogate")
	}
	return rune(n), "", size, nil
}

// leading gives the digits that s begins with.
func leading(s string, radix int) string {
	end := 0
	for end < len(s) {
		if _, err := strconv.ParseUint(s[end:end+1], radix, 8); err != nil {
			break
		}
		end++
	}
	return s[:end]
}
