package recording

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// What the reasons of a syntaxError can be.
var (
	errEnd       = errors.New("the text ends in the middle of a value")
	errControl   = errors.New("a control character in a string has to be written with a backslash")
	errEscape    = errors.New("no such escape with a backslash")
	errNumber    = errors.New("not a number as JSON writes them")
	errLiteral   = errors.New("neither a string, number, object or list nor true, false or null")
	errKey       = errors.New("a name in double quotes is wanted here")
	errColon     = errors.New("a colon is wanted here")
	errComma     = errors.New("a comma or the closing bracket is wanted here")
	errDepth     = errors.New("nested too deeply")
	errNotObject = errors.New("a record has to be an object in braces")
	errTrailing  = errors.New("something follows the record on its line")
)

// syntaxError says where a text is not JSON.
type syntaxError struct {
	offset int
	reason error
}

func (e *syntaxError) Error() string { return e.reason.Error() }
func (e *syntaxError) Unwrap() error { return e.reason }

func fail(offset int, reason error) error { return &syntaxError{offset, reason} }

// kind is how a value stands in the text.
type kind uint8

const (
	// plain text stands in the document as it is.
	plain kind = iota
	// quoted text stands between quotes in the document, and may have backslashes and bytes that are not UTF-8.
	quoted
	// null is the JSON value of that name.
	null
	// decoded text is in the arena.
	decoded
)

func hexDigit(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

// scanScalar finds the end of the number, true, false or null at i.
func scanScalar(b []byte, i int) (end int, k kind, err error) {
	switch c := b[i]; {
	case c == 't':
		return scanLiteral(b, i, "true", plain)
	case c == 'f':
		return scanLiteral(b, i, "false", plain)
	case c == 'n':
		return scanLiteral(b, i, "null", null)
	case c == '-' || '0' <= c && c <= '9':
		end, err := scanNumber(b, i)
		return end, plain, err
	}
	return 0, 0, fail(i, errLiteral)
}

func scanLiteral(b []byte, i int, literal string, k kind) (int, kind, error) {
	for n := range len(literal) {
		if i+n >= len(b) {
			return 0, 0, fail(len(b), errEnd)
		}
		if b[i+n] != literal[n] {
			return 0, 0, fail(i, errLiteral)
		}
	}
	return i + len(literal), k, nil
}

func scanNumber(b []byte, i int) (int, error) {
	start := i
	digits := func() bool {
		from := i
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		return i > from
	}
	wrong := func() (int, error) {
		if i >= len(b) {
			return 0, fail(len(b), errEnd)
		}
		return 0, fail(start, errNumber)
	}
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return wrong()
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return wrong()
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return wrong()
		}
	}
	return i, nil
}

// skipSpace gives the position of the next byte that is no white space, or len(b).
func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// appendDecoded appends the text of a string without its quotes, which marks found nothing wrong with. As in encoding/json,
// what is not UTF-8, and half a surrogate pair, become U+FFFD.
func appendDecoded(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\\':
			if simple := escapes[s[i+1]]; simple != 0 {
				dst = append(dst, simple)
				i += 2
				continue
			}
			r, size := escapedRune(s, i)
			dst = utf8.AppendRune(dst, r)
			i += size
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
		default:
			run := plainRun(s, i)
			dst = append(dst, s[i:run]...)
			i = run
		}
	}
	return dst
}

// escapes gives what stands for which character behind a backslash; a table, because no branch can foresee the next one.
var escapes = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// escapedRune gives the character that the escape with u at i stands for, with a second one if it is half of a pair.
func escapedRune(s []byte, i int) (r rune, size int) {
	r = escapedUnit(s, i)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if pair := utf16.DecodeRune(r, escapedUnit(s, i+6)); pair != utf8.RuneError {
		return pair, 12
	}
	return utf8.RuneError, 6
}

// plainRun gives the end of the run of ASCII without backslashes that begins at i.
func plainRun(s []byte, i int) int {
	for i+8 <= len(s) {
		x := binary.LittleEndian.Uint64(s[i:])
		if hits := ((x^allSlashes)-ones)&^x&highs | x&highs; hits != 0 {
			return i + bits.TrailingZeros64(hits)>>3
		}
		i += 8
	}
	for i < len(s) && s[i] != '\\' && s[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// escapedUnit gives the UTF-16 unit that the escape at i stands for, and -1 where there is none.
func escapedUnit(s []byte, i int) rune {
	if i+6 > len(s) || s[i] != '\\' || s[i+1] != 'u' {
		return -1
	}
	return hexDigit(s[i+2])<<12 | hexDigit(s[i+3])<<8 | hexDigit(s[i+4])<<4 | hexDigit(s[i+5])
}
