package rule

import (
	"strings"
	"testing"
)

// selectionOf reads the lines of one selection and gives what it says.
func selectionOf(t testing.TB, lines string) (body string, warnings []Problem) {
	t.Helper()
	rule, warnings := parsed(t, Options{}, ruleText("a:\n  "+strings.ReplaceAll(lines, "\n", "\n  ")+"\ncondition: a"))
	return showBody(rule.Selections[0].Body), warnings
}

func TestValues(t *testing.T) {
	f := func(lines, want string) {
		t.Helper()
		got, warnings := selectionOf(t, lines)
		if got != want || len(warnings) > 0 {
			t.Errorf("%s\ngot  %s\nwant %s\nwarnings %v", lines, got, want, warnings)
		}
	}
	// Values are text as the rule writes it.
	f("A: x", `A: "x"`)
	f("A: 'x'", `A: "x"`)
	f("A: 4688", `A: "4688"`)
	f("A: '4688'", `A: "4688"`)
	f("A: 0x10", `A: "0x10"`)
	f("A: 010", `A: "010"`)
	f("A: 0o10", `A: "0o10"`)
	f("A: 1e3", `A: "1e3"`)
	f("A: 1_000", `A: "1_000"`)
	f("A: -1.50", `A: "-1.50"`)
	f("A: .inf", `A: ".inf"`)
	f("A: true", `A: "true"`)
	f("A: False", `A: "False"`)
	f("A: yes", `A: "yes"`)
	f("A: 2026-11-23", `A: "2026-11-23"`)
	f("A: 23:59:60", `A: "23:59:60"`)
	f("A: !!str 5", `A: "5"`)
	f("A: ''", `A: ""`)
	f("A: null", `A: null`)
	f("A: ~", `A: null`)
	f("A:", `A: null`)
	f("A: 'null'", `A: "null"`)
	f("A: ' x '", `A: " x "`)
	f("A: |-\n  x\n  y", `A: "x\ny"`)
	f("A: \"x\\ty\"", `A: "x\ty"`)
	f("A: [x, 5, 'y']", `A: "x", "5", "y"`)
	f("A:\n  - x\n  - ''", `A: "x", ""`)
	f("A: [x]", `A: "x"`)
	f("New Value: x", `NewValue: "x"`)
	f("Provider_Name: x\nEventID: 7", `(Provider_Name: "x" and EventID: "7")`)

	// Lists of mappings, keywords, and both.
	f("- A: x\n- B: y\n  C: z", `(A: "x" or (B: "y" and C: "z"))`)
	f("- A: x", `A: "x"`)
	f("- one\n- two", `: *"one"*, *"two"*`)
	f("- one*two", `: *"one"*"two"*`)
	f("- A: x\n- word\n- B: y\n- 5", `(A: "x" or B: "y" or : *"word"*, *"5"*)`)
	f("'|all':\n  - one\n  - two", `: *"one"* & *"two"*`)
	f("'|re': one", `: /one/`)
	f("'|cased': [One, '?']", `: cased *"One"*, cased *?*`)
	f("'|startswith': one", `: "one"*`)
	f("'|base64offset|contains': abc", `: *"YWJj"*|*"FiY"*|*"hYm"*`)
}

func TestKeywordSelections(t *testing.T) {
	f := func(detection, want string) {
		t.Helper()
		rule, warnings := parsed(t, Options{}, ruleText(detection))
		if got := showBody(rule.Selections[0].Body); got != want || len(warnings) > 0 {
			t.Errorf("%s\ngot  %s\nwant %s\nwarnings %v", detection, got, want, warnings)
		}
	}
	f("a: word\ncondition: a", `: *"word"*`)
	f("a: [word, 5]\ncondition: a", `: *"word"*, *"5"*`)
}

