package rule

import (
	"fmt"
	"strings"
)

// Problem says why a rule was refused, or, as a warning, what of a loaded rule cannot have its effect.
type Problem struct {
	File string
	// Line and Column count from 1; 0 is unknown.
	Line, Column int
	// RuleID is empty when the rule has none or could not be read that far.
	RuleID  string
	Message string
	// Remedy says what its author can do.
	Remedy string
	// Warning is set when the rule was loaded all the same.
	Warning bool
}

// String gives the problem on one line, beginning with file:line:column.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.RuleID != "" {
		fmt.Fprintf(&b, "rule %s: ", p.RuleID)
	}
	b.WriteString(p.Message)
	if p.Remedy != "" {
		fmt.Fprintf(&b, "; %s", p.Remedy)
	}
	return b.String()
}

// fault is the error of one place in a rule file.
type fault struct {
	line, column    int
	message, remedy string
}

// Error implements error.
func (f *fault) Error() string {
	return fmt.Sprintf("%d:%d: %s; %s", f.line, f.column, f.message, f.remedy)
}
