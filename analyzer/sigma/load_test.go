package sigma

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRuleMetadata(t *testing.T) {
	rules, problems := rulesFrom(`
title: Everything
id: 4BF8C7DE-86A1-4A0B-8A4C-3E3A9A3F3D11
status: Experimental
description: |
  Two
  lines.
references: [one, two]
author: A. Nalyst
license: DRL-1.1
date: 2026-11-23
modified: 2026-11-24
tags:
  - attack.execution
  - attack.t1059.004
logsource:
  category: process_creation
  product: linux
  definition: whatever
detection:
  selection:
    Image: /bin/sh
  condition: selection
falsepositives: Unlikely
level: HIGH
fields: [Image]
custom: {any: thing}
`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	rule := rules.Rules()[0]
	f := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	f("id", rule.ID, "4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11")
	f("title", rule.Title, "Everything")
	f("status", rule.Status, "experimental")
	f("description", rule.Description, "Two\nlines.")
	f("references", strings.Join(rule.References, " "), "one two")
	f("author", rule.Author, "A. Nalyst")
	f("license", rule.License, "DRL-1.1")
	f("date", rule.Date, "2026-11-23")
	f("modified", rule.Modified, "2026-11-24")
	f("tags", strings.Join(rule.Tags, " "), "attack.execution attack.t1059.004")
	f("false positives", strings.Join(rule.FalsePositives, " "), "Unlikely")
	f("level", rule.Level, "high")
	f("file", rule.File, "0.yml")
	if rule.Line != 2 || rule.Logsource != (Logsource{"process_creation", "linux", ""}) {
		t.Errorf("line %d, logsource %v", rule.Line, rule.Logsource)
	}
}

func TestRuleWithoutIDOrLevel(t *testing.T) {
	const text = "title: t\nlogsource: {product: linux}\ndetection: {a: {A: x}, condition: a}\n"
	rules, problems := rulesFrom(text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if rule := rules.Rules()[0]; !isUUID(rule.ID) || rule.ID != derivedID("t") || rule.Level != "medium" {
		t.Errorf("got id %q, level %q", rule.ID, rule.Level)
	}
}

// A refused rule names its place and what to do, and does not stop its neighbours.
func TestRefusals(t *testing.T) {
	const neighbour = "title: Neighbour\nlogsource: {product: linux}\ndetection: {a: {A: x}, condition: a}\n"
	f := func(text, want string) {
		t.Helper()
		rules, problems := rulesFrom(text, neighbour)
		if len(problems) != 1 || !strings.Contains(problems[0].String(), want) || problems[0].Remedy == "" || problems[0].Line < 1 || problems[0].Column < 1 {
			t.Errorf("%s\ngot  %v\nwant %s", text, problems, want)
		}
		if loaded, refused, skipped := rules.Counts(); loaded != 1 || refused != 1 || skipped != 0 {
			t.Errorf("%s\ncounts %d, %d, %d", text, loaded, refused, skipped)
		}
	}
	f("", "0.yml:1:1: the file holds no rule")
	f("---\n---\n", "the file holds no rule")
	f("title: [", "0.yml:2:1: cannot read YAML: ")
	f("a: b\n c: d\n", "cannot read YAML")
	f("- a\n", "0.yml:1:1: the rule is not a mapping")
	f("title: t\ntitle: u\n", "0.yml:2:1: key \"title\" stands twice")
	f("[a]: b\n", "a key of the rule is not plain text")
	f("logsource: {product: linux}\ndetection: {a: {A: x}, condition: a}\n", "the rule has no title")
	f("title: t\ndetection: {a: {A: x}, condition: a}\n", "the rule has no logsource")
	f("title: t\nlogsource: {product: linux}\n", "the rule has no detection")
	f("title: t\nlogsource: {definition: x}\ndetection: {a: {A: x}, condition: a}\n", "0.yml:2:1: logsource names no category")
	f("title: t\nlogsource: linux\ndetection: {a: {A: x}, condition: a}\n", "logsource is not a mapping")
	f("title: t\nid: 12\n", "0.yml:2:5: rule 12: id \"12\" is not a UUID")
	f("title: t\nlevel: hgih\n", "0.yml:2:8: level \"hgih\" is unknown; use one of informational")
	f("title: t\nstatus: done\n", "status \"done\" is unknown")
	f("title: {}\n", "title is not a single value")
	f("title: t\ntags: {}\n", "tags is not a list")
	f("title: t\ncorrelation: {type: event_count}\n", "documents with \"correlation\" are not supported")
	f("title: t\nfilter: {rules: any}\n", "documents with \"filter\" are not supported")
	f("action: global\ntitle: t\n", "documents with \"action\" are not supported")

	detection := func(lines, want string) {
		t.Helper()
		f(ruleText(lines), ": rule 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11: ")
		f(ruleText(lines), want)
	}
	detection("a:\n  A: x", "the detection has no condition")
	detection("a:\n  A: x\ncondition:", "the condition is not text")
	detection("a:\n  A: x\ncondition: []", "the detection has no condition")
	detection("a:\n  A: x\ncondition: a and b", "the condition names \"b\", which is not a selection of the rule; name one of: a")
	detection("a:\n  A: x\ncondition: a | count() > 5", "aggregations behind a | are not supported")
	detection("a:\n  A: x\ntimeframe: 5m\ncondition: a", "timeframe is not supported")
	detection("a: {}\ncondition: a", "selection \"a\" is empty")
	detection("a: []\ncondition: a", "selection \"a\" is empty")
	detection("a:\ncondition: a", "null cannot be compared")
	detection("a:\n  A: []\ncondition: a", "the list of values of \"A\" is empty")
	detection("a:\n  A: {b: c}\ncondition: a", "\"A\" holds a mapping")
	detection("a:\n  A: [[b]]\ncondition: a", "is not a plain value")
	detection("a:\n  A: [x, null]\ncondition: a", "null stands in a list")
	detection("a:\n  A|contains: null\ncondition: a", "null cannot be compared")
	detection("a: &x {A: x}\nb: *x\ncondition: a", "alias")
	detection("a: {<<: {A: x}}\ncondition: a", "merge key")
	detection("a:\n  A|contians: x\ncondition: a", "modifier \"contians\" of \"A|contians\" is unknown or not supported; use one of all")
	detection("a:\n  A|expand: '%x%'\ncondition: a", "modifier \"expand\"")
	detection("a:\n  A|minute: 5\ncondition: a", "modifier \"minute\"")
	detection("a:\n  A|contains|re: x\ncondition: a", "must come first")
	detection("a:\n  A|i: x\ncondition: a", "must follow re")
	detection("a:\n  A|re|cased: x\ncondition: a", "works on text only")
	detection("a:\n  A|contains|cidr: x\ncondition: a", "cannot follow the modifiers before it")
	detection("a:\n  A|cidr|contains: 10.0.0.0/8\ncondition: a", "works on text only")
	detection("a:\n  A|re: '(?=x)'\ncondition: a", "cannot compile regular expression \"(?=x)\"")
	detection("a:\n  A|re: '(x'\ncondition: a", "missing closing )")
	detection("a:\n  A|cidr: 10.0.0.1/8\ncondition: a", "has bits set behind its prefix; write 10.0.0.0/8")
	detection("a:\n  A|cidr: 10.0.0.0\ncondition: a", "cannot read network")
	detection("a:\n  A|cidr: '::ffff:10.0.0.0/104'\ncondition: a", "IPv6 form")
	detection("a:\n  A|gt: '5'\ncondition: a", "is not a number")
	detection("a:\n  A|gt: .nan\ncondition: a", "is not a number")
	detection("a:\n  A|gt: x\ncondition: a", "is not a number")
	detection("a:\n  A|exists: maybe\ncondition: a", "neither true nor false")
	detection("a:\n  '|exists': true\ncondition: a", "needs a field")
	detection("a:\n  A|fieldref: ''\ncondition: a", "fieldref names no field")
	detection("a:\n  A|base64: 'a*'\ncondition: a", "cannot be encoded")
	detection("a:\n  A|contains|base64: a\ncondition: a", "cannot be encoded")
	detection("a:\n  A|base64offset|base64: a\ncondition: a", "cannot be encoded")
}

func TestProblemPlaces(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, problems := rulesFrom(text)
		if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", text, problems, want)
		}
	}
	f(ruleText("a:\n  A: x\ncondition: a and b"), "0.yml:9:14: ")
	f(ruleText("a:\n  A: x\ncondition: a and\n   b"), "0.yml:9:14: ")
	f(ruleText("a:\n  A|re: '('\ncondition: a"), "0.yml:8:11: ")
	f(ruleText("a:\n  A:\n    - x\n    - [y]\ncondition: a"), "0.yml:10:9: ")
}

