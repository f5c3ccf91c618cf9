package regex

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// dollar is $ without the flag m, and \Z. The reading is exact but for what follows it: the line feed is taken as matched.
const dollar = `(?:\n?\z)`

// translator rewrites an expression from PCRE's syntax into that of package regexp/syntax.
type translator struct {
	source string
	// at is the next byte of source to be read.
	at  int
	out strings.Builder
	// modes are as they stand at the place read; groups has them for the places before each open group.
	modes  modes
	groups []group
	// characters is how many the wide sets have together.
	characters int
	// repeats says what a quantifier at the place read would mean.
	repeats repeatable
}

// modes are the flags whose effect is not left to package syntax alone.
type modes struct{ ignoreCase, multiLine bool }

// group is an open group: where it began, and the modes that return when it ends.
type group struct {
	at    int
	modes modes
}

// repeatable is what stands before a quantifier.
type repeatable uint8

const (
	nothing repeatable = iota
	atom
	quantified
)

// translate gives an expression that package syntax reads, with the flags syntax.Perl, as PCRE reads source. An error is an
// *Error.
func translate(source string, flags Flags) (string, error) {
	if err := validSource(source); err != nil {
		return "", err
	}
	t := &translator{source: source, modes: modes{flags.IgnoreCase, flags.MultiLine}}
	var set strings.Builder
	for _, f := range []struct {
		on   bool
		name string
	}{{flags.IgnoreCase, "i"}, {flags.MultiLine, "m"}, {flags.DotAll, "s"}} {
		if f.on {
			set.WriteString(f.name)
		}
	}
	if set.String() != "" {
		t.out.WriteString("(?" + set.String() + ")")
	}
	for t.at < len(t.source) {
		if err := t.element(); err != nil {
			return "", err
		}
	}
	if n := len(t.groups); n > 0 {
		return "", t.fail(t.groups[n-1].at, "this ( is never closed", `close it with ), or write \( for a plain parenthesis`)
	}
	return t.out.String(), nil
}

// fail makes an error about the byte at.
func (t *translator) fail(at int, reason, remedy string) error {
	return &Error{Reason: reason, Remedy: remedy, Position: utf8.RuneCountInString(t.source[:at]) + 1}
}

// charge counts the characters of a set for whose folding or merging package syntax takes time for each of them.
func (t *translator) charge(characters int) error {
	const most = 4 << 20
	if t.characters += characters; t.characters > most {
		return t.fail(t.at, "the classes have too many characters together", "use fewer Unicode properties and wide ranges")
	}
	return nil
}

// rest is what has not been read.
func (t *translator) rest() string { return t.source[t.at:] }

// element translates the next element, a quantifier counting as one.
func (t *translator) element() error {
	switch c := t.source[t.at]; c {
	case '(':
		return t.open()
	case ')':
		n := len(t.groups)
		if n == 0 {
			return t.fail(t.at, "this ) closes nothing", `write \) for a plain parenthesis`)
		}
		t.modes = t.groups[n-1].modes
		t.groups = t.groups[:n-1]
		t.emit(1, ")", atom)
	case '|':
		t.emit(1, "|", nothing)
	case '^', '.':
		t.emit(1, string(c), atom)
	case '$':
		if t.modes.multiLine {
			t.emit(1, "$", atom)
		} else {
			t.emit(1, dollar, atom)
		}
	case '[':
		return t.class()
	case '\\':
		return t.escaped()
	case '*', '+', '?':
		return t.quantifier(1, string(c))
	case '{':
		return t.brace()
	default:
		r, size := utf8.DecodeRuneInString(t.rest())
		t.emit(size, plain(r), atom)
	}
	return nil
}

// emit writes the translation of the next size bytes.
func (t *translator) emit(size int, text string, repeats repeatable) {
	t.at += size
	t.out.WriteString(text)
	t.repeats = repeats
}

// plain writes a character so that it stands for itself, in and out of a class.
func plain(r rune) string {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r >= utf8.RuneSelf:
		return string(r)
	}
	return fmt.Sprintf(`\x{%x}`, r)
}

// brace translates {: a quantifier, or a plain brace.
func (t *translator) brace() error {
	end := strings.IndexByte(t.rest(), '}')
	if end < 0 {
		t.emit(1, plain('{'), atom)
		return nil
	}
	least, most, between := strings.Cut(t.rest()[1:end], ",")
	if !digits(least) || !digits(most) || least == "" && most == "" {
		t.emit(1, plain('{'), atom)
		return nil
	}
	text := t.rest()[:end+1]
	if least == "" {
		return t.fail(t.at, text+" is a count to some versions of PCRE and plain text to others",
			fmt.Sprintf(`write {0,%s}, or \{ for a plain brace`, most))
	}
	low, high := count(least), count(most)
	if low > maxRepeat || high > maxRepeat {
		return t.fail(t.at, fmt.Sprintf("%s repeats more than %d times", text, maxRepeat),
			fmt.Sprintf("ask for at most %d", maxRepeat))
	}
	if most != "" && low > high {
		return t.fail(t.at, text+" wants at least more than at most", "put the smaller number first")
	}
	out := fmt.Sprintf("{%d}", low)
	switch {
	case between && most == "":
		out = fmt.Sprintf("{%d,}", low)
	case between:
		out = fmt.Sprintf("{%d,%d}", low, high)
	}
	return t.quantifier(len(text), out)
}

// digits reports whether s has nothing else.
func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// count reads a number of digits; one too large for any purpose is maxRepeat+1.
func count(s string) int {
	n := 0
	for _, c := range s {
		n = min(10*n+int(c-'0'), maxRepeat+1)
	}
	return n
}

// quantifier translates a quantifier of size bytes. That it is lazy changes no verdict, so that is left out.
func (t *translator) quantifier(size int, text string) error {
	written := t.rest()[:size]
	switch t.repeats {
	case nothing:
		return t.fail(t.at, fmt.Sprintf("nothing stands before %s that could be repeated", written),
			fmt.Sprintf(`write \%s for the plain character`, written))
	case quantified:
		return t.fail(t.at, fmt.Sprintf("%s follows another quantifier", written), "put what is to be repeated in (?:…)")
	case atom:
	}
	from := t.at
	t.emit(size, text, quantified)
	switch {
	case strings.HasPrefix(t.rest(), "?"):
		t.at++
	case strings.HasPrefix(t.rest(), "+"):
		return t.fail(from, fmt.Sprintf("possessive quantifiers such as %s+ are not in Sigma's subset of PCRE", written),
			"leave out the last +, if the meaning stays the same")
	}
	return nil
}
