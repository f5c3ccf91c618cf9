package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/vedette-edr/vedette/analyzer/plain"
	"github.com/vedette-edr/vedette/analyzer/playback"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/eventkey"
)

// maxText bounds a text of the event in a document, in bytes; a longer one is cut and says so.
const maxText = 8 << 10

// document is one alert of a replay. What it has in common with an alert of a running analyzer has the same name.
type document struct {
	Timestamp time.Time      `json:"@timestamp,omitzero"`
	Event     eventPart      `json:"event"`
	Rule      rulePart       `json:"rule"`
	Tags      []string       `json:"tags,omitempty"`
	Host      *hostPart      `json:"host,omitempty"`
	Process   *processPart   `json:"process,omitempty"`
	User      *userPart      `json:"user,omitempty"`
	Windows   *windowsPart   `json:"winlog,omitempty"`
	Vedette   vedetteSection `json:"vedette"`
}

type eventPart struct {
	// ID is that of the alert: for a recording of vedette capture the same that the running analyzer gave it.
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Action   string    `json:"action,omitempty"`
	Code     string    `json:"code,omitempty"`
	Provider string    `json:"provider,omitempty"`
	File     string    `json:"file"`
	Position int64     `json:"position"`
	Line     int64     `json:"line,omitempty"`
	Time     time.Time `json:"time,omitzero"`
}

type rulePart struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	File string `json:"file,omitempty"`
}

type hostPart struct {
	Name string `json:"name"`
}

type userPart struct {
	Name string `json:"name"`
}

type processPart struct {
	EntityID    string       `json:"entity_id,omitempty"`
	PID         uint32       `json:"pid"`
	Name        string       `json:"name,omitempty"`
	Executable  string       `json:"executable,omitempty"`
	CommandLine string       `json:"command_line,omitempty"`
	Parent      *processPart `json:"parent,omitempty"`
}

type windowsPart struct {
	Channel  string `json:"channel,omitempty"`
	Provider string `json:"provider_name,omitempty"`
	EventID  int    `json:"event_id"`
	RecordID string `json:"record_id,omitempty"`
}

type vedetteSection struct {
	Level   string    `json:"level"`
	Matched []matched `json:"matched,omitempty"`
}

type matched struct {
	ecs.Matched
	// Size is the length of a value that was cut, in bytes.
	Size int `json:"value_size,omitempty"`
}

func newDocument(m *engine.Match, o *playback.Origin) document {
	d := document{
		Timestamp: o.Time,
		Event: eventPart{
			ID: eventkey.Alert(m.Rule.ID, o.ID), Kind: "alert", File: ecs.Text(o.File), Position: o.Position, Line: o.Line, Time: o.Time,
		},
		Rule:    rulePart{ID: m.Rule.ID, Name: ecs.Text(m.Rule.Title), File: ecs.Text(m.Rule.File)},
		Tags:    m.Rule.Tags,
		Vedette: vedetteSection{Level: m.Rule.Level},
	}
	if o.Host != "" {
		d.Host = &hostPart{cut(o.Host)}
	}
	if w := o.Windows; w != nil {
		d.Event.Code, d.Event.Provider = fmt.Sprint(w.EventID), cut(w.Provider)
		d.Windows = &windowsPart{Channel: cut(w.Channel), Provider: cut(w.Provider), EventID: w.EventID, RecordID: cut(w.RecordID)}
	}
	if o.Process != nil {
		d.Event.Action = o.Process.Kind
		d.Process = newProcess(o.Process)
		d.User = &userPart{ecs.Text(o.Process.User)}
	}
	for _, f := range m.Fields {
		found := matched{Matched: ecs.Matched{Field: ecs.Text(f.Field), Value: cut(f.Value), Pattern: cut(f.Pattern)}}
		if len(f.Value) > maxText {
			found.Size = len(f.Value)
		}
		d.Vedette.Matched = append(d.Vedette.Matched, found)
	}
	return d
}

func newProcess(p *playback.Process) *processPart {
	out := &processPart{
		EntityID: p.EntityID, PID: p.PID, Name: cut(p.Name), Executable: cut(p.Executable), CommandLine: cut(p.CommandLine),
	}
	if p.Parent != nil {
		out.Parent = newProcess(p.Parent)
	}
	return out
}

// cut makes a text valid and bounds its length.
func cut(text string) string {
	if len(text) > maxText {
		end := maxText
		for end > maxText-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	return ecs.Text(text)
}

// encode gives the document as one line, safe to print.
func (d *document) encode(buf *bytes.Buffer) ([]byte, error) {
	buf.Reset()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("BUG: cannot encode the alert %q: %w", d.Event.ID, err)
	}
	return plain.JSON(buf.Bytes()), nil
}
