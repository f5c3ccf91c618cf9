package rule

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// defaultTimeframe is that of an aggregation whose rule names none: the most frequent one among SigmaHQ's.
const defaultTimeframe = 24 * time.Hour

// readAggregation reads a rule of Sigma 1 that counts what its condition finds, `search | count(field) by group > 10`, or
// wants other events near it, `search | near other and not third`. It becomes a rule that only feeds a correlation for the
// search and for each selection that is to be near, and the correlation, which has all that describes the rule.
//
// count() counts events and count(field) different values; min, max, avg and sum look at the numbers in a field. near wants
// events within one timeframe of each other, in any order. A timeframe that is not written is 24 hours, with a warning.
func (r *reader) readAggregation(d *document, det *detection, search, count string) error {
	n := det.conditions[0]
	d.correlation = &Correlation{Timespan: defaultTimeframe}
	if det.timeframe == nil {
		r.warn(faultAt(n, "add `timeframe:` to detection", "the rule counts without a timeframe; 24 hours are taken"))
	} else {
		text, err := scalarText(*det.timeframe)
		if err != nil {
			return err
		}
		if d.correlation.Timespan, err = parseTimespan(text, det.timeframe.value); err != nil {
			return err
		}
	}
	primary, err := r.readCondition(n, search, det)
	if err != nil {
		return err
	}
	d.feed("", det.selections, primary)
	words, wrong := aggregationWords(count)
	switch {
	case wrong != nil:
	case len(words) > 0 && strings.EqualFold(words[0], "near"):
		wrong = d.near(det, strings.TrimSpace(count)[len("near"):])
	default:
		wrong = d.correlation.count(words)
	}
	if wrong != nil {
		return faultAt(n, wrong.remedy, "cannot read what stands behind the |: %s", wrong.why)
	}
	r.warnUnused(det)
	d.correlation.Meta = *d.meta
	d.correlation.Meta.Logsource = Logsource{}
	return nil
}

// feed adds a rule that counts for the correlation only. part tells the rules of one correlation apart.
func (d *document) feed(part string, selections []*Selection, condition Expr) {
	base := *d.meta
	base.ID, base.Name, base.Feeds = derivedID(d.meta.ID+"\n| "+part), "", true
	base.Selections, base.Condition = selections, condition
	if part != "" {
		base.Title += " (" + part + ")"
	}
	d.rules = append(d.rules, &base)
	d.correlation.Rules = append(d.correlation.Rules, base.ID)
	d.correlation.Resolved = append(d.correlation.Resolved, Referent{Rule: &base})
}

// near reads the selections that are to be near.
func (d *document) near(det *detection, text string) *refusal {
	parts := []named{}
	for i, s := range det.selections {
		parts = append(parts, named{name: s.Name, expr: &Reference{Rule: i}})
	}
	c := condition{parts: parts, kind: "selection"}
	e, wrong := c.parse(text)
	if wrong != nil {
		return wrong
	}
	det.use(c.used)
	// The references are to selections so far; those that are used become rules.
	ruleOf := make(map[int]int)
	plain := true
	var number func(e Expr) Expr
	number = func(e Expr) Expr {
		switch e := e.(type) {
		case And:
			return And(eachOf(e, number))
		case Or:
			plain = false
			return Or(eachOf(e, number))
		case Not:
			plain = false
			return Not{number(e.Of)}
		case *Reference:
			at, known := ruleOf[e.Rule]
			if !known {
				s := det.selections[e.Rule]
				d.feed(s.Name, []*Selection{s}, s)
				at = len(d.rules) - 1
				ruleOf[e.Rule] = at
			}
			return &Reference{Rule: at}
		}
		return e
	}
	e = number(e)
	d.correlation.Type = "temporal"
	if !plain {
		d.correlation.Temporal = And{&Reference{Rule: 0}, e}
	}
	return nil
}

func eachOf(parts []Expr, change func(Expr) Expr) []Expr {
	changed := make([]Expr, len(parts))
	for i, p := range parts {
		changed[i] = change(p)
	}
	return changed
}

