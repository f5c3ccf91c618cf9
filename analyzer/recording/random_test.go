package recording

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// writer makes random documents.
type writer struct {
	*rand.Rand
	b strings.Builder
}

func (w *writer) space() {
	for w.IntN(6) == 0 {
		w.b.WriteByte(" \t\r\n"[w.IntN(4)])
	}
}

func (w *writer) text() {
	w.b.WriteByte('"')
	pieces := []string{
		`\\`, `\"`, `\/`, `\n`, `\t`, `\u0041`, `\ud83d\ude00`, `\ud83d`, `\ude00`, `\\\\\\`, "é", "😀", "\xff", "\xc3", `C:\\Windows\\`,
		"plain text of some length", "x", "{", "}", "[", "]", ",", ":", "\x7f",
	}
	for range w.IntN(12) {
		w.b.WriteString(pieces[w.IntN(len(pieces))])
	}
	w.b.WriteByte('"')
}

func (w *writer) value(depth int) {
	w.space()
	switch kind := w.IntN(12); {
	case kind == 0 && depth < 5:
		w.list(depth)
	case kind == 1 && depth < 5:
		w.object(depth + 1)
	case kind < 4:
		fmt.Fprint(&w.b, []any{0, -1, 4688, "1.0", "-0.5e+10", "1E9"}[w.IntN(6)])
	case kind < 6:
		w.b.WriteString([]string{"true", "false", "null"}[w.IntN(3)])
	default:
		w.text()
	}
	w.space()
}

func (w *writer) list(depth int) {
	w.b.WriteByte('[')
	for i := range w.IntN(4) {
		if i > 0 {
			w.b.WriteByte(',')
		}
		w.value(depth + 1)
	}
	w.space()
	w.b.WriteByte(']')
}

func (w *writer) object(depth int) {
	w.space()
	w.b.WriteByte('{')
	for i := range w.IntN(8) {
		if i > 0 {
			w.b.WriteByte(',')
		}
		w.space()
		if w.IntN(4) == 0 {
			w.text()
		} else {
			fmt.Fprintf(&w.b, `"Name%d"`, w.IntN(40))
		}
		w.space()
		w.b.WriteByte(':')
		w.value(depth)
	}
	w.space()
	w.b.WriteByte('}')
}

// TestRandomDocuments compares whole documents with encoding/json. A part of a document up to anywhere is recognised as one
// that goes on, which records over several lines depend on; a document with a changed byte is taken if and only if
// encoding/json takes it.
func TestRandomDocuments(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	d := NewDecoder(nil)
	compared := 0
	for range 3000 {
		w := &writer{Rand: random}
		w.object(0)
		text := []byte(w.b.String())
		if err := d.Decode(text); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if want, ok := oracle(text); ok {
			compared++
			checkFields(t, text, want)
		}
		if cut := text[:random.IntN(len(text))]; !errors.Is(d.Decode(cut), errEnd) {
			t.Fatalf("%q: %v, want %v", cut, d.Decode(cut), errEnd)
		}
		text[random.IntN(len(text))] = "\"\\{}[]:,x\n\x00\x80"[random.IntN(12)]
		if err := d.Decode(text); (err == nil) != (json.Valid(text) && text[skipSpace(text, 0)] == '{') {
			t.Fatalf("%q: %v, encoding/json thinks otherwise", text, err)
		}
	}
	if compared < 1000 {
		t.Errorf("only %d documents were compared", compared)
	}
}
