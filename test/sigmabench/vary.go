package main

import (
	"fmt"
	"hash/fnv"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// grow gives n rules: an even choice of the given ones, or, when there are fewer, all of them followed by as many varied
// copies as it takes.
func grow(rules []*rule.Rule, n int) []*rule.Rule {
	if len(rules) == 0 {
		return nil
	}
	if n <= len(rules) {
		chosen := make([]*rule.Rule, n)
		for i := range chosen {
			chosen[i] = rules[i*len(rules)/n]
		}
		return chosen
	}
	grown := make([]*rule.Rule, n)
	for i := range grown {
		grown[i] = rules[i%len(rules)]
		if copied := i / len(rules); copied > 0 {
			grown[i] = varied(grown[i], copied)
		}
	}
	return grown
}

// varied is a rule like r about other things: in every literal, one letter of its longest word is another, so that what has
// to be looked for is new, as long and as common as before, and begins, ends and is built alike. Literals without a word of
// four letters stay, such as those of options: new rules share them with old ones too.
func varied(r *rule.Rule, number int) *rule.Rule {
	v := variation{number: number, selections: make(map[*rule.Selection]*rule.Selection)}
	renamed := *r
	renamed.ID = fmt.Sprintf("%08x%s", number, r.ID[8:])
	renamed.Title = fmt.Sprintf("%s (variation %d)", r.Title, number)
	renamed.Selections = make([]*rule.Selection, len(r.Selections))
	for i, s := range r.Selections {
		renamed.Selections[i] = v.selection(s)
	}
	renamed.Condition = v.expression(r.Condition)
	return &renamed
}

type variation struct {
	number     int
	selections map[*rule.Selection]*rule.Selection
}

func (v variation) selection(s *rule.Selection) *rule.Selection {
	if v.selections[s] == nil {
		renamed := *s
		renamed.Body = v.expression(s.Body)
		v.selections[s] = &renamed
	}
	return v.selections[s]
}

func (v variation) expression(e rule.Expr) rule.Expr {
	switch e := e.(type) {
	case rule.And:
		return rule.And(v.expressions(e))
	case rule.Or:
		return rule.Or(v.expressions(e))
	case rule.Not:
		return rule.Not{Of: v.expression(e.Of)}
	case *rule.Selection:
		return v.selection(e)
	case *rule.Item:
		renamed := *e
		renamed.Values = make([]rule.Value, len(e.Values))
		for i, value := range e.Values {
			renamed.Values[i] = v.value(value)
		}
		return &renamed
	}
	return e
}

func (v variation) expressions(list []rule.Expr) []rule.Expr {
	renamed := make([]rule.Expr, len(list))
	for i, e := range list {
		renamed[i] = v.expression(e)
	}
	return renamed
}

func (v variation) value(value rule.Value) rule.Value {
	text, ok := value.Test.(rule.Text)
	if !ok {
		return value
	}
	alternatives := make([]rule.Pattern, len(text.Alternatives))
	for i, p := range text.Alternatives {
		alternatives[i] = make(rule.Pattern, len(p))
		for j, token := range p {
			if token.Kind == rule.Literal {
				token.Text = rename(token.Text, v.number)
			}
			alternatives[i][j] = token
		}
	}
	text.Alternatives = alternatives
	return rule.Value{Source: rename(value.Source, v.number), Test: text}
}

// rename replaces one letter of the longest word of a literal. Literal and number alone decide which, and by what.
func rename(literal string, number int) string {
	start, length := longestWord(literal)
	if length < 4 {
		return literal
	}
	h := fnv.New32a()
	h.Write([]byte(literal[start : start+length]))
	sum := int(h.Sum32() >> 1)
	at := start + (sum+number)%length
	// 1 to 25 letters further on: never the same, and a different one in each copy of the first 25.
	by := 1 + (sum/length+number)%25
	first := byte('a')
	if literal[at] <= 'Z' {
		first = 'A'
	}
	letter := first + (literal[at]-first+byte(by))%26
	return literal[:at] + string(letter) + literal[at+1:]
}

// longestWord finds the first longest run of ASCII letters.
func longestWord(s string) (start, length int) {
	run := 0
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			run = 0
			continue
		}
		if run++; run > length {
			start, length = i+1-run, run
		}
	}
	return start, length
}
