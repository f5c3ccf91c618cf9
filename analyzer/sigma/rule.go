package sigma

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	levelList  = "informational, low, medium, high, critical"
	statusList = "stable, test, experimental, deprecated, unsupported"
	// defaultLevel is the level of a rule that names none.
	defaultLevel = "medium"
)

// parser turns documents into rules that share one numbering of fields.
type parser struct {
	numbers map[string]int
	fields  []string
}

func (p *parser) field(name string) int {
	n, ok := p.numbers[name]
	if !ok {
		n = len(p.fields)
		p.numbers[name] = n
		p.fields = append(p.fields, name)
	}
	return n
}

// parse reads one rule. After an error the rule holds what had been read, so that the error can name it.
func (p *parser) parse(doc *yaml.Node) (rule *Rule, warnings []error, err error) {
	rule = &Rule{Line: doc.Line}
	top, err := entries(doc, "the rule")
	if err != nil {
		return rule, nil, err
	}
	var detection, logsource *entry
	for i := range top {
		switch e := top[i]; e.name {
		case "logsource":
			logsource = &top[i]
		case "detection":
			detection = &top[i]
		case "correlation", "filter", "action":
			err = errors.Join(err, faultAt(e.key, "leave this document out", "documents with %q are not supported", e.name))
		default:
			err = errors.Join(err, rule.describe(e))
		}
	}
	switch {
	case err != nil:
		return rule, nil, first(err)
	case rule.Title == "":
		return rule, nil, faultAt(doc, "add `title:`", "the rule has no title")
	case logsource == nil:
		return rule, nil, faultAt(doc, "add `logsource:` with category, product or service", "the rule has no logsource")
	case detection == nil:
		return rule, nil, faultAt(doc, "add `detection:` with a selection and a condition", "the rule has no detection")
	}
	if rule.Level == "" {
		rule.Level = defaultLevel
	}
	if rule.Logsource, err = parseLogsource(*logsource); err != nil {
		return rule, nil, err
	}
	if rule.condition, warnings, err = p.parseDetection(*detection); err != nil {
		return rule, nil, err
	}
	if rule.ID == "" {
		rule.ID = derivedID(rule.Title)
	}
	return rule, warnings, nil
}

// first gives the first of joined errors: one place to mend at a time, in the order of the file.
func first(err error) error {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	return err
}

// describe takes up one of the keys that say what the rule is. Keys of other tools are left alone.
func (r *Rule) describe(e entry) error {
	var err error
	switch e.name {
	case "title":
		r.Title, err = scalarText(e)
	case "id":
		r.ID, err = scalarText(e)
		r.ID = strings.ToLower(r.ID)
		if err == nil && !isUUID(r.ID) {
			err = faultAt(e.value, "make one with `uuidgen`", "id %q is not a UUID", e.value.Value)
		}
	case "description":
		r.Description, err = scalarText(e)
	case "status":
		r.Status, err = oneOf(e, statusList)
	case "level":
		r.Level, err = oneOf(e, levelList)
	case "author":
		r.Author, err = scalarText(e)
	case "license":
		r.License, err = scalarText(e)
	case "date":
		r.Date, err = scalarText(e)
	case "modified":
		r.Modified, err = scalarText(e)
	case "references":
		r.References, err = textList(e)
	case "tags":
		r.Tags, err = textList(e)
	case "falsepositives":
		r.FalsePositives, err = textList(e)
	}
	return err
}

func oneOf(e entry, allowed string) (string, error) {
	text, err := scalarText(e)
	if err != nil {
		return "", err
	}
	text = strings.ToLower(text)
	if !slices.Contains(strings.Split(allowed, ", "), text) {
		return "", faultAt(e.value, "use one of "+allowed, "%s %q is unknown", e.name, e.value.Value)
	}
	return text, nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if strings.IndexByte("0123456789abcdef", s[i]) < 0 {
				return false
			}
		}
	}
	return true
}

