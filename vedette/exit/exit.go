// Package exit ties an error to the exit code of the command and to the remedy that the user is told.
package exit

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// Codes of every verb.
const (
	OK = 0
	// Warning: the command did its work and found something that needs attention, or failed while working.
	Warning = 1
	// Refused: the command could not begin: wrong arguments, missing rights, nothing running.
	Refused = 2
)

// Error is a failure with its exit code. Remedy, when set, is what the user can do about it.
type Error struct {
	Code   int
	Err    error
	Remedy string
}

// Error joins the failure and its remedy in one line.
func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + "; " + e.Remedy
}

// Unwrap returns the failure without its remedy.
func (e *Error) Unwrap() error { return e.Err }

// Refuse returns an error with code Refused. remedy may be empty.
func Refuse(err error, remedy string) error { return &Error{Code: Refused, Err: err, Remedy: remedy} }

// Fail returns an error with code Warning. remedy may be empty.
func Fail(err error, remedy string) error { return &Error{Code: Warning, Err: err, Remedy: remedy} }

// Silent ends the command with a code and nothing on stderr: the output has said it already.
func Silent(code int) error { return &Error{Code: code, Err: errSilent} }

var errSilent = errors.New("silent")

// IsSilent reports whether err came from Silent.
func IsSilent(err error) bool { return errors.Is(err, errSilent) }

// Code returns the exit code that err asks for: OK for nil, Warning for an error that names none.
func Code(err error) int {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Warning
}

// NoArgs refuses arguments, for verbs that take flags only.
func NoArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Refuse(fmt.Errorf("%s takes no argument %q", c.CommandPath(), args[0]), "see: "+c.CommandPath()+" --help")
	}
	return nil
}
