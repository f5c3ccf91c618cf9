package plain_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/vedette-edr/vedette/analyzer/plain"
)

func TestText(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := plain.Text(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
	f("", "")
	f(`C:\größe "x"`, `C:\größe "x"`)
	f("\x1b[2J\n", `\x1b[2J\n`)
	f("a\u202eb\xff", `a\u202eb\xff`)
}

func FuzzText(f *testing.F) {
	f.Add("\x1b]0;x\x07\u009b\U000e0041\xc3\x28")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsFunc(plain.Text(text), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q gives %q", text, plain.Text(text))
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add("a\x1b\u009b\u202e\U000e0041\ufffd \xff\n")
	f.Fuzz(func(t *testing.T, text string) {
		document, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		safe := plain.JSON(append(document, '\n'))
		if strings.ContainsFunc(strings.TrimSuffix(string(safe), "\n"), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q gives %q", text, safe)
		}
		var before, after string
		if err := errors.Join(json.Unmarshal(document, &before), json.Unmarshal(safe, &after)); err != nil || before != after {
			t.Errorf("%q became %q, %v", before, after, err)
		}
	})
}