// derivedID is a UUID of version 8 (RFC 9562) over the title: alerts need a name for their rule that stays.
func derivedID(title string) string {
	sum := sha256.Sum256([]byte("vedette-sigma-rule\n" + title))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func parseLogsource(e entry) (Logsource, error) {
	var source Logsource
	parts, err := entries(e.value, "logsource")
	if err != nil {
		return source, err
	}
	for _, part := range parts {
		var to *string
		switch part.name {
		case "category":
			to = &source.Category
		case "product":
			to = &source.Product
		case "service":
			to = &source.Service
		default:
			continue
		}
		if *to, err = scalarText(part); err != nil {
			return source, err
		}
		*to = strings.ToLower(*to)
	}
	if source == (Logsource{}) {
		return source, faultAt(e.key, "add category, product or service", "logsource names no category, product or service")
	}
	return source, nil
}

func (p *parser) parseDetection(e entry) (expr, []error, error) {
	parts, err := entries(e.value, "detection")
	if err != nil {
		return nil, nil, err
	}
	var selections []selection
	var conditions []*yaml.Node
	for _, part := range parts {
		switch part.name {
		case "timeframe":
			return nil, nil, faultAt(part.key, "detect single events without a timeframe", "timeframe is not supported")
		case "condition":
			conditions = []*yaml.Node{part.value}
			if part.value.Kind == yaml.SequenceNode {
				conditions = part.value.Content
			}
		default:
			s, err := p.parseSelection(part)
			if err != nil {
				return nil, nil, err
			}
			selections = append(selections, selection{part.name, s})
		}
	}
	if len(conditions) == 0 {
		return nil, nil, faultAt(e.key, "add `condition:` to detection", "the detection has no condition")
	}
	var alternatives anyOf
	var warnings []error
	for _, n := range conditions {
		if n.Kind != yaml.ScalarNode || isNull(n) {
			return nil, nil, faultAt(n, "write it as one line of text", "the condition is not text")
		}
		parsed, notes, err := parseCondition(n.Value, selections)
		if err != nil {
			f := faultAt(n, "mend the condition", "%v", err)
			if at, ok := errors.AsType[*conditionError](err); ok {
				f.message, f.remedy = at.message, at.remedy
			}
			return nil, nil, f
		}
		for _, note := range notes {
			warnings = append(warnings, faultAt(n, "add such a selection or change the condition", "%s", note))
		}
		alternatives = append(alternatives, parsed)
	}
	if len(alternatives) == 1 {
		return alternatives[0], warnings, nil
	}
	return alternatives, warnings, nil
}

// parseSelection reads a mapping (all of its lines), or a list (any of its mappings and keywords).
func (p *parser) parseSelection(e entry) (expr, error) {
	switch e.value.Kind {
	case yaml.MappingNode:
		return p.parseItems(e.value, e.name)
	case yaml.SequenceNode:
	case yaml.ScalarNode:
		return p.parseKeywords(e, []*yaml.Node{e.value})
	default:
		return nil, faultAt(e.value, "write the values out", "selection %q is a YAML alias", e.name)
	}
	var alternatives anyOf
	var keywords []*yaml.Node
	for _, n := range e.value.Content {
		if n.Kind == yaml.ScalarNode {
			keywords = append(keywords, n)
			continue
		}
		items, err := p.parseItems(n, e.name)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, items)
	}
	if len(keywords) > 0 {
		found, err := p.parseKeywords(e, keywords)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, found)
	}
	if len(alternatives) == 0 {
		return nil, faultAt(e.value, "write what it selects", "selection %q is empty", e.name)
	}
	return alternatives, nil
}

func (p *parser) parseItems(n *yaml.Node, name string) (expr, error) {
	lines, err := entries(n, fmt.Sprintf("selection %q", name))
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, faultAt(n, "write what it selects", "selection %q is empty", name)
	}
	var items allOf
	for _, line := range lines {
		it, err := parseItem(line, p.field)
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

func (p *parser) parseKeywords(e entry, values []*yaml.Node) (expr, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode, Content: values, Line: e.value.Line, Column: e.value.Column}
	return parseItem(entry{name: "", key: e.key, value: list}, p.field)
}
