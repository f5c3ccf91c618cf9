package sigmatest

import (
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

func (s *suite) selections() {
	f := s.match
	// The lines of a mapping are joined by and.
	f("A: x\nB: y", true, "A", "x", "B", "y")
	f("A: x\nB: y", false, "A", "x", "B", "z")
	f("A: x\nB: y", false, "A", "x")
	f("A|startswith: a\nA|endswith: c", true, "A", "abc")
	f("A|startswith: a\nA|endswith: c", false, "A", "abd")
	f("A: x\nB: null", true, "A", "x")
	f("A: x\nB: null", false, "A", "x", "B", "y")
	// A list of mappings is an or.
	f("- A: x\n  B: y\n- C: z", true, "C", "z")
	f("- A: x\n  B: y\n- C: z", true, "A", "x", "B", "y")
	f("- A: x\n  B: y\n- C: z", false, "A", "x")
	f("- A: x", true, "A", "x")
	f("- A:\n    - x\n    - y\n- B|contains|all:\n    - v\n    - w", true, "B", "wv")
	f("- A:\n    - x\n    - y\n- B|contains|all:\n    - v\n    - w", false, "B", "v")
	f("- A: x\n- A: y", true, "A", "y")
	// Aliases of YAML are read as what they stand for.
	f("sel: &x\n  A: x\nother: *x\ncondition: other", true, "A", "x")
	f("sel:\n  A: &x [x, y]\nother:\n  B: *x\ncondition: other", true, "B", "y")
	// The last of contains, startswith and endswith does not undo those before it.
	f("A|contains|startswith: b", true, "A", "abc")
	s.refused("A: [x, null]", "null stands alone")
	s.refused("- [a, b]", "a list within a list says nothing")
	s.refused("A|CONTAINS: x", "modifiers are in lower case")
	s.refused("sel: {}\ncondition: sel", "an empty selection says nothing")
	s.refused("sel: []\ncondition: sel", "an empty selection says nothing")
	s.refused("A: x\nA: y", "a field with the same modifiers stands twice")
	s.refused("A:\n  - [x]", "a list within a list says nothing")
	s.refused("A:\n  b: c", "a mapping is no value")
}

// conditions tries each condition with all values of its three selections.
func (s *suite) conditions() {
	f := func(condition string, want func(a, b, c bool) bool) {
		s.Helper()
		detection := "sel_a:\n  A: x\nsel_b:\n  B: x\nother:\n  C: x\n_sel_hidden:\n  D: x\ncondition: " + condition
		for i := range 8 {
			a, b, c := i&1 != 0, i&2 != 0, i&4 != 0
			event := []any{"D", "y"}
			for n, name := range []string{"A", "B", "C"} {
				if i&(1<<n) != 0 {
					event = append(event, name, "x")
				}
			}
			s.match(detection, want(a, b, c), event...)
		}
	}
	f("sel_a", func(a, _, _ bool) bool { return a })
	f("not sel_a", func(a, _, _ bool) bool { return !a })
	f("not not sel_a", func(a, _, _ bool) bool { return a })
	// not binds closer than and, and closer than or.
	f("sel_a and sel_b or other", func(a, b, c bool) bool { return a && b || c })
	f("sel_a or sel_b and other", func(a, b, c bool) bool { return a || b && c })
	f("(sel_a or sel_b) and other", func(a, b, c bool) bool { return (a || b) && c })
	f("(sel_a or sel_b)and(other)", func(a, b, c bool) bool { return (a || b) && c })
	f("((sel_a))", func(a, _, _ bool) bool { return a })
	f("not sel_a and sel_b", func(a, b, _ bool) bool { return !a && b })
	f("not sel_a or sel_b", func(a, b, _ bool) bool { return !a || b })
	f("not (sel_a or sel_b)", func(a, b, _ bool) bool { return !a && !b })
	f("not (sel_a and not sel_b)", func(a, b, _ bool) bool { return !a || b })
	f("sel_a and not sel_b", func(a, b, _ bool) bool { return a && !b })
	f("sel_a and not sel_b and not other", func(a, b, c bool) bool { return a && !b && !c })
	f("sel_a and sel_a or not sel_a and other", func(a, _, c bool) bool { return a || c })
	f("sel_a or sel_b or other", func(a, b, c bool) bool { return a || b || c })
	// Words of the language may be in upper case.
	f("sel_a AND NOT (sel_b OR other)", func(a, b, c bool) bool { return a && !(b || c) })
	f("ALL OF THEM", func(a, b, c bool) bool { return a && b && c })
	// Quantities.
	f("1 of sel_*", func(a, b, _ bool) bool { return a || b })
	f("any of sel_*", func(a, b, _ bool) bool { return a || b })
	f("all of sel_*", func(a, b, _ bool) bool { return a && b })
	f("not 1 of sel_*", func(a, b, _ bool) bool { return !(a || b) })
	f("not all of sel_* or other", func(a, b, c bool) bool { return !(a && b) || c })
	f("1 of sel_* and other", func(a, b, c bool) bool { return (a || b) && c })
	f("other and 1 of sel_*", func(a, b, c bool) bool { return (a || b) && c })
	f("1 of sel_a", func(a, _, _ bool) bool { return a })
	f("1 of *_b", func(_, b, _ bool) bool { return b })
	f("all of s*l_*", func(a, b, _ bool) bool { return a && b })
	// Names that begin with _ are left out of them, and of patterns that do not.
	f("1 of them", func(a, b, c bool) bool { return a || b || c })
	f("all of them", func(a, b, c bool) bool { return a && b && c })
	f("all of *", func(a, b, c bool) bool { return a && b && c })
	f("1 of _sel*", func(_, _, _ bool) bool { return false })
	f("sel_a and not _sel_hidden", func(a, _, _ bool) bool { return a })
	// A pattern without a selection is left out.
	f("sel_a and not 1 of filter_*", func(a, _, _ bool) bool { return a })
	f("sel_a and 1 of filter_*", func(a, _, _ bool) bool { return a })
	f("not sel_a or all of filter_*", func(a, _, _ bool) bool { return !a })
	// A list of conditions is an or.
	f("[sel_a, sel_b and other]", func(a, b, c bool) bool { return a || b && c })
	f("\n  - sel_a\n  - not other", func(a, _, c bool) bool { return a || !c })
	f(strings.Repeat("(", 30)+"sel_a"+strings.Repeat(")", 30), func(a, _, _ bool) bool { return a })
	f(">-\n  sel_a\n  and sel_b", func(a, b, _ bool) bool { return a && b })

	refused := func(condition, why string) {
		s.Helper()
		s.refused("sel:\n  A: x\ncondition: "+condition, why)
	}
	refused("2 of sel*", "only 1 and all can be counted")
	refused("", "no condition")
	refused("nothing", "no such selection")
	refused("sel and", "an operand is missing")
	refused("sel or or sel", "an operand is missing")
	refused("sel sel", "an operator is missing")
	refused("(sel", "a parenthesis is open")
	refused("sel)", "a parenthesis is closed")
	refused("1 of", "a pattern is missing")
	refused("1 of nothing_*", "nothing is left of the condition")
	refused("sel & sel", "and is a word")
}

func (s *suite) documents() {
	f := s.document
	const one = "title: one\nlogsource: {product: linux}\ndetection: {sel: {A: x}, condition: sel}\n"
	const two = "title: two\nlogsource: {product: linux}\ndetection: {sel: {B: y}, condition: sel}\n"
	f(one+"---\n"+two, true, "A", "x")
	f(one+"---\n"+two, true, "B", "y")
	f(one+"---\n"+two, false, "A", "y", "B", "x")
	// What a global document says goes for those behind it.
	const global = "action: global\nlogsource: {product: linux}\ndetection: {filter: {User: root}, condition: sel and not filter}\n---\n" +
		"title: one\ndetection: {sel: {A: x}}\n---\ntitle: two\ndetection: {sel: {B: y}}\n"
	f(global, true, "A", "x")
	f(global, true, "B", "y")
	f(global, false, "A", "x", "User", "root")
	f(global, false, "B", "y", "User", "root")
	f(global+"---\ntitle: three\ndetection: {sel: {C: z}, condition: sel}\n", true, "C", "z", "User", "root")
	// A reset document ends that.
	f(global+"---\naction: reset\n---\ntitle: three\nlogsource: {product: linux}\ndetection: {sel: {C: z}, condition: sel}\n", true, "C", "z", "User", "root")
	// The selections of an old aggregation match by themselves; what they add up to is for correlation.
	f("title: one\nlogsource: {product: linux}\ndetection: {sel: {A: x}, timeframe: 5m, condition: sel | count() by B > 5}\n", true, "A", "x")
	f("title: one\nlogsource: {product: linux}\ndetection: {sel: {A: x}, timeframe: 5m, condition: sel | count() by B > 5}\n", false, "A", "y")
	// A repeat document is the one before it with something changed.
	const repeat = one + "---\naction: repeat\ntitle: again\ndetection: {sel: {A: z}}\n"
	f(repeat, true, "A", "x")
	f(repeat, true, "A", "z")
	f(repeat, false, "A", "y")
}

// logsources tries rules of a log source on events of others.
func (s *suite) logsources() {
	f := func(logsource string, want bool, sources ...rule.Logsource) {
		s.Helper()
		yaml := "title: one\nlogsource: {" + logsource + "}\ndetection: {sel: {A: x}, condition: sel}\n"
		s.sources = sources
		s.document(yaml, want, "A", "x")
		s.sources = nil
	}
	process := rule.Logsource{Category: "process_creation", Product: "linux"}
	auditd := rule.Logsource{Product: "linux", Service: "auditd"}
	windows := rule.Logsource{Category: "process_creation", Product: "windows"}
	f("category: process_creation, product: linux", true, process)
	f("category: process_creation, product: linux", false, windows)
	f("category: process_creation, product: linux", true, windows, process)
	f("category: process_creation", true, windows)
	f("product: linux", true, process)
	f("product: linux", true, auditd)
	f("product: linux, service: auditd", true, auditd)
	f("product: linux, service: auditd", false, process)
	f("product: linux, service: auditd", true, process, auditd)
	// All parts have to be those of one log source.
	f("category: process_creation, service: auditd", false, process, auditd)
	f("category: Process_Creation, product: Linux", true, process)
	f("category: process_creation, definition: anything", true, process)
	f("category: file_event", false, process, auditd, windows)
	f("category: process_creation, product: macos", false, process, windows)
}

func (s *suite) filters() {
	f := s.document
	const made = "title: one\nid: 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11\nlogsource: {category: process_creation, product: linux}\n" +
		"detection: {sel: {A: x}, condition: sel}\n---\n"
	filter := func(logsource, rules, condition string) string {
		return made + "title: filter\nlogsource: {" + logsource + "}\nfilter:\n  rules: " + rules + "\n  root: {User: root}\n  condition: " + condition + "\n"
	}
	const byID = "[4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11]"
	// The filter's condition is joined to the rule's by and.
	f(filter("product: linux", byID, "not root"), true, "A", "x")
	f(filter("product: linux", byID, "not root"), true, "A", "x", "User", "alice")
	f(filter("product: linux", byID, "not root"), false, "A", "x", "User", "root")
	f(filter("product: linux", byID, "not root"), false, "A", "y")
	f(filter("product: linux", byID, "root"), true, "A", "x", "User", "root")
	f(filter("product: linux", byID, "root"), false, "A", "x", "User", "alice")
	f(filter("category: process_creation, product: linux", byID, "not root"), false, "A", "x", "User", "root")
	f(filter("product: linux", "any", "not root"), false, "A", "x", "User", "root")
	// It is not for rules that it does not name, or of log sources that its own does not cover.
	f(filter("product: linux", "[00000000-0000-4000-8000-000000000000]", "not root"), true, "A", "x", "User", "root")
	f(filter("product: windows", "any", "not root"), true, "A", "x", "User", "root")
	f(filter("product: linux, service: auditd", "any", "not root"), true, "A", "x", "User", "root")
}
