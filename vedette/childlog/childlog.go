// Package childlog takes what a supervised process prints: everything goes to a log file of bounded size, what is urgent to
// the terminal, and the last lines are kept for the case that the process dies.
package childlog

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vedette-edr/vedette/vedette/term"
)

const (
	// maxLine bounds one line; what is longer is cut and says so.
	maxLine = 64 << 10
	// keptLines are what Tail returns at most.
	keptLines = 20
	// burst is how many urgent lines a component may show within one second.
	burst = 20
)

// Log is an io.Writer for one component. Its methods may be called from any goroutine.
type Log struct {
	component string
	palette   term.Palette
	show      func(line string)
	now       func() time.Time

	mu      sync.Mutex
	file    *file
	line    []byte
	cut     int
	tail    []string
	second  time.Time
	shown   int
	hidden  int
	failure error
}

// Options of a Log.
type Options struct {
	// Path of the log file.
	Path string
	// Show prints one line, already escaped, on the terminal; nil shows nothing. It is called with the Log locked.
	Show    func(line string)
	Palette term.Palette
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Open opens or makes the log file of a component.
func Open(component string, opts Options) (*Log, error) {
	f, err := openFile(opts.Path, maxFile)
	if err != nil {
		return nil, err
	}
	l := &Log{component: component, palette: opts.Palette, show: opts.Show, now: opts.Now, file: f}
	if l.show == nil {
		l.show = func(string) {}
	}
	if l.now == nil {
		l.now = time.Now
	}
	return l, nil
}

// Write takes output of the process. It never fails: a component must not stop because its log cannot be written. The
// first failure is shown on the terminal.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := p; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		part := rest
		if end >= 0 {
			part = rest[:end]
		}
		room := max(0, maxLine-len(l.line))
		l.line = append(l.line, part[:min(room, len(part))]...)
		l.cut += max(0, len(part)-room)
		if end < 0 {
			break
		}
		l.endLine()
		rest = rest[end+1:]
	}
	return len(p), nil
}

// endLine is called with l locked.
func (l *Log) endLine() {
	if l.cut > 0 {
		l.line = fmt.Appendf(l.line, " (+%d bytes)", l.cut)
	}
	e := parse(l.line)
	if len(l.tail) == keptLines {
		l.tail = append(l.tail[:0], l.tail[1:]...)
	}
	l.tail = append(l.tail, term.Clip(string(l.line), 600))
	if err := l.file.write(append(l.line, '\n')); err != nil {
		l.fail(err)
	}
	l.line, l.cut = l.line[:0], 0
	if e.urgent() {
		l.showUrgent(e)
	}
}

// fail keeps the first failure; a full disk would fail every line.
func (l *Log) fail(err error) {
	if l.failure == nil {
		l.failure = err
		l.show(entry{"warn", err.Error()}.format(l.palette, "up"))
	}
}

func (l *Log) showUrgent(e entry) {
	now := l.now()
	if now.Sub(l.second) >= time.Second {
		l.showHidden()
		l.second, l.shown = now, 0
	}
	if l.shown >= burst {
		l.hidden++
		return
	}
	l.shown++
	l.show(e.format(l.palette, l.component))
}

func (l *Log) showHidden() {
	if l.hidden > 0 {
		l.show(entry{"warn", fmt.Sprintf("%d more lines are in %s", l.hidden, l.file.path)}.format(l.palette, l.component))
		l.hidden = 0
	}
}

// Tail returns the last lines, oldest first, escaped.
func (l *Log) Tail() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	tail := append([]string(nil), l.tail...)
	if len(l.line) > 0 {
		tail = append(tail, term.Clip(string(l.line), 600))
	}
	return tail
}

// Close writes what is left and closes the file. It returns the first failure of the whole time.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.line) > 0 {
		l.endLine()
	}
	l.showHidden()
	return errors.Join(l.failure, l.file.close())
}
