package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

// parse reads rules of documents; each gets a logsource unless it has one.
func parse(tb testing.TB, documents ...string) []*rule.Rule {
	tb.Helper()
	var rules []*rule.Rule
	for n, document := range documents {
		if !strings.Contains(document, "logsource:") {
			document = "logsource: {product: test}\n" + document
		}
		name := fmt.Sprintf("rule%d.yml", n)
		set, problems := rule.Parse(rule.Options{}, name, []byte(fmt.Sprintf("title: %s\n%s\n", name, document)))
		for _, p := range problems {
			if !p.Warning {
				tb.Fatalf("%v\n%s", p, document)
			}
		}
		rules = append(rules, set.Rules...)
	}
	return rules
}

func testSource() []rule.Logsource { return []rule.Logsource{{Product: "test"}} }

func TestProgramsAreRoutedByLogSource(t *testing.T) {
	detection := "detection: {s: {F: x}, condition: s}"
	rs := engine.New(parse(t,
		"logsource: {category: process_creation, product: windows}\n"+detection,
		"logsource: {product: windows}\n"+detection,
		"logsource: {product: windows, service: security}\n"+detection,
		"logsource: {category: process_creation}\n"+detection,
	), engine.Options{})
	f := func(want string, sources ...rule.Logsource) {
		t.Helper()
		got := ""
		for _, m := range rs.Program(sources).Match(sigmatest.NewEvent("F", "X").Bind(rs.Fields()), nil) {
			got += m.Rule.Title[4:5]
		}
		if got != want {
			t.Errorf("%v: rules %q, want %q", sources, got, want)
		}
		if again := rs.Program(slices.Clone(sources)); again != rs.Program(sources) {
			t.Errorf("%v: two programs for the same sources", sources)
		}
	}
	f("")
	f("", rule.Logsource{Product: "linux"})
	f("1", rule.Logsource{Product: "windows"})
	f("013", rule.Logsource{Category: "process_creation", Product: "Windows"})
	f("12", rule.Logsource{Product: "windows", Service: "security"})
	f("0123", rule.Logsource{Product: "windows", Service: "security"}, rule.Logsource{Category: "process_creation", Product: "windows"})
	f("3", rule.Logsource{Category: "process_creation", Product: "linux"})

	one := rs.Program([]rule.Logsource{{Product: "windows"}})
	if other := rs.Program([]rule.Logsource{{Product: "windows", Service: "unknown"}}); one != other {
		t.Error("sources that mean the same rules have different programs")
	}
}

