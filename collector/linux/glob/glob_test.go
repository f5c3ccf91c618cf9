package glob

import (
	"regexp"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	f := func(pattern, path string, want bool) {
		t.Helper()
		p, err := Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match([]byte(path)); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, path, got, want)
		}
	}
	f("/etc/shadow", "/etc/shadow", true)
	f("/etc/shadow", "/etc/shadow-", false)
	f("/etc/shadow", "/x/etc/shadow", false)
	f("/home/*/.ssh/id_*", "/home/a/.ssh/id_rsa", true)
	f("/home/*/.ssh/id_*", "/home/a/b/.ssh/id_rsa", false)
	f("/home/*/.ssh/id_*", "/home/a/.ssh/id_x/y", false)
	f("**/.ssh/id_*", "/root/.ssh/id_ed25519", true)
	f("**/.ssh/id_*", "/.ssh/id_", true)
	f("**/serviceaccount/**/token", "/run/secrets/kubernetes.io/serviceaccount/..data/token", true)
	f("**/a*b/c", "/a/aXb/ab/c", true)
	f("/proc/*/mem", "/proc/12/mem", true)
	f("/proc/*/mem", "/proc/12/task/12/mem", false)
}

func TestParseRefusesWhatTheKernelSideCannotKnow(t *testing.T) {
	for _, text := range []string{"", "etc/shadow", "/etc/", "/*", "**", "/a/*/*", "/a\x00b"} {
		if p, err := Parse(text); err == nil {
			t.Errorf("%q is taken as %q", text, p)
		}
	}
}

func FuzzSet(f *testing.F) {
	f.Add("/a*b/**/c", "/etc/x*", "/axb/c/c")
	f.Add("**/x", "/a/**", "/a/b/c")
	f.Add("**/keyrings/*", "/proc/*/mem", "/home/u/keyrings/k")
	f.Fuzz(func(t *testing.T, one, other, path string) {
		var patterns []Pattern
		for _, text := range []string{one, other} {
			if p, err := Parse(text); err == nil {
				patterns = append(patterns, p)
			}
		}
		if got, want := NewSet(patterns).Match([]byte(path)), anyMatches(patterns, []byte(path)); got != want {
			t.Errorf("the set of %q matches %q: %v, want %v", patterns, path, got, want)
		}
	})
}

// A set of the size that a collector has, and a path that none of it means.
func BenchmarkSet(b *testing.B) {
	var patterns []Pattern
	for _, text := range []string{
		"/etc/shadow", "/etc/gshadow", "/etc/krb5.keytab", "/etc/ssh/ssh_host_*_key", "**/.ssh/id_*", "**/.aws/credentials", "**/.kube/config",
		"**/.netrc", "**/.pgpass", "**/Login Data", "**/Cookies", "**/key4.db", "**/logins.json", "**/keyrings/*", "/proc/*/mem", "/dev/mem",
	} {
		p, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		patterns = append(patterns, p)
	}
	path, set := []byte("/home/user/src/project/build/objects/module.o"), NewSet(patterns)
	b.Run("set", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if set.Match(path) {
				b.Fatal("it matches")
			}
		}
	})
	b.Run("one by one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if anyMatches(patterns, path) {
				b.Fatal("it matches")
			}
		}
	})
}

// A regular expression is the slow and obvious way.
func FuzzMatch(f *testing.F) {
	f.Add("/a*b/**/c", "/axb/c/c")
	f.Add("**/x", "/x")
	f.Add("/***x/y", "/ax/y")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern) > 40 || len(path) > 60 {
			return
		}
		p, err := Parse(pattern)
		if err != nil {
			return
		}
		quoted := regexp.QuoteMeta(pattern)
		quoted = strings.ReplaceAll(quoted, `\*\*`, "(?s:.*)")
		quoted = strings.ReplaceAll(quoted, `\*`, "[^/]*")
		re, err := regexp.Compile("^(?s:" + quoted + ")$")
		if err != nil {
			return
		}
		if got, want := p.Match([]byte(path)), re.MatchString(path); got != want && strings.ToValidUTF8(path, "") == path && strings.ToValidUTF8(pattern, "") == pattern {
			t.Errorf("%q matches %q: %v, want %v", pattern, path, got, want)
		}
	})
}
