package capture

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vedette-edr/vedette/vedette/term"
)

// screen is where a person reads how the recording fares. Safe for concurrent use.
type screen struct {
	out      io.Writer
	terminal bool

	mu    sync.Mutex
	shown time.Time
	drawn bool
}

func newScreen(out io.Writer) *screen { return &screen{out: out, terminal: term.IsTerminal(out)} }

// say prints a sentence on a line of its own.
func (s *screen) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	fmt.Fprintln(s.out, "vedette: "+term.Escape(text))
}

// progress shows how far the recording is, on a terminal alone and not too often.
func (s *screen) progress(events uint64, bytes int64, since time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.terminal || time.Since(s.shown) < tick {
		return
	}
	s.shown = time.Now()
	s.erase()
	fmt.Fprintf(s.out, "%s  %d events  %s  Ctrl-C ends it", since.Round(time.Second), events, size(bytes))
	s.drawn = true
}

// clear takes the progress away.
func (s *screen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
}

func (s *screen) erase() {
	if s.drawn {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.drawn = false
	}
}

// size writes a number of bytes for people.
func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", (n+1023)/1024)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
