// Package playback reads recorded events of every format the way that rules see events: Windows event logs, JSON, and
// recordings of `vedette capture`, whose events pass through the process tree as they do live.
package playback

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/proto/capture"
)

// Options of Open.
type Options struct {
	// Fields give the numbers of View's fields their names, as engine.Ruleset has them.
	Fields []string
	// Format is "" or auto, evtx, json or capture; auto looks at the beginning of the file.
	Format string
	// Logsource is that of JSON records that name no channel; the zero value leaves them without one.
	Logsource rule.Logsource
}

// The values of Options.Format.
const (
	Auto    = "auto"
	EVTX    = "evtx"
	JSON    = "json"
	Capture = "capture"
)

// Recording gives the events of one file. It is not safe for concurrent use.
type Recording interface {
	// Next goes to the next event and gives the number of views that rules have of it, 0 for an event that they do not see.
	// It fails with io.EOF at the end, with a *recording.Problem where something is damaged, after which it can be called
	// again, and with any other error for good.
	Next() (views int, err error)
	// View gives one of the views of the event. It is valid until the next call of View or Next.
	View(i int) View
	// Position says which event of its file this is, from 1.
	Position() int64
	// Origin describes the event, for people; it costs more than matching.
	Origin() Origin
	// Names lists the fields that the event has; nil where it can tell only whether it has a field of a given name.
	Names() []string
	// Close frees what the recording holds.
	Close() error
}

// View is an event as rules see it.
type View struct {
	engine.ListEvent
	// Sources are the log sources that it belongs to; none when nobody knows.
	Sources []rule.Logsource
	// Kind is the same for the same Sources as long as the recording is open: a small number, or -1 for one that has no
	// number of its own.
	Kind int
}

// Origin says where an event is from.
type Origin struct {
	// File is the path, and Position which of its events this is, from 1. Line is where it begins in a file of text, else 0.
	File     string
	Position int64
	Line     int64
	// ID is the same for the same event whenever and from wherever it is read, as far as it says who it is.
	ID string
	// Time is when it happened; the zero Time where it does not say.
	Time    time.Time
	Windows *Windows
	Process *Process
	Host    string
}

// Windows is what a Windows event log says of each of its events.
type Windows struct {
	Channel  string
	Provider string
	EventID  int
	RecordID string
}

// Process is the acting process of an event of ours.
type Process struct {
	Kind        string
	EntityID    string
	PID         uint32
	Name        string
	Executable  string
	CommandLine string
	User        string
	Parent      *Process
}

// Open opens a file; Close is the caller's.
func Open(path string, opts Options) (Recording, error) {
	format := opts.Format
	if format == Capture || format == Auto || format == "" {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read recorded events: %w", err)
		}
		beginning := bufio.NewReader(file)
		if start, _ := beginning.Peek(16); format == Capture || capture.IsCapture(start) {
			c, err := openCapture(path, beginning, opts)
			if err != nil {
				return nil, errors.Join(err, file.Close())
			}
			c.file = file
			return c, nil
		}
		if err := file.Close(); err != nil {
			return nil, fmt.Errorf("cannot read recorded events: %w", err)
		}
	}
	return openRecord(path, format, opts)
}

var _ io.Closer = Recording(nil)
