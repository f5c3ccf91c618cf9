package sigmatest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Verdict decides whether at least one of the rules covers one of the event's Sources and matches it.
type Verdict func(t *testing.T, rules []*rule.Rule, ev *Event) bool

// Conformance runs the conformance suite: a table of rules, events and verdicts for every point of the specification, which
// also shows how those are decided that it leaves open.
func Conformance(t *testing.T, verdict Verdict) {
	placeholders := filepath.Join(t.TempDir(), "placeholders.yml")
	if err := os.WriteFile(placeholders, []byte(suitePlaceholders), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, section := range []struct {
		name string
		run  func(*suite)
	}{
		{"values", (*suite).values},
		{"escapes", (*suite).escapes},
		{"empty", (*suite).empty},
		{"lists", (*suite).lists},
		{"wildcards", (*suite).wildcards},
		{"text", (*suite).text},
		{"case", (*suite).caseFolding},
		{"windash", (*suite).windash},
		{"encodings", (*suite).encodings},
		{"regex", (*suite).regex},
		{"numbers", (*suite).numbers},
		{"times", (*suite).times},
		{"networks", (*suite).networks},
		{"fields", (*suite).fields},
		{"placeholders", (*suite).expand},
		{"aliases", (*suite).aliases},
		{"keywords", (*suite).keywords},
		{"selections", (*suite).selections},
		{"conditions", (*suite).conditions},
		{"documents", (*suite).documents},
		{"logsources", (*suite).logsources},
		{"filters", (*suite).filters},
	} {
		t.Run(section.name, func(t *testing.T) {
			s := &suite{T: t, verdict: verdict, options: rule.Options{Placeholders: []string{placeholders}}}
			section.run(s)
			cases += s.cases
		})
	}
	t.Logf("%d cases", cases)
}

// suite makes the closure tables of the sections.
type suite struct {
	*testing.T
	verdict Verdict
	options rule.Options
	// sources are those of the event; nil gives it all that the rules name.
	sources []rule.Logsource
	cases   int
}

// match tries a detection on an event. A detection without a condition is the body of its one selection. The event is
// names and values in turn; a value may be a list.
func (s *suite) match(detection string, want bool, event ...any) {
	s.Helper()
	s.document(ruleAround(detection), want, event...)
}

// document is match for whole documents, any rule of which may match.
func (s *suite) document(yaml string, want bool, event ...any) {
	s.Helper()
	s.cases++
	set, problems := rule.Parse(s.options, "conformance.yml", []byte(yaml))
	for _, p := range problems {
		if !p.Warning {
			s.Errorf("%s\nproblem: %v", yaml, p)
			return
		}
	}
	ev := NewEvent()
	ev.Alias = make(map[string][]string)
	ev.Sources = s.sources
	for _, r := range set.Rules {
		if s.sources == nil {
			ev.Sources = append(ev.Sources, r.Logsource)
		}
	}
	for i := 0; i+1 < len(event); i += 2 {
		name, _ := event[i].(string)
		switch value := event[i+1].(type) {
		case string:
			ev.add(name, value)
		case []string:
			for _, v := range value {
				ev.add(name, v)
			}
		case known:
			ev.add(name, value.value)
			ev.Alias[name] = value.aliases
		default:
			s.Fatalf("value %v of an event is a %T", value, value)
		}
	}
	if got := s.verdict(s.T, set.Rules, ev); got != want {
		s.Errorf("%s\non %q: got %t, want %t", yaml, event, got, want)
	}
}

// refused says that a detection is refused, and for what.
func (s *suite) refused(detection, why string) {
	s.Helper()
	s.cases++
	set, problems := rule.Parse(s.options, "conformance.yml", []byte(ruleAround(detection)))
	if len(set.Rules) != 0 || len(problems) == 0 {
		s.Errorf("%s\nis not refused (%s): %v", detection, why, problems)
	}
}

// ruleAround makes a rule of the lines of a detection, or of a selection alone.
func ruleAround(detection string) string {
	detection = strings.TrimSpace(detection)
	if !strings.Contains(detection, "condition:") {
		detection = "sel:\n" + indented(detection) + "\ncondition: sel"
	}
	return "title: A rule\nid: 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11\nlogsource:\n  product: linux\ndetection:\n" + indented(detection) + "\n"
}

func indented(lines string) string { return "  " + strings.ReplaceAll(lines, "\n", "\n  ") }

// list is an event's field with several values.
func list(values ...string) []string { return values }
