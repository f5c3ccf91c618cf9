package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/vedette-edr/vedette/analyzer/recording/evtx"
)

// eventLogs gives the records of the corpus's Windows event logs as the JSON that tools make of them, in the order of the
// files.
func eventLogs(corpus string) ([][]byte, error) {
	paths, err := files(filepath.Join(corpus, "evtx"), ".evtx")
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	for _, path := range paths {
		found, err := eventLog(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read recording %q: %w", path, err)
		}
		lines = append(lines, found...)
	}
	return lines, nil
}

func eventLog(path string) ([][]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	log, err := evtx.New(file)
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	for {
		record, err := log.Next()
		if _, damaged := errors.AsType[*evtx.Damage](err); damaged {
			continue
		}
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		if len(record.Elements) == 0 {
			continue
		}
		var line bytes.Buffer
		writeJSON(&line, object{{record.Elements[0].Name, content(record.Elements)}})
		lines = append(lines, line.Bytes())
	}
}

// content is the first of elements and what is inside it: text, or an object.
func content(elements []evtx.Element) any {
	first := elements[0]
	var o object
	if len(first.Attributes) > 0 {
		var attributes object
		for _, a := range first.Attributes {
			attributes.add(a.Name, string(a.Value))
		}
		o.add("#attributes", attributes)
	}
	inner := elements[1:]
	for at := 0; at < len(inner); {
		end := at + 1
		for end < len(inner) && inner[end].Depth > inner[at].Depth {
			end++
		}
		name := inner[at].Name
		if a := inner[at].Attributes; name == "Data" && len(a) == 1 && a[0].Name == "Name" {
			o.add(string(a[0].Value), string(inner[at].Text))
		} else {
			o.add(name, content(inner[at:end]))
		}
		at = end
	}
	if len(o) == 0 {
		return string(first.Text)
	}
	if len(first.Text) > 0 {
		o.add("#text", string(first.Text))
	}
	return o
}

// object is a JSON object that keeps the order of its members.
type object []member

type member struct {
	name  string
	value any
}

// add makes a list of the values of members of the same name.
func (o *object) add(name string, value any) {
	at := slices.IndexFunc(*o, func(m member) bool { return m.name == name })
	if at < 0 {
		*o = append(*o, member{name, value})
		return
	}
	list, several := (*o)[at].value.([]any)
	if !several {
		list = []any{(*o)[at].value}
	}
	(*o)[at].value = append(list, value)
}

// writeJSON appends a text, an object or a list of them.
func writeJSON(to *bytes.Buffer, value any) {
	switch value := value.(type) {
	case object:
		to.WriteByte('{')
		for i, m := range value {
			if i > 0 {
				to.WriteByte(',')
			}
			writeJSON(to, m.name)
			to.WriteByte(':')
			writeJSON(to, m.value)
		}
		to.WriteByte('}')
	case []any:
		to.WriteByte('[')
		for i, element := range value {
			if i > 0 {
				to.WriteByte(',')
			}
			writeJSON(to, element)
		}
		to.WriteByte(']')
	case string:
		texts := json.NewEncoder(to)
		// Tools write < and > as they are.
		texts.SetEscapeHTML(false)
		if err := texts.Encode(value); err != nil {
			panic("BUG: a text has no JSON: " + err.Error())
		}
		// The encoder ends every value with a line.
		to.Truncate(to.Len() - 1)
	default:
		panic(fmt.Sprintf("BUG: a record holds a %T", value))
	}
}
