package rule

import (
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

const (
	// deepestCondition bounds how far parentheses and `not` nest.
	deepestCondition = 64
	// heaviestCondition bounds the values that a condition looks at, counting a selection as often as it is named.
	heaviestCondition = 4_000_000
	// longestPattern bounds a pattern of names, in bytes.
	longestPattern = 1000
)

// named is what a word of a condition can mean.
type named struct {
	name string
	expr Expr
	// weight is how many values it looks at.
	weight int
}

// condition reads one condition over named parts. The precedence, weakest first, is or, and, not, x of, parentheses.
//
// A pattern that matches no part is left out of the condition, as pySigma does, and noted in warnings. Keywords are so in
// upper case, too. A part whose name is `and`, `or` or `not` can be reached by patterns only.
type condition struct {
	parts []named
	// kind is what parts are, for messages: selection.
	kind string
	// quantified allows `1 of`, `any of` and `all of`.
	quantified bool

	index  map[string]int
	words  []string
	at     int
	weight int
	// used says which parts have been named.
	used []bool
	// scan is the weight of looking at every name.
	scan     int
	warnings []*refusal
}

// parse gives the meaning of text.
func (c *condition) parse(text string) (Expr, *refusal) {
	c.index, c.used = make(map[string]int, len(c.parts)), make([]bool, len(c.parts))
	for i, p := range c.parts {
		c.index[p.name] = i
		c.scan += 1 + len(p.name)/16
	}
	if wrong := c.split(text); wrong != nil {
		return nil, wrong
	}
	e, wrong := c.or(0)
	switch {
	case wrong != nil:
		return nil, wrong
	case c.at < len(c.words):
		return nil, refuse("join the parts with `and` or `or`", "%q stands where the condition could end", shortened(c.words[c.at]))
	case e == nil:
		return nil, refuse("name one of: "+c.names(), "no %s matches the condition %q", c.kind, shortened(text))
	}
	return e, nil
}

func refuse(remedy, format string, args ...any) *refusal {
	return &refusal{why: fmt.Sprintf(format, args...), remedy: remedy}
}

// split cuts the text into parentheses and words.
func (c *condition) split(text string) *refusal {
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
			return refuse("write one condition with one |, and what to count behind it", "a | stands where none can")
		case r == '_' || r == '-' || r == '.' || r == '*' || unicode.IsLetter(r) || unicode.IsDigit(r):
			if start < 0 {
				start = i
			}
		default:
			return refuse("use names, and, or, not, `1 of`, `all of` and parentheses", "unexpected %q in the condition", r)
		}
	}
	end(len(text))
	return nil
}

// is reports whether the n-th word from here is the keyword.
func (c *condition) is(n int, keyword string) bool {
	return c.at+n < len(c.words) && strings.EqualFold(c.words[c.at+n], keyword)
}

func (c *condition) or(depth int) (Expr, *refusal) {
	parts, wrong := c.chain("or", depth, c.and)
	if wrong != nil || len(parts) < 2 {
		return only(parts), wrong
	}
	return Or(parts), nil
}

func (c *condition) and(depth int) (Expr, *refusal) {
	parts, wrong := c.chain("and", depth, c.not)
	if wrong != nil || len(parts) < 2 {
		return only(parts), wrong
	}
	return And(parts), nil
}

