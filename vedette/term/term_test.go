package term

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

func TestEscape(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
	f("", "")
	f("cat /etc/passwd", "cat /etc/passwd")
	f("größe 日本", "größe 日本")
	f("\x1b]0;owned\x07", `\x1b]0;owned\x07`)
	f("a\nb\tc\rd", `a\nb\tc\rd`)
	f("\x7f\x00", `\x7f\x00`)
	f("\x9b31m", `\x9b31m`)       // C1 control as a raw byte
	f("\u009b31m", `\u009b31m`)   // the same as a character
	f("a\u202eb", `a\u202eb`)     // right-to-left override
	f("a\u200bb", `a\u200bb`)     // zero-width space
	f("\U000e0041", `\U000e0041`) // invisible tag
	f(`C:\x1b`, `C:\\x1b`)
	f("\xff\xfe", `\xff\xfe`)
}

func TestClip(t *testing.T) {
	f := func(in string, limit int, want string) {
		t.Helper()
		if got := Clip(in, limit); got != want {
			t.Errorf("Clip(%q, %d) = %q, want %q", in, limit, got, want)
		}
	}
	f("abc", 3, "abc")
	f("abcd", 3, "abc… (+1 bytes)")
	f("ööö", 3, "ööö")
	f("öööö", 3, "ööö… (+2 bytes)")
	f("\x1b\x1b", 1, `\x1b… (+1 bytes)`)
	f(strings.Repeat("x", 300_000), 2, "xx… (+299998 bytes)")
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[2J", `back\slash`, "\xc3\x28", "\u2028", "\U000e0001", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := Escape(s)
		for _, r := range out {
			if !unicode.IsPrint(r) {
				t.Fatalf("Escape(%q) = %q holds %U", s, out, r)
			}
		}
		if back := unescape(t, out); back != s {
			t.Fatalf("Escape(%q) = %q reads back as %q", s, out, back)
		}
	})
}

func unescape(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	for s != "" {
		r, multibyte, rest, err := strconv.UnquoteChar(s, 0)
		if err != nil {
			t.Fatalf("%q does not read back: %v", s, err)
		}
		if multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		s = rest
	}
	return b.String()
}

func TestColoursOnlyOnATerminal(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	if got := Colours(&bytes.Buffer{}, false).Red("x"); got != "x" {
		t.Errorf("a buffer gets colour: %q", got)
	}
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if IsTerminal(file) {
		t.Error("a file counts as a terminal")
	}
	if got, want := Always().Red("x"), "\x1b[31mx\x1b[0m"; got != want {
		t.Errorf("Always colours %q, want %q", got, want)
	}
	if got := Always().Bold(""); got != "" {
		t.Errorf("empty text is coloured: %q", got)
	}
}

func TestLevels(t *testing.T) {
	p := Always()
	seen := map[string]string{}
	for _, level := range []string{"informational", "low", "medium", "high", "critical"} {
		painted := p.Level(level, "x")
		if other, ok := seen[painted]; ok {
			t.Errorf("levels %s and %s look the same", level, other)
		}
		seen[painted] = level
	}
}

func FuzzEscapeJSON(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[2J", "\u009b31m", "\u202e", "\U000e0041", "\xff", "\u2028 \ufffd", `"\"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc, err := json.Marshal(map[string]string{"text": s})
		if err != nil {
			t.Fatal(err)
		}
		safe := EscapeJSON(doc)
		for _, r := range string(safe) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q holds %U", safe, r)
			}
		}
		var before, after map[string]string
		if err := errors.Join(json.Unmarshal(doc, &before), json.Unmarshal(safe, &after)); err != nil {
			t.Fatal(err)
		}
		if before["text"] != after["text"] {
			t.Errorf("%q became %q", before["text"], after["text"])
		}
	})
}
