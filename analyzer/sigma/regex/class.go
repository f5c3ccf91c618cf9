package regex

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// class translates a bracketed class, each part of it by itself, so that package syntax sees no - or ] of doubtful meaning.
func (t *translator) class() error {
	from := t.at
	var out strings.Builder
	out.WriteByte('[')
	t.at++
	if strings.HasPrefix(t.rest(), "^") {
		out.WriteByte('^')
		t.at++
	}
	unclosed := func() error {
		return t.fail(from, "this [ is never closed", `close it with ], or write \[ for a plain bracket`)
	}
	for first := true; ; first = false {
		if t.at >= len(t.source) {
			return unclosed()
		}
		if t.source[t.at] == ']' && !first {
			break
		}
		if strings.HasPrefix(t.rest(), `\Q`) {
			t.quoted(func(r rune) { out.WriteString(plain(r)) })
			continue
		}
		if strings.HasPrefix(t.rest(), `\E`) {
			t.at += 2
			continue
		}
		begin := t.at
		low, set, err := t.member()
		if err != nil {
			return err
		}
		if set != "" {
			out.WriteString(set)
			if strings.HasPrefix(set, `\x`) {
				err = t.chargeRange(0, unicode.MaxRune)
			}
			if err != nil {
				return err
			}
			continue
		}
		high, ranged, err := t.upTo()
		if err == nil {
			err = t.chargeRange(low, high)
		}
		switch {
		case err != nil:
			return err
		case !ranged:
			out.WriteString(plain(low))
		case high < low:
			return t.fail(begin, fmt.Sprintf("the range %s is out of order", t.source[begin:t.at]), `put the smaller character first, or write \- for a plain -`)
		default:
			out.WriteString(plain(low) + "-" + plain(high))
		}
	}
	out.WriteByte(']')
	t.emit(1, out.String(), atom)
	return nil
}

// chargeRange counts the characters from low to high that are folded one by one.
func (t *translator) chargeRange(low, high rune) error {
	// The characters beyond have no case.
	const lastFolded = 0x1e943
	if !t.modes.ignoreCase || high < low {
		return nil
	}
	return t.charge(int(max(0, min(high, lastFolded)-low)))
}

// upTo reads the rest of a range, - and a character, if that is what follows. A - before ] or a set is a plain one.
func (t *translator) upTo() (high rune, ranged bool, err error) {
	if !strings.HasPrefix(t.rest(), "-") || len(t.rest()) < 2 || t.rest()[1] == ']' {
		return 0, false, nil
	}
	from := t.at
	t.at++
	high, set, err := t.member()
	if err != nil || set != "" {
		t.at = from
		return 0, false, err
	}
	return high, true, nil
}

// member reads one part of a class: a character, or a set as package syntax writes it inside a class.
func (t *translator) member() (r rune, set string, err error) {
	rest := t.rest()
	switch {
	case strings.HasPrefix(rest, "[:"), strings.HasPrefix(rest, "[."), strings.HasPrefix(rest, "[="):
		if end := strings.IndexByte(rest, ']'); end > 2 && rest[end-1] == rest[1] {
			return t.namedClass(rest[:end+1])
		}
	case rest[0] == '\\':
		return t.escapedMember()
	}
	r, size := utf8.DecodeRuneInString(rest)
	t.at += size
	return r, "", nil
}

// namedClass reads a class such as [:alpha:].
func (t *translator) namedClass(name string) (r rune, set string, err error) {
	if name[1] != ':' {
		return 0, "", t.refuse("collating elements such as "+name, `write \[ for a plain bracket`)
	}
	switch strings.TrimPrefix(strings.Trim(name, "[:]"), "^") {
	case "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit":
		t.at += len(name)
		return 0, name, nil
	}
	return 0, "", t.fail(t.at, fmt.Sprintf("there is no class %s", name), `use one such as [:alpha:], or write \[ for a plain bracket`)
}

// escapedMember reads a part of a class that a backslash begins.
func (t *translator) escapedMember() (r rune, set string, err error) {
	rest := t.rest()
	if len(rest) == 1 {
		return 0, "", t.fail(t.at, "the expression ends with a lone backslash", `write \\ for a plain backslash`)
	}
	var size int
	switch c := rest[1]; {
	case c == 'b':
		r, size = '\b', 2
	case '1' <= c && c <= '7':
		octal := leading(rest[1:min(len(rest), 4)], 8)
		for _, digit := range octal {
			r = 8*r + digit - '0'
		}
		size = 1 + len(octal)
	case c == 'R' || c == 'N':
		return 0, "", t.fail(t.at, fmt.Sprintf(`\%c cannot stand in a class`, c), fmt.Sprintf(`write \\%c for a backslash and %c`, c, c))
	default:
		r, set, size, err = t.escape()
	}
	t.at += size
	return r, set, err
}