// chain reads operands joined by the keyword and leaves out those without meaning.
func (c *condition) chain(keyword string, depth int, operand func(int) (Expr, *refusal)) ([]Expr, *refusal) {
	var parts []Expr
	for {
		e, wrong := operand(depth)
		if wrong != nil {
			return nil, wrong
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

func only(parts []Expr) Expr {
	if len(parts) == 0 {
		return nil
	}
	return parts[0]
}

func (c *condition) not(depth int) (Expr, *refusal) {
	if depth > deepestCondition {
		return nil, refuse("write fewer parentheses, or give parts of it to selections", "the condition nests deeper than %d", deepestCondition)
	}
	if !c.is(0, "not") {
		return c.term(depth)
	}
	c.at++
	e, wrong := c.not(depth + 1)
	if wrong != nil || e == nil {
		return nil, wrong
	}
	return Not{e}, nil
}

func (c *condition) term(depth int) (Expr, *refusal) {
	if c.at >= len(c.words) {
		return nil, refuse("name a "+c.kind, "the condition ends where a %s should stand", c.kind)
	}
	text := c.words[c.at]
	switch {
	case text == "(":
		return c.parenthesis(depth)
	case c.quantified && c.is(1, "of"):
		return c.quantity()
	}
	if i, known := c.index[text]; known {
		c.at++
		return c.use(i)
	}
	if c.is(0, "and") || c.is(0, "or") || text == ")" {
		return nil, refuse("name a "+c.kind+" there", "%q stands where a %s should stand", text, c.kind)
	}
	return nil, refuse("name one of: "+c.names(), "the condition names %q, which is no %s here", shortened(text), c.kind)
}

// use gives the i-th part.
func (c *condition) use(i int) (Expr, *refusal) {
	if c.weight += c.parts[i].weight + 1; c.weight > heaviestCondition {
		return nil, c.tooHeavy()
	}
	c.used[i] = true
	return c.parts[i].expr, nil
}

func (c *condition) tooHeavy() *refusal {
	return refuse("name each "+c.kind+" once, or write several rules", "the condition is too large: it looks at more than %d values", heaviestCondition)
}

func (c *condition) parenthesis(depth int) (Expr, *refusal) {
	c.at++
	e, wrong := c.or(depth + 1)
	if wrong != nil {
		return nil, wrong
	}
	if !c.is(0, ")") {
		return nil, refuse("close every parenthesis", "a `)` is missing")
	}
	c.at++
	return e, nil
}

// quantity reads `1 of`, `any of` or `all of`, and a pattern or `them`.
func (c *condition) quantity() (Expr, *refusal) {
	all := c.is(0, "all")
	if !all && !c.is(0, "1") && !c.is(0, "any") {
		return nil, refuse("write `1 of`, `any of` or `all of`, or join selections with `and` and `or`", "%q stands before `of`", shortened(c.words[c.at]))
	}
	c.at += 2
	if c.at >= len(c.words) || c.words[c.at] == "(" || c.words[c.at] == ")" {
		return nil, refuse("write `them` or a pattern such as selection_*", "no name stands behind `of`")
	}
	pattern := c.words[c.at]
	if c.is(0, "them") {
		pattern = "*"
	}
	c.at++
	if len(pattern) > longestPattern {
		return nil, refuse("write a shorter pattern", "the pattern %q is longer than %d bytes", shortened(pattern), longestPattern)
	}
	if c.weight += c.scan; c.weight > heaviestCondition {
		return nil, c.tooHeavy()
	}
	var parts []Expr
	for i, p := range c.parts {
		hidden := strings.HasPrefix(p.name, "_") && !strings.HasPrefix(pattern, "_")
		if hidden || !matchName(pattern, p.name) {
			continue
		}
		e, wrong := c.use(i)
		if wrong != nil {
			return nil, wrong
		}
		parts = append(parts, e)
	}
	if len(parts) == 0 {
		c.warnings = append(c.warnings, refuse("add such a selection or change the condition",
			"no selection matches %q, so the condition is read without it", shortened(pattern)))
	}
	if len(parts) < 2 {
		return only(parts), nil
	}
	if all {
		return And(parts), nil
	}
	return Or(parts), nil
}

// matchName reports whether the name is as the pattern says, in which * stands for any text.
func matchName(pattern, name string) bool {
	head, rest, open := strings.Cut(pattern, "*")
	name, found := strings.CutPrefix(name, head)
	if !found || !open {
		return found && name == ""
	}
	for {
		piece, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, piece)
		}
		at := strings.Index(name, piece)
		if at < 0 {
			return false
		}
		name, rest = name[at+len(piece):], after
	}
}

func (c *condition) names() string {
	names := make([]string, len(c.parts))
	for i, p := range c.parts {
		names[i] = p.name
	}
	return enumerate(names)
}

// readCondition reads one condition of a rule or filter and reports what is odd about it.
func (r *reader) readCondition(n *yaml.Node, text string, det *detection) (Expr, error) {
	c := condition{parts: det.parts, kind: "selection", quantified: true}
	e, wrong := c.parse(text)
	if wrong != nil {
		return nil, faultAt(n, wrong.remedy, "%s", wrong.why)
	}
	for _, w := range c.warnings {
		r.warn(faultAt(n, w.remedy, "%s", w.why))
	}
	det.use(c.used)
	return e, nil
}
