// Package regex runs the regular expressions of Sigma rules (`|re`): the subset of PCRE that the specification allows,
// searched for anywhere in a value, in time linear in its length and without allocating.
//
// An expression is read as PCRE2 reads it in UTF mode without Unicode properties for \d, \w, \s and \b, which stay ASCII.
// What cannot be decided in linear time (lookaround, backreferences, atomic groups, possessive quantifiers, conditionals,
// recursion, verbs) is refused with an *Error. Since only whether an expression is found counts, groups do not capture,
// laziness changes nothing, and \K and branch resets are no different from plain groups.
//
// Where PCRE and Go's package regexp give the same text another meaning, PCRE's is taken:
//   - \s has the vertical tab; \v and \h are all vertical and all horizontal white space; \R is any line end; \N is any
//     character but a line feed.
//   - $ without the flag m, and \Z, also hold before a line feed that ends the value; \z does not. That line feed belongs to
//     the match, so nothing can follow it.
//   - \x takes none, one or two digits; \e, \cX, \o{}, \0dd, \uXXXX and \Q…\E (in classes too) are characters; a backslash
//     before anything that is no letter or digit makes it plain.
//
// Package regexp's meaning is kept in three places where PCRE's cannot be expressed: with m, ^ also holds after a line feed
// that ends the value; with i, sets such as \w, [:upper:] and \p{Lu} have the characters that fold into theirs; \R gives back
// the line feed of a CR LF to what follows. A byte that is not valid UTF-8 counts as one character, U+FFFD.
package regex

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// Flags change how an expression is read. The zero value is that of `re` without sub-modifiers.
type Flags struct {
	// IgnoreCase is the sub-modifier i, MultiLine m (^ and $ match at line ends), DotAll s (. matches a line end).
	IgnoreCase, MultiLine, DotAll bool
}

// Error says why an expression was refused.
type Error struct {
	Reason string
	// Remedy says what its author can do.
	Remedy string
	// Position is the character of the expression that it is about, counting from 1; 0 when it is about all of it.
	Position int
}

// Error implements error.
func (e *Error) Error() string {
	if e.Position == 0 {
		return e.Reason + "; " + e.Remedy
	}
	return fmt.Sprintf("character %d: %s; %s", e.Position, e.Reason, e.Remedy)
}

const (
	// maxSource bounds the bytes of an expression.
	maxSource = 64 << 10
	// maxProgram bounds the instructions of a compiled expression: the time for a byte of a value can grow with them.
	maxProgram = 20000
	// maxRepeat is the highest repetition count that package regexp allows.
	maxRepeat = 1000
)

// Regex is a compiled expression. It may be used by any number of goroutines.
type Regex struct {
	source    string
	reference *regexp.Regexp
	minLength int
	literals  []string
	required  []ByteSet
	checks    checks
	dfa       *dfa
}

// Compile compiles an expression. An error is an *Error. The cost is bounded for any source.
func Compile(source string, flags Flags) (*Regex, error) {
	text, err := translate(source, flags)
	if err != nil {
		return nil, err
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, explain(err)
	}
	if size := programSize(tree); size > maxProgram {
		return nil, &Error{
			Reason: fmt.Sprintf("the expression is too large: its repetitions written out, it has more than %d steps", maxProgram),
			Remedy: "use smaller repetition counts, or split it into several values",
		}
	}
	reference, err := regexp.Compile(text)
	if err != nil {
		return nil, explain(err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, explain(err)
	}
	r := &Regex{
		source:    source,
		reference: reference,
		minLength: minLength(tree),
		literals:  foldedLiterals(tree),
		required:  requiredBytes(tree),
	}
	r.checks = newChecks(tree, r.minLength)
	if r.checks.exact == nil {
		r.dfa = newDFA(program)
	}
	return r, nil
}

// String gives the expression as written.
func (r *Regex) String() string { return r.source }

// Match reports whether the expression is found anywhere in s, in time linear in the length of s. It does not allocate, but
// for a short time after the first texts of a new kind.
func (r *Regex) Match(s string) bool {
	if r.checks.refute(s) {
		return false
	}
	if r.checks.exact != nil {
		return r.checks.exact.in(s)
	}
	if r.dfa != nil {
		if matched, decided := r.dfa.match(s); decided {
			return matched
		}
	}
	return r.reference.MatchString(s)
}

// MatchReference gives the same answer as Match by package regexp alone.
func (r *Regex) MatchReference(s string) bool { return r.reference.MatchString(s) }

// MinLength is a number of bytes that every match has at least.
func (r *Regex) MinLength() int { return r.minLength }

// Literals gives texts, folded by Unicode simple case folding, of which every match contains at least one when it is folded
// too; nil when there are no such texts of two bytes or more. There are at most 64, none contains another, and the caller
// does not change the slice.
func (r *Regex) Literals() []string { return r.literals }

// RequiredBytes gives sets of bytes, the rarest first and at most 4: every match has at least one byte of each. They are
// about bytes as they are, not folded. The caller does not change the slice.
func (r *Regex) RequiredBytes() []ByteSet { return r.required }

// explain makes an Error of one of package syntax.
func explain(err error) error {
	e := &Error{Reason: err.Error(), Remedy: "write it within the subset of PCRE that Sigma allows"}
	parse, ok := err.(*syntax.Error) //nolint:errorlint // package syntax documents that it returns this type
	if !ok {
		return e
	}
	part := strings.ToValidUTF8(parse.Expr[:min(len(parse.Expr), 40)], "")
	e.Reason = fmt.Sprintf("%s: %q", parse.Code, part)
	switch parse.Code {
	case syntax.ErrInvalidRepeatSize:
		e.Reason = fmt.Sprintf("repetitions inside one another come to more than %d", maxRepeat)
		e.Remedy = "use smaller repetition counts"
	case syntax.ErrNestingDepth:
		e.Reason, e.Remedy = "groups are nested too deeply", "nest fewer groups"
	case syntax.ErrLarge:
		e.Reason, e.Remedy = "the expression is too large", "use smaller repetition counts, or split it into several values"
	case syntax.ErrInvalidCharRange:
		e.Reason = fmt.Sprintf("the Unicode property or range %q is not known", part)
		e.Remedy = `use a general category or a script, as in \p{L} or \p{Greek}`
	}
	return e
}

// programSize estimates the instructions that a tree compiles to, without compiling it.
func programSize(re *syntax.Regexp) int {
	size := 1
	for _, sub := range re.Sub {
		size += 1 + programSize(sub)
	}
	switch re.Op {
	case syntax.OpLiteral:
		size += len(re.Rune)
	case syntax.OpRepeat:
		size *= max(re.Min, re.Max, 1)
	}
	return min(size, maxProgram+1)
}

// validSource refuses what no expression may be.
func validSource(source string) error {
	if len(source) > maxSource {
		return &Error{
			Reason: fmt.Sprintf("the expression has %d bytes, and %d are the limit", len(source), maxSource),
			Remedy: "split it into several values",
		}
	}
	for i, r := range source {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(source[i:]); size == 1 {
			return &Error{
				Reason:   fmt.Sprintf("the byte %#x is not valid UTF-8", source[i]),
				Remedy:   "save the rule as UTF-8",
				Position: utf8.RuneCountInString(source[:i]) + 1,
			}
		}
	}
	return nil
}
