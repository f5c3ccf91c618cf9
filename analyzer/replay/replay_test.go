package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/replay"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/usage"
)

const windowsRules = `title: Shell on Windows
id: 6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1b
status: test
level: high
tags: [attack.execution]
logsource: {category: process_creation, product: windows}
detection: {selection: {Image|endswith: '\cmd.exe'}, condition: selection}
---
title: Anything on Windows
id: 6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1c
level: low
logsource: {product: windows}
detection: {selection: {Image|endswith: '.exe'}, condition: selection}
`

func sysmon(image string) string {
	return fmt.Sprintf(`{"Channel": "Microsoft-Windows-Sysmon/Operational", "SourceName": "Microsoft-Windows-Sysmon", "EventID": 1, `+
		`"EventRecordID": 5, "Computer": "pc", "UtcTime": "2026-01-02 03:04:05.678", "Image": %q}`, image)
}

func TestWhatAnAlertSays(t *testing.T) {
	dir := t.TempDir()
	rules := write(t, filepath.Join(dir, "rules.yml"), windowsRules)
	events := write(t, filepath.Join(dir, "events.json"), sysmon("x")+"\n"+sysmon(`C:\`+"\u009b\u202e"+`\cmd.exe`))
	stdout, stderr, err := run(t, "--rules", rules, events)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	line, _, _ := strings.Cut(stdout, "\n")
	if strings.ContainsAny(line, "\u009b\u202e") {
		t.Errorf("the terminal is in danger: %q", line)
	}
	var got, want any
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatal(err)
	}
	event := got.(map[string]any)["event"].(map[string]any)
	if id, ok := event["id"].(string); !ok || len(id) != 20 {
		t.Errorf("id %v", event["id"])
	}
	delete(event, "id")
	err = json.Unmarshal(fmt.Appendf(nil, `{
		"@timestamp": "2026-01-02T03:04:05.678Z",
		"event": {"kind": "alert", "code": "1", "provider": "Microsoft-Windows-Sysmon", "file": %q, "position": 2, "line": 2, "time": "2026-01-02T03:04:05.678Z"},
		"rule": {"id": "6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1b", "name": "Shell on Windows", "file": %q},
		"tags": ["attack.execution"],
		"host": {"name": "pc"},
		"winlog": {"channel": "Microsoft-Windows-Sysmon/Operational", "provider_name": "Microsoft-Windows-Sysmon", "event_id": 1, "record_id": "5"},
		"vedette": {"level": "high", "matched": [{"field": "Image", "value": "C:\\\u009b\u202e\\cmd.exe", "pattern": "\\cmd.exe"}]}
	}`, events, rules), &want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{
		"2 rules loaded, 0 refused, 0 skipped\n", "2 events in 1 file, 2 alerts of 2 rules, in ", "1  high           Shell on Windows (6f2f0d5e",
	} {
		if !strings.Contains(stderr, text) {
			t.Errorf("no %q in the summary:\n%s", text, stderr)
		}
	}
}

// A new process of the Security log is shown in two ways, and is still one event.
func TestARuleAlertsOnceForAnEvent(t *testing.T) {
	dir := t.TempDir()
	rules := write(t, filepath.Join(dir, "rules.yml"), `title: Any new process
id: 6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1e
logsource: {product: windows}
detection: {selection: {NewProcessName|endswith: '.exe'}, condition: selection}
`)
	events := write(t, filepath.Join(dir, "events.json"), `{"Channel": "Security", "EventID": 4688, "NewProcessName": "a.exe"}`)
	if alerts := replayed(t, "--rules", rules, events)[events]; len(alerts) != 1 {
		t.Errorf("%d alerts: %+v", len(alerts), alerts)
	}
}

func TestLongValuesAreCut(t *testing.T) {
	dir := t.TempDir()
	rules := write(t, filepath.Join(dir, "rules.yml"), windowsRules)
	events := write(t, filepath.Join(dir, "events.json"), sysmon(strings.Repeat("ö", 50_000)+".exe"))
	stdout, _, err := run(t, "--rules", rules, events)
	if err != nil || len(stdout) > 20_000 || !strings.Contains(stdout, `"value_size":100004`) {
		t.Errorf("%v, %d bytes", err, len(stdout))
	}
}

func TestWhatCannotBeReadIsToldAndPassedOver(t *testing.T) {
	dir := t.TempDir()
	rules := write(t, filepath.Join(dir, "rules.yml"), windowsRules+"---\ntitle: broken\n")
	events := write(t, filepath.Join(dir, "events.json"), sysmon("a.exe")+"\n{broken\n"+`{"some": "thing"}`+"\n"+sysmon("b.exe"))
	text := write(t, filepath.Join(dir, "events.txt"), "no events")
	missing := filepath.Join(dir, "missing")
	stdout, stderr, err := run(t, "--rules", rules, text, missing, events)
	if err == nil || usage.Is(err) || strings.Count(stdout, "\n") != 2 {
		t.Errorf("%v: %s", err, stdout)
	}
	for _, want := range []string{
		"2 rules loaded, 1 refused", "rules.yml:", text + `": it is neither`, missing + ": no such file", "events.json:2: ",
		"3 events in 3 files, 2 alerts of 1 rules", "1 events have no log source and were matched against nothing; name it with --logsource",
		"1 places in the files could not be read", "2 files could not be read",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in\n%s", want, stderr)
		}
	}
	if _, stderr, err = run(t, "--rules", rules, write(t, filepath.Join(dir, "all.json"), strings.Repeat("{broken\n", 500))); err == nil ||
		strings.Count(stderr, "all.json") != 50 || !strings.Contains(stderr, "and 450 more problems like these") {
		t.Errorf("%v: %s", err, stderr)
	}
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	rules := write(t, filepath.Join(dir, "rules.yml"), windowsRules)
	none := write(t, filepath.Join(dir, "none.yml"), "title: broken\n")
	events := write(t, filepath.Join(dir, "events.json"), sysmon("a.exe"))
	f := func(want string, args ...string) {
		t.Helper()
		stdout, _, err := run(t, args...)
		if !usage.Is(err) || !strings.Contains(err.Error(), want) || stdout != "" {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	f("at least one file", "--rules", rules)
	f("--rules DIR", events)
	f("cannot load rules", "--rules", filepath.Join(dir, "missing"), events)
	f("no rule loads", "--rules", none, events)
	f("unknown format", "--rules", rules, "--format", "xml", events)
	f("not of the form", "--rules", rules, "--logsource", "windows", events)
}

// closed is an output that nobody reads.
type closed struct{}

var errClosed = errors.New("nobody reads")

func (closed) Write([]byte) (int, error) { return 0, errClosed }

func TestReplayEndsWithItsOutputOrItsContext(t *testing.T) {
	dir := t.TempDir()
	set, _, err := rule.Load(rule.Options{}, write(t, filepath.Join(dir, "rules.yml"), windowsRules))
	if err != nil {
		t.Fatal(err)
	}
	compiled := engine.New(set.Rules, engine.Options{})
	events := write(t, filepath.Join(dir, "events.json"), strings.Repeat(sysmon("a.exe")+"\n", 5000))
	sum, err := replay.Run(t.Context(), compiled, []string{events, events}, replay.Options{}, closed{})
	if !errors.Is(err, errClosed) || sum.Events > 4000 {
		t.Errorf("after %d events: %v", sum.Events, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if sum, err := replay.Run(ended, compiled, []string{events}, replay.Options{}, io.Discard); !errors.Is(err, context.Canceled) || sum.Events > 0 {
		t.Errorf("after %d events: %v", sum.Events, err)
	}
}

func BenchmarkReplay(b *testing.B) {
	dir := b.TempDir()
	set, _, err := rule.Load(rule.Options{}, write(b, filepath.Join(dir, "rules.yml"), windowsRules))
	if err != nil {
		b.Fatal(err)
	}
	compiled := engine.New(set.Rules, engine.Options{})
	const lines = 20_000
	events := write(b, filepath.Join(dir, "events.json"), strings.Repeat(sysmon("a.dll")+"\n", lines))
	b.ReportAllocs()
	for b.Loop() {
		sum, err := replay.Run(b.Context(), compiled, []string{events}, replay.Options{}, io.Discard)
		if err != nil || sum.Events != lines {
			b.Fatal(sum, err)
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
