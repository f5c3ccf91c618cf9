package rule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// checkExpr fails for trees that the types do not allow.
func checkExpr(t *testing.T, e Expr, depth int) {
	t.Helper()
	if depth > 200 {
		t.Fatal("the tree is too deep")
	}
	switch e := e.(type) {
	case And:
		for _, part := range e {
			checkExpr(t, part, depth+1)
		}
	case Or:
		for _, part := range e {
			checkExpr(t, part, depth+1)
		}
	case Not:
		checkExpr(t, e.Of, depth+1)
	case *Selection:
		checkExpr(t, e.Body, depth+1)
	case *Item:
		if len(e.Values) == 0 {
			t.Fatalf("item %q has no values", e.Source)
		}
		for _, v := range e.Values {
			text, ok := v.Test.(Text)
			if v.Test == nil || ok && len(text.Alternatives) == 0 {
				t.Fatalf("value %q of %q has no test", v.Source, e.Source)
			}
			for _, p := range text.Alternatives {
				checkPattern(t, p)
			}
		}
	case *Reference:
	default:
		t.Fatalf("%T in a condition", e)
	}
}

func checkPattern(t *testing.T, p Pattern) {
	t.Helper()
	for i, token := range p {
		if token.Kind == Literal && token.Text == "" || token.Kind != Literal && token.Text != "" ||
			i > 0 && token.Kind == p[i-1].Kind && (token.Kind == Literal || token.Kind == AnyText) {
			t.Fatalf("pattern %v", p)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(ruleText("a:\n  A|re|i: '('\n  B|cidr: 10.0.0.0/8\ncondition: a"))
	f.Add(ruleText("a:\n  A|base64offset|contains: abc\n  B|gte: 5\n  C|hour: 3\n  D|windash|wide: -a*b\ncondition: 1 of a*"))
	f.Add(ruleText("a: [x, {A|exists: true}]\nb: {A|fieldref|endswith: B, C|expand: '%one% %two%'}\ntimeframe: 1h\ncondition: a | count(x) by y >= 3"))
	f.Add(ruleText("a: {A: x}\nb: {A: y}\ncondition: a | near b and not b"))
	f.Add(filteredRules + "title: F\nlogsource: {product: windows}\nfilter: {rules: [one, Two], s: {User: admin}, condition: not s}\n")
	f.Add(countedRules + "title: C\ncorrelation: {type: temporal, rules: [one, two], timespan: 1h, condition: one and not two, aliases: {a: {one: b}}}\n")
	f.Add(countedRules + "title: C\nname: c\ncorrelation: {type: value_percentile, rules: [c], timespan: 1h, condition: {gt: 1, field: x, percentile: 5}}\n")
	f.Add("action: global\ntitle: x\n---\nlogsource: {product: a}\ndetection: {a: {A: x}, condition: a}\n---\naction: repeat\nid: 1\n---\naction: reset\n")
	f.Add("a: &a [*a]\n---\ntitle: x\n")
	f.Add("title: t\nlogsource: {product: linux}\ndetection: {a: &x {'|all': [x, \"\\xff\"]}, b: *x, condition: [a, not a]}\n")
	f.Add("{{{{{{{{[[[[[")
	f.Add("!!binary x: !!set {}")
	f.Add("a:\n#x\n - b\n#y\n- c\n#z\nd: # e\n")
	f.Add("? a\n: b\n? [c]\n: d\n")
	f.Add("%YAML 1.1\n%TAG ! tag:x,2000:\n---\n!x a: !<y> b\n...\n")
	dir := f.TempDir()
	placeholders := filepath.Join(dir, "values.yml")
	if err := os.WriteFile(placeholders, []byte("one: [a, 'b*']\ntwo: [c, d?]\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, problems := Parse(Options{Placeholders: []string{placeholders}}, "fuzz.yml", []byte(text))
		refused := 0
		for _, p := range problems {
			if p.Message == "" || p.Remedy == "" || p.File != "fuzz.yml" || p.Line < 1 || p.Column < 1 || strings.Contains(p.String(), "BUG") {
				t.Errorf("problem says too little: %#v", p)
			}
			if !p.Warning {
				refused++
			}
		}
		if refused != set.Refused {
			t.Errorf("%d refused, problems %v", set.Refused, problems)
		}
		ids := make(map[string]bool)
		for _, rule := range set.Rules {
			if !isUUID(rule.ID) || ids[rule.ID] || rule.Title == "" || rule.Level == "" || rule.Line < 1 {
				t.Errorf("rule %+v", rule)
			}
			ids[rule.ID] = true
			checkExpr(t, rule.Condition, 0)
		}
		for _, c := range set.Correlations {
			if len(c.Rules) == 0 || len(c.Resolved) != len(c.Rules) || c.Timespan <= 0 || c.Type == "" {
				t.Errorf("correlation %+v", c)
			}
			for _, target := range c.Resolved {
				if (target.Rule == nil) == (target.Correlation == nil) {
					t.Errorf("correlation %+v", c)
				}
			}
			if c.Temporal != nil {
				checkExpr(t, c.Temporal, 0)
			}
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, text := range []string{
		"sel", "not sel and (filter or 1 of s*)", "all of them", "((", "1 of", "any of _*", "sel|near", "\xff", "NOT not sel",
		"all of f*l*r or sel", "1 of x*", "of of of", "(sel) and not(filter)", "\u00a0sel\u2003and filter",
	} {
		f.Add(text)
	}
	parts := selections("sel", "filter", "_hidden", "of")
	f.Fuzz(func(t *testing.T, text string) {
		parse := func(text string) (Expr, *refusal) {
			c := condition{parts: parts, kind: "selection", quantified: true}
			return c.parse(text)
		}
		e, wrong := parse(text)
		if wrong != nil {
			if wrong.why == "" || wrong.remedy == "" {
				t.Fatalf("condition %q: error %+v", text, wrong)
			}
			return
		}
		// Its negation means the opposite, and what is shown of it means the same.
		negated, wrong := parse("not (" + text + ")")
		if wrong != nil {
			if !strings.Contains(wrong.why, "nests deeper") {
				t.Fatalf("condition %q can be read, its negation cannot: %v", text, wrong)
			}
			return
		}
		if got, want := showCondition(negated), "not "+showCondition(e); got != want {
			t.Fatalf("condition %q: its negation is %s, want %s", text, got, want)
		}
		again, wrong := parse(showCondition(e))
		if wrong != nil && !strings.Contains(wrong.why, "nests deeper") || wrong == nil && showCondition(again) != showCondition(e) {
			t.Fatalf("condition %q is %s, which is %v, %v", text, showCondition(e), again, wrong)
		}
	})
}

func FuzzPlaceholders(f *testing.F) {
	for _, text := range []string{"a: x\n", "a: [x, 'y*', 5]\n---\nb: z\n", "'%a%': [[x]]\n", "a: &x [y]\nb: *x\n", "a: null\n", "- a\n", "a: [\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := placeholders{values: make(map[string][]Pattern), places: make(map[string]Problem)}
		problem := p.read("values.yml", []byte(text))
		if problem != nil && (problem.Message == "" || problem.Remedy == "" || problem.Line < 1 || problem.Column < 1) {
			t.Errorf("problem says too little: %#v", problem)
		}
		for name, values := range p.values {
			if name == "" || len(values) == 0 {
				t.Errorf("placeholder %q has %d values", name, len(values))
			}
			for _, value := range values {
				checkPattern(t, value)
			}
		}
	})
}

func FuzzValue(f *testing.F) {
	for _, value := range []string{``, `*`, `a*b?c`, `\*\?\\`, `*-enc /x*`, `\\\*`, `\\\\*`, `Σ?*ſ`, `%one%`, `\%one%`, `\\%one%%`, `100%`, "a\xffb", `\`} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		p := parsePattern(value)
		checkPattern(t, p)
		checkPattern(t, p.looseDashes())
		// A pattern written out is the same pattern.
		if again := parsePattern(written(p)); showPattern(again) != showPattern(p) {
			t.Fatalf("value %q is %s, which is %s", value, showPattern(p), showPattern(again))
		}
		if forms := p.looseDashes().dashes(125); forms != nil {
			for _, form := range forms {
				checkPattern(t, form)
			}
		}
		if plain, ok := p.plainText(); ok && plain != "" && utf8.ValidString(plain) {
			for _, code := range encodeBase64(plain, true) {
				if len(plain) > 1 && code == "" {
					t.Fatalf("value %q leaves no trace in base64", value)
				}
			}
		}
		// Placeholders cut the value into pieces and lose nothing.
		var text strings.Builder
		for _, part := range segments(value) {
			text.WriteString(part.text)
			if part.name != "" {
				text.WriteString("%" + part.name + "%")
			}
		}
		if got, want := text.String(), strings.NewReplacer(`\\`, `\\`, `\%`, `%`).Replace(value); got != want {
			t.Fatalf("value %q is cut into %q, want %q", value, got, want)
		}
	})
}

// written gives a value that means the pattern.
func written(p Pattern) string {
	var b strings.Builder
	for _, token := range p {
		switch token.Kind {
		case AnyText:
			b.WriteByte('*')
		case AnyChar:
			b.WriteByte('?')
		case Literal:
			b.WriteString(strings.NewReplacer(`*`, `\*`, `?`, `\?`, `\`, `\\`).Replace(token.Text))
		case AnyDash:
		}
	}
	return b.String()
}
