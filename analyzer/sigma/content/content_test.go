package content

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
)

// rulesDirectory is our own detection content.
const rulesDirectory = "../../../rules/sigma"

// tactics are those of ATT&CK as its current version names them.
var tactics = []string{
	"collection", "command-and-control", "credential-access", "defense-impairment", "discovery", "execution", "exfiltration",
	"impact", "initial-access", "lateral-movement", "persistence", "privilege-escalation", "reconnaissance",
	"resource-development", "stealth",
}

func loadOwnRules(tb testing.TB) *rule.Set {
	tb.Helper()
	set, problems, err := rule.Load(rule.Options{}, rulesDirectory)
	if err != nil || len(problems) > 0 {
		tb.Fatalf("error %v, problems %v", err, problems)
	}
	return set
}

func ruleName(r *rule.Rule) string { return strings.TrimSuffix(filepath.Base(r.File), ".yml") }

func TestOwnRulesAreComplete(t *testing.T) {
	rules := loadOwnRules(t)
	if len(rules.Rules) < 20 || rules.Refused != 0 || rules.Skipped != 0 {
		t.Errorf("%d loaded, %d refused, %d skipped", len(rules.Rules), rules.Refused, rules.Skipped)
	}
	uuid4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	date := regexp.MustCompile(`^20\d\d-[01]\d-[0-3]\d$`)
	technique := regexp.MustCompile(`^t\d{4}(\.\d{3})?$`)
	titles := make(map[string]string)
	covered := make(map[string]bool)
	for _, r := range rules.Rules {
		name := ruleName(r)
		f := func(ok bool, what string) {
			t.Helper()
			if !ok {
				t.Errorf("rule %s: %s", name, what)
			}
		}
		f(uuid4.MatchString(r.ID), "its id is not a random UUID")
		f(titles[r.Title] == "", "its title is that of "+titles[r.Title])
		titles[r.Title] = name
		f(len(r.Title) <= 100, "its title is longer than 100 characters")
		f(len(r.Description) >= 80, "its description does not help the reader of an alert")
		f(r.Author == "Vedette", "its author is not Vedette")
		f(date.MatchString(r.Date), "its date is not year-month-day")
		f(r.Status != "", "it has no status")
		f(len(r.FalsePositives) > 0, "it names no false positives")
		f(r.Logsource.Product == "linux" && r.Logsource.Category != "" && r.Logsource.Service == "", "its log source is no category of Linux")
		hasTactic, hasTechnique := false, false
		for _, tag := range r.Tags {
			tag, isAttack := strings.CutPrefix(tag, "attack.")
			isTactic := slices.Contains(tactics, tag)
			f(isAttack && (isTactic || technique.MatchString(tag)), "unknown tag "+tag)
			hasTactic = hasTactic || isTactic
			hasTechnique = hasTechnique || !isTactic
			covered[tag] = covered[tag] || isTactic
		}
		f(hasTactic && hasTechnique, "it lacks a tactic or a technique")
	}
	// What comes before the intrusion is not seen on the host.
	for _, tactic := range tactics {
		if !covered[tactic] && tactic != "reconnaissance" && tactic != "resource-development" {
			t.Errorf("no rule for tactic %s", tactic)
		}
	}
}

// A field that no record of a rule's log source has would make a line of the rule mean nothing, or everything.
func TestOwnRulesNameFieldsThatAreSupplied(t *testing.T) {
	platform := taxonomy.For(taxonomy.Linux)
	for _, r := range loadOwnRules(t).Rules {
		supplied := make(map[string]bool)
		for i := range platform.Records {
			if record := &platform.Records[i]; record.Covers(r.Logsource) {
				for _, field := range record.Fields {
					supplied[field.Name] = supplied[field.Name] || field.Supply != taxonomy.Never
				}
			}
		}
		for _, name := range fieldsOf(r.Condition, nil) {
			if !supplied[name] {
				t.Errorf("rule %s: category %s has no field %s", ruleName(r), r.Logsource.Category, name)
			}
		}
		if v := platform.Check(r); v.State == taxonomy.Cannot && !v.Later {
			t.Errorf("rule %s: %s", ruleName(r), v)
		}
	}
}

// fieldsOf appends the fields that an expression reads, each as often as it stands there.
func fieldsOf(e rule.Expr, dst []string) []string {
	switch e := e.(type) {
	case rule.And:
		for _, part := range e {
			dst = fieldsOf(part, dst)
		}
	case rule.Or:
		for _, part := range e {
			dst = fieldsOf(part, dst)
		}
	case rule.Not:
		return fieldsOf(e.Of, dst)
	case *rule.Selection:
		return fieldsOf(e.Body, dst)
	case *rule.Item:
		dst = append(dst, e.Field)
		for _, value := range e.Values {
			if ref, ok := value.Test.(rule.FieldRef); ok {
				dst = append(dst, ref.Other)
			}
		}
	}
	return dst
}

// testCase is one script of a *.test.yml file; the end-to-end tests run them.
type testCase struct {
	Name  string   `yaml:"name"`
	Needs []string `yaml:"needs"`
	Run   string   `yaml:"run"`
}

func TestOwnRulesHaveTests(t *testing.T) {
	for _, r := range loadOwnRules(t).Rules {
		path := strings.TrimSuffix(r.File, ".yml") + ".test.yml"
		data, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("rule %s has no test: %v", ruleName(r), err)
			continue
		}
		var tests struct {
			Fires []testCase `yaml:"fires"`
			Quiet []testCase `yaml:"quiet"`
		}
		if err := yaml.Load(data, &tests, yaml.WithKnownFields()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if len(tests.Fires) == 0 || len(tests.Quiet) == 0 {
			t.Errorf("%s: %d scripts that fire, %d that are quiet; want one of each at least", path, len(tests.Fires), len(tests.Quiet))
		}
		for _, c := range slices.Concat(tests.Fires, tests.Quiet) {
			if c.Name == "" || strings.TrimSpace(c.Run) == "" {
				t.Errorf("%s: a script has no name or no text: %+v", path, c)
			}
		}
	}
}

// Every test file belongs to a rule.
func TestOwnTestsHaveRules(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(rulesDirectory, "linux", "*.test.yml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("found %d test files: %v", len(paths), err)
	}
	for _, path := range paths {
		if _, err := os.Stat(strings.TrimSuffix(path, ".test.yml") + ".yml"); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func BenchmarkOrdinaryExec(b *testing.B) {
	rules := engine.New(loadOwnRules(b).Rules, engine.Options{Aliased: taxonomy.Aliased()})
	program := compile(rules, "process_creation")
	ev := process("/usr/bin/gcc-12", "gcc -O2 -Wall -Iinclude -c -o build/main.o src/main.c",
		"ParentImage", "/usr/bin/make", "ParentCommandLine", "make -j4", "CurrentDirectory", "/home/user/src",
		"Environment", "PATH=/usr/bin:/bin\nHOME=/home/user", "User", "user").Bind(rules.Fields())
	var dst []engine.Match
	b.ReportAllocs()
	for b.Loop() {
		dst = program.Match(ev, dst[:0])
	}
	if len(dst) > 0 {
		b.Errorf("an ordinary process matched %v", dst)
	}
}
