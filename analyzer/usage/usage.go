// Package usage marks errors of how a program was called, which have an exit code of their own.
package usage

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// Error is an error of the command line or of a configuration.
type Error struct{ Err error }

// Error gives the message of the error inside.
func (e Error) Error() string { return e.Err.Error() }

// Unwrap gives the error inside.
func (e Error) Unwrap() error { return e.Err }

// Is reports whether an error is about how the program was called.
func Is(err error) bool {
	_, ok := errors.AsType[Error](err)
	return ok
}

// NoArguments refuses arguments, for commands that take flags only.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Error{Err: fmt.Errorf("unexpected argument %q; try: %s --help", args[0], cmd.CommandPath())}
	}
	return nil
}

// Arguments asks for at least one argument, which what names.
func Arguments(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return Error{Err: fmt.Errorf("name %s; try: %s --help", what, cmd.CommandPath())}
		}
		return nil
	}
}
