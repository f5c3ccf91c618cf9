package sigma

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// record is an event made of a map; asked counts the calls of Field.
type record struct {
	sources []Logsource
	fields  map[string]string
	asked   map[string]int
}

var _ KeywordEvent = (*record)(nil)

func (r *record) Logsources() []Logsource { return r.sources }

func (r *record) Field(name string) (string, bool) {
	if r.asked != nil {
		r.asked[name]++
	}
	value, ok := r.fields[name]
	return value, ok
}

func (r *record) AppendValues(dst []string) []string {
	for _, name := range slices.Sorted(maps.Keys(r.fields)) {
		dst = append(dst, r.fields[name])
	}
	return dst
}

var linuxProcess = []Logsource{{Category: "process_creation", Product: "linux"}}

func event(pairs ...string) *record {
	fields := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	return &record{sources: linuxProcess, fields: fields}
}

// rulesFrom loads rule files given as text.
func rulesFrom(files ...string) (*Ruleset, []Problem) {
	l := newLoader()
	for i, text := range files {
		l.readDocuments(fmt.Sprintf("%d.yml", i), []byte(text))
	}
	return l.finish(), l.problems
}

// ruleText is a rule around the lines of a detection, which begin at column 1.
func ruleText(detection string) string {
	return "title: A rule\nid: 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11\nlogsource:\n  category: process_creation\n  product: linux\ndetection:\n  " +
		strings.ReplaceAll(strings.TrimSpace(detection), "\n", "\n  ") + "\n"
}

// verdicts makes a closure table: a detection, an event as names and values, and whether they match.
func verdicts(t *testing.T) func(detection string, want bool, pairs ...string) {
	return func(detection string, want bool, pairs ...string) {
		t.Helper()
		if !strings.Contains(detection, "condition:") {
			detection = "sel:\n  " + strings.ReplaceAll(detection, "\n", "\n  ") + "\ncondition: sel"
		}
		rules, problems := rulesFrom(ruleText(detection))
		if len(problems) > 0 {
			t.Errorf("%s\nproblems: %v", detection, problems)
			return
		}
		if got := len(rules.Match(event(pairs...), nil)) == 1; got != want {
			t.Errorf("%s\non %q: got %v, want %v", detection, pairs, got, want)
		}
	}
}

func TestSelections(t *testing.T) {
	f := verdicts(t)
	// The lines of a mapping are joined by and, its values by or.
	f("A: x\nB: y", true, "A", "x", "B", "y")
	f("A: x\nB: y", false, "A", "x", "B", "z")
	f("A: x\nB: y", false, "A", "x")
	f("A:\n  - x\n  - y", true, "A", "y")
	f("A:\n  - x\n  - y", false, "A", "z")
	// A list of mappings is an or.
	f("- A: x\n  B: y\n- C: z", true, "C", "z")
	f("- A: x\n  B: y\n- C: z", true, "A", "x", "B", "y")
	f("- A: x\n  B: y\n- C: z", false, "A", "x")
	// A list of conditions is an or.
	f("a:\n  A: x\nb:\n  B: y\ncondition:\n  - a\n  - b", true, "B", "y")
	f("a:\n  A: x\nb:\n  B: y\ncondition:\n  - a\n  - b", false, "B", "x")
	// Field names are exact in case and have no spaces.
	f("a: x", false, "A", "x")
	f("New Value: x", true, "NewValue", "x")
	f("a.b: x", true, "a.b", "x")
}

func TestValues(t *testing.T) {
	f := verdicts(t)
	f("A: Who*", true, "A", "whoami")
	f(`A: 'a\*b'`, true, "A", "a*b")
	f(`A: 'a\*b'`, false, "A", "axb")
	// Whatever YAML takes a value for, it is text.
	f("A: 4688", true, "A", "4688")
	f("A: '4688'", true, "A", "4688")
	f("A: 4688", false, "A", "46880")
	f("A: 0x1410", true, "A", "0x1410")
	f("A: 1.50", true, "A", "1.50")
	f("A: true", true, "A", "True")
	f("A: 2026-11-23", true, "A", "2026-11-23")
	// null is absent or empty, '' is present and empty.
	f("A: null", true)
	f("A:", true)
	f("A: ~", true, "A", "")
	f("A: null", false, "A", "x")
	f("A: ''", true, "A", "")
	f("A: ''", false)
	f("A: ''", false, "A", "x")
	f("A: 'null'", true, "A", "null")
	f("A: '*'", true, "A", "")
	f("A: '*'", false)
	f("A|contains: '%TEMP%'", true, "A", "echo %temp%")
}

