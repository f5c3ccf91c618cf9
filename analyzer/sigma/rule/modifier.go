package rule

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
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

const modifierList = "use one of all, base64, base64offset, cased, cidr, contains, day, endswith, exists, expand, fieldref, gt, gte, " +
	"hour, lt, lte, minute, month, neq, re (with i, m, s), startswith, utf16, utf16be, utf16le, week, wide, windash, year"

// modifiers is the meaning of what stands behind the name of a field.
type modifiers struct {
	comparison comparison
	// relation and part are of compareNumber; a part without lt, lte, gt or gte wants equality.
	relation Relation
	part     TimePart
	compared bool
	all      bool
	negated  bool
	cased    bool
	expand   bool
	flags    regex.Flags
	// changes are made to the patterns in the order written.
	changes []string
	// note is a warning about the chain.
	note *refusal
}

// refusal says why a chain of modifiers is wrong.
type refusal struct{ why, remedy string }

func isPart(name string) TimePart {
	return map[string]TimePart{"minute": Minute, "hour": Hour, "day": Day, "week": Week, "month": Month, "year": Year}[name]
}

func relationOf(name string) Relation {
	switch name {
	case "lt":
		return Relation{Less: true}
	case "lte":
		return Relation{Less: true, Equal: true}
	case "gt":
		return Relation{Greater: true}
	}
	return Relation{Greater: true, Equal: true}
}

// modifiersOf reads the chain behind the name of the field in key, if there is one.
func (r *reader) modifiersOf(key *yaml.Node, chain string, chained bool) (*modifiers, error) {
	if m := r.chains[chain]; m != nil && (chain != "" || !chained) {
		return m, nil
	}
	m := &modifiers{}
	if chained {
		for i, name := range strings.Split(chain, "|") {
			if wrong := m.add(i, name); wrong != nil {
				return nil, faultAt(key, wrong.remedy, "modifier %q of %q %s", name, key.Value, wrong.why)
			}
		}
		m.finish()
	}
	if len(r.chains) < 1000 {
		r.chains[chain] = m
	}
	return m, nil
}

// finish looks at the whole chain.
func (m *modifiers) finish() {
	if m.comparison == compareNumber && !m.compared {
		m.relation = Relation{Equal: true}
	}
	last := slices.Index(m.changes, "base64offset")
	if last >= 0 && !slices.Contains(m.changes[last:], "contains") {
		m.note = &refusal{"compares a part of base64 text with the whole value", "write base64offset|contains"}
	}
	if m.comparison == compareRegex && len(m.changes) > 0 {
		m.note = &refusal{"has startswith, endswith or contains without effect: an expression may be found anywhere", "leave it out, or write ^ or $ in the expression"}
	}
}

// add takes in the i-th modifier.
func (m *modifiers) add(i int, name string) *refusal {
	switch name {
	case "all", "neq":
		if m.comparison == compareExistence {
			return &refusal{"cannot be combined with exists", "write exists alone, with true or false"}
		}
		m.all = m.all || name == "all"
		m.negated = m.negated || name == "neq"
	case "cased":
		if m.comparison == compareRegex {
			return &refusal{"says nothing new: regular expressions are cased", "remove it"}
		}
		if m.comparison != comparePattern && m.comparison != compareField {
			return &refusal{"works on text only", "remove it or the modifier before it"}
		}
		m.cased = true
	case "contains", "startswith", "endswith":
		if m.comparison != comparePattern && m.comparison != compareField && m.comparison != compareRegex {
			return &refusal{"works on text only", "remove it or the modifier before it"}
		}
		m.changes = append(m.changes, name)
	case "windash", "base64", "base64offset", "utf16", "utf16be", "utf16le", "wide":
		return m.addChange(name)
	case "re":
		if i > 0 {
			return &refusal{"must come first", "write it right behind the name of the field"}
		}
		m.comparison = compareRegex
	case "i", "m", "s", "ignorecase", "multiline", "dotall":
		if m.comparison != compareRegex {
			return &refusal{"must follow re", "write re first"}
		}
		m.flags.IgnoreCase = m.flags.IgnoreCase || name == "i" || name == "ignorecase"
		m.flags.MultiLine = m.flags.MultiLine || name == "m" || name == "multiline"
		m.flags.DotAll = m.flags.DotAll || name == "s" || name == "dotall"
	case "expand":
		switch {
		case m.comparison == compareNumber || m.comparison == compareExistence:
			return &refusal{"works on text only", "write the values out"}
		case slices.ContainsFunc(m.changes, isEncoding):
			return &refusal{"cannot follow an encoding", "write expand first"}
		}
		m.expand = true
	case "cidr":
		return m.turn(compareNetwork)
	case "fieldref":
		return m.turn(compareField)
	case "exists":
		if m.all || m.negated || m.expand {
			return &refusal{"must stand alone", "write exists alone, with true or false"}
		}
		return m.turn(compareExistence)
	case "lt", "lte", "gt", "gte":
		if m.compared {
			return &refusal{"compares a second time", "write two lines, one for each comparison"}
		}
		if m.part == NoPart {
			if wrong := m.turnNumber(); wrong != nil {
				return wrong
			}
		}
		m.compared, m.relation = true, relationOf(name)
	case "minute", "hour", "day", "week", "month", "year":
		switch {
		case m.compared:
			return &refusal{"must stand before the comparison", "write " + name + "|gte or the like"}
		case m.part != NoPart:
			return &refusal{"takes a second part of the time", "write two lines, one for each part"}
		}
		m.part = isPart(name)
		return m.turnNumber()
	default:
		return &refusal{"is unknown", modifierList}
	}
	return nil
}

func (m *modifiers) turnNumber() *refusal {
	if m.expand {
		return &refusal{"cannot be combined with expand", "write the numbers out"}
	}
	return m.turn(compareNumber)
}

func (m *modifiers) turn(to comparison) *refusal {
	if m.comparison != comparePattern || len(m.changes) > 0 || m.cased {
		return &refusal{"cannot follow the modifiers before it", "write it first, before all others but all, neq and expand"}
	}
	m.comparison = to
	return nil
}

func isEncoding(name string) bool {
	return strings.HasPrefix(name, "base64") || isUTF16(name)
}

func isUTF16(name string) bool { return name == "wide" || strings.HasPrefix(name, "utf16") }

// addChange takes in windash or an encoding.
func (m *modifiers) addChange(name string) *refusal {
	if m.comparison != comparePattern {
		return &refusal{"works on text only", "remove it or the modifier before it"}
	}
	for _, before := range m.changes {
		switch {
		case name == "windash" && isEncoding(before):
			return &refusal{"cannot follow an encoding", "write windash before it"}
		case strings.HasPrefix(name, "base64") && (before == "contains" || before == "startswith" || before == "endswith"):
			return &refusal{"cannot encode the wildcards that " + before + " makes", "write " + before + " behind it"}
		case isUTF16(name) && isUTF16(before) && !slices.Contains(m.changes, "base64") && !slices.Contains(m.changes, "base64offset"):
			return &refusal{"encodes in UTF-16 a second time", "remove one of the two"}
		case name == "base64" && before == "base64offset":
			return &refusal{"needs whole text, which base64offset does not give", "write base64offset in its place"}
		}
	}
	m.changes = append(m.changes, name)
	return nil
}

func (m *modifiers) isPlain() bool {
	return m.comparison == comparePattern && len(m.changes) == 0 && !m.cased && !m.expand
}
