package interest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/interest"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

func parse(tb testing.TB, logsource, detection string) []*rule.Rule {
	tb.Helper()
	document := "title: A rule\nid: 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11\nlogsource: {" + logsource + "}\ndetection:\n" + detection
	set, problems := rule.Parse(rule.Options{}, "x.yml", []byte(document))
	if len(set.Rules) != 1 {
		tb.Fatalf("%s\nproblems: %v", document, problems)
	}
	return set.Rules
}

const (
	access = "category: file_access, product: linux"
	audit  = "service: auditd, product: linux"
)

// A rule asks for the files that it can match, and for no others.
func TestReadPaths(t *testing.T) {
	const unbounded = "!"
	f := func(logsource, detection string, want ...string) {
		t.Helper()
		if !strings.Contains(detection, "condition:") {
			detection = "  a:\n    " + detection + "\n  condition: a\n"
		}
		got := interest.Of(parse(t, logsource, detection))
		asked := got.ReadPaths
		if len(got.Problems) > 0 {
			asked = append(asked, unbounded)
		}
		if !slices.Equal(asked, want) {
			t.Errorf("%s\n%s asks for %q, want %q", logsource, detection, asked, want)
		}
	}
	f(access, "TargetFilename: /etc/shadow", "/etc/shadow")
	f(access, "FileName: [/etc/shadow, /etc/gshadow]", "/etc/gshadow", "/etc/shadow")
	f(access, "TargetFilename|endswith: /shadow", "**/shadow")
	f(access, "TargetFilename|endswith: shadow", unbounded)
	f(access, "TargetFilename|contains: /.ssh/", "**/.ssh/*")
	f(access, "TargetFilename|contains: /.ssh/id_", "**/.ssh/id_*")
	f(access, "TargetFilename|contains: id_rsa", unbounded)
	f(access, "TargetFilename|startswith: /etc/pam.d/", "/etc/pam.d/*")
	f(access, "TargetFilename|startswith: /etc", unbounded)
	f(access, "TargetFilename: '/proc/*/mem'", "/proc/**/mem")
	f(access, "TargetFilename: '/proc/?/mem'", "/proc/*/mem")
	f(access, "TargetFilename: '?etc/shadow'", "**etc/shadow")
	f(access, "TargetFilename: '*'", unbounded)
	f(access, "TargetFilename: 'C:\\x'")
	f(access, "TargetFilename: /etc/")
	f(access, "TargetFilename|exists: true", unbounded)
	f(access, "TargetFilename|contains|all: [/.ssh/, id_]", "**/.ssh/*")
	f(access, "TargetFilename|re: '/\\.ssh/id_[a-z0-9]+$'", "**/.ssh/id_*")
	f(access, "TargetFilename|re: '^/etc/(g?shadow|passwd)$'", "/etc/gshadow", "/etc/passwd", "/etc/shadow")
	f(access, "TargetFilename|re: '^/home/[^/]+/\\.aws/credentials$'", "/home/*/.aws/credentials")
	f(access, "TargetFilename|re: '(?i)^/ETC/shadow$'", "/etc/shadow")
	f(access, "TargetFilename|re: '(^|/)etc/[ab]$'", "**/etc/a", "**/etc/b")
	f(access, "TargetFilename|re: 'pass'", unbounded)
	f(access, "TargetFilename|re: '/etc/.{3,}'", "**/etc/*")
	f(access, "Image|endswith: /cat", unbounded)
	f(access, "Image|endswith: /cat\n    TargetFilename|endswith: /shadow", "**/shadow")
	f(access, "- secret", unbounded)
	f("category: file_event, product: linux", "TargetFilename|contains: x")
	f("category: process_creation, product: linux", "Image: /x")
	f("category: file_access, product: windows", "TargetFilename: /etc/shadow")

	// Conditions: what has to hold counts, and one of what may.
	f(access, "  a:\n    TargetFilename: /etc/a\n  b:\n    TargetFilename: /etc/b\n  condition: a or b\n", "/etc/a", "/etc/b")
	f(access, "  a:\n    TargetFilename: /etc/a\n  b:\n    Image: /b\n  condition: a or b\n", unbounded)
	f(access, "  a:\n    TargetFilename: /etc/a\n  b:\n    Image: /b\n  condition: a and b\n", "/etc/a")
	f(access, "  a:\n    TargetFilename: [/etc/a, /etc/b]\n  b:\n    FileName: /etc/c\n  condition: a and b\n", "/etc/c")
	f(access, "  a:\n    TargetFilename: /etc/a\n  b:\n    TargetFilename: /etc/b\n  condition: a and not b\n", "/etc/a")
	f(access, "  a:\n    TargetFilename: /etc/a\n  condition: not a\n", unbounded)
	f(access, "  a:\n    TargetFilename: /etc/a\n  condition: not (not a)\n", "/etc/a")
	f(access, "  a:\n    TargetFilename|neq: /etc/a\n  condition: not a\n", "/etc/a")
	f(access, "  a:\n    TargetFilename|neq: /etc/a\n  b:\n    TargetFilename|neq: /etc/b\n  condition: not (a and b)\n", "/etc/a", "/etc/b")
	f(access, "  a:\n    TargetFilename|neq: /etc/a\n  condition: a\n", unbounded)

	// The audit daemon's rules look at more than openings; only what can be one counts.
	f(audit, "type: PATH\n    name: /etc/issue", "/etc/issue")
	f(audit, "type: EXECVE\n    a0: cat")
	f(audit, "type: SYSCALL\n    exe|startswith: /tmp")
	f(audit, "type: PATH\n    name|startswith: /tmp", unbounded)
	f(audit, "type: PATH\n    name|startswith: /tmp\n    nametype: CREATE")
	f(audit, "- secret")
	f(audit, "  a:\n    type: EXECVE\n    a0: cat\n  b:\n    type: PATH\n    name: /etc/issue\n  condition: 1 of them\n", "/etc/issue")
	f("product: linux", "- secret")
}

