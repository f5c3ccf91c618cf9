package alerts

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/vedette/alertlog"
	"github.com/vedette-edr/vedette/vedette/term"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", path, diff)
	}
}

func alert(change func(*ecs.Alert)) *ecs.Alert {
	a := &ecs.Alert{
		Timestamp: time.Date(2026, 1, 31, 12, 30, 15, 123e6, time.UTC),
		Event:     ecs.Event{ID: "abcdefghijklmnopqrst", Kind: "alert", Severity: 73},
		Rule:      ecs.Rule{ID: "5f0a2f5e-0000-0000-0000-000000000001", Name: "Shell through /dev/tcp"},
		Threat: &ecs.Threat{Technique: &ecs.Technique{
			ID: []string{"T1059", "T1071"}, Subtechnique: &ecs.Subtechnique{ID: []string{"T1059.004"}},
		}},
		Process: &ecs.Process{
			PID: 4242, Name: "bash", Executable: "/usr/bin/bash",
			CommandLine: "bash -c 'cat /dev/null > /dev/tcp/127.0.0.1/9'",
		},
		User: &ecs.User{ID: "1000", Name: "anna"},
		Vedette: ecs.Vedette{
			Level: "high",
			Ancestors: []ecs.Ancestor{
				{PID: 4000, Name: "bash"}, {PID: 900, Name: "sshd"}, {PID: 1, Name: "systemd"},
			},
			AncestorsCount: 3,
		},
	}
	change(a)
	return a
}

// samples covers what an alert can have and lack.
func samples() []*ecs.Alert {
	return []*ecs.Alert{
		alert(func(*ecs.Alert) {}),
		alert(func(a *ecs.Alert) {
			a.Vedette.Level = "critical"
			a.User.Effective = &ecs.Account{ID: "0", Name: "root"}
			a.Vedette.Script = &ecs.File{Path: "/tmp/run.sh"}
			for pid := range uint32(20) {
				a.Vedette.Ancestors = append(a.Vedette.Ancestors, ecs.Ancestor{PID: 2000 + pid, Name: "nest"})
			}
			a.Vedette.AncestorsCount = 3000
		}),
		alert(func(a *ecs.Alert) {
			a.Vedette.Level = "low"
			a.Threat, a.User, a.Vedette.Ancestors = nil, nil, nil
			a.Process.CommandLine = ""
			a.Process.Parent = &ecs.Process{PID: 7, Executable: "/sbin/init"}
		}),
		alert(func(a *ecs.Alert) {
			hostile := "\x1b]0;owned\x07\n\u202e\u009b2J"
			a.Vedette.Level = "medium" + hostile
			a.Rule.Name, a.Event.ID, a.User.Name = hostile, hostile, hostile
			a.Process.CommandLine = hostile + strings.Repeat("A", 1000)
			a.Process.Executable = hostile
			a.Threat.Technique.ID = []string{hostile}
			a.Vedette.Ancestors[0].Name = hostile
			a.Vedette.Summary = hostile + strings.Repeat("A", 1000)
		}),
		alert(func(a *ecs.Alert) {
			a.Rule.Name = "Cron File"
			a.File = &ecs.FileFields{Path: "/etc/cron.d/x"}
			a.Vedette.Summary = "/etc/cron.d/x (write, created)"
		}),
		alert(func(a *ecs.Alert) {
			a.Rule.Name = "Process Traced"
			a.Vedette.Target = &ecs.Process{PID: 12, Name: "sshd"}
			a.Vedette.Summary = "PTRACE_ATTACH -> sshd (pid 12)"
		}),
		{},
	}
}

func TestFormat(t *testing.T) {
	var b strings.Builder
	for _, a := range samples() {
		b.WriteString(Format(a, term.Palette{}, time.UTC))
	}
	golden(t, "alerts.txt", b.String())
}

func TestColours(t *testing.T) {
	text := Format(alert(func(*ecs.Alert) {}), term.Always(), time.UTC)
	golden(t, "colours.txt", strings.ReplaceAll(text, "\x1b", "ESC"))
}

func TestNothingReachesTheTerminalUnescaped(t *testing.T) {
	for _, a := range samples() {
		for _, r := range strings.ReplaceAll(Format(a, term.Palette{}, time.UTC), "\n", "") {
			if !unicode.IsPrint(r) {
				t.Errorf("%U is printed", r)
			}
		}
	}
}

func TestTitles(t *testing.T) {
	f := func(want string, change func(*ecs.Alert)) {
		t.Helper()
		a := alert(change)
		a.Vedette.Summary = "SUMMARY"
		if text := Format(a, term.Palette{}, time.UTC); !strings.Contains(text, fmt.Sprintf("\n  %-8s SUMMARY\n", want)) {
			t.Errorf("want a line %q:\n%s", want, text)
		}
	}
	file := &ecs.FileFields{Path: "/x"}
	f("event", func(*ecs.Alert) {})
	f("file", func(a *ecs.Alert) { a.File = file })
	f("target", func(a *ecs.Alert) { a.Vedette.Target = &ecs.Process{PID: 1} })
	f("memory", func(a *ecs.Alert) { a.Vedette.Memory = &ecs.Memory{} })
	f("identity", func(a *ecs.Alert) { a.Vedette.Credential = &ecs.CredentialChange{} })
	f("identity", func(a *ecs.Alert) { a.Vedette.Namespace = &ecs.NamespaceChange{} })
	f("identity", func(a *ecs.Alert) { a.Vedette.Session = &ecs.Session{} })
	f("kernel", func(a *ecs.Alert) { a.Vedette.Kernel, a.File = &ecs.Kernel{}, file })
	f("mount", func(a *ecs.Alert) { a.Vedette.Mount = &ecs.Mount{} })
	f("socket", func(a *ecs.Alert) { a.Vedette.Socket, a.File = &ecs.Socket{}, file })
}

