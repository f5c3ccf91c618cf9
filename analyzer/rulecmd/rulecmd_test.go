package rulecmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/rulecmd"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
	"github.com/vedette-edr/vedette/analyzer/usage"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/capture"
)

const (
	shellID   = "6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1b"
	windowsID = "6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1c"
	dnsID     = "6f2f0d5e-7a0e-4f6e-9d0e-0a5a7f0c2d1d"
)

const goodRules = `title: Shell with a marker
id: ` + shellID + `
level: high
logsource: {category: process_creation, product: linux}
detection:
  selection:
    Image|endswith: /sh
    CommandLine|contains: [marker, beacon]
  filter: {User: root}
  condition: selection and not filter
---
title: Windows alone
id: ` + windowsID + `
level: low
logsource: {category: process_creation, product: windows}
detection: {selection: {Image|endswith: '\cmd.exe'}, condition: selection}
`

const refusedRule = `title: No condition
id: ` + dnsID + `
logsource: {category: process_creation, product: linux}
detection: {selection: {Image: x}}
`

// rules runs the command.
func rules(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := rulecmd.Command()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	var out, errs bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func wants(t *testing.T, what, text string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(`(?m)` + p).MatchString(text) {
			t.Errorf("no %q in the %s:\n%s", p, what, text)
		}
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "good.yml", goodRules)
	stdout, stderr, err := rules(t, "check", "--platform", "linux", dir)
	if err != nil || stderr != "" {
		t.Errorf("%v, %s", err, stderr)
	}
	wants(t, "output", stdout,
		`^fires     `+shellID+`  Shell with a marker \(linux/process_creation\)$`,
		`^never     `+windowsID+`  Windows alone \(windows/process_creation\)$`,
		`^          it is for windows, and this is linux$`,
		`^ *1 +0 +0  +linux/process_creation$`, `^ *0 +0 +1  +windows/process_creation$`,
		`^2 rules loaded, 0 refused, 0 skipped$`, `^on linux 1 fire, 0 are degraded, 1 never fire$`)

	stdout, _, err = rules(t, "check", "--platform", "linux", "--only", "never", dir)
	if err != nil || strings.Contains(stdout, shellID) || !strings.Contains(stdout, windowsID) {
		t.Errorf("%v\n%s", err, stdout)
	}
}

// A rule that no collector can serve in full is not said to work as written.
func TestCheckNamesRulesThatAskForEveryOpening(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "reading.yml", `title: Any key
id: `+shellID+`
logsource: {category: file_access, product: linux}
detection: {selection: {TargetFilename|contains: key}, condition: selection}
---
title: One key
id: `+windowsID+`
logsource: {category: file_access, product: linux}
detection: {selection: {TargetFilename|endswith: /key}, condition: selection}
`)
	stdout, _, err := rules(t, "check", "--platform", "linux", dir)
	if err != nil {
		t.Error(err)
	}
	wants(t, "output", stdout, `^degraded  `+shellID, `^          it asks for every opening of a file, .*file\.read_paths`, `^fires     `+windowsID)
}

func TestCheckNamesWhatIsRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "good.yml", goodRules)
	bad := write(t, dir, "bad.yml", refusedRule)
	stdout, stderr, err := rules(t, "check", dir)
	if err == nil || usage.Is(err) || !strings.Contains(err.Error(), "1 rules were refused") {
		t.Errorf("it ends with %v", err)
	}
	wants(t, "standard error", stderr, "^"+regexp.QuoteMeta(bad)+`:\d+:\d+: rule `+dnsID+`: .*condition`)
	wants(t, "output", stdout, `^2 rules loaded, 1 refused, 0 skipped$`)

	stdout, stderr, err = rules(t, "check", "--json", "--platform", "windows", dir)
	if err == nil || stderr != "" {
		t.Errorf("%v, %s", err, stderr)
	}
	var r rulecmd.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	if r.Platform != "windows" || r.Loaded != 2 || r.Refused != 1 || len(r.Rules) != 2 || len(r.Problems) != 1 || r.Problems[0].RuleID != dnsID ||
		r.Fires+r.Degraded+r.Never != 2 || len(r.Totals) != 2 {
		t.Errorf("%+v", r)
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "good.yml", goodRules)
	stdout, _, err := rules(t, "list", dir)
	if err != nil {
		t.Error(err)
	}
	wants(t, "output", stdout, `^high +`+shellID+`  linux/process_creation +Shell with a marker$`, `^low +`+windowsID+` `)
	stdout, _, err = rules(t, "list", "--json", dir)
	if err != nil || strings.Count(stdout, "\n") != 2 || !strings.Contains(stdout, `"logsource":{"product":"linux","category":"process_creation"}`) {
		t.Errorf("%v\n%s", err, stdout)
	}
	write(t, dir, "bad.yml", refusedRule)
	if _, _, err = rules(t, "list", dir); err == nil {
		t.Error("a refused rule is no error")
	}
}

