package sigma

import (
	"encoding/base64"
	"math"
	"net/netip"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// comparison is what an item does with its values.
type comparison uint8

const (
	comparePattern comparison = iota
	compareRegex
	compareNetwork
	compareNumber
	compareExistence
	compareField
)

var relations = map[string]relation{
	"lt":  {true, false, false},
	"lte": {true, true, false},
	"gt":  {false, false, true},
	"gte": {false, true, true},
}

const supportedModifiers = "use one of all, base64, base64offset, cased, cidr, contains, endswith, exists, fieldref, gt, gte, " +
	"lt, lte, neq, re (with i, m, s), startswith, windash"

// modifiers is the meaning of what stands behind a field name.
type modifiers struct {
	comparison comparison
	relation   relation
	all        bool
	negated    bool
	cased      bool
	regexFlags string
	// transforms change pattern values, in the order written.
	transforms []string
}

func (m *modifiers) isPlain() bool {
	return m.comparison == comparePattern && len(m.transforms) == 0 && !m.cased
}

// parseModifiers reads the names behind the field name of key.
func parseModifiers(key *yaml.Node, names []string) (modifiers, error) {
	var m modifiers
	for i, name := range names {
		refuse := func(why, remedy string) error {
			return faultAt(key, remedy, "modifier %q of %q %s", name, key.Value, why)
		}
		turn := func(to comparison) error {
			if !m.isPlain() {
				return refuse("cannot follow the modifiers before it", "use it alone, or with all and neq")
			}
			m.comparison = to
			return nil
		}
		var err error
		switch name {
		case "all":
			m.all = true
		case "neq":
			m.negated = true
		case "cased":
			if m.comparison != comparePattern && m.comparison != compareField {
				err = refuse("works on text only", "remove it or the modifier before it")
			}
			m.cased = true
		case "re":
			if i > 0 {
				err = refuse("must come first", "write it right behind the name of the field")
			}
			m.comparison = compareRegex
		case "i", "m", "s":
			if m.comparison != compareRegex {
				err = refuse("must follow re", "write re before it")
			}
			m.regexFlags += name
		case "contains", "startswith", "endswith":
			switch m.comparison {
			case comparePattern, compareField:
				m.transforms = append(m.transforms, name)
			case compareRegex:
				// A search is open at both ends already.
			default:
				err = refuse("works on text only", "remove it or the modifier before it")
			}
		case "windash", "base64", "base64offset":
			if m.comparison != comparePattern {
				err = refuse("works on text only", "remove it or the modifier before it")
			}
			m.transforms = append(m.transforms, name)
		case "cidr":
			err = turn(compareNetwork)
		case "exists":
			err = turn(compareExistence)
		case "fieldref":
			err = turn(compareField)
		case "lt", "lte", "gt", "gte":
			m.relation = relations[name]
			err = turn(compareNumber)
		case "expand":
			err = faultAt(key, "write the values out in place of the %placeholder%", "modifier \"expand\" of %q is not supported", key.Value)
		default:
			err = faultAt(key, supportedModifiers, "modifier %q of %q is unknown or not supported", name, key.Value)
		}
		if err != nil {
			return m, err
		}
	}
	return m, nil
}

// parseItem reads one line of a selection. field gives the number of a field name.
func parseItem(e entry, field func(string) int) (*item, error) {
	names := strings.Split(e.name, "|")
	m, err := parseModifiers(e.key, names[1:])
	if err != nil {
		return nil, err
	}
	it := &item{field: keywordField, name: strings.ReplaceAll(names[0], " ", ""), all: m.all, negated: m.negated}
	if it.name != "" {
		it.field = field(it.name)
	} else if m.comparison != comparePattern && m.comparison != compareRegex {
		return nil, faultAt(e.key, "write the name of a field before the first |", "%q needs a field", e.name)
	}
	values := []*yaml.Node{e.value}
	switch e.value.Kind {
	case yaml.ScalarNode:
	case yaml.SequenceNode:
		values = e.value.Content
		if len(values) == 0 {
			return nil, faultAt(e.value, "write at least one value, or null for an absent field", "the list of values of %q is empty", e.name)
		}
	default:
		return nil, faultAt(e.value, "write a value or a list of values", "%q holds a mapping", e.name)
	}
	for _, value := range values {
		if value.Kind != yaml.ScalarNode {
			return nil, faultAt(value, "write plain values", "a value of %q is not a plain value", e.name)
		}
		if isNull(value) && len(values) > 1 {
			return nil, faultAt(value, "give it a selection of its own and join the two with `or`", "null stands in a list of values of %q", e.name)
		}
		t, err := m.newTest(it, value, field)
		if err != nil {
			return nil, err
		}
		it.tests = append(it.tests, valueTest{source: sourceText(value), test: t})
	}
	return it, nil
}

func sourceText(value *yaml.Node) string {
	if isNull(value) {
		return "null"
	}
	return value.Value
}

func (m *modifiers) newTest(it *item, value *yaml.Node, field func(string) int) (test, error) {
	if isNull(value) {
		if !m.isPlain() || it.field == keywordField {
			return nil, faultAt(value, "write `field: null` without modifiers", "null cannot be compared in this way")
		}
		return nullTest{}, nil
	}
	switch m.comparison {
	case compareRegex:
		pattern := value.Value
		if m.regexFlags != "" {
			pattern = "(?" + m.regexFlags + ")" + pattern
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, faultAt(value, "use RE2 syntax, which has no look-around and no back-references", "cannot compile regular expression %q: %v", value.Value, err)
		}
		return regexTest{re}, nil
	case compareNetwork:
		network, err := netip.ParsePrefix(value.Value)
		if err != nil {
			return nil, faultAt(value, "write it like 192.0.2.0/24 or 2001:db8::/32", "cannot read network %q: %v", value.Value, err)
		}
		if network != network.Masked() {
			return nil, faultAt(value, "write "+network.Masked().String(), "network %q has bits set behind its prefix", value.Value)
		}
		if network.Addr().Is4In6() {
			return nil, faultAt(value, "write it as an IPv4 network", "network %q is an IPv4 network in IPv6 form", value.Value)
		}
		return networkTest{network}, nil
	case compareNumber:
		than, ok := parseNumber(value.Value)
		tag := value.ShortTag()
		if !ok || math.IsInf(than.real, 0) || (tag != "!!int" && tag != "!!float") {
			return nil, faultAt(value, "write a decimal number without quotes", "value %q is not a number", value.Value)
		}
		return numberTest{m.relation, than}, nil
	case compareExistence:
		if value.ShortTag() != "!!bool" {
			return nil, faultAt(value, "write true or false", "value %q of exists is neither true nor false", value.Value)
		}
		return existsTest(strings.EqualFold(value.Value, "true")), nil
	case compareField:
		return m.newFieldTest(value, field)
	case comparePattern:
	}
	return m.newPatternTest(it, value)
}

func (m *modifiers) newFieldTest(value *yaml.Node, field func(string) int) (test, error) {
	name := strings.ReplaceAll(value.Value, " ", "")
	if name == "" {
		return nil, faultAt(value, "write the name of the other field", "fieldref names no field")
	}
	t := fieldTest{other: field(name), cased: m.cased}
	for _, transform := range m.transforms {
		t.openHead = t.openHead || transform != "startswith"
		t.openTail = t.openTail || transform != "endswith"
	}
	return t, nil
}

func (m *modifiers) newPatternTest(it *item, value *yaml.Node) (test, error) {
	variants := [][]token{splitWildcards(value.Value)}
	placed := it.field != keywordField
	for _, transform := range m.transforms {
		switch transform {
		case "contains", "startswith", "endswith":
			placed = true
			for i := range variants {
				if transform != "startswith" {
					variants[i] = openStart(variants[i])
				}
				if transform != "endswith" {
					variants[i] = openEnd(variants[i])
				}
			}
		case "windash":
			for i := range variants {
				variants[i] = looseDashes(variants[i])
			}
		case "base64", "base64offset":
			plain, ok := plainText(variants[0])
			if !ok || len(variants) > 1 || plain == "" {
				return nil, faultAt(value, "write plain text and put contains, startswith or endswith behind the encoding",
					"value %q has wildcards, is encoded twice or is empty, so it cannot be encoded", value.Value)
			}
			variants = variants[:0]
			for _, code := range encode(plain, transform == "base64offset") {
				variants = append(variants, []token{{literal, code}})
			}
		}
	}
	t := make(patternTest, len(variants))
	for i, tokens := range variants {
		if !placed {
			tokens = openEnd(openStart(tokens))
		}
		t[i] = newPattern(tokens, m.cased)
	}
	return t, nil
}

// encode gives what of the base64 form of s does not hang on what stands around it: of s alone, or at each of the three
// offsets that s can have within a longer text.
func encode(s string, offsets bool) []string {
	if !offsets {
		return []string{base64.StdEncoding.EncodeToString([]byte(s))}
	}
	codes := make([]string, 3)
	for offset := range codes {
		code := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", offset) + s))
		// A character of the code is 6 bits; those that share bits with a neighbour of s are cut off.
		first := (offset*8 + 5) / 6
		last := (offset + len(s)) * 8 / 6
		codes[offset] = code[min(first, last):last]
	}
	return codes
}