func TestEscapes(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		if got := showPattern(parsePattern(value)); got != want {
			t.Errorf("value %s: got %s, want %s", value, got, want)
		}
	}
	f(``, `""`)
	f(`*`, `*`)
	f(`**`, `*`)
	f(`*?*`, `*?*`)
	f(`??`, `??`)
	f(`\*`, `"*"`)
	f(`\?`, `"?"`)
	f(`a\b`, `"a\\b"`)
	f(`\a`, `"\\a"`)
	f(`a\`, `"a\\"`)
	f(`a\\b`, `"a\\b"`)
	f(`\\*`, `"\\"*`)
	f(`\\\*`, `"\\*"`)
	f(`\\\`, `"\\\\"`)
	f(`\\\\`, `"\\\\"`)
	f(`\\\\*`, `"\\\\"*`)
	f(`\\server\share`, `"\\server\\share"`)
	f(`C:\Windows\*.exe`, `"C:\\Windows*.exe"`)
	f(`C:\Windows\\*.exe`, `"C:\\Windows\\"*".exe"`)
	f(`a?b*`, `"a"?"b"*`)
	f(`\*\?*\\\?`, `"*?"*"\\?"`)
	f(`ä*ö\*`, `"ä"*"ö*"`)
}

func TestModifiers(t *testing.T) {
	f := func(lines, want string) {
		t.Helper()
		got, warnings := selectionOf(t, lines)
		if got != want || len(warnings) > 0 {
			t.Errorf("%s\ngot  %s\nwant %s\nwarnings %v", lines, got, want, warnings)
		}
	}
	f("A|contains: x", `A: *"x"*`)
	f("A|startswith: x", `A: "x"*`)
	f("A|endswith: x", `A: *"x"`)
	f("A|startswith|endswith: x", `A: *"x"*`)
	f("A|contains: '*x'", `A: *"x"*`)
	f("A|contains: '\\*x\\*'", `A: *"*x*"*`)
	f("A|contains: ''", `A: *`)
	f("A|startswith: 'x*y'", `A: "x"*"y"*`)
	f("A|endswith: '?'", `A: *?`)
	f("A|contains|all: [x, y]", `A: *"x"* & *"y"*`)
	f("A|all|contains: [x, y]", `A: *"x"* & *"y"*`)
	f("A|all: [x*, '*y']", `A: "x"* & *"y"`)
	f("A|cased: x", `A: cased "x"`)
	f("A|contains|cased: x", `A: cased *"x"*`)
	f("A|cased|contains: x", `A: cased *"x"*`)
	f("A|neq: x", `A not: "x"`)
	f("A|neq: [x, y]", `A not: "x", "y"`)
	f("A|neq|all|contains: [x, y]", `A not: *"x"* & *"y"*`)
	f("A|neq: null", `A not: null`)
	f("A|neq: 5", `A not: "5"`)

	f("A|windash: ' -a /b'", `A: " "~"a "~"b"`)
	f("A|contains|windash: '-enc'", `A: *~"enc"*`)
	f("A|windash|contains: '-enc'", `A: *~"enc"*`)
	f("A|windash|contains|all: ['-a', '/b']", `A: *~"a"* & *~"b"*`)

	f("A|exists: true", `A: exists=true`)
	f("A|exists: False", `A: exists=false`)

	f("A|re: 'a\\\\b.*'", `A: /a\\b.*/`)
	f("A|re|i: x", `A: /x/`)
	f("A|re|i|m|s: x", `A: /x/`)
	f("A|re|ignorecase|multiline|dotall: x", `A: /x/`)
	f("A|re|all: [x, y]", `A: /x/ & /y/`)
	f("A|re|neq: x", `A not: /x/`)
	f("A|re: 5", `A: /5/`)

	f("A|base64: abc", `A: "YWJj"`)
	f("A|base64: 5", `A: "NQ=="`)
	f("A|base64|contains: abc", `A: *"YWJj"*`)
	f("A|base64|base64: abc", `A: "WVdKag=="`)
	f("A|base64: 'a\\*'", `A: "YSo="`)
	f("A|base64offset|contains: /bin/bash", `A: *"L2Jpbi9iYXNo"*|*"9iaW4vYmFza"*|*"vYmluL2Jhc2"*`)
	f("A|base64offset|contains: ü", `A: *"w7"*|*"O8"*|*"Dv"*`)
	f("A|wide: ab", `A: "a\x00b\x00"`)
	f("A|utf16le: ab", `A: "a\x00b\x00"`)
	f("A|utf16be: ab", `A: "\x00a\x00b"`)
	f("A|utf16: ab", `A: "\xff\xfea\x00b\x00"`)
	f("A|wide: ä€𐐷", `A: "\xe4\x00\xac \x01\xd87\xdc"`)
	f("A|wide|contains: a*b", `A: *"a\x00"*"b\x00"*`)
	f("A|contains|wide: ab", `A: *"a\x00b\x00"*`)
	f("A|wide|base64: ab", `A: "YQBiAA=="`)
	f("A|utf16|base64: ab", `A: "//5hAGIA"`)
	f("A|wide|base64offset|contains: ab", `A: *"YQBiA"*|*"EAYg"*|*"hAGIA"*`)
	f("A|utf16be|base64offset|contains: ab", `A: *"AGEAY"*|*"BhAG"*|*"AYQBi"*`)
	f("A|windash|base64: -a", `A: "LWE="|"L2E="|"4oCTYQ=="|"4oCUYQ=="|"4oCVYQ=="`)
	f("A|windash|wide: -a", `A: "-\x00a\x00"|"/\x00a\x00"|"\x13 a\x00"|"\x14 a\x00"|"\x15 a\x00"`)
	f("A|base64|wide: ab", `A: "Y\x00W\x00I\x00=\x00"`)
	f("A|cased|base64offset|contains|all: [abc, def]", `A: cased *"YWJj"*|*"FiY"*|*"hYm"* & cased *"ZGVm"*|*"RlZ"*|*"kZW"*`)

	f("A|lt: 5", `A: number < 5`)
	f("A|lte: -5.5", `A: number <= -5.5`)
	f("A|gt: 9007199254740993", `A: number > 9007199254740993`)
	f("A|gte: 1e3", `A: number >= 1000`)
	f("A|gt|all: [1, 2]", `A: number > 1 & number > 2`)
	f("A|gt|neq: 5", `A not: number > 5`)
	f("A|minute: 59", `A: minute = 59`)
	f("A|hour: [22, 23, 0]", `A: hour = 22, hour = 23, hour = 0`)
	f("A|hour|gte: 8", `A: hour >= 8`)
	f("A|day|lt: 31", `A: day < 31`)
	f("A|week: 53", `A: week = 53`)
	f("A|month|lte: 12", `A: month <= 12`)
	f("A|year|gt: 2025", `A: year > 2025`)
	f("A|hour|neq: 08", `A not: hour = 8`)

	f("A|cidr: 10.0.0.0/8", `A: net 10.0.0.0/8`)
	f("A|cidr: ['2001:db8::/32', '::/0', 192.0.2.7]", `A: net 2001:db8::/32, net ::/0, net 192.0.2.7/32`)
	f("A|cidr|neq: '::1'", `A not: net ::1/128`)
	f("A|cidr|all: [10.0.0.0/8, 10.1.0.0/16]", `A: net 10.0.0.0/8 & net 10.1.0.0/16`)

	f("A|fieldref: B", `A: field B cased=false head=false tail=false`)
	f("A|fieldref: New Value", `A: field NewValue cased=false head=false tail=false`)
	f("A|fieldref|contains: B", `A: field B cased=false head=true tail=true`)
	f("A|fieldref|startswith: B", `A: field B cased=false head=false tail=true`)
	f("A|fieldref|endswith|cased: B", `A: field B cased=true head=true tail=false`)
	f("A|fieldref|neq: [B, C]", `A not: field B cased=false head=false tail=false, field C cased=false head=false tail=false`)
}

func TestSourcesOfValues(t *testing.T) {
	rule, _ := parsed(t, Options{}, ruleText("a:\n  A B|contains|windash:\n    - 'x\\\\*'\n    - 0x10\n  C: null\ncondition: a"))
	items, _ := rule.Selections[0].Body.(And)
	a, c := items[0].(*Item), items[1].(*Item)
	if a.Source != "A B|contains|windash" || a.Line != 7 || a.Column != 5 || a.Values[0].Source != `x\\*` || a.Values[1].Source != "0x10" || c.Values[0].Source != "null" {
		t.Errorf("got %+v, %+v", a, c)
	}
}

func TestModifierWarnings(t *testing.T) {
	f := func(lines, want string) {
		t.Helper()
		_, warnings := selectionOf(t, lines)
		if len(warnings) != 1 || !strings.Contains(warnings[0].String(), want) || !warnings[0].Warning || warnings[0].Remedy == "" || warnings[0].RuleID == "" {
			t.Errorf("%s\ngot  %v\nwant %s", lines, warnings, want)
		}
	}
	f("A|contains|all: x", `"A|contains|all" has the modifier all and a single value`)
	f("A|all: [x]", `all and a single value`)
	f("A|base64offset: abc", "compares a part of base64 text with the whole value; write base64offset|contains")
	f("A|re|startswith: x", "without effect")
	f("- ''", "is in every event")
	f("'|contains': '*'", "is in every event")
}

// What stands around a text does not change what base64offset finds of it.
func TestBase64OffsetWithin(t *testing.T) {
	const text = "/bin/bash ü"
	for _, before := range []string{"", "x", "xy", "xyz"} {
		for _, after := range []string{"", "x", "xy", "xyz"} {
			whole := encodeBase64(before+text+after, false)[0]
			found := false
			for _, code := range encodeBase64(text, true) {
				found = found || strings.Contains(whole, code)
			}
			if !found {
				t.Errorf("no form of %q is in the encoding of %q: %q", text, before+text+after, whole)
			}
		}
	}
}
