package rule

import "testing"

func TestProblemText(t *testing.T) {
	f := func(p Problem, want string) {
		t.Helper()
		if got := p.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(Problem{File: "a.yml", Message: "broken"}, "a.yml: broken")
	f(Problem{File: "a.yml", Line: 3, Column: 7, Message: "broken", Remedy: "mend it"}, "a.yml:3:7: broken; mend it")
	f(Problem{File: "a.yml", Line: 3, Column: 7, RuleID: "x", Message: "odd", Remedy: "mend it", Warning: true}, "a.yml:3:7: warning: rule x: odd; mend it")
}

func TestCovers(t *testing.T) {
	f := func(mine, theirs Logsource, want bool) {
		t.Helper()
		if got := mine.Covers(theirs); got != want {
			t.Errorf("%v covers %v: got %v", mine, theirs, got)
		}
	}
	all := Logsource{"process_creation", "windows", "sysmon"}
	f(Logsource{}, all, true)
	f(all, all, true)
	f(Logsource{Product: "Windows"}, all, true)
	f(Logsource{Category: "process_creation", Service: "sysmon"}, all, true)
	f(Logsource{Product: "linux"}, all, false)
	f(all, Logsource{Product: "windows"}, false)
}
