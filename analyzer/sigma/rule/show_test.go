package rule

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// ruleText makes a rule of the lines of its detection.
func ruleText(detection string) string {
	return "title: Test\nid: 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11\nlogsource:\n  category: test\ndetection:\n  " +
		strings.ReplaceAll(detection, "\n", "\n  ") + "\n"
}

// parsed gives the one rule of a text and the warnings about it.
func parsed(t testing.TB, opts Options, text string) (*Rule, []Problem) {
	t.Helper()
	set, problems := Parse(opts, "test.yml", []byte(text))
	if len(set.Rules) != 1 || set.Refused != 0 {
		t.Fatalf("%s\ngave %d rules, problems %v", text, len(set.Rules), problems)
	}
	return set.Rules[0], problems
}

// refusalOf gives the one problem of a text that makes no rule.
func refusalOf(t testing.TB, opts Options, text string) string {
	t.Helper()
	set, problems := Parse(opts, "test.yml", []byte(text))
	if len(set.Rules) != 0 || set.Refused != 1 || len(problems) != 1 || problems[0].Warning {
		t.Errorf("%s\ngave %d rules, %d refused, problems %v", text, len(set.Rules), set.Refused, problems)
		return ""
	}
	if p := problems[0]; p.Remedy == "" || p.Line < 1 || p.Column < 1 || p.File != "test.yml" {
		t.Errorf("%s\nproblem says too little: %#v", text, p)
	}
	return problems[0].String()
}

// showCondition writes a condition with the names of its selections.
func showCondition(e Expr) string {
	switch e := e.(type) {
	case And:
		return "(" + joined(e, " and ", showCondition) + ")"
	case Or:
		return "(" + joined(e, " or ", showCondition) + ")"
	case Not:
		return "not " + showCondition(e.Of)
	case *Selection:
		return e.Name
	case *Reference:
		return fmt.Sprint(e.Rule)
	}
	return fmt.Sprintf("%T", e)
}

// showBody writes the items of a selection.
func showBody(e Expr) string {
	switch e := e.(type) {
	case And:
		return "(" + joined(e, " and ", showBody) + ")"
	case Or:
		return "(" + joined(e, " or ", showBody) + ")"
	case *Item:
		return showItem(e)
	}
	return fmt.Sprintf("%T", e)
}

func joined(parts []Expr, by string, show func(Expr) string) string {
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = show(part)
	}
	return strings.Join(texts, by)
}

func showItem(it *Item) string {
	by, sign := ", ", ": "
	if it.All {
		by = " & "
	}
	if it.Negated {
		sign = " not: "
	}
	values := make([]string, len(it.Values))
	for i, v := range it.Values {
		values[i] = showTest(v.Test)
	}
	return it.Field + sign + strings.Join(values, by)
}

func showTest(t Test) string {
	switch t := t.(type) {
	case Text:
		forms := make([]string, len(t.Alternatives))
		for i, p := range t.Alternatives {
			forms[i] = showPattern(p)
		}
		text := strings.Join(forms, "|")
		if t.Cased {
			text = "cased " + text
		}
		return text
	case Regex:
		return "/" + t.Regex.String() + "/"
	case Null:
		return "null"
	case Exists:
		return fmt.Sprintf("exists=%v", bool(t))
	case Network:
		return "net " + netip.Prefix(t).String()
	case Number:
		return fmt.Sprintf("%s %s %s", t.Part, showRelation(t.Relation), showDecimal(t.Than))
	case FieldRef:
		return fmt.Sprintf("field %s cased=%v head=%v tail=%v", t.Other, t.Cased, t.OpenHead, t.OpenTail)
	}
	return fmt.Sprintf("%T", t)
}

func showDecimal(d Decimal) string {
	if d.isWhole {
		return fmt.Sprint(d.whole)
	}
	return fmt.Sprint(d.real)
}

func showRelation(r Relation) string {
	text := ""
	if r.Less {
		text += "<"
	}
	if r.Greater {
		text += ">"
	}
	if r.Equal {
		text += "="
	}
	return text
}

func showPattern(p Pattern) string {
	var b strings.Builder
	for i, t := range p {
		switch t.Kind {
		case AnyText:
			b.WriteByte('*')
		case AnyChar:
			b.WriteByte('?')
		case AnyDash:
			b.WriteByte('~')
		case Literal:
			fmt.Fprintf(&b, "%q", t.Text)
		}
		if i > 0 && t.Kind == p[i-1].Kind && (t.Kind == AnyText || t.Kind == Literal) {
			b.WriteString("<BUG: side by side>")
		}
	}
	if len(p) == 0 {
		return `""`
	}
	return b.String()
}