// What a rule for the audit daemon is tagged with tells whether it means reading.
func TestTagsTellWhetherReadingIsMeant(t *testing.T) {
	f := func(logsource string, want bool, tags ...string) {
		t.Helper()
		rules := parse(t, logsource, "  a:\n    name: /etc/passwd\n  condition: a\n")
		rules[0].Tags = tags
		if got := len(interest.Of(rules).ReadPaths) > 0; got != want {
			t.Errorf("%s with %q asks for reading: %t, want %t", logsource, tags, got, want)
		}
	}
	f(audit, true)
	f(audit, true, "cve.2026-1")
	f(audit, true, "attack.discovery", "attack.t1087.001")
	f(audit, true, "attack.credential-access", "attack.T1552.001")
	f(audit, false, "attack.persistence", "attack.t1546.004")
	f(audit, false, "attack.credential-access", "attack.t1056.001")
	f(access, true, "attack.persistence", "attack.t1546.004")
}

func TestFailedOpens(t *testing.T) {
	f := func(logsource, item string, want bool) {
		t.Helper()
		got := interest.Of(parse(t, logsource, "  a:\n    "+item+"\n  condition: a\n"))
		if got.FailedOpens != want || got.Message().FailedOpens != want {
			t.Errorf("%s, %s: asks for failures: %t, want %t", logsource, item, got.FailedOpens, want)
		}
	}
	f(audit, "type: PATH\n    name: /etc/shadow", false)
	f(audit, "SYSCALL: openat\n    success: 'no'", true)
	f(audit, "SYSCALL: openat\n    success: 'yes'", false)
	f(audit, "SYSCALL: openat\n    success: 'no'\n    exit: [-13, -1]", false)
	f(audit, "SYSCALL: openat\n    success: 'no'\n    exit: [-13, -2]", true)
	f(audit, "SYSCALL: ptrace\n    success: 'no'", false)
	f("category: file_open_failed, product: linux", "name: /x", true)
	f(access, "TargetFilename: /etc/shadow", false)
}

func TestOnlySoMuchCanBeAskedFor(t *testing.T) {
	var many, few strings.Builder
	many.WriteString("  a:\n    TargetFilename:\n")
	for n := range 1025 {
		many.WriteString("      - /etc/" + strings.Repeat("x", n%500+1) + string(rune('a'+n/500)) + "\n")
	}
	few.WriteString("  a:\n    TargetFilename: /etc/" + strings.Repeat("y", 2000) + "\n  condition: a\n")
	many.WriteString("  condition: a\n")
	for _, detection := range []string{many.String(), few.String()} {
		got := interest.Of(slices.Concat(parse(t, access, detection), parse(t, access, "  a:\n    TargetFilename: /etc/shadow\n  condition: a\n")))
		if len(got.Problems) != 1 || !slices.Equal(got.ReadPaths, []string{"/etc/shadow"}) {
			t.Errorf("asks for %d paths with problems %v", len(got.ReadPaths), got.Problems)
		}
	}
}

// Whatever SigmaHQ's rules ask for can be found by a part of the path that is written out.
func TestInterestOfTheCorpus(t *testing.T) {
	set, _, err := rule.Load(rule.Options{}, sigmatest.Corpus(t, "sigma/rules/linux"))
	if err != nil {
		t.Fatal(err)
	}
	got := interest.Of(set.Rules)
	if len(got.ReadPaths) < 10 {
		t.Errorf("the rules ask for %q", got.ReadPaths)
	}
	for _, path := range got.ReadPaths {
		parts := strings.Split(path, "/")
		last, above := parts[len(parts)-1], parts[len(parts)-2]
		if strings.Contains(last, "*") && (above == "" || strings.Contains(above, "*")) {
			t.Errorf("%q has no part that is written out", path)
		}
	}
	t.Logf("%q\n%s", got.ReadPaths, fmt.Sprint(got.Problems))
}

// FuzzReadPaths lets the values of a rule be anything: what is asked for keeps the form that a collector takes.
func FuzzReadPaths(f *testing.F) {
	f.Add("/etc/shadow", "^/a/(b|c)*$")
	f.Add("*?\\*", "[^/]{2,}(?i)x|")
	f.Fuzz(func(t *testing.T, text, expression string) {
		if strings.ContainsAny(text+expression, "'\r\n\x00") || strings.TrimSpace(text) == "" || strings.TrimSpace(expression) == "" {
			return
		}
		set, _ := rule.Parse(rule.Options{}, "x.yml", []byte("title: A\nlogsource: {"+access+"}\ndetection:\n  a:\n    name: '"+text+
			"'\n  b:\n    name|re: '"+expression+"'\n  condition: a or b\n"))
		for _, path := range interest.Of(set.Rules).ReadPaths {
			parts := strings.Split(path, "/")
			if len(parts) < 2 || !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "**") {
				t.Fatalf("%q is no absolute path", path)
			}
			last, above := parts[len(parts)-1], parts[len(parts)-2]
			if last == "" || strings.Contains(last, "*") && (above == "" || strings.Contains(above, "*")) {
				t.Errorf("%q has no part that is written out", path)
			}
		}
	})
}