// aggregationWords cuts what stands behind the | into words, parentheses, commas and comparisons.
func aggregationWords(text string) ([]string, *refusal) {
	if strings.Contains(text, "|") {
		return nil, refuse("write one aggregation", "a second | stands in the condition")
	}
	if len(text) > 10_000 {
		return nil, refuse("write a correlation", "it is longer than 10000 bytes")
	}
	var words []string
	start := -1
	for i, c := range text + " " {
		special := strings.ContainsRune("(),<>=!", c)
		if !special && !unicode.IsSpace(c) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			words = append(words, text[start:i])
			start = -1
		}
		last := len(words) - 1
		switch {
		case !special:
		case c == '=' && last >= 0 && text[i-1] != ' ' && strings.Contains("<>=!", words[last]):
			words[last] += "="
		default:
			words = append(words, string(c))
		}
	}
	return words, nil
}

const aggregationForm = "write `| count(field) by group > 10` with count, min, max, avg or sum, or `| near selection`, or a correlation"

// count reads `count(field) by group, group > 10`.
func (c *Correlation) count(words []string) *refusal {
	at := 0
	next := func() string {
		at++
		if at > len(words) {
			return ""
		}
		return words[at-1]
	}
	function, open, field := strings.ToLower(next()), next(), ""
	switch function {
	case "count", "min", "max", "avg", "sum":
	default:
		return refuse(aggregationForm, "%q is no aggregation", function)
	}
	if open != "(" {
		return refuse(aggregationForm, "%q needs parentheses", function)
	}
	word := next()
	if word != ")" {
		field = word
		word = next()
	}
	if word != ")" || strings.Contains("(),<>=!", field) && field != "" {
		return refuse(aggregationForm, "the parentheses of %q hold something else than one field", function)
	}
	switch {
	case function != "count" && field == "":
		return refuse(aggregationForm, "%q needs a field", function)
	case function != "count":
		c.Type = "value_" + function
	case field == "" || field == "*":
		c.Type, field = "event_count", ""
	default:
		c.Type = "value_count"
	}
	if field != "" {
		c.Fields = []string{strings.Clone(field)}
	}
	word = next()
	if strings.EqualFold(word, "by") {
		for {
			group := next()
			if group == "" || strings.Contains("(),<>=!", group) {
				return refuse(aggregationForm, "no field stands behind `by`")
			}
			c.GroupBy = append(c.GroupBy, strings.Clone(group))
			if word = next(); word != "," {
				break
			}
		}
	}
	relation, known := relationFrom(word)
	if !known {
		return refuse(aggregationForm, "%q stands where a comparison should", word)
	}
	than, ok := ParseDecimal(next())
	if !ok || at < len(words) {
		return refuse(aggregationForm, "the comparison is not with one number")
	}
	c.Thresholds = []Threshold{{relation, than}}
	return nil
}

func relationFrom(sign string) (Relation, bool) {
	switch sign {
	case "<":
		return Relation{Less: true}, true
	case "<=":
		return Relation{Less: true, Equal: true}, true
	case ">":
		return Relation{Greater: true}, true
	case ">=":
		return Relation{Greater: true, Equal: true}, true
	case "=", "==":
		return Relation{Equal: true}, true
	case "!=":
		return Relation{Less: true, Greater: true}, true
	}
	return Relation{}, false
}

// parseTimespan reads a number and a unit: s, m, h, d, w, M (30 days) or y (365 days).
func parseTimespan(text string, n *yaml.Node) (time.Duration, error) {
	const remedy = "write a number and one of s, m, h, d, w, M, y, such as 15m"
	const day = 24 * time.Hour
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': day, 'w': 7 * day, 'M': 30 * day, 'y': 365 * day}
	if text == "" {
		return 0, faultAt(n, remedy, "the time span is empty")
	}
	unit, known := units[text[len(text)-1]]
	number := strings.TrimSpace(text[:len(text)-1])
	if !known || number == "" || strings.Trim(number, "0123456789") != "" {
		return 0, faultAt(n, remedy, "cannot read time span %q", shortened(text))
	}
	var count int64
	if _, err := fmt.Sscanf(number, "%d", &count); err != nil || count < 1 || count > int64(100*365*day/unit) {
		return 0, faultAt(n, "write a span from 1s to 100y", "time span %q is out of bounds", shortened(text))
	}
	return time.Duration(count) * unit, nil
}
