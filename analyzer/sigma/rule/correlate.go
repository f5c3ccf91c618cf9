package rule

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

const correlationTypes = "event_count, value_count, value_sum, value_avg, value_min, value_max, value_percentile, value_median, " +
	"temporal, temporal_ordered"

// readCorrelation reads a correlation document. generate may stand inside the correlation or beside it.
func (r *reader) readCorrelation(d *document, e entry, generate *entry) error {
	parts, err := entries(e.value, "correlation")
	if err != nil {
		return err
	}
	c := &Correlation{Percentile: 50}
	d.correlation = c
	if generate != nil {
		parts = append(parts, *generate)
	}
	var condition *entry
	for i, part := range parts {
		switch part.name {
		case "type":
			c.Type, err = oneOf(part, correlationTypes)
		case "rules":
			err = r.references(d, &c.Rules, part)
		case "group-by":
			c.GroupBy, err = r.fieldNames(part)
		case "timespan", "timeframe":
			var text string
			if text, err = scalarText(part); err == nil {
				c.Timespan, err = parseTimespan(text, part.value)
			}
		case "aliases":
			c.Aliases, err = r.aliases(part)
		case "condition":
			condition = &parts[i]
		case "generate":
			var on bool
			on, err = truth(part)
			c.Generate = c.Generate || on
		default:
			err = faultAt(part.key, "use type, rules, group-by, timespan, condition, aliases, generate", "%q is unknown in a correlation", part.name)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case c.Type == "":
		return faultAt(e.key, "add `type:` with one of "+correlationTypes, "the correlation has no type")
	case c.Timespan == 0:
		return faultAt(e.key, "add `timespan:` such as 15m", "the correlation has no timespan")
	}
	if err := r.correlationCondition(d, e, condition); err != nil {
		return err
	}
	if len(c.Rules) == 0 {
		return faultAt(e.key, "add `rules:` with ids or names of rules", "the correlation names no rules")
	}
	r.checkAliases(c, e)
	c.Meta = *d.meta
	return nil
}

func truth(e entry) (bool, error) {
	if e.value.Kind != yaml.ScalarNode || e.value.ShortTag() != "!!bool" {
		return false, faultAt(e.value, "write true or false, without quotes", "%s is neither true nor false", e.name)
	}
	return strings.EqualFold(e.value.Value, "true"), nil
}

// references reads names and ids of rules.
func (r *reader) references(d *document, to *[]string, e entry) error {
	nodes, err := scalarList(e)
	if err != nil {
		return err
	}
	if err := r.budget.spend(len(nodes), e.value); err != nil {
		return err
	}
	seen := make(map[string]bool, len(nodes))
	for _, n := range nodes {
		name := strings.Clone(strings.TrimSpace(n.Value))
		switch {
		case isNull(n) || name == "":
			return faultAt(n, "write the id or the name of a rule", "an element of %s is empty", e.name)
		case seen[name]:
			return faultAt(n, "remove one of the two", "%q stands twice in %s", shortened(name), e.name)
		}
		seen[name] = true
		*to = append(*to, name)
		d.places = append(d.places, faultAt(n, "", ""))
	}
	return nil
}

func (r *reader) fieldNames(e entry) ([]string, error) {
	nodes, err := scalarList(e)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, n := range nodes {
		name := strings.ReplaceAll(n.Value, " ", "")
		if isNull(n) || name == "" {
			return nil, faultAt(n, "write the name of a field", "an element of %s is empty", e.name)
		}
		if slices.Contains(names, name) {
			return nil, faultAt(n, "remove one of the two", "field %q stands twice in %s", shortened(name), e.name)
		}
		if len(names) == 100 {
			return nil, faultAt(n, "use fewer fields", "%s has more than 100 fields", e.name)
		}
		names = append(names, r.intern(name))
	}
	return names, nil
}

// aliases reads `alias: {rule: field}` lines.
func (r *reader) aliases(e entry) (map[string]map[string]string, error) {
	list, err := entries(e.value, e.name)
	if err != nil {
		return nil, err
	}
	all := make(map[string]map[string]string, len(list))
	for _, alias := range list {
		fields, err := entries(alias.value, fmt.Sprintf("alias %q", alias.name))
		if err != nil {
			return nil, err
		}
		all[strings.Clone(alias.name)] = make(map[string]string, len(fields))
		for _, field := range fields {
			text, err := scalarText(field)
			if err == nil && text == "" {
				err = faultAt(field.value, "write the name of a field", "alias %q names no field of %q", alias.name, field.name)
			}
			if err != nil {
				return nil, err
			}
			all[alias.name][strings.Clone(field.name)] = r.intern(strings.ReplaceAll(text, " ", ""))
		}
	}
	return all, nil
}

// checkAliases warns of aliases that nothing uses.
func (r *reader) checkAliases(c *Correlation, e entry) {
	for _, alias := range sortedKeys(c.Aliases) {
		if !slices.Contains(c.GroupBy, alias) && !slices.Contains(c.Fields, alias) {
			r.warn(faultAt(e.key, "name it in group-by, or remove it", "alias %q is not used", alias))
		}
	}
}

// correlationCondition reads a mapping of relations, or the text of an extended condition.
func (r *reader) correlationCondition(d *document, e entry, condition *entry) error {
	c := d.correlation
	temporal := strings.HasPrefix(c.Type, "temporal")
	switch {
	case condition == nil && temporal:
		return nil
	case condition == nil:
		return faultAt(e.key, "add `condition:` such as {gte: 10}", "a correlation of type %s needs a condition", c.Type)
	case condition.value.Kind == yaml.ScalarNode && temporal && !isNull(condition.value):
		return r.extendedCondition(d, condition.value)
	case condition.value.Kind != yaml.MappingNode && temporal:
		return faultAt(condition.value, "write {gte: 2}, or names of rules with and, or, not", "the condition is neither a mapping nor text")
	}
	parts, err := entries(condition.value, "condition")
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err := r.conditionPart(c, part); err != nil {
			return err
		}
	}
	takesField := strings.HasPrefix(c.Type, "value_")
	switch {
	case len(c.Thresholds) == 0:
		return faultAt(condition.value, "add one of gt, gte, lt, lte, eq, neq with a number", "the condition compares with nothing")
	case takesField && len(c.Fields) == 0:
		return faultAt(condition.value, "add `field:` to the condition", "a correlation of type %s needs a field", c.Type)
	case !takesField && len(c.Fields) > 0:
		return faultAt(condition.value, "remove it, or use type value_count", "a correlation of type %s takes no field", c.Type)
	case len(c.Fields) > 1 && c.Type != "value_count":
		return faultAt(condition.value, "name one field", "a correlation of type %s takes one field", c.Type)
	}
	return nil
}