func TestMatchSaysWhatWasFound(t *testing.T) {
	rs := engine.New(parse(t, `
detection:
  image:
    Image|endswith: ['\a.exe', '\b.exe', '\c.exe', '\d.exe', '\e.exe']
    Name: null
  words: ['needle', 'not there']
  other:
    - Image|contains|all: ['\', 'B.']
      Args|re: 'x.z'
    - Args|contains: never
  unwanted:
    Args: xyz
  quiet:
    Args|neq: nothing
  condition: image and words and (other or unwanted) and quiet and not unwanted`), engine.Options{})
	ev := sigmatest.NewEvent("Image", `C:\B.exe`, "Args", "a Needle", "Unasked", "")
	ev.Lists = map[string][]string{"Args": {"second", "xyz!"}}
	p := rs.Program(testSource())
	got := p.Match(ev.Bind(rs.Fields()), nil)
	if len(got) != 1 || got[0].Fields != nil {
		t.Fatalf("%d matches, want 1 without fields", len(got))
	}
	p.Trace(ev, &got[0])
	want := []engine.MatchedField{
		{Field: "Image", Value: `C:\B.exe`, Pattern: `\b.exe`},
		{Field: "Name", Value: "", Pattern: "null"},
		{Field: "", Value: "a Needle", Pattern: "needle"},
		{Field: "Image", Value: `C:\B.exe`, Pattern: `\`},
		{Field: "Image", Value: `C:\B.exe`, Pattern: "B."},
		{Field: "Args", Value: "xyz!", Pattern: "x.z"},
	}
	if diff := cmp.Diff(want, got[0].Fields); diff != "" {
		t.Errorf("fields differ (-want +got):\n%s", diff)
	}
}

// slotEvent is an event whose values have the numbers of their fields.
type slotEvent []string

func (e *slotEvent) Field(n int) (string, bool)         { return (*e)[n], (*e)[n] != "" }
func (e *slotEvent) AppendValues(dst []string) []string { return append(dst, *e...) }

// wide gives rules of the shapes that rule sets are made of, no two alike.
func wide(tb testing.TB, count int) []*rule.Rule {
	tb.Helper()
	documents := make([]string, 0, count)
	for n := range count {
		documents = append(documents, fmt.Sprintf(`
detection:
  image:
    - Image|endswith: '\tool%d.exe'
    - OriginalFileName: 'TOOL%d.EXE'
  args:
    CommandLine|contains: [' -flag%d ', ' /flag%d ', 'secret%dword']
  filter:
    ParentImage|startswith: 'C:\Program Files\Vendor%d\'
  condition: %s`, n, n, n, n, n, n, []string{"image and args and not filter", "args and not filter", "image"}[n%3]))
	}
	return parse(tb, documents...)
}

func wideEvent(rs *engine.Ruleset, pairs ...string) *slotEvent {
	named := sigmatest.NewEvent(pairs...).Bind(rs.Fields())
	ev := make(slotEvent, len(rs.Fields()))
	for n := range ev {
		ev[n], _ = named.Field(n)
	}
	return &ev
}

func missingEvent(rs *engine.Ruleset) *slotEvent {
	return wideEvent(rs,
		"Image", `C:\Windows\System32\svchost.exe`, "OriginalFileName", "svchost.exe", "ParentImage", `C:\Windows\System32\services.exe`,
		"CommandLine", `C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule`,
	)
}

func TestNothingIsAllocatedWithoutAMatch(t *testing.T) {
	rules := append(wide(t, 300), parse(t, "detection: {k: [mimi, 'a longer keyword', 'Ünïcode'], condition: k}")...)
	rs := engine.New(rules, engine.Options{})
	p := rs.Program(testSource())
	events := []*slotEvent{missingEvent(rs), wideEvent(rs, "Image", `C:\Ünïx\tool7.exe`, "CommandLine", strings.Repeat("ſtraße ", 40))}
	var dst []engine.Match
	for n := range 1000 {
		dst = p.Match(events[n%2], dst[:0])
	}
	n := 0
	if allocs := testing.AllocsPerRun(500, func() {
		dst = p.Match(events[n%2], dst[:0])
		n++
	}); allocs != 0 || len(dst) != 0 {
		t.Errorf("%v allocations and %d matches for an event, want none", allocs, len(dst))
	}
}

func TestMatchIsSafeWhileProgramsAreTuned(t *testing.T) {
	rs := engine.New(wide(t, 100), engine.Options{})
	p := rs.Program(testSource())
	hit := wideEvent(rs, "Image", `C:\TOOL30.exe`, "CommandLine", "tool30 -flag30 x")
	miss := missingEvent(rs)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			var dst []engine.Match
			for range 500 {
				if dst = p.Match(hit, dst[:0]); len(dst) == 1 {
					p.Trace(hit, &dst[0])
				}
				if len(dst) != 1 || len(dst[0].Fields) != 2 {
					t.Errorf("matches %v, want one with two fields", dst)
				}
				if dst = p.Match(miss, dst[:0]); len(dst) != 0 {
					t.Errorf("matches %v, want none", dst)
				}
			}
		})
	}
	for range 10 {
		rs.Tune()
		rs.Program([]rule.Logsource{{Product: "test"}, {Category: "other"}})
	}
	workers.Wait()
	// Stats lag behind, by all that a scratch counted that is thrown away.
	if stats := p.Stats(); stats.Events == 0 || stats.Events > 4000 || stats.Candidates < stats.Matches || stats.Plans < 2 {
		t.Errorf("stats %+v after 4000 events", stats)
	}
}

func TestLargeInputsTakeLinearTime(t *testing.T) {
	count, size := 100_000, 1<<20
	if raceEnabled {
		count, size = 80_000, 1<<16
	}
	var values strings.Builder
	for n := range count {
		fmt.Fprintf(&values, "    - 'value number %d'\n", n)
	}
	rules := parse(t,
		"detection:\n  s:\n   F|contains:\n"+values.String()+"  condition: s",
		"detection: {s: {F|contains: ['aaaaaaaaaaaaaaaaab', '*aaa?aaa*c*', '-aaaaaa'], G|re: '(a*)*b'}, condition: s}",
		"detection: {s: {F|contains|windash: '-aaaaaaaaaaaaaaaac'}, condition: s}",
		"detection: {s: {F|fieldref|contains: G}, condition: s}",
	)
	rs := engine.New(rules, engine.Options{})
	p := rs.Program(testSource())
	start := time.Now()
	for _, text := range []string{strings.Repeat("a", size), strings.Repeat("value number 1234x ", size/16), strings.Repeat("\xff\u212a-", size/4)} {
		p.Match(sigmatest.NewEvent("F", text, "G", text[1:]).Bind(rs.Fields()), nil)
		rs.Tune()
	}
	if spent := time.Since(start); spent > 30*time.Second {
		t.Errorf("took %v", spent)
	}
	one := sigmatest.NewEvent("F", "the VALUE NUMBER 77777").Bind(rs.Fields())
	found := p.Match(one, nil)
	if len(found) != 1 {
		t.Fatalf("%d matches, want 1", len(found))
	}
	if p.Trace(one, &found[0]); len(found[0].Fields) != 5 {
		t.Errorf("found %v, want one match by value number 7 to 77777", found)
	}
}

// BenchmarkGrowth shows what an event costs as rules are added, few of which concern it.
func BenchmarkGrowth(b *testing.B) {
	for _, count := range []int{100, 1000, 10_000} {
		rs := engine.New(wide(b, count), engine.Options{Fixed: true})
		p := rs.Program(testSource())
		b.Run(fmt.Sprintf("miss/rules=%d", count), func(b *testing.B) { matchAll(b, rs, p, missingEvent(rs), 0) })
		hit := wideEvent(rs, "Image", `C:\tool30.exe`, "CommandLine", "tool30 -flag30 x")
		b.Run(fmt.Sprintf("hit/rules=%d", count), func(b *testing.B) { matchAll(b, rs, p, hit, 1) })
	}
}

// BenchmarkAllMatch is an event that satisfies every rule.
func BenchmarkAllMatch(b *testing.B) {
	var documents []string
	for n := range 1000 {
		documents = append(documents, fmt.Sprintf("detection: {s: {Image|endswith: '.exe', CommandLine|contains: [' -flag', 'flag%d']}, condition: s}", n))
	}
	rs := engine.New(parse(b, documents...), engine.Options{Fixed: true})
	matchAll(b, rs, rs.Program(testSource()), wideEvent(rs, "Image", `C:\tool30.exe`, "CommandLine", "tool30 -flag30 x"), 1000)
}

func matchAll(b *testing.B, rs *engine.Ruleset, p *engine.Program, ev engine.Event, want int) {
	b.Helper()
	var dst []engine.Match
	for range 300 {
		dst = p.Match(ev, dst[:0])
	}
	rs.Tune()
	dst = p.Match(ev, dst[:0])
	b.ReportAllocs()
	for b.Loop() {
		dst = p.Match(ev, dst[:0])
	}
	if len(dst) != want {
		b.Errorf("%d matches, want %d", len(dst), want)
	}
}