// recordingOf writes a recording of programs that are started by user 1000, or by root.
func recordingOf(t *testing.T, dir string, users map[uint32]string, commands ...string) string {
	t.Helper()
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, capture.Header{Host: "h", Users: users})
	for i, command := range commands {
		program, arguments, _ := strings.Cut(command, " ")
		uid := uint32(1000)
		if rest, ok := strings.CutPrefix(program, "root:"); ok {
			program, uid = rest, 0
		}
		number := uint64(i + 1)
		b := &pb.EventBatch{
			Host: "h", BootId: "b", Instance: 1, Number: number, Class: pb.Class_CLASS_PROCESS,
			Events: []*pb.Event{{
				Class: pb.Class_CLASS_PROCESS, Sequence: number, KernelTimeNs: number, WallTimeNs: 1_790_000_000_000_000_000,
				Actor: &pb.Actor{Process: &pb.ProcessKey{Pid: 100 + uint32(i), StartTimeNs: number}, Uid: uid, Euid: uid},
				Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{
					Executable: &pb.File{Path: []byte(program)}, Filename: []byte("/opt" + program), Arguments: []byte(program + "\x00" + arguments + "\x00"),
				}},
			}},
		}
		data, encoded := b.MarshalVT()
		err = errors.Join(err, encoded, w.Batch(data))
	}
	if err = errors.Join(err, w.End(capture.End{Batches: uint64(len(commands))})); err != nil {
		t.Fatal(err)
	}
	return write(t, dir, "events.vdc", file.String())
}

func TestExplain(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "good.yml", goodRules)
	events := recordingOf(t, dir, map[uint32]string{0: "root"},
		"/bin/ls -l", "root:/bin/sh marker", "/bin/sh harmless", "/bin/sh beacon", "/bin/sh marker")

	f := func(args []string, patterns ...string) {
		t.Helper()
		stdout, stderr, err := rules(t, append([]string{"explain", "--event", events}, args...)...)
		if err != nil || stderr != "" {
			t.Errorf("%q: %v, %s", args, err, stderr)
		}
		wants(t, "output", stdout, patterns...)
	}
	f([]string{"--rules", dir, shellID},
		`^event 4 of .*events.vdc, 2026-.*, exec of sh \(pid 103\)$`,
		`^Shell with a marker \(`+shellID+`, .*good.yml:1\) matches$`,
		`^yes .*CommandLine\|contains`, `the event has "/bin/sh"$`, `and the alias "/opt/bin/sh"$`, `the event has "/bin/sh beacon"`, `^no +"marker"$`, `^yes +"beacon"$`,
		`^of 5 events 5 are of the rule's log source and 2 match; the first is shown, --position names another$`)
	f([]string{"--rules", dir, "shell WITH a marker", "--position", "2"},
		`^event 2 of `, ` does not match$`, `^no .*not$`, `the event has "root"`)
	f([]string{"--position", "1", path}, `the event has "/bin/ls"`, ` does not match$`, `^the rule is for windows/process_creation and the event is of linux/process_creation`)

	// Nothing matches: the nearest is shown.
	events = recordingOf(t, dir, nil, "/bin/ls -l", "/bin/sh mark", "/bin/cat x")
	f([]string{"--rules", dir, shellID}, `^event 2 of `, ` does not match$`, `0 match; the one that came nearest is shown`)
	events = recordingOf(t, dir, nil)
	f([]string{"--rules", dir, shellID}, `rules see none of the 0 events$`)
}