func (r *reader) conditionPart(c *Correlation, e entry) error {
	var err error
	switch e.name {
	case "field":
		c.Fields, err = r.fieldNames(e)
		return err
	case "percentile":
		if c.Type != "value_percentile" {
			return faultAt(e.key, "remove it, or use type value_percentile", "a correlation of type %s has no percentile", c.Type)
		}
		d, ok := number(e.value)
		if !ok || d.real < 0 || d.real > 100 {
			return faultAt(e.value, "write a number from 0 to 100", "percentile %q is out of bounds", shortened(e.value.Value))
		}
		c.Percentile = d.real
		return nil
	case "gt", "gte", "lt", "lte", "eq", "neq":
	default:
		return faultAt(e.key, "use gt, gte, lt, lte, eq, neq, field, percentile", "%q is unknown in the condition of a correlation", e.name)
	}
	than, ok := number(e.value)
	counts := c.Type == "event_count" || c.Type == "value_count" || strings.HasPrefix(c.Type, "temporal")
	switch {
	case !ok:
		return faultAt(e.value, "write a decimal number without quotes", "%q is not a number", shortened(e.value.Value))
	case counts && (!than.isWhole || than.whole < 0):
		return faultAt(e.value, "write a whole number", "%q is not a number of things to count", e.value.Value)
	}
	relation := relationOf(e.name)
	switch e.name {
	case "eq":
		relation = Relation{Equal: true}
	case "neq":
		relation = Relation{Less: true, Greater: true}
	}
	c.Thresholds = append(c.Thresholds, Threshold{relation, than})
	return nil
}

func number(n *yaml.Node) (Decimal, bool) {
	if n.Kind != yaml.ScalarNode {
		return Decimal{}, false
	}
	d, ok := ParseDecimal(n.Value)
	tag := n.ShortTag()
	return d, ok && (tag == "!!int" || tag == "!!float")
}

// extendedCondition reads names of rules joined by and, or, not. Without `rules` those that it names are the rules.
func (r *reader) extendedCondition(d *document, n *yaml.Node) error {
	c := d.correlation
	given := len(c.Rules) > 0
	if !given {
		for _, word := range strings.FieldsFunc(n.Value, func(r rune) bool { return r == '(' || r == ')' || r == ' ' || r == '\t' || r == '\n' }) {
			switch strings.ToLower(word) {
			case "and", "or", "not":
			default:
				if !slices.Contains(c.Rules, word) && len(c.Rules) < 1000 {
					c.Rules = append(c.Rules, strings.Clone(word))
					d.places = append(d.places, faultAt(n, "", ""))
				}
			}
		}
	}
	parts := make([]named, len(c.Rules))
	for i, name := range c.Rules {
		parts[i] = named{name: name, expr: &Reference{Rule: i}}
	}
	reader := condition{parts: parts, kind: "rule"}
	e, wrong := reader.parse(n.Value)
	if wrong != nil {
		return faultAt(n, wrong.remedy, "%s", wrong.why)
	}
	c.Temporal = e
	if i := slices.Index(reader.used, false); given && i >= 0 {
		return faultAt(n, "name it there, or remove it from rules", "the condition does not name the rule %q", shortened(c.Rules[i]))
	}
	return nil
}