func TestWarningKeepsTheRule(t *testing.T) {
	rules, problems := rulesFrom(ruleText("a:\n  A: x\ncondition: a and not 1 of filter_*"))
	if loaded, refused, _ := rules.Counts(); loaded != 1 || refused != 0 {
		t.Errorf("loaded %d, refused %d", loaded, refused)
	}
	if len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].String(), `warning: rule 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11: no selection matches "filter_*"`) {
		t.Errorf("got %v", problems)
	}
}

func TestSeveralDocuments(t *testing.T) {
	const body = "logsource: {product: linux}\ndetection: {a: {A: x}, condition: a}\n"
	rules, problems := rulesFrom("title: one\n" + body + "---\ntitle: two\nlevel: x\n" + body + "---\ntitle: three\nstatus: deprecated\n" + body + "---\ntitle: four\n" + body)
	loaded, refused, skipped := rules.Counts()
	if loaded != 2 || refused != 1 || skipped != 1 || len(problems) != 1 || problems[0].Line != 6 {
		t.Errorf("loaded %d, refused %d, skipped %d, problems %v", loaded, refused, skipped, problems)
	}
}

func TestDuplicateIDs(t *testing.T) {
	text := ruleText("a:\n  A: x\ncondition: a")
	rules, problems := rulesFrom(text, text)
	if len(problems) != 1 || problems[0].File != "1.yml" || !strings.Contains(problems[0].Message, "0.yml:1") || problems[0].RuleID == "" {
		t.Errorf("got %v", problems)
	}
	if loaded, refused, _ := rules.Counts(); loaded != 1 || refused != 1 {
		t.Errorf("loaded %d, refused %d", loaded, refused)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLoadWalksDirectories(t *testing.T) {
	rule := func(title string) string {
		return "title: " + title + "\nlogsource: {product: linux}\ndetection: {a: {A: x}, condition: a}\n"
	}
	one, two := t.TempDir(), t.TempDir()
	write(t, filepath.Join(one, "b.yml"), rule("b"))
	write(t, filepath.Join(one, "sub", "deep", "a.yaml"), rule("a"))
	write(t, filepath.Join(one, "b.test.yml"), "fires: []\n")
	write(t, filepath.Join(one, "notes.txt"), "not a rule")
	write(t, filepath.Join(one, ".hidden", "h.yml"), rule("h"))
	write(t, filepath.Join(one, ".h.yml"), rule("h"))
	write(t, filepath.Join(two, "broken.yml"), "title: [")
	write(t, filepath.Join(two, "huge.yml"), strings.Repeat("#", largestFile+1))
	write(t, filepath.Join(two, "c.yml"), rule("c"))
	if err := os.Symlink(filepath.Join(two, "c.yml"), filepath.Join(two, "link.yml")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(two, "pipe.yml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(two, "dangling.yml")); err != nil {
		t.Fatal(err)
	}

	rules, problems, err := Load(one, two, filepath.Join(one, "sub"))
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, r := range rules.Rules() {
		titles = append(titles, r.Title)
	}
	if got := strings.Join(titles, " "); got != "b a c" {
		t.Errorf("loaded %q", got)
	}
	var places []string
	for _, p := range problems {
		places = append(places, filepath.Base(p.File))
		if p.Remedy == "" {
			t.Errorf("no remedy: %v", p)
		}
	}
	// The link has the same rule a second time.
	if got := strings.Join(places, " "); got != "broken.yml dangling.yml huge.yml link.yml pipe.yml" {
		t.Errorf("problems in %q: %v", got, problems)
	}
	if loaded, refused, skipped := rules.Counts(); loaded != 3 || refused != 5 || skipped != 0 {
		t.Errorf("counts %d, %d, %d", loaded, refused, skipped)
	}
}

func TestLoadWithoutDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yml"), ruleText("a:\n  A: x\ncondition: a"))
	missing := filepath.Join(dir, "missing")
	rules, problems, err := Load(missing, dir)
	if err == nil || !strings.Contains(err.Error(), missing) || len(problems) != 0 {
		t.Errorf("got error %v, problems %v", err, problems)
	}
	if loaded, _, _ := rules.Counts(); loaded != 1 {
		t.Errorf("the other directory gave %d rules", loaded)
	}
	if _, _, err := Load(filepath.Join(dir, "a.yml")); err == nil {
		t.Error("a file passed for a directory")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(ruleText(quietRules))
	f.Add(ruleText("a:\n  A|re|i: '('\n  B|cidr: 10.0.0.0/8\ncondition: a"))
	f.Add(ruleText("a:\n  A|base64offset|contains: abc\n  B|gte: 5\ncondition: 1 of a*"))
	f.Add("a: &a [*a]\n---\ntitle: x\n")
	f.Add("title: t\nlogsource: {product: linux}\ndetection: {a: {'|all': [x, \"\\xff\"]}, condition: [a, not a]}\n")
	f.Add("{{{{{{{{[[[[[")
	f.Add("!!binary x: !!set {}")
	f.Fuzz(func(t *testing.T, text string) {
		rules, problems := rulesFrom(text)
		for _, p := range problems {
			if p.Message == "" || p.Remedy == "" || p.String() == "" {
				t.Errorf("problem says too little: %#v", p)
			}
		}
		for _, rule := range rules.Rules() {
			ev := quietEvent()
			ev.sources = []Logsource{rule.Logsource}
			rules.Match(ev, nil)
		}
	})
}