func TestStringModifiers(t *testing.T) {
	f := verdicts(t)
	f("A|contains: b", true, "A", "aBc")
	f("A|startswith: a", true, "A", "Abc")
	f("A|startswith: b", false, "A", "abc")
	f("A|endswith: /sh", true, "A", "/bin/sh")
	f("A|endswith: /sh", false, "A", "/bin/bash")
	f("A|contains: 'a*c'", true, "A", "xxabcxx")
	f("A|contains: '*a*'", true, "A", "xax")
	f(`A|startswith: 'a\*'`, true, "A", "a*b")
	f(`A|startswith: 'a\*'`, false, "A", "abb")
	f("A|contains|all:\n  - x\n  - y", true, "A", "yx")
	f("A|contains|all:\n  - x\n  - y", false, "A", "x")
	f("A|all|contains:\n  - x\n  - y", false, "A", "x")
	f("A|all: x", true, "A", "x")
	f("A|cased: Ab", true, "A", "Ab")
	f("A|cased: Ab", false, "A", "ab")
	f("A|contains|cased: b", false, "A", "aBc")
	f("A|neq: x", true, "A", "y")
	f("A|neq: x", false, "A", "X")
	f("A|neq: x", true)
	f("A|contains|neq:\n  - x\n  - y", false, "A", "aya")
	f("A|contains|neq:\n  - x\n  - y", true, "A", "aza")
	f("A|neq: null", true, "A", "x")
	f("A|neq: null", false)
	f("A|contains|windash: ' -f '", true, "A", "x /f y")
	f("A|windash|contains: ' -f '", true, "A", "x –F y")
	f("A|contains|all|windash:\n  - ' -a'\n  - ' -b'", true, "A", "x /a /b")
	f("A|contains|all|windash:\n  - ' -a'\n  - ' -b'", false, "A", "x /a")
	f("A|base64: foo", true, "A", "Zm9v")
	f("A|base64|contains: foo", true, "A", "x Zm9v x")
	f("A|base64offset|contains: /bin/sh", true, "A", "echo eC9iaW4vc2g= | base64 -d")
	f("A|base64offset|contains|all:\n  - abcdef\n  - ghijkl", true, "A", "YWJjZGVmZ2hpamts")
	f("A|base64offset|contains|all:\n  - abcdef\n  - ghijkl", false, "A", "YWJjZGVm")
}

func TestRegex(t *testing.T) {
	f := verdicts(t)
	f("A|re: '^a.c$'", true, "A", "abc")
	f("A|re: 'b'", true, "A", "abc")
	f("A|re: 'B'", false, "A", "abc")
	f("A|re|i: 'B|x'", true, "A", "abX")
	f("A|re: 'a.c'", false, "A", "a\nc")
	f("A|re|s: 'a.c'", true, "A", "a\nc")
	f("A|re|m: '^b$'", true, "A", "a\nb\nc")
	f("A|re|i|m|s: '^B.c$'", true, "A", "a\nb\nC")
	f("A|re: '^b$'", false, "A", "a\nb\nc")
	f(`A|re: '\*'`, true, "A", "a*b")
	f("A|re:\n  - x\n  - y", true, "A", "y")
	f("A|re|all:\n  - x\n  - y", false, "A", "y")
	f("A|re|contains: 'b+'", true, "A", "abbc")
	f("A|re: '.*'", false)
}

