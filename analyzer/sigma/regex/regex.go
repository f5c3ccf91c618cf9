// Package regex runs the regular expressions of Sigma rules: the subset of PCRE that the specification allows, searched for
// anywhere in a value, in time linear in its length.
package regex

import "regexp"

// Flags change how an expression is read. The zero value is that of `re` without sub-modifiers.
type Flags struct {
	// IgnoreCase is the sub-modifier i, MultiLine m (^ and $ match at line ends), DotAll s (. matches a line end).
	IgnoreCase, MultiLine, DotAll bool
}

// Regex is a compiled expression. It may be used by any number of goroutines.
type Regex struct {
	source string
	re     *regexp.Regexp
}

// Compile compiles an expression.
func Compile(source string, flags Flags) (*Regex, error) {
	prefix := ""
	if flags.IgnoreCase {
		prefix += "i"
	}
	if flags.MultiLine {
		prefix += "m"
	}
	if flags.DotAll {
		prefix += "s"
	}
	text := source
	if prefix != "" {
		text = "(?" + prefix + ")" + source
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return &Regex{source: source, re: re}, nil
}

// String gives the expression as written.
func (r *Regex) String() string { return r.source }

// Match reports whether the expression is found anywhere in s.
func (r *Regex) Match(s string) bool { return r.re.MatchString(s) }

// MatchReference gives the same answer as Match by package regexp alone.
func (r *Regex) MatchReference(s string) bool { return r.re.MatchString(s) }

// MinLength is a number of bytes that every match has at least.
func (r *Regex) MinLength() int { return 0 }

// Literals gives texts, folded by Unicode simple case folding, of which every match contains at least one when it is folded
// too; nil when there are no such texts. The caller does not change the slice.
func (r *Regex) Literals() []string { return nil }
