// Package term is what the commands know of a terminal: whether there is one, colours, and how to print bytes that an
// attacker may have shaped.
package term

import (
	"io"
	"os"

	"github.com/mattn/go-isatty"
)

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// Palette colours text. The zero value leaves text as it is. Its methods do not escape: give them trusted or escaped text.
type Palette struct{ on bool }

// Colours returns a palette that colours when w is a terminal, unless never is set, NO_COLOR is in the environment, or the
// terminal is dumb.
func Colours(w io.Writer, never bool) Palette {
	if never || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return Palette{}
	}
	return Palette{on: IsTerminal(w)}
}

// Always returns a palette that colours everywhere.
func Always() Palette { return Palette{on: true} }

func (p Palette) paint(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// Bold sets s in bold.
func (p Palette) Bold(s string) string { return p.paint("1", s) }

// Dim sets s back.
func (p Palette) Dim(s string) string { return p.paint("2", s) }

// Red colours what is wrong.
func (p Palette) Red(s string) string { return p.paint("31", s) }

// Yellow colours what needs attention.
func (p Palette) Yellow(s string) string { return p.paint("33", s) }

// Green colours what is well.
func (p Palette) Green(s string) string { return p.paint("32", s) }

// Cyan colours names.
func (p Palette) Cyan(s string) string { return p.paint("36", s) }

// Level colours s by the level of an alert or of a log line.
func (p Palette) Level(level, s string) string {
	switch level {
	case "critical", "fatal", "panic":
		return p.paint("1;97;41", s)
	case "high", "error":
		return p.paint("1;31", s)
	case "medium", "warn":
		return p.paint("33", s)
	case "low":
		return p.paint("36", s)
	default:
		return p.paint("2", s)
	}
}
