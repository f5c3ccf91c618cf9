package recording

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/recording/evtx"
)

// eventLog reads the records of a Windows event log file.
type eventLog struct {
	file    string
	log     *evtx.Reader
	decoder *Decoder
	record  *evtx.Record
	count   int64
}

func newEventLog(file string, source io.Reader, d *Decoder) (*eventLog, error) {
	log, err := evtx.New(source)
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", file, err)
	}
	l := &eventLog{file: file, log: log, decoder: d}
	d.record.each = func(_ *Record, visit func(name, value string) bool) {
		shown := NewDecoder(nil)
		shown.visit = visit
		shown.flatten(l.record.Elements)
	}
	return l, nil
}

func (l *eventLog) next() (*Record, error) {
	record, err := l.log.Next()
	var damage *evtx.Damage
	switch {
	case errors.As(err, &damage):
		where := Position{File: l.file, Record: l.count + 1, Offset: damage.Offset}
		return nil, &Problem{Position: where, Lost: damage.Lost, Reason: damage.Reason}
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("cannot read %q: %w", l.file, err)
	}
	l.count++
	l.record = record
	d := l.decoder
	d.flatten(record.Elements)
	d.record.position = Position{File: l.file, Record: l.count, Offset: record.Offset}
	return &d.record, nil
}

// flatten files the elements of a record's XML under the names that the same event has in JSON.
func (d *Decoder) flatten(elements []evtx.Element) {
	d.record.reset(nil)
	d.record.windows = true
	d.objects = 0
	var (
		part string
		from origin
	)
	for i := range elements {
		e := &elements[i]
		if e.Depth == 1 {
			part, from = e.Name, d.partOrigin(e.Name)
			from.list = d.objects
		}
		inside := i+1 < len(elements) && elements[i+1].Depth > e.Depth
		if e.Depth > 0 {
			d.flattenElement(e, part, inside, from)
		}
	}
}

func (d *Decoder) flattenElement(e *evtx.Element, part string, inside bool, from origin) {
	name, prefix := e.Name, ""
	switch part {
	case systemPart, eventDataPart, userDataPart:
	default:
		prefix = eventPart + "." + part + "."
	}
	bare := true
	for _, a := range e.Attributes {
		switch {
		case strings.HasPrefix(a.Name, namespaceName):
		case a.Name == "Name" && e.Name == dataElement && len(a.Value) > 0:
			d.given = append(d.given[:0], a.Value...)
			name = textOf(d.given)
		default:
			bare = false
			d.path = append(append(append(append(d.path[:0], prefix...), e.Name...), '_'), a.Name...)
			d.storeText(a.Value, from)
		}
	}
	if len(e.Text) > 0 && !(inside && isSpace(e.Text)) || bare && !inside && e.Depth > 1 {
		d.path = append(append(d.path[:0], prefix...), name...)
		d.storeText(e.Text, from)
	}
}

// storeText files text under the name in the path.
func (d *Decoder) storeText(text []byte, from origin) {
	r := &d.record
	start := len(r.arena)
	r.arena = append(r.arena, text...)
	d.store(d.path, r.add(value{from: uint32(start), to: uint32(len(r.arena)), kind: decoded}), from)
}

func isSpace(text []byte) bool {
	return skipSpace(text, 0) == len(text)
}
