package rule

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRuleMetadata(t *testing.T) {
	rule, problems := parsed(t, Options{}, `
title: Everything
id: 4BF8C7DE-86A1-4A0B-8A4C-3E3A9A3F3D11
name: every_thing
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
  category: Process_Creation
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
	f := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	f("id", rule.ID, "4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11")
	f("name", rule.Name, "every_thing")
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
	f("file", rule.File, "test.yml")
	if rule.Line != 2 || rule.Logsource != (Logsource{"process_creation", "linux", ""}) || rule.Feeds || rule.Filters != nil {
		t.Errorf("line %d, logsource %v", rule.Line, rule.Logsource)
	}
	if s := rule.Selections[0]; s.Name != "selection" || s.Line != 22 || s.File != "" {
		t.Errorf("selection %+v", s)
	}
}

func TestRuleWithoutIDOrLevel(t *testing.T) {
	rule, _ := parsed(t, Options{}, "title: t\nid:\nlevel:\nlogsource: {product: linux}\ndetection: {a: {A: x}, condition: a}\n")
	if !isUUID(rule.ID) || rule.ID != derivedID("t") || rule.Level != "medium" {
		t.Errorf("got id %q, level %q", rule.ID, rule.Level)
	}
}

func TestSeveralConditions(t *testing.T) {
	rule, _ := parsed(t, Options{}, ruleText("a: {A: x}\nb: {B: y}\ncondition:\n  - a\n  - not b"))
	if got := showCondition(rule.Condition); got != "(a or not b)" {
		t.Errorf("got %s", got)
	}
}

// A refused rule names its place and what to do.
func TestRefusals(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := refusalOf(t, Options{}, text); !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	const body = "\nlogsource: {product: linux}\ndetection: {a: {A: x}, condition: a}\n"
	f("", "test.yml:1:1: the file holds no rule")
	f("---\n---\n", "the file holds no rule")
	f("title: [", "test.yml:2:1: cannot read YAML: ")
	f("a: b\n c: d\n", "cannot read YAML")
	f("a: \xff\n", "cannot read YAML")
	f("- a\n", "test.yml:1:1: the rule is not a mapping")
	f("title: t\ntitle: u\n", "test.yml:2:1: key \"title\" stands twice")
	f("[a]: b\n", "a key of the rule is not plain text")
	f("logsource: {product: linux}\ndetection: {a: {A: x}, condition: a}\n", "the rule has no title")
	f("title: t\ndetection: {a: {A: x}, condition: a}\n", "the rule has no logsource")
	f("title: t\nlogsource: {product: linux}\n", "the rule has no detection")
	f("title: t\nlogsource: {definition: x}\ndetection: {a: {A: x}, condition: a}\n", "logsource names no category")
	f("title: t\nlogsource: linux\ndetection: {a: {A: x}, condition: a}\n", "logsource is not a mapping")
	f("title: t\nid: 12"+body, "test.yml:2:5: rule 12: id \"12\" is not a UUID")
	f("title: t\nlevel: hgih"+body, "test.yml:2:8: level \"hgih\" is unknown; use one of informational")
	f("title: t\nstatus: done"+body, "status \"done\" is unknown")
	f("title: {}\n", "title is not a single value")
	f("title: t\ntags: {}"+body, "tags is not a list")
	f("title: t\ntags: [[x]]"+body, "an element of tags is not plain text")
	f("title: t\nfilter: {}\ncorrelation: {}"+body, "the document is a correlation and a filter")
	f("title: t\ncorrelation: {}"+body, "the document is a correlation and a detection")
	f("title: t\nfilter: {}"+body, "the document is a filter and a detection")
	f("title: t\n<<: {status: test}"+body, "the rule has a YAML merge key")

	detection := func(lines, want string) {
		t.Helper()
		f(ruleText(lines), ": rule 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11: ")
		f(ruleText(lines), want)
	}
	detection("a:\n  A: x", "the detection has no condition")
	detection("a:\n  A: x\ncondition:", "the condition is not text")
	detection("a:\n  A: x\ncondition: []", "the detection has no condition")
	detection("a:\n  A: x\ncondition: {}", "the condition is not text")
	detection("a:\n  A: x\ncondition: [a, a | count() > 5]", "a | stands where none can")
	detection("a:\n  A: x\ncondition: a and b", "the condition names \"b\", which is no selection here; name one of: a")
	detection("a: {}\ncondition: a", "selection \"a\" is empty")
	detection("a: []\ncondition: a", "selection \"a\" is empty")
	detection("a:\ncondition: a", "selection \"a\" is empty")
	detection("a: [[x]]\ncondition: a", "a list within its list")
	detection("a: [{}]\ncondition: a", "selection \"a\" is empty")
	detection("a:\n  A: x\n  A: y\ncondition: a", "key \"A\" stands twice in selection \"a\"")
	detection("a:\n  A: []\ncondition: a", "the list of values of \"A\" is empty")
	detection("a:\n  A: {b: c}\ncondition: a", "\"A\" holds a mapping")
	detection("a:\n  A: [[b]]\ncondition: a", "is not a plain value")
	detection("a:\n  A: [x, null]\ncondition: a", "null stands in a list of values of \"A\"; give it a selection of its own")
	detection("a:\n  A: [null]\ncondition: a", "null stands in a list")
	detection("a:\n  - null\ncondition: a", "null stands in a list")
	detection("a:\n  A|contains: null\ncondition: a", "null cannot be compared")
	detection("a:\n  '|all': null\ncondition: a", "null cannot be compared")
	detection("a:\n  A: !!binary eHh4\ncondition: a", "has the YAML tag !!binary")
	detection("a:\n  A: !color red\ncondition: a", "has the YAML tag !color")
	detection("a: {<<: {A: x}}\ncondition: a", "merge key")
}

func TestModifierRefusals(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		if got := refusalOf(t, Options{}, ruleText("a:\n  "+line+"\ncondition: a")); !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", line, got, want)
		}
	}
	f("A|contians: x", "test.yml:7:5: rule 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11: modifier \"contians\" of \"A|contians\" is unknown; use one of all")
	f("A|: x", `modifier "" of "A|" is unknown`)
	f("A|Contains: x", `modifier "Contains" of "A|Contains" is unknown`)
	f("A|contains|re: x", "must come first")
	f("A|all|re: x", "must come first")
	f("A|i: x", "must follow re")
	f("A|contains|dotall: x", "must follow re")
	f("A|re|cased: x", "regular expressions are cased; remove it")
	f("A|re|windash: x", "works on text only")
	f("A|re|base64: x", "works on text only")
	f("A|gt|contains: 5", "works on text only")
	f("A|gt|cased: 5", "works on text only")
	f("A|contains|cidr: x", "cannot follow the modifiers before it")
	f("A|cidr|contains: 10.0.0.0/8", "works on text only")
	f("A|cidr|gt: 10.0.0.0/8", "cannot follow the modifiers before it")
	f("A|startswith|fieldref: B", "cannot follow the modifiers before it; write it first")
	f("A|cased|fieldref: B", "cannot follow the modifiers before it")
	f("A|fieldref|windash: B", "works on text only")
	f("A|gt|lt: 5", "compares a second time; write two lines")
	f("A|gt|hour: 5", "must stand before the comparison; write hour|gte")
	f("A|hour|minute: 5", "takes a second part")
	f("A|contains|hour: 5", "cannot follow the modifiers before it")
	f("A|exists|all: true", "cannot be combined with exists")
	f("A|exists|neq: true", "cannot be combined with exists")
	f("A|neq|exists: true", "must stand alone")
	f("A|contains|exists: true", "cannot follow the modifiers before it")
	f("A|base64|windash: -a", "cannot follow an encoding; write windash before it")
	f("A|contains|base64: a", "cannot encode the wildcards that contains makes; write contains behind it")
	f("A|contains|base64offset: a", "write contains behind it")
	f("A|wide|utf16be: a", "encodes in UTF-16 a second time")
	f("A|base64offset|base64: a", "write base64offset in its place")
	f("A|base64|expand: '%x%'", "cannot follow an encoding; write expand first")
	f("A|gt|expand: '%x%'", "works on text only")
	f("A|expand|gt: '%x%'", "cannot be combined with expand")
	f("A|expand|exists: '%x%'", "must stand alone")

	f("A|re: '(?=x)'", "cannot use regular expression \"(?=x)\"")
	f("A|re: '(x'", "cannot use regular expression")
	f("A|cidr: 10.0.0.1/8", "has bits set behind its prefix; write 10.0.0.0/8")
	f("A|cidr: 10.0.0.0/33", "cannot read network")
	f("A|cidr: 10.0.*", "cannot read network")
	f("A|cidr: 'fe80::1%eth0'", "cannot read network")
	f("A|cidr: '::ffff:10.0.0.0/104'", "IPv6 form")
	f("A|gt: '5'", "is not a number; write a decimal number without quotes")
	f("A|gt: .nan", "is not a number")
	f("A|gt: .inf", "is not a number")
	f("A|gt: 0x10", "is not a number")
	f("A|gt: x", "is not a number")
	f("A|gt: true", "is not a number")
	f("A|gt: null", "null cannot be compared")
	f("A|minute: 60", `value "60" is no minute; write a whole number from 0 to 59`)
	f("A|minute: -1", "is no minute")
	f("A|hour: 24", "write a whole number from 0 to 23")
	f("A|hour|lt: 24", "write a whole number from 0 to 23")
	f("A|hour: 1.5", "is no hour")
	f("A|hour: '8'", "is not a number")
	f("A|day: 0", "from 1 to 31")
	f("A|week: 54", "from 1 to 53")
	f("A|month: 13", "from 1 to 12")
	f("A|year: 10000", "from 0 to 9999")
	f("A|exists: maybe", "neither true nor false")
	f("A|exists: 'true'", "neither true nor false")
	f("A|exists: [true, false]", "exists holds a list")
	f("'|exists': true", "needs a field")
	f("'|gt': 5", "needs a field")
	f("'|cidr': 10.0.0.0/8", "needs a field")
	f("'|fieldref': B", "needs a field")
	f("'|hour': 5", "needs a field")
	f("A|fieldref: ''", "fieldref needs the name of a field")
	f("A|fieldref: B*", "fieldref needs the name of a field")
	f("A|base64: 'a*'", "cannot be encoded by base64: it has wildcards")
	f("A|base64: ''", "it is empty")
	f("A|base64offset|contains: a", "a single byte leaves no trace")
	f("A|wide: 'a?'", "cannot be encoded by wide: it has wildcards")
	f("A|utf16: 'a*'", "it has wildcards")
	f("A|windash|base64: '-a -b -c -d -e -f -g -h'", "makes more than 100000 patterns")
}

func TestProblemPlaces(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := refusalOf(t, Options{}, text); !strings.HasPrefix(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	f(ruleText("a:\n  A: x\ncondition: a and b"), "test.yml:8:14: ")
	f(ruleText("a:\n  A: x\ncondition: a and\n   b"), "test.yml:8:14: ")
	f(ruleText("a:\n  A|re: '('\ncondition: a"), "test.yml:7:11: ")
	f(ruleText("a:\n  A:\n    - x\n    - [y]\ncondition: a"), "test.yml:9:9: ")
}

// Warnings leave the rule in force.
func TestWarnings(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, problems := parsed(t, Options{}, text)
		for i, p := range problems {
			if !p.Warning || p.Remedy == "" || p.Line < 1 || p.RuleID == "" || i < len(want) && !strings.Contains(p.String(), want[i]) {
				t.Errorf("%s\ngot %v", text, p)
			}
		}
		if len(problems) != len(want) {
			t.Errorf("%s\ngot %v, want %v", text, problems, want)
		}
	}
	f(ruleText("a:\n  A: x\ncondition: a and not 1 of filter_*"), `test.yml:8:14: warning: rule 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11: no selection matches "filter_*"`)
	f(ruleText("a:\n  A: x\ntimeframe: 5m\ncondition: a"), "timeframe has no effect")
	f(ruleText("a:\n  A: x\ncondition: a")+"taxonomy: ecs\n", `taxonomy "ecs" is read as if it were sigma`)
	f(ruleText("a: {A: x}\nb: {A: x}\n_c: {A: x}\ncondition: a or 1 of a*"), `test.yml:7:3: warning: rule 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11: no condition names the selection "b"`)
	f(ruleText("a: {A: x}\nb: {A: x}\ncondition: [a, b]"))
	f(ruleText("a:\n  A|all: x\n  B|all: y\ncondition: 1 of x* or a"), `"A|all"`, `"B|all"`, `"x*"`)
}

func TestSeveralDocuments(t *testing.T) {
	const body = "logsource: {product: linux}\ndetection: {a: {A: x}, condition: a}\n"
	set, problems := Parse(Options{}, "test.yml", []byte("title: one\n"+body+"---\ntitle: two\nlevel: x\n"+body+
		"---\ntitle: three\nstatus: deprecated\n"+body+"---\ntitle: four\n"+body+"...\n---\n# nothing\n"))
	if len(set.Rules) != 2 || set.Refused != 1 || set.Skipped != 1 || len(problems) != 1 || problems[0].Line != 6 {
		t.Errorf("got %+v, problems %v", set, problems)
	}
	// What stands before broken YAML is good.
	set, problems = Parse(Options{}, "test.yml", []byte("title: one\n"+body+"---\ntitle: [\n"))
	if len(set.Rules) != 1 || set.Refused != 1 || len(problems) != 1 {
		t.Errorf("got %+v, problems %v", set, problems)
	}
}

// Rules that are out of use need not be finished.
func TestSkippedRules(t *testing.T) {
	for _, status := range []string{"deprecated", "unsupported", "Unsupported"} {
		set, problems := Parse(Options{}, "test.yml", []byte("title: t\nstatus: "+status+"\nlogsource: {product: linux}\ndetection: {condition: magic}\n"))
		if set.Skipped != 1 || set.Refused != 0 || len(problems) != 0 {
			t.Errorf("status %s: %+v, %v", status, set, problems)
		}
	}
}

func TestDuplicateIDs(t *testing.T) {
	text := ruleText("a:\n  A: x\ncondition: a")
	set, problems := Parse(Options{}, "test.yml", []byte(text+"---\n"+text))
	if len(set.Rules) != 1 || set.Refused != 1 || len(problems) != 1 || !strings.Contains(problems[0].Message, `is in use by "Test" in test.yml:1`) || problems[0].RuleID == "" || problems[0].Line != 10 {
		t.Errorf("got %+v, %v", set, problems)
	}
}

func TestAliases(t *testing.T) {
	rule, problems := parsed(t, Options{}, ruleText("a: &x\n  A: &v [x, y]\nb: *x\nc:\n  B: *v\n  C: [z, &w '*u', *w]\ncondition: a or b or c"))
	var bodies []string
	for _, s := range rule.Selections {
		bodies = append(bodies, showBody(s.Body))
	}
	want := `A: "x", "y"; A: "x", "y"; (B: "x", "y" and C: "z", *"u", *"u")`
	if got := strings.Join(bodies, "; "); got != want || len(problems) > 0 {
		t.Errorf("got %s, problems %v", got, problems)
	}
	f := func(text, want string) {
		t.Helper()
		if got := refusalOf(t, Options{}, text); !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	f("a: *x\n", "unknown anchor")
	f("a: &a [*a]\n", "nest deeper than 100, or stand for themselves")
	f("a: &a {b: *a}\n", "nest deeper than 100, or stand for themselves")
	f(ruleText("a: &x {A: x}\nb: {<<: *x, B: y}\ncondition: a"), "YAML merge keys are not supported")
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 12 {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	f(bomb.String(), "the file makes more than 1048576 values")
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadWithoutDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yml"), ruleText("a:\n  A: x\ncondition: a"))
	missing := filepath.Join(dir, "missing")
	set, problems, err := Load(Options{}, missing, dir)
	if err == nil || !strings.Contains(err.Error(), missing) || len(problems) != 0 || len(set.Rules) != 1 {
		t.Errorf("got error %v, problems %v, %d rules", err, problems, len(set.Rules))
	}
}

// The order of results does not hang on which file was read first.
func TestLoadIsDeterministic(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 300 {
		title := fmt.Sprintf("rule %03d", i)
		want = append(want, title)
		write(t, filepath.Join(dir, fmt.Sprintf("%03d.yml", i)), "title: "+title+"\nlogsource: {product: linux}\ndetection: {a: {A|all: x}, condition: a}\n")
	}
	set, problems, err := Load(Options{}, dir)
	var got []string
	for _, r := range set.Rules {
		got = append(got, r.Title)
	}
	if err != nil || !slices.Equal(got, want) || len(problems) != 300 || !slices.IsSortedFunc(problems, func(a, b Problem) int { return strings.Compare(a.File, b.File) }) {
		t.Errorf("error %v, %d problems, rules %v", err, len(problems), got)
	}
}
