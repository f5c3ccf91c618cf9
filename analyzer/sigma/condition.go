package sigma

import (
	"fmt"
	"strings"
	"unicode"
)

// deepestCondition bounds how far parentheses and `not` nest.
const deepestCondition = 64

// selection is one named part of a rule's detection.
type selection struct {
	name string
	expr expr
}

// condition reads one condition over the selections. The precedence, weakest first, is or, and, not, x of, parentheses.
//
// A pattern that matches no selection is left out of the condition, as pySigma does, and noted in warnings.
type condition struct {
	selections []selection
	words      []string
	at         int
	warnings   []string
}

// conditionError is an error in the text of a condition.
type conditionError struct{ message, remedy string }

// Error implements error.
func (e *conditionError) Error() string { return e.message + "; " + e.remedy }

// parseCondition gives the meaning of text, and warnings about parts of it that have none.
func parseCondition(text string, selections []selection) (expr, []string, error) {
	c := condition{selections: selections}
	if err := c.split(text); err != nil {
		return nil, nil, err
	}
	e, err := c.or(0)
	if err != nil {
		return nil, nil, err
	}
	if c.at < len(c.words) {
		return nil, nil, fail("join the parts with `and` or `or`", "%q stands where the condition could end", c.words[c.at])
	}
	if e == nil {
		return nil, nil, fail("name selections that the rule has", "no selection matches the condition %q", text)
	}
	return e, c.warnings, nil
}

func (c *condition) split(text string) error {
	start := -1
	end := func(at int) {
		if start >= 0 {
			c.words = append(c.words, text[start:at])
			start = -1
		}
	}
	for i, r := range text {
		switch {
		case unicode.IsSpace(r):
			end(i)
		case r == '(' || r == ')':
			end(i)
			c.words = append(c.words, text[i:i+1])
		case r == '|':
			return fail("detect single events, or count the alerts downstream", "aggregations behind a | are not supported")
		case r == '_' || r == '-' || r == '.' || r == '*' || unicode.IsLetter(r) || unicode.IsDigit(r):
			if start < 0 {
				start = i
			}
		default:
			return fail("use names of selections, and, or, not, `1 of`, `all of` and parentheses", "unexpected %q in the condition", r)
		}
	}
	end(len(text))
	return nil
}

func fail(remedy, format string, args ...any) error {
	return &conditionError{message: fmt.Sprintf(format, args...), remedy: remedy}
}

// is reports whether the n-th word from here is the keyword.
func (c *condition) is(n int, keyword string) bool {
	return c.at+n < len(c.words) && strings.EqualFold(c.words[c.at+n], keyword)
}

func (c *condition) or(depth int) (expr, error) {
	parts, err := c.chain("or", depth, c.and)
	if err != nil || len(parts) < 2 {
		return only(parts), err
	}
	return anyOf(parts), nil
}

func (c *condition) and(depth int) (expr, error) {
	parts, err := c.chain("and", depth, c.not)
	if err != nil || len(parts) < 2 {
		return only(parts), err
	}
	return allOf(parts), nil
}

// chain reads operands joined by the keyword and leaves out those without meaning.
func (c *condition) chain(keyword string, depth int, operand func(int) (expr, error)) ([]expr, error) {
	var parts []expr
	for {
		e, err := operand(depth)
		if err != nil {
			return nil, err
		}
		if e != nil {
			parts = append(parts, e)
		}
		if !c.is(0, keyword) {
			return parts, nil
		}
		c.at++
	}
}

func only(parts []expr) expr {
	if len(parts) == 0 {
		return nil
	}
	return parts[0]
}

func (c *condition) not(depth int) (expr, error) {
	if depth > deepestCondition {
		return nil, fail("write fewer parentheses", "the condition nests deeper than %d", deepestCondition)
	}
	if !c.is(0, "not") {
		return c.term(depth)
	}
	c.at++
	e, err := c.not(depth + 1)
	if err != nil || e == nil {
		return nil, err
	}
	return negation{e}, nil
}

func (c *condition) term(depth int) (expr, error) {
	if c.at >= len(c.words) {
		return nil, fail("name a selection", "the condition ends where a selection should stand")
	}
	text := c.words[c.at]
	switch {
	case text == "(":
		return c.parenthesis(depth)
	case c.is(1, "of"):
		return c.quantified()
	}
	for _, s := range c.selections {
		if s.name == text {
			c.at++
			return s.expr, nil
		}
	}
	return nil, fail("name one of: "+c.names(), "the condition names %q, which is not a selection of the rule", text)
}

func (c *condition) parenthesis(depth int) (expr, error) {
	c.at++
	e, err := c.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if !c.is(0, ")") {
		return nil, fail("close every parenthesis", "a `)` is missing")
	}
	c.at++
	return e, nil
}

// quantified reads `1 of`, `any of` or `all of`, and a pattern or `them`.
func (c *condition) quantified() (expr, error) {
	all := c.is(0, "all")
	if !all && !c.is(0, "1") && !c.is(0, "any") {
		return nil, fail("write `1 of` or `all of`", "%q stands before `of`", c.words[c.at])
	}
	c.at += 2
	if c.at >= len(c.words) {
		return nil, fail("write `them` or a pattern such as selection_*", "nothing stands behind `of`")
	}
	pattern := c.words[c.at]
	if c.is(0, "them") {
		pattern = "*"
	} else if pattern == "(" || pattern == ")" {
		return nil, fail("write `them` or a pattern such as selection_*", "a parenthesis stands behind `of`")
	}
	tokens := splitWildcards(pattern)
	names := newPattern(tokens, true)
	var parts []expr
	for _, s := range c.selections {
		hidden := strings.HasPrefix(s.name, "_") && !strings.HasPrefix(pattern, "_")
		if !hidden && names.match([]byte(s.name)) {
			parts = append(parts, s.expr)
		}
	}
	if len(parts) == 0 {
		c.warnings = append(c.warnings, fmt.Sprintf("no selection matches %q, so the condition is read without it", pattern))
	}
	c.at++
	if len(parts) < 2 {
		return only(parts), nil
	}
	if all {
		return allOf(parts), nil
	}
	return anyOf(parts), nil
}

func (c *condition) names() string {
	names := make([]string, len(c.selections))
	for i, s := range c.selections {
		names[i] = s.name
	}
	return strings.Join(names, ", ")
}
