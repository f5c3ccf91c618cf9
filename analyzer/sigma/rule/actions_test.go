package rule

import (
	"fmt"
	"strings"
	"testing"
)

// showRule writes what tells the rules of one file apart.
func showRule(r *Rule) string {
	var bodies []string
	for _, s := range r.Selections {
		bodies = append(bodies, s.Name+"{"+showBody(s.Body)+"}")
	}
	return fmt.Sprintf("%s %v %s: %s", r.Title, r.Logsource, strings.Join(bodies, " "), showCondition(r.Condition))
}

func TestActions(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		set, problems := Parse(Options{}, "test.yml", []byte(text))
		var got []string
		for _, r := range set.Rules {
			got = append(got, showRule(r))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") || len(problems) > 0 {
			t.Errorf("%s\ngot\n%s\nwant\n%s\nproblems %v", text, strings.Join(got, "\n"), strings.Join(want, "\n"), problems)
		}
	}
	// Mappings are merged; anything else that the rule says itself comes first.
	f(`
action: global
title: Common
logsource: {product: windows, service: system}
detection:
  a: {A: [x, y], B: z}
  condition: a
---
title: One
id: 00000000-0000-4000-8000-000000000001
detection:
  a: {A: w}
---
title: Two
id: 00000000-0000-4000-8000-000000000002
logsource: {category: c, service: security}
detection:
  b: [k]
  condition: a and b
`,
		`One { windows system} a{(A: "w" and B: "z")}: a`,
		`Two {c windows security} a{(A: "x", "y" and B: "z")} b{: *"k"*}: (a and b)`)
	// Global documents add up until they are reset.
	f(`
action: global
title: Common
logsource: {product: linux}
---
action: global
detection: {a: {A: x}, condition: a}
---
id: 00000000-0000-4000-8000-000000000001
---
action: reset
---
title: Own
logsource: {product: other}
detection: {c: {C: z}, condition: c}
`,
		`Common { linux } a{A: "x"}: a`,
		`Own { other } c{C: "z"}: c`)
	// A repetition changes the rule before it, which may itself be one.
	f(`
title: First
logsource: {product: linux}
detection: {a: {A: x, EventID: 1}, condition: a}
---
action: repeat
title: Second
logsource: {service: s}
detection: {a: {EventID: 2}}
---
action: repeat
detection: {b: {B: y}, condition: a or b}
`,
		`First { linux } a{(A: "x" and EventID: "1")}: a`,
		`Second { linux s} a{(A: "x" and EventID: "2")}: a`,
		`Second { linux s} a{(A: "x" and EventID: "2")} b{B: "y"}: (a or b)`)
}

// Rules that take their id from a global document, or repeat another, get ids that stay the same from load to load.
func TestInheritedIDs(t *testing.T) {
	const text = `
action: global
title: Common
id: 00000000-0000-4000-8000-000000000001
logsource: {product: linux}
---
detection: {a: {A: x}, condition: a}
---
detection: {a: {A: y}, condition: a}
---
id: 00000000-0000-4000-8000-000000000002
detection: {a: {A: z}, condition: a}
---
action: repeat
logsource: {product: windows}
`
	var before []string
	for range 2 {
		set, problems := Parse(Options{}, "test.yml", []byte(text))
		if len(problems) > 0 || len(set.Rules) != 4 {
			t.Fatalf("%d rules, problems %v", len(set.Rules), problems)
		}
		var ids []string
		for _, r := range set.Rules {
			if !isUUID(r.ID) {
				t.Errorf("id %q", r.ID)
			}
			ids = append(ids, r.ID)
		}
		if ids[0] != "00000000-0000-4000-8000-000000000001" || ids[2] != "00000000-0000-4000-8000-000000000002" {
			t.Errorf("ids %v", ids)
		}
		if before != nil && strings.Join(before, " ") != strings.Join(ids, " ") {
			t.Errorf("ids %v, then %v", before, ids)
		}
		before = ids
	}
}

func TestActionRefusals(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := refusalOf(t, Options{}, text); !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	f("action: globl\ntitle: t\n", `test.yml:1:9: action "globl" is unknown; use one of global, reset, repeat`)
	f("action: [global]\n", `action "" is unknown`)
	f("action: repeat\ntitle: t\n", "no rule stands before this repetition")
	f("action: global\ntitle: t\n", "the file holds no rule")
	f("action: global\ntitle: t\n---\ntitle: u\ntitle: v\n", `key "title" stands twice`)
	f("action: global\ntitle: t\n---\nlogsource: {product: linux}\n", "test.yml:4:1: rule e8ffcdb7-cc05-86a2-91ac-406f8207f23f: the rule has no detection")
	f("action: global\ntitle: t\n---\nx\n", "the rule is not a mapping")
}