func TestComparisons(t *testing.T) {
	f := verdicts(t)
	f("A|lt: 5", true, "A", "4")
	f("A|lt: 5", false, "A", "5")
	f("A|lte: 5", true, "A", "5")
	f("A|gt: -5", true, "A", "-4.5")
	f("A|gte: 5", true, "A", "+5")
	f("A|gte: 5", false, "A", "4.999")
	f("A|gt: 5", false, "A", "")
	f("A|gt: 5", false, "A", "six")
	f("A|lt: 5", false, "A", "nan")
	f("A|lt: 5", false, "A", "4 ")
	f("A|gt: 5", false)
	// Not the same number, though the same float64.
	f("A|gt: 9007199254740992", true, "A", "9007199254740993")

	f("A|cidr: 192.0.2.0/24", true, "A", "192.0.2.77")
	f("A|cidr: 192.0.2.0/24", true, "A", "::ffff:192.0.2.77")
	f("A|cidr: 192.0.2.0/24", false, "A", "192.0.3.1")
	f("A|cidr: 192.0.2.0/24", false, "A", "host")
	f("A|cidr: 2001:db8::/32", true, "A", "2001:DB8::1")
	f("A|cidr: fe80::/10", true, "A", "fe80::1%eth0")
	f("A|cidr:\n  - 10.0.0.0/8\n  - 192.0.2.0/24", true, "A", "192.0.2.77")
	f("A|cidr: 0.0.0.0/0", false)

	f("A|exists: true", true, "A", "")
	f("A|exists: true", false)
	f("A|exists: false", true)
	f("A|exists: false", false, "A", "x")

	f("A|fieldref: B", true, "A", "x", "B", "X")
	f("A|fieldref|cased: B", false, "A", "x", "B", "X")
	f("A|fieldref: B", false, "A", "x", "B", "y")
	f("A|fieldref: B", false, "A", "x")
	f("A|fieldref: B", false)
	f("A|fieldref|neq: B", true, "A", "x", "B", "y")
	f("A|fieldref|endswith: B", true, "A", "/bin/sh", "B", "sh")
	f("A|fieldref|startswith: B", false, "A", "/bin/sh", "B", "sh")
	f("A|fieldref|startswith: B", true, "A", "/bin/sh", "B", "/bin")
	f("A|fieldref|contains: B", true, "A", "/bin/sh", "B", "in/")
	f("A|fieldref|contains: B", false, "A", "/bin/sh", "B", "*")
}

func TestKeywords(t *testing.T) {
	f := verdicts(t)
	f("- needle\n- pin", true, "A", "x", "B", "a Needle b")
	f("- needle\n- pin", false, "A", "x", "needle", "y")
	f("- 'n*le'", true, "A", "a needle b")
	f("'|all':\n  - needle\n  - pin", true, "A", "needle", "B", "pin")
	f("'|all':\n  - needle\n  - pin", false, "A", "needle")
	f("'|re': 'ne{2}dle$'", true, "A", "a needle")
	f("'|startswith': needle", false, "A", "a needle")
	f("'|cased': Needle", false, "A", "a needle")
	f("- A: x\n- needle", true, "B", "needle")
	f("- A: x\n- needle", true, "A", "x")
	f("sel: needle\ncondition: sel", true, "A", "needle")
	f("sel:\n  - 4711\ncondition: not sel", true, "A", "needle")
}

// silent is an event that cannot list its values.
type silent struct{ Event }

