package recording

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// readAll gives a line for each record and problem.
func readAll(r *Reader) []string {
	r.Bind([]string{"n"})
	var lines []string
	for {
		record, err := r.Next()
		var problem *Problem
		switch {
		case errors.As(err, &problem):
			lines = append(lines, "! "+err.Error())
		case errors.Is(err, io.EOF):
			return lines
		case err != nil:
			return append(lines, "!! "+err.Error())
		default:
			n, _ := record.Field(0)
			p := record.Position()
			lines = append(lines, fmt.Sprintf("n=%s record %d line %d offset %d", n, p.Record, p.Line, p.Offset))
		}
	}
}

func TestReader(t *testing.T) {
	f := func(name, text string, want ...string) {
		t.Helper()
		// One byte at a time too: where the buffer ends makes no difference.
		for _, stream := range []io.Reader{strings.NewReader(text), oneByte{strings.NewReader(text)}} {
			r, err := New("f", stream, Auto)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			if diff := cmp.Diff(want, readAll(r)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
	f("nothing", "")
	f("white space", " \n\n")
	f("lines", "{\"n\":1}\n\n{\"n\":2}\r\n{\"n\":3}",
		"n=1 record 1 line 1 offset 0", "n=2 record 2 line 3 offset 9", "n=3 record 3 line 4 offset 18")
	f("a mark at the beginning", utf8Mark+"{\"n\":1}\n", "n=1 record 1 line 1 offset 0")
	f("lines with errors", "{\"n\":1}\n{\"n\":2\n{\"n\":\n{\"n\":3}\nx\n{\"n\":4} y\n{\"n\":5}\n",
		"n=1 record 1 line 1 offset 0",
		"! f:2: offset 14: the text ends in the middle of a value",
		"! f:3: offset 20: the text ends in the middle of a value",
		"n=3 record 2 line 4 offset 21",
		"! f:5: offset 29: a record has to be an object in braces",
		"! f:6: offset 39: something follows the record on its line",
		"n=5 record 3 line 7 offset 41")
	f("over several lines", "{\n  \"n\": 1\n}\n{\n  \"n\": 2\n}",
		"n=1 record 1 line 1 offset 0", "n=2 record 2 line 4 offset 13")
	f("over several lines, with errors", "{\n  \"n\": 1,\n}\n{\n  \"n\": \"\n\"}\n{\"n\":3}\n{\"n\":{\n{\"n\":4}\n{",
		"! f:3: offset 12: a name in double quotes is wanted here",
		"! f:5: offset 24: a control character in a string has to be written with a backslash",
		"n=3 record 1 line 7 offset 28",
		"! f:9: offset 43: a name in double quotes is wanted here",
		"n=4 record 2 line 9 offset 43",
		"! f:10: offset 52: the text ends in the middle of a value")
	f("a list", "[{\"n\":1},\n {\"n\":2}\n]\n", "n=1 record 1 line 1 offset 1", "n=2 record 2 line 2 offset 11")
	f("no space between", `{"n":1}{"n":2}`, "n=1 record 1 line 1 offset 0", "n=2 record 2 line 1 offset 7")
	f("packed", packed(t, "{\"n\":1}\n"), "n=1 record 1 line 1 offset 0")
	f("packed twice", packed(t, packed(t, "{\"n\":1}\n")), "n=1 record 1 line 1 offset 0")
	f("cut off", packed(t, "{\"n\":1}\n")[:25], "n=1 record 1 line 1 offset 0", "!! cannot read \"f\": unexpected EOF")
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		f("UTF-16", inUTF16("\ufeff{\"n\":\"é😀\"}\n", order), "n=é😀 record 1 line 1 offset 0")
		f("UTF-16 without a mark", inUTF16("{\"n\":\"x\"}\n", order), "n=x record 1 line 1 offset 0")
	}
	f("half a character of UTF-16", "\xff\xfe{\x00\"\x00n\x00\"\x00:\x00\"\x00\x3d\xd8\"\x00}\x00\x3d", "n=\ufffd record 1 line 1 offset 0")
}

// oneByte gives a byte with each Read.
type oneByte struct{ source io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.source.Read(p[:min(1, len(p))]) }

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func inUTF16(text string, order binary.AppendByteOrder) string {
	var data []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		data = order.AppendUint16(data, unit)
	}
	return string(data)
}

func TestRefusals(t *testing.T) {
	f := func(text string, format Format, want string) {
		t.Helper()
		if _, err := New("f", strings.NewReader(text), format); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
	f("<Events>", Auto, "it is XML; export the log as .evtx, or as JSON")
	f("Feb 17 13:40:03", Auto, `neither a Windows event log nor JSON: it begins with 'F'`)
	f("{}", EVTX, "not a Windows event log")
	f("PK\x03\x04", Auto, "unpack it first")
	f(packed(t, packed(t, packed(t, "{}"))), Auto, "packed more than 2 times")
	f("\x1f\x8bxxxx", Auto, "cannot unpack")
	if _, err := Open(filepath.Join(t.TempDir(), "absent"), Auto); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
}

func TestArchive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.zip")
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name, text string) {
		member, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(member, text); err != nil {
			t.Fatal(err)
		}
	}
	add("__MACOSX/._one.json", "\x00\x05\x16\x07")
	add("one.json", "{\"n\":1}\n")
	add("note.txt", "hello")
	add("dir/two.json.gz", packed(t, "{\"n\":2}\n"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path, Auto)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want := []string{
		"n=1 record 1 line 1 offset 0",
		fmt.Sprintf(`! %s!note.txt: offset 0: cannot read "%s!note.txt": it is neither a Windows event log nor JSON: it begins with 'h'`,
			path, path),
		"n=2 record 1 line 1 offset 0",
	}
	if diff := cmp.Diff(want, readAll(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLongLines(t *testing.T) {
	line := strings.Repeat("x", maxRecord)
	for _, first := range []string{"{\"n\":1}\n", "{\n\"n\":1}\n"} {
		r, err := New("f", strings.NewReader(first+`{"n":"`+line+"\"}\n{\"n\":2}\n"), JSON)
		if err != nil {
			t.Fatal(err)
		}
		lines := readAll(r)
		if len(lines) != 3 || !strings.Contains(lines[1], "longer than 33554432 bytes") || !strings.HasPrefix(lines[2], "n=2 record 2") {
			t.Errorf("%.200q", lines)
		}
	}
}

// TestLongDocument has a record over several lines from a stream that gives little at a time.
func TestLongDocument(t *testing.T) {
	text := "{\n\"n\":1,\"x\":[\n" + strings.Repeat("1,\n", 2_000_000) + "1]}\n{\"n\":2}"
	start := time.Now()
	r, err := New("f", little{strings.NewReader(text)}, Auto)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"n=1 record 1 line 1 offset 0", "n=2 record 2 line 2000004 offset 6000018"}
	if diff := cmp.Diff(want, readAll(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("takes %v", took)
	}
}

// little gives some bytes with each Read.
type little struct{ source io.Reader }

func (l little) Read(p []byte) (int, error) { return l.source.Read(p[:min(1000, len(p))]) }

// FuzzReader reads anything to its end.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"{\"n\":1}\n{\"n\":2}\nx\n{", "[{\n\"n\":1},{\"n\":2}\n{\"n\"\n]", "\xff\xfe{\x00}\x00", "{\x00}\x00\n\x00", "\x1f\x8b\x08\x00",
		utf8Mark + "{}", "<a/>", evtxMagic + strings.Repeat("\x00", 5000), "{\n}{\n}\n}{\n\"\n{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := New("f", bytes.NewReader(data), Auto)
		if err != nil {
			return
		}
		var last Position
		for range 2*len(data) + 10 {
			record, err := r.Next()
			var problem *Problem
			switch {
			case errors.As(err, &problem):
				continue
			case err != nil:
				return
			}
			at := record.Position()
			if at.Record != last.Record+1 || at.Offset < last.Offset || at.Line < last.Line || at.Offset > int64(2*len(data)) {
				t.Fatalf("%q: %+v behind %+v", data, at, last)
			}
			last = at
		}
		t.Fatalf("%q: does not end", data)
	})
}
