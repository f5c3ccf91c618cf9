package rule

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func placeholderFile(t *testing.T, text string) Options {
	t.Helper()
	return Options{Placeholders: []string{write(t, filepath.Join(t.TempDir(), "values.yml"), text)}}
}

func TestSegments(t *testing.T) {
	f := func(value string, want ...segment) {
		t.Helper()
		if diff := cmp.Diff(want, segments(value), cmp.AllowUnexported(segment{})); diff != "" {
			t.Errorf("value %s (-want +got):\n%s", value, diff)
		}
	}
	text := func(s string) segment { return segment{text: s} }
	name := func(s string) segment { return segment{name: s} }
	f("", text(""))
	f("x", text("x"))
	f("%a%", text(""), name("a"), text(""))
	f("x%a%y%b-c.d_1%", text("x"), name("a"), text("y"), name("b-c.d_1"), text(""))
	f("%a%%b%", text(""), name("a"), text(""), name("b"), text(""))
	f("100%", text("100%"))
	f("%", text("%"))
	f("%%", text("%%"))
	f("%a b%", text("%a b%"))
	f("50% of %x%", text("50% of "), name("x"), text(""))
	f(`\%a%`, text("%a%"))
	f(`\%a\%`, text("%a%"))
	f(`\\%a%`, text(`\\`), name("a"), text(""))
	f(`\*%a%\`, text(`\*`), name("a"), text(`\`))
}

func TestExpand(t *testing.T) {
	opts := placeholderFile(t, `
admins: [root, 'adm_*', 'we\*rd']
one: solo
numbers: [5, 0x10]
dash: '-enc'
networks: [10.0.0.0/8, '::1']
DC-MACHINE-NAME: dc$
fields: [Other Field]
empty: ''
`)
	f := func(lines, want string) {
		t.Helper()
		rule, problems := parsed(t, opts, ruleText("a:\n  "+strings.ReplaceAll(lines, "\n", "\n  ")+"\ncondition: a"))
		if got := showBody(rule.Selections[0].Body); got != want || len(problems) > 0 {
			t.Errorf("%s\ngot  %s\nwant %s\nproblems %v", lines, got, want, problems)
		}
	}
	f("A|expand: '%one%'", `A: "solo"`)
	f("A|expand: '%admins%'", `A: "root", "adm_"*, "we*rd"`)
	f("A|expand: ['%one%', 'x', '%numbers%']", `A: "solo", "x", "5", "0x10"`)
	f("A|expand|contains: '%admins%'", `A: *"root"*, *"adm_"*, *"we*rd"*`)
	f("A|contains|expand: '%admins%'", `A: *"root"*, *"adm_"*, *"we*rd"*`)
	f("A|expand: 'x\\\\%one%*y'", `A: "x\\solo"*"y"`)
	f("A|expand: '%one%%one%'", `A: "solosolo"`)
	f("A|expand: '%one%-%admins%-%numbers%'", `A: "solo-root-5", "solo-root-0x10", "solo-adm_"*"-5", "solo-adm_"*"-0x10", "solo-we*rd-5", "solo-we*rd-0x10"`)
	f("A|expand: '%one%\\%one\\%'", `A: "solo%one%"`)
	f("A|expand: '%DC-MACHINE-NAME%'", `A: "dc$"`)
	f("A|expand: '%empty%'", `A: ""`)
	f("A|expand|cased: '%one%'", `A: cased "solo"`)
	f("A|expand|neq: '%admins%'", `A not: "root", "adm_"*, "we*rd"`)
	f("A|expand|windash|contains: '%dash%'", `A: *~"enc"*`)
	f("A|expand|base64offset|contains: '%one%'", `A: *"c29sb"*|*"NvbG"*|*"zb2xv"*`)
	f("A|expand|all|contains: ['%admins%', '%one%']", `A: *"root"*|*"adm_"*|*"we*rd"* & *"solo"*`)
	f("A|cidr|expand: '%networks%'", `A: net 10.0.0.0/8, net ::1/128`)
	f("A|expand|cidr: '%networks%'", `A: net 10.0.0.0/8, net ::1/128`)
	f("A|fieldref|expand: '%fields%'", `A: field OtherField cased=false head=false tail=false`)
	f("A|re|expand: '^%admins%\\$'", `A: /^root\$/, /^adm_.*\$/, /^we\*rd\$/`)
	f("'|expand': '%one%'", `: *"solo"*`)
	// Without the modifier a percent is a percent.
	f("A: '%one%'", `A: "%one%"`)
	f("A|contains: '\\%one%'", `A: *"\\%one%"*`)
}

func TestExpandRefusals(t *testing.T) {
	f := func(opts Options, line, want string) {
		t.Helper()
		if got := refusalOf(t, opts, ruleText("a:\n  "+line+"\ncondition: a")); !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", line, got, want)
		}
	}
	var many strings.Builder
	many.WriteString("wild: 'a*'\ntwo: [10.0.0.0/8, 10.1.0.0/16]\nmany:\n")
	for i := range 400 {
		fmt.Fprintf(&many, "  - v%d\n", i)
	}
	opts := placeholderFile(t, many.String())
	f(Options{}, "A|expand: '%users%'", "test.yml:7:15: rule 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11: placeholder %users% has no values; "+
		"write `users: [value, value]` in a file and give it with --placeholders FILE (no file of placeholders was given)")
	f(opts, "A|expand: 'x%users%'", "placeholder %users% has no values; write `users: [value, value]` in a file and give it with --placeholders FILE (known are many, two, wild)")
	f(opts, "A|expand: '%many%%many%'", "make more than 100000 patterns")
	f(opts, "A|cidr|expand: '%wild%'", "has wildcards, which have no meaning here")
	f(opts, "A|cidr|expand: '%many%'", "cannot read network \"v0\"")
	f(opts, "A|cidr|all|expand: ['%two%', 10.2.0.0/16]", "a placeholder with several values stands under all")
	f(opts, "A|expand: null", "null cannot be compared")
	f(opts, "A|expand: ["+strings.Repeat("'%many% %two%', ", 2000)+"x]", "the file makes more than 1048576 values and patterns")
}

func TestExpandWithoutPlaceholder(t *testing.T) {
	_, problems := parsed(t, Options{}, ruleText("a: {A|expand: '%x'}\ncondition: a"))
	if len(problems) != 1 || !strings.Contains(problems[0].String(), "no placeholder; write %name%") {
		t.Errorf("got %v", problems)
	}
}

// A file of placeholders with a mistake is a problem by itself.
func TestPlaceholderFiles(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		opts := placeholderFile(t, text)
		set, problems := Parse(opts, "test.yml", []byte(ruleText("a: {A: x}\ncondition: a")))
		if len(set.Rules) != 1 || set.Refused != 1 || len(problems) != 1 || !strings.Contains(problems[0].String(), want) ||
			problems[0].Remedy == "" || problems[0].Line < 1 || problems[0].File != opts.Placeholders[0] {
			t.Errorf("%s\ngot  %v\nwant %s", text, problems, want)
		}
	}
	f("", "the file of placeholders is empty")
	f("- a\n", "values.yml:1:1: the file of placeholders is not a mapping")
	f("a: [\n", "cannot read YAML")
	f("a: x\nb: {c: d}\n", "values.yml:2:4: b is not a list")
	f("a: []\n", `placeholder "a" has no value`)
	f("a:\n", `placeholder "a" has no value`)
	f("a: [x, null]\n", `values.yml:1:8: placeholder "a" has null among its values`)
	f("a: [x, [y]]\n", "an element of a is not plain text")
	f("a: x\na: y\n", `key "a" stands twice`)
	f("a: x\n---\na: y\n", `values.yml:3:1: placeholder "a" has values already`)
	f("a b: x\n", `"a b" cannot be the name of a placeholder`)

	one := placeholderFile(t, "'%a%': x\n")
	two := placeholderFile(t, "a: y\n")
	set, problems := Parse(Options{Placeholders: []string{one.Placeholders[0], two.Placeholders[0], "missing.yml"}}, "test.yml", []byte(ruleText("a: {A|expand: '%a%'}\ncondition: a")))
	if len(set.Rules) != 1 || len(problems) != 2 || !strings.Contains(problems[0].String(), "has values already, in "+one.Placeholders[0]+":1") || problems[1].File != "missing.yml" {
		t.Errorf("got %v", problems)
	}
}