func TestFilter(t *testing.T) {
	a := alert(func(a *ecs.Alert) {
		a.User.Effective = &ecs.Account{ID: "0", Name: "root"}
		a.Vedette.Script = &ecs.File{Path: "/tmp/run.sh"}
	})
	f := func(filter Filter, want bool) {
		t.Helper()
		if err := filter.Check(); err != nil {
			t.Fatal(err)
		}
		if got := filter.Match(a); got != want {
			t.Errorf("%+v: %v, want %v", filter, got, want)
		}
	}
	f(Filter{}, true)
	f(Filter{Level: "informational"}, true)
	f(Filter{Level: "high"}, true)
	f(Filter{Level: "critical"}, false)
	f(Filter{Rule: "shell*"}, true)
	f(Filter{Rule: "5F0A2F5E-*"}, true)
	f(Filter{Rule: "shell"}, false)
	f(Filter{User: "anna"}, true)
	f(Filter{User: "1000"}, true)
	f(Filter{User: "root"}, true)
	f(Filter{User: "ann"}, false)
	f(Filter{Process: "*/bash"}, true)
	f(Filter{Process: "bash"}, true)
	f(Filter{Process: "/tmp/*.sh"}, true)
	f(Filter{Process: "zsh"}, false)
	f(Filter{Level: "high", Rule: "shell*", User: "anna", Process: "zsh"}, false)
	a.User, a.Process = nil, nil
	f(Filter{User: "*"}, false)
	f(Filter{Process: "*"}, false)
	if err := (Filter{Level: "severe"}).Check(); err == nil || !strings.Contains(err.Error(), "critical") {
		t.Errorf("an unknown level gives %v", err)
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	f := func(text string, want time.Time) {
		t.Helper()
		got, err := since(text, now)
		if err != nil || !got.Equal(want) {
			t.Errorf("since(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	f("", time.Time{})
	f("10m", now.Add(-10*time.Minute))
	f("2026-01-30T08:00:00Z", time.Date(2026, 1, 30, 8, 0, 0, 0, time.UTC))
	f("2026-01-30T08:00:00.5+01:00", time.Date(2026, 1, 30, 7, 0, 0, 5e8, time.UTC))
	f("2026-01-30 08:00:00", time.Date(2026, 1, 30, 8, 0, 0, 0, time.Local))
	f("2026-01-30", time.Date(2026, 1, 30, 0, 0, 0, 0, time.Local))
	for _, text := range []string{"yesterday", "-10m", "10", "2026-13-01"} {
		if _, err := since(text, now); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("since(%q) gives %v", text, err)
		}
	}
}

func record(t *testing.T, a *ecs.Alert) alertlog.Record {
	t.Helper()
	doc, err := ecs.Encode(a)
	if err != nil {
		t.Fatal(err)
	}
	return alertlog.Record{Sequence: 5, ID: a.Event.ID, Data: doc}
}

func TestJSONIsOneSafeLineWithTheSameMeaning(t *testing.T) {
	for _, a := range samples() {
		var out strings.Builder
		p := Printer{Out: &out, Zone: time.UTC, JSON: true, Trouble: func(err error) { t.Error(err) }}
		rec := record(t, a)
		if err := p.Print(rec); err != nil {
			t.Fatal(err)
		}
		line, ok := strings.CutSuffix(out.String(), "\n")
		if !ok || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("the line is not safe: %q", out.String())
		}
		var before, after any
		if err := errors.Join(json.Unmarshal(rec.Data, &before), json.Unmarshal([]byte(line), &after)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Error(diff)
		}
	}
}

func TestPrinter(t *testing.T) {
	var out strings.Builder
	var troubles []string
	p := Printer{
		Out: &out, Zone: time.UTC, Filter: Filter{Level: "high"}, Limit: 2,
		Trouble: func(err error) { troubles = append(troubles, err.Error()) },
	}
	f := func(rec alertlog.Record, want error) {
		t.Helper()
		if err := p.Print(rec); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	f(record(t, samples()[0]), nil)
	f(record(t, samples()[2]), nil) // filtered away
	f(alertlog.Record{Sequence: 7, Data: []byte("{broken")}, nil)
	f(record(t, samples()[1]), alertlog.ErrStop)
	if n := strings.Count(out.String(), "  alert "); n != 2 {
		t.Errorf("%d alerts are printed:\n%s", n, out.String())
	}
	if len(troubles) != 1 || !strings.Contains(troubles[0], "alert 7") {
		t.Errorf("troubles: %v", troubles)
	}
	broken := Printer{Out: brokenPipe{}, Zone: time.UTC}
	if err := broken.Print(record(t, samples()[0])); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a broken output gives %v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func FuzzPrint(f *testing.F) {
	for _, a := range samples() {
		doc, err := ecs.Encode(a)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	f.Add([]byte(`{"@timestamp":"2026-01-01T00:00:00Z","rule":null,"vedette":{"ancestors":[{}]}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, asJSON := range []bool{false, true} {
			var out strings.Builder
			p := Printer{Out: &out, Zone: time.UTC, JSON: asJSON, Trouble: func(error) {}}
			if err := p.Print(alertlog.Record{Data: doc}); err != nil {
				t.Fatal(err)
			}
			for _, r := range strings.ReplaceAll(out.String(), "\n", "") {
				if !unicode.IsPrint(r) {
					t.Fatalf("%U is printed for %q", r, doc)
				}
			}
		}
	})
}
