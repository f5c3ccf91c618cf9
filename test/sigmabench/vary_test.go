package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

func TestRenamingChangesOneLetterOfTheLongestWord(t *testing.T) {
	f := func(literal string, number int) {
		t.Helper()
		got := rename(literal, number)
		changed := 0
		for i := range len(literal) {
			if got[i] != literal[i] {
				changed++
			}
		}
		if len(got) != len(literal) || changed != 1 {
			t.Errorf("%q became %q", literal, got)
		}
		if again := rename(literal, number+1); again == got {
			t.Errorf("%q has the same name %q in two copies", literal, got)
		}
	}
	f(`\powershell.exe`, 1)
	f(`\AppData\Local\Temp\`, 7)
	f(`HKLM`, 30)
	f(`Größe and more`, 3)

	kept := func(literal string) {
		t.Helper()
		if got := rename(literal, 1); got != literal {
			t.Errorf("%q became %q", literal, got)
		}
	}
	kept("")
	kept(" -e ")
	kept(`.ps1`)
	kept("4688")
}

func TestGrowingKeepsTheRulesAndAddsCopiesWithNewLiterals(t *testing.T) {
	set, problems := rule.Parse(rule.Options{}, "r.yml", []byte(`
title: A
id: 0b1a0b9e-6d1f-4a55-9d2b-0d3b1d1c3f11
logsource: {category: process_creation}
detection:
  selection:
    Image|endswith: '\whoami.exe'
    CommandLine|contains: ' -e '
  condition: selection and not 1 of filter_*
  filter_one:
    User: null
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	grown := grow(set.Rules, 3)
	if len(grown) != 3 || grown[0] != set.Rules[0] {
		t.Fatalf("%d rules, the first of them changed", len(grown))
	}
	sources := func(r *rule.Rule) []string {
		var found []string
		for _, s := range r.Selections {
			items, several := s.Body.(rule.And)
			if !several {
				items = rule.And{s.Body}
			}
			for _, item := range items {
				found = append(found, item.(*rule.Item).Values[0].Source)
			}
		}
		return found
	}
	for i, r := range grown[1:] {
		want := []string{rename(`\whoami.exe`, i+1), " -e ", sources(grown[0])[2]}
		if diff := cmp.Diff(want, sources(r)); diff != "" {
			t.Errorf("copy %d (-want +got):\n%s", i+1, diff)
		}
		if r.ID == grown[0].ID || r.Condition.(rule.And)[0] != rule.Expr(r.Selections[0]) {
			t.Errorf("copy %d shares its id or selections with the original", i+1)
		}
	}
}

func TestGrowingToFewerTakesAnEvenChoice(t *testing.T) {
	rules := make([]*rule.Rule, 10)
	for i := range rules {
		rules[i] = &rule.Rule{Line: i}
	}
	var lines []int
	for _, r := range grow(rules, 4) {
		lines = append(lines, r.Line)
	}
	if diff := cmp.Diff([]int{0, 2, 5, 7}, lines); diff != "" {
		t.Error(diff)
	}
}
