package rule

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendFolded(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := string(AppendFolded(nil, text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	f("", "")
	f("WhoAmI [@`{]", "whoami [@`{]")
	f("ÄPFEL", string(AppendFolded(nil, "äpfel")))
	f("ΣΑς", string(AppendFolded(nil, "σασ")))
	f("ta\u017f\u212a", "task")
	f("a\xff\xc3B", "a\xff\xc3b")
	f("\ufffd", "\ufffd")
	if got := string(AppendFolded([]byte("X"), "Y")); got != "Xy" {
		t.Errorf("got %q", got)
	}
}

// Two texts fold to the same exactly when they differ in case only.
func FuzzFold(f *testing.F) {
	f.Add("Straße", "STRASSE")
	f.Add("K", "\u212a")
	f.Add("\xff", "\ufffd")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		if got, want := string(AppendFolded(nil, a)) == string(AppendFolded(nil, b)), strings.EqualFold(a, b); got != want {
			t.Fatalf("%q and %q: got %v, want %v", a, b, got, want)
		}
	})
}
