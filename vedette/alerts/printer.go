package alerts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/vedette/alertlog"
	"github.com/vedette-edr/vedette/vedette/term"
)

// Printer writes alerts that pass its filter. It is used from one goroutine.
type Printer struct {
	Out     io.Writer
	Palette term.Palette
	// Zone of the times; JSON keeps the times as they are.
	Zone *time.Location
	// JSON writes each document as one line of JSON.
	JSON   bool
	Filter Filter
	// Limit ends the reading after so many alerts; 0 means never.
	Limit int
	// Trouble is told of a document that cannot be decoded; the others go on.
	Trouble func(error)

	printed int
}

// Print writes one alert. It returns alertlog.ErrStop once Limit is reached, and an error when Out fails.
func (p *Printer) Print(rec alertlog.Record) error {
	a, err := ecs.Decode(rec.Data)
	if err != nil {
		p.Trouble(fmt.Errorf("alert %d of the stream: %w", rec.Sequence, err))
		return nil
	}
	if !p.Filter.Match(a) {
		return nil
	}
	text := Format(a, p.Palette, p.Zone)
	if p.JSON {
		// The document was decoded, so it can be compacted; what it holds beyond the fields known here stays in it.
		var line bytes.Buffer
		if err := json.Compact(&line, rec.Data); err != nil {
			p.Trouble(fmt.Errorf("alert %d of the stream: %w", rec.Sequence, err))
			return nil
		}
		text = string(term.EscapeJSON(line.Bytes())) + "\n"
	}
	if _, err := io.WriteString(p.Out, text); err != nil {
		return fmt.Errorf("cannot print an alert: %w", err)
	}
	if p.printed++; p.printed == p.Limit {
		return alertlog.ErrStop
	}
	return nil
}
