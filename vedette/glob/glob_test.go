package glob

import (
	"regexp"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	f := func(pattern, s string, want bool) {
		t.Helper()
		if got := Match(pattern, s); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	}
	f("", "", true)
	f("", "a", false)
	f("*", "", true)
	f("*", "/usr/bin/cat", true)
	f("/usr/*/cat", "/usr/local/bin/cat", true)
	f("*/cat", "/usr/bin/catalogue", false)
	f("/usr/bin/ca?", "/usr/bin/cat", true)
	f("/usr/bin/ca?", "/usr/bin/ca", false)
	f("Reverse*", "reverse shell", true)
	f("a*b*c", "aXbXbXc", true)
	f("a*b*c", "aXbXbX", false)
	f("?", "ü", true)
	f("??", "ü", false)
	f("a[b]", "a[b]", true)
}

// The slow and obviously right answer: the pattern as a regular expression.
func oracle(pattern, s string) bool {
	quoted := regexp.QuoteMeta(strings.ToLower(pattern))
	quoted = strings.ReplaceAll(quoted, `\*`, `.*`)
	quoted = strings.ReplaceAll(quoted, `\?`, `.`)
	return regexp.MustCompile(`(?s)\A` + quoted + `\z`).MatchString(strings.ToLower(s))
}

func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("***", "x")
	f.Add("*a*a*a*b", strings.Repeat("a", 40))
	f.Add("?é", "éé")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 64 || len(s) > 256 || !ascii(pattern) || !ascii(s) {
			// Regular expressions read broken UTF-8 otherwise than byte for byte.
			Match(pattern, s)
			return
		}
		if got, want := Match(pattern, s), oracle(pattern, s); got != want {
			t.Errorf("Match(%q, %q) = %v, the oracle says %v", pattern, s, got, want)
		}
	})
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
