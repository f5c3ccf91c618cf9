package up

import (
	"fmt"
	"io"
	"sync"

	"github.com/vedette-edr/vedette/vedette/term"
)

// screen keeps lines of alerts, logs and notices whole, whoever writes them.
type screen struct {
	mu      sync.Mutex
	out     io.Writer
	err     io.Writer
	palette term.Palette
	quiet   bool
}

// Write writes whole lines of alerts.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

// info tells how things go, unless the user wants quiet.
func (s *screen) info(format string, args ...any) {
	if s.quiet {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// log shows one line that a component logged or that is about a component; it is escaped already.
func (s *screen) log(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.err, line)
}

// warn tells what needs attention.
func (s *screen) warn(format string, args ...any) {
	s.log(s.palette.Yellow("vedette: ") + term.Escape(fmt.Sprintf(format, args...)))
}