func TestKeywordsNeedValues(t *testing.T) {
	rules, _ := rulesFrom(ruleText("sel:\n  - needle\ncondition: sel"))
	if got := rules.Match(silent{event("A", "needle")}, nil); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestLogsourceRouting(t *testing.T) {
	f := func(logsource string, want bool, sources ...Logsource) {
		t.Helper()
		rules, problems := rulesFrom("title: t\nlogsource: {" + logsource + "}\ndetection: {a: {A: x}, condition: a}\n")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		ev := event("A", "x")
		ev.sources = sources
		if got := rules.Match(ev, nil); len(got) > 1 || (len(got) == 1) != want {
			t.Errorf("logsource {%s} on %v: %d matches, want %v", logsource, sources, len(got), want)
		}
	}
	process := Logsource{Category: "process_creation", Product: "linux"}
	auditd := Logsource{Product: "linux", Service: "auditd"}
	f("category: process_creation, product: linux", true, process)
	f("category: process_creation, product: windows", false, process)
	f("category: Process_Creation, product: Linux", true, process)
	f("product: linux", true, process)
	f("product: linux", true, process, auditd)
	f("product: linux, service: auditd", false, process)
	f("product: linux, service: auditd", true, process, auditd)
	f("category: process_creation, service: auditd", false, process, auditd)
	f("category: process_creation, definition: any", true, process)
	f("category: process_creation", false)
}

func TestMatchedFields(t *testing.T) {
	rules, problems := rulesFrom(ruleText(`
sel:
  Image|endswith:
    - /zsh
    - /bash
  CommandLine|contains|all:
    - -i
    - tcp
  TTY: null
other:
  Image: /bin/*
word:
  - secret
filter:
  User: root
condition: sel and (other or word) and not filter`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := rules.Match(event("Image", "/bin/Bash", "CommandLine", "bash -i tcp", "User", "alice"), nil)
	want := []MatchedField{
		{"Image", "/bin/Bash", "/bash"},
		{"CommandLine", "bash -i tcp", "-i"},
		{"CommandLine", "bash -i tcp", "tcp"},
		{"TTY", "", "null"},
		{"Image", "/bin/Bash", "/bin/*"},
	}
	if len(got) != 1 || got[0].Rule.Title != "A rule" {
		t.Fatalf("got %v", got)
	}
	if diff := cmp.Diff(want, got[0].Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	got = rules.Match(event("Image", "/usr/bash", "CommandLine", "-i tcp secret"), nil)
	if len(got) != 1 || !slices.Contains(got[0].Fields, MatchedField{"", "-i tcp secret", "secret"}) {
		t.Errorf("keyword: got %v", got)
	}
}

func TestFieldsAreAskedForLazily(t *testing.T) {
	rules, _ := rulesFrom(ruleText("a:\n  Image: x\n  CommandLine: y\nb:\n  Image: z\n  User: w\ncondition: a or b"))
	ev := event("Image", "z", "CommandLine", "y", "User", "v")
	ev.asked = make(map[string]int)
	rules.Match(ev, nil)
	if diff := cmp.Diff(map[string]int{"Image": 1, "User": 1}, ev.asked); diff != "" {
		t.Errorf("calls of Field (-want +got):\n%s", diff)
	}
}

// quietRules exercises every cheap kind of test without matching quietEvent.
const quietRules = `
a:
  Image|endswith: /nothing
b:
  CommandLine|contains|all: [-la, missing]
c:
  CommandLine|contains|windash: ' -zz '
d:
  User|cased: Root
e:
  - absent words
  - 'other*words'
f:
  ProcessId|gt: 100000
g:
  Image|fieldref: ParentImage
h:
  CommandLine: 'ls*?nothing'
i:
  Absent|exists: true
condition: 1 of them`

func quietEvent() *record {
	return event("Image", "/usr/bin/LS", "CommandLine", "ls -la /srv/Äpfel", "User", "root", "ProcessId", "4711", "ParentImage", "/usr/bin/bash")
}

// listed is an event that gives its values without work of its own.
type listed struct {
	*record
	values []string
}

func (l *listed) AppendValues(dst []string) []string { return append(dst, l.values...) }

func TestNoMatchDoesNotAllocate(t *testing.T) {
	rules, problems := rulesFrom(ruleText(quietRules))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	ev := &listed{quietEvent(), []string{"/usr/bin/LS", "ls -la /srv/Äpfel", "root"}}
	var dst []Match
	if n := testing.AllocsPerRun(100, func() { dst = rules.Match(ev, dst[:0]) }); n != 0 || len(dst) != 0 {
		t.Errorf("%v allocations, %d matches; want none of either", n, len(dst))
	}
}

func TestMatchFromManyGoroutines(t *testing.T) {
	rules, _ := rulesFrom(ruleText("sel:\n  A|contains: x\ncondition: sel"))
	var wg sync.WaitGroup
	for n := range 2 * idleViews {
		wg.Go(func() {
			for i := range 200 {
				value, want := strings.Repeat("a", i)+"X", 1
				if n%2 == 0 {
					value, want = strings.Repeat("a", i), 0
				}
				if got := rules.Match(event("A", value), nil); len(got) != want || want == 1 && got[0].Fields[0].Value != value {
					t.Errorf("value %q: got %v", value, got)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkMatchNothing(b *testing.B) {
	rules, _ := rulesFrom(ruleText(quietRules))
	ev := &listed{quietEvent(), []string{"/usr/bin/LS", "ls -la /srv/Äpfel", "root"}}
	var dst []Match
	b.ReportAllocs()
	for b.Loop() {
		dst = rules.Match(ev, dst[:0])
	}
}
