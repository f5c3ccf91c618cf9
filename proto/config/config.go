// Package config reads Vedette's configuration files: flat lines of `key = value`, a subset of TOML without sections, so
// that the privileged processes need no general parser. Whatever a file says wrongly is answered with the line, the column
// and the remedy.
//
// A value is a string ("..." with TOML's escapes, or '...' without any), true or false, a whole number, or a list of
// strings on one line. Durations ("5ms") and sizes ("64MiB") are written as strings. A # starts a comment.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"
)

// maxFile is far above any real file; it bounds what a wrong path (a device, a log) can make a process read.
const maxFile = 1 << 20

// Error is a fault in a configuration file. Line and Column count from 1, Column in characters; both are 0 when the fault
// belongs to the file as a whole.
type Error struct {
	File   string
	Line   int
	Column int
	Msg    string
	Remedy string
}

// Error gives "file:line:column: message; remedy".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	b.WriteString(e.Msg)
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}

// Load decodes the file at path into dst as Decode does. A file that does not exist leaves dst as it is, unless mustExist
// is set.
func Load(path string, dst any, mustExist bool) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && !mustExist {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot open configuration %q: %w", path, err)
	}
	defer f.Close()
	return Decode(f, path, dst)
}

// Decode reads a configuration from r into the struct that dst points at. A field takes part when it carries a tag such as
// `config:"spool.max"`; its type is string, bool, int, uint64, time.Duration, Size or []string. Fields that the file does
// not name keep their value, which is how callers give defaults.
//
// A fault in the content is an *Error that names file, and leaves dst untouched.
func Decode(r io.Reader, file string, dst any) error {
	fields, err := fieldsOf(dst)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return fmt.Errorf("cannot read configuration %q: %w", file, err)
	}
	if len(text) > maxFile {
		return &Error{File: file, Msg: fmt.Sprintf("the file is larger than %s", Size(maxFile)), Remedy: "check that this is the configuration file"}
	}

	target := reflect.ValueOf(dst).Elem()
	result := reflect.New(target.Type()).Elem()
	result.Set(target)
	seen := make(map[string]int)
	for n, line := range strings.Split(string(text), "\n") {
		s := &scanner{file: file, line: n + 1, text: strings.TrimSuffix(line, "\r")}
		if err := decodeLine(s, fields, seen, result); err != nil {
			return err
		}
	}
	target.Set(result)
	return nil
}

func decodeLine(s *scanner, fields fieldSet, seen map[string]int, result reflect.Value) error {
	if err := s.checkText(); err != nil {
		return err
	}
	s.skipBlank()
	if s.atEnd() {
		return nil
	}
	keyAt := s.pos
	key, err := s.key()
	if err != nil {
		return err
	}
	field, known := fields.byKey[key]
	if !known {
		return s.faultAt(keyAt, fields.suggest(key), "unknown key %q", key)
	}
	if first, twice := seen[key]; twice {
		return s.faultAt(keyAt, "keep one of the two lines", "key %q is already set in line %d", key, first)
	}
	seen[key] = s.line

	s.skipSpace()
	if !s.take('=') {
		return s.faultAt(s.pos, fmt.Sprintf("write %s = %s", key, field.example), "expected '=' after key %q", key)
	}
	s.skipSpace()
	valueAt := s.pos
	v, err := s.value()
	if err != nil {
		return err
	}
	s.skipBlank()
	if !s.atEnd() {
		return s.faultAt(s.pos, "put nothing but a # comment after a value", "unexpected text %q after the value of %q", s.rest(), key)
	}
	if err := field.assign(result.FieldByIndex(field.index), v); err != nil {
		return s.faultAt(valueAt, fmt.Sprintf("write %s = %s", key, field.example), "key %q %v", key, err)
	}
	return nil
}

// scanner walks one line. pos is a byte offset into text.
type scanner struct {
	file string
	line int
	text string
	pos  int
}

// fault places an error at the current position.
func (s *scanner) fault(remedy, format string, args ...any) error {
	return s.faultAt(s.pos, remedy, format, args...)
}

func (s *scanner) faultAt(pos int, remedy, format string, args ...any) error {
	return &Error{
		File:   s.file,
		Line:   s.line,
		Column: utf8.RuneCountInString(s.text[:pos]) + 1,
		Msg:    fmt.Sprintf(format, args...),
		Remedy: remedy,
	}
}

// checkText refuses bytes that an editor does not show, before they can hide in a value.
func (s *scanner) checkText() error {
	for i, r := range s.text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s.text[i:]); size == 1 {
				return s.faultAt(i, "save the file as UTF-8 text", "byte 0x%02x is not UTF-8", s.text[i])
			}
		}
		if r < ' ' && r != '\t' || r == 0x7f {
			return s.faultAt(i, `write it as \uXXXX inside a "..." string`, "control character %U", r)
		}
	}
	return nil
}

func (s *scanner) atEnd() bool { return s.pos == len(s.text) }

func (s *scanner) rest() string { return strings.TrimSpace(s.text[s.pos:]) }

func (s *scanner) take(c byte) bool {
	if s.atEnd() || s.text[s.pos] != c {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) skipSpace() {
	for s.take(' ') || s.take('\t') {
	}
}

// skipBlank passes spaces and a comment.
func (s *scanner) skipBlank() {
	s.skipSpace()
	if !s.atEnd() && s.text[s.pos] == '#' {
		s.pos = len(s.text)
	}
}

func (s *scanner) key() (string, error) {
	start := s.pos
	for !s.atEnd() && isKeyByte(s.text[s.pos]) {
		s.pos++
	}
	if s.pos > start {
		return s.text[start:s.pos], nil
	}
	switch s.text[s.pos] {
	case '[':
		return "", s.fault("write the whole key on each line, such as spool.max = \"64MiB\"", "sections are not used")
	case '"', '\'':
		return "", s.fault("write the key without quotes", "a key has no quotes")
	}
	return "", s.fault("write key = value, or start a comment with #", "expected a key, not %q", s.rest())
}

func isKeyByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}