func TestExplainAsJSON(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "good.yml", goodRules)
	events := recordingOf(t, dir, nil, "/bin/sh \x1b[2J\u009b", "/bin/sh marker \u009b")
	stdout, _, err := rules(t, "explain", "--event", events, "--rules", dir, "--json", shellID)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Rule        struct{ ID string }
		Events      int
		Matches     int
		Event       struct{ Position int }
		Explanation struct{ Matches bool }
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	if got.Rule.ID != shellID || got.Events != 2 || got.Matches != 1 || got.Event.Position != 2 || !got.Explanation.Matches {
		t.Errorf("%+v", got)
	}
	if strings.ContainsAny(stdout, "\x1b\u009b") {
		t.Errorf("the terminal is in danger: %q", stdout)
	}
}

func TestExplainFromJSONWithHints(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "good.yml", goodRules)
	events := write(t, dir, "events.json", `{"image": "/bin/sh", "CommandLine": "sh marker", "User": "anna"}`)
	stdout, stderr, err := rules(t, "explain", "--event", events, "--rules", dir, "--logsource", "product=linux,category=process_creation", shellID)
	if err != nil || stderr != "" {
		t.Fatalf("%v, %s", err, stderr)
	}
	wants(t, "output", stdout, ` does not match$`, `the event does not have the field`, `image`)
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "good.yml", goodRules)
	write(t, dir, "bad.yml", refusedRule)
	events := recordingOf(t, dir, nil, "/bin/ls")
	f := func(want string, args ...string) {
		t.Helper()
		_, _, err := rules(t, args...)
		if !usage.Is(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	f("at least one directory", "check")
	f("unknown platform", "check", "--platform", "plan9", dir)
	f("unknown outcome", "check", "--only", "maybe", dir)
	f("cannot load rules", "check", filepath.Join(dir, "missing"))
	f("at least one directory", "list")
	f("unknown command", "lint")
	f("name one rule", "explain", "--event", events)
	f("--event FILE", "explain", "--rules", dir, shellID)
	f("--rules DIR", "explain", "--event", events, shellID)
	f("no number of an event", "explain", "--event", events, "--position", "-1", "--rules", dir, shellID)
	f("unknown format", "explain", "--event", events, "--format", "xml", "--rules", dir, shellID)
	f(`none of the 2 rules`, "explain", "--event", events, "--rules", dir, "No such title")
	f("the rule does not load", "explain", "--event", events, "--rules", dir, dnsID)
	f("no rule that loads", "explain", "--event", events, filepath.Join(dir, "bad.yml"))

	for _, args := range [][]string{
		{"explain", "--event", events, "--position", "9", "--rules", dir, shellID},
		{"explain", "--event", filepath.Join(dir, "missing"), "--rules", dir, shellID},
	} {
		if _, _, err := rules(t, args...); err == nil || usage.Is(err) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if stdout, _, err := rules(t); err != nil || !strings.Contains(stdout, "explain") {
		t.Errorf("%v: %s", err, stdout)
	}
}

// Every rule of SigmaHQ gets a verdict on either platform, and the counts add up.
func TestCheckOfSigmaHQ(t *testing.T) {
	dir := sigmatest.Corpus(t, "sigma/rules")
	for _, platform := range []string{"linux", "windows"} {
		stdout, _, err := rules(t, "check", "--json", "--platform", platform, dir)
		if err != nil {
			t.Error(err)
		}
		var r rulecmd.Report
		if err := json.Unmarshal([]byte(stdout), &r); err != nil {
			t.Fatal(err)
		}
		if r.Loaded < 3000 || r.Refused > 0 || r.Fires+r.Degraded+r.Never != r.Loaded || len(r.Rules) != r.Loaded {
			t.Errorf("%s: %d loaded, %d refused, %d fire, %d degraded, %d never", platform, r.Loaded, r.Refused, r.Fires, r.Degraded, r.Never)
		}
	}
}
