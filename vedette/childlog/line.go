package childlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/vedette/term"
)

// entry is one line of a component's log as the terminal shows it.
type entry struct {
	level string
	text  string // not escaped
}

// urgent reports whether the line belongs on the terminal. What is not a log line (a panic, the message of a dynamic
// linker) is urgent: no component prints anything else.
func (e entry) urgent() bool {
	switch e.level {
	case "trace", "debug", "info":
		return false
	}
	return true
}

// parse reads a line of zerolog, as JSON or in its console form.
func parse(line []byte) entry {
	line = bytes.TrimRight(line, "\r\n")
	if bytes.HasPrefix(line, []byte("{")) {
		if e, ok := parseJSON(line); ok {
			return e
		}
	}
	text := string(line)
	for _, mark := range []struct{ word, level string }{
		{"TRC", "trace"}, {"DBG", "debug"}, {"INF", "info"}, {"WRN", "warn"}, {"ERR", "error"}, {"FTL", "fatal"}, {"PNC", "panic"},
	} {
		if before, after, ok := strings.Cut(text, " "+mark.word+" "); ok && !strings.Contains(before, " ") {
			return entry{mark.level, after}
		}
	}
	return entry{"error", text}
}

func parseJSON(line []byte) (entry, bool) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return entry{}, false
	}
	e := entry{level: text(fields["level"]), text: text(fields["message"])}
	if e.level == "" {
		return entry{}, false
	}
	if cause, ok := fields["error"]; ok {
		if e.text != "" {
			e.text += ": "
		}
		e.text += text(cause)
	}
	var names []string
	for name := range fields {
		switch name {
		case "level", "message", "error", "time", "component":
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		e.text += fmt.Sprintf(" %s=%s", name, text(fields[name]))
	}
	return e, true
}

// text gives a JSON string without its quotes and anything else as it is written.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// format is one line for the terminal, without a line end.
func (e entry) format(p term.Palette, component string) string {
	const longest = 600
	return p.Cyan(component) + " " + p.Level(e.level, e.level) + " " + term.Clip(e.text, longest)
}
