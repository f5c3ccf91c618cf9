package rule

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
)

// mostForms bounds the patterns that one value makes.
const mostForms = 100_000

// tests gives what a value of an item wants: one test, but for placeholders with several values.
func (r *reader) tests(it *Item, m *modifiers, n *yaml.Node) ([]Test, error) {
	if m.comparison == comparePattern {
		return r.patternTests(it, m, n)
	}
	texts := []string{n.Value}
	if m.expand {
		var err error
		if texts, err = r.expandTexts(n, m.comparison == compareRegex); err != nil {
			return nil, err
		}
	}
	tests := make([]Test, 0, len(texts))
	for _, text := range texts {
		if m.comparison == compareRegex {
			if err := r.budget.spend(regexSteps(text), n); err != nil {
				return nil, err
			}
		}
		t, err := m.test(n, text)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return tests, nil
}

// test gives the test that is not one of patterns.
func (m *modifiers) test(n *yaml.Node, text string) (Test, error) {
	switch m.comparison {
	case compareRegex:
		return m.regexTest(n, text)
	case compareNetwork:
		return networkTest(n, text)
	case compareNumber:
		return m.numberTest(n)
	case compareExistence:
		if n.ShortTag() != "!!bool" {
			return nil, faultAt(n, "write true or false, without quotes", "value %q of exists is neither true nor false", text)
		}
		return Exists(strings.EqualFold(text, "true")), nil
	case compareField:
		return m.fieldTest(n, text)
	case comparePattern:
	}
	return nil, fmt.Errorf("BUG: comparison %d of %q has no test", m.comparison, text)
}

func (m *modifiers) regexTest(n *yaml.Node, text string) (Test, error) {
	re, err := regex.Compile(text, m.flags)
	if err == nil {
		return Regex{re}, nil
	}
	if at, ok := errors.AsType[*regex.Error](err); ok {
		where := ""
		if at.Position > 0 {
			where = fmt.Sprintf(" at character %d", at.Position)
		}
		return nil, faultAt(n, at.Remedy, "cannot use regular expression %q%s: %s", shortened(text), where, at.Reason)
	}
	return nil, faultAt(n, "write it without look-around and back-references", "cannot use regular expression %q: %v", shortened(text), err)
}

// regexSteps is what an expression costs of the budget, after what its program can become by repetitions: package regex
// allows 20000 instructions, which are well over a megabyte.
func regexSteps(text string) int {
	const most, instructionsPerStep = 20_000, 4
	size := len(text)
	for i := 0; i < len(text) && size < most; i++ {
		if text[i] != '{' {
			continue
		}
		count := 0
		for i++; i < len(text) && text[i] != '}'; i++ {
			switch c := text[i]; {
			case c == ',':
				size += count * len(text)
				count = 0
			case '0' <= c && c <= '9':
				count = min(count*10+int(c-'0'), most)
			}
		}
		size += count * len(text)
	}
	return min(size, most) / instructionsPerStep
}

// shortened keeps messages readable.
func shortened(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func networkTest(n *yaml.Node, text string) (Test, error) {
	network, err := netip.ParsePrefix(text)
	if address, wrong := netip.ParseAddr(text); wrong == nil && address.Zone() == "" {
		network, err = netip.PrefixFrom(address, address.BitLen()), nil
	}
	switch {
	case err != nil:
		return nil, faultAt(n, "write it like 192.0.2.0/24 or 2001:db8::/32", "cannot read network %q", shortened(text))
	case network != network.Masked():
		return nil, faultAt(n, "write "+network.Masked().String(), "network %q has bits set behind its prefix", text)
	case network.Addr().Is4In6():
		return nil, faultAt(n, "write it as an IPv4 network", "network %q is an IPv4 network in IPv6 form", text)
	}
	return Network(network), nil
}

func (m *modifiers) numberTest(n *yaml.Node) (Test, error) {
	than, ok := ParseDecimal(n.Value)
	if tag := n.ShortTag(); !ok || (tag != "!!int" && tag != "!!float") {
		return nil, faultAt(n, "write a decimal number without quotes", "value %q is not a number", shortened(n.Value))
	}
	if least, most := m.part.bounds(); m.part != NoPart && (!than.isWhole || than.whole < least || than.whole > most) {
		return nil, faultAt(n, fmt.Sprintf("write a whole number from %d to %d", least, most), "value %q is no %s", n.Value, m.part)
	}
	return Number{Part: m.part, Relation: m.relation, Than: than}, nil
}

// bounds are the least and the greatest number that the part of a time can be.
func (p TimePart) bounds() (least, most int64) {
	switch p {
	case Minute:
		return 0, 59
	case Hour:
		return 0, 23
	case Day:
		return 1, 31
	case Week:
		// The specification says 52, but some years have 53 weeks.
		return 1, 53
	case Month:
		return 1, 12
	case Year:
		return 0, 9999
	case NoPart:
	}
	return 0, 0
}

// String gives the modifier of the part.
func (p TimePart) String() string {
	return [...]string{"number", "minute", "hour", "day", "week", "month", "year"}[min(p, Year)]
}

func (m *modifiers) fieldTest(n *yaml.Node, text string) (Test, error) {
	name := strings.ReplaceAll(text, " ", "")
	if name == "" || strings.ContainsAny(name, "*?|") {
		return nil, faultAt(n, "write the name of the other field", "fieldref needs the name of a field, not %q", shortened(text))
	}
	t := FieldRef{Other: name, Cased: m.cased}
	for _, change := range m.changes {
		t.OpenHead = t.OpenHead || change != "startswith"
		t.OpenTail = t.OpenTail || change != "endswith"
	}
	return t, nil
}

// patternTests gives one test for each way to fill in the placeholders; under the modifier all they are alternatives within
// one test, because one of a placeholder's values is enough.
func (r *reader) patternTests(it *Item, m *modifiers, n *yaml.Node) ([]Test, error) {
	if !m.expand {
		forms, err := r.forms(it, m, n, parsePattern(n.Value))
		if err != nil {
			return nil, err
		}
		if it.Field == "" && len(forms) == 1 && len(forms[0]) == 1 && forms[0][0].Kind == AnyText {
			r.warn(faultAt(n, "write what to look for", "the keyword %q is in every event", n.Value))
		}
		return []Test{Text{Alternatives: forms, Cased: m.cased}}, nil
	}
	filled, err := r.expandPatterns(n)
	if err != nil {
		return nil, err
	}
	var tests []Test
	var together []Pattern
	for _, p := range filled {
		forms, err := r.forms(it, m, n, p)
		if err != nil {
			return nil, err
		}
		if err := r.budget.spend(len(forms), n); err != nil {
			return nil, err
		}
		if m.all {
			together = append(together, forms...)
		} else {
			tests = append(tests, Text{Alternatives: forms, Cased: m.cased})
		}
	}
	if m.all {
		return []Test{Text{Alternatives: together, Cased: m.cased}}, nil
	}
	return tests, nil
}

// forms makes of a pattern what the modifiers want.
func (r *reader) forms(it *Item, m *modifiers, n *yaml.Node, p Pattern) ([]Pattern, error) {
	forms := []Pattern{p}
	placed := it.Field != ""
	for _, change := range m.changes {
		switch change {
		case "contains", "startswith", "endswith":
			placed = true
			for i := range forms {
				if change != "startswith" {
					forms[i] = forms[i].openHead()
				}
				if change != "endswith" {
					forms[i] = forms[i].openTail()
				}
			}
		case "windash":
			for i := range forms {
				forms[i] = forms[i].looseDashes()
			}
		default:
			var err error
			if forms, err = encodeForms(forms, change, n); err != nil {
				return nil, err
			}
			if err := r.budget.spend(len(forms), n); err != nil {
				return nil, err
			}
		}
	}
	if !placed {
		for i := range forms {
			forms[i] = forms[i].openHead().openTail()
		}
	}
	return forms, nil
}

// encodeForms encodes each form by the modifier.
func encodeForms(forms []Pattern, encoding string, n *yaml.Node) ([]Pattern, error) {
	var encoded []Pattern
	for _, form := range forms {
		written := []Pattern{form}
		if form.has(AnyDash) {
			written = form.dashes(mostForms)
		}
		if written == nil || len(encoded)+3*len(written) > mostForms {
			return nil, faultAt(n, "write fewer dashes under windash", "value %q makes more than %d patterns", shortened(n.Value), mostForms)
		}
		for _, p := range written {
			codes, wrong := p.encode(encoding)
			if wrong != nil {
				return nil, faultAt(n, wrong.remedy, "value %q cannot be encoded by %s: %s", shortened(n.Value), encoding, wrong.why)
			}
			encoded = append(encoded, codes...)
		}
	}
	return encoded, nil
}

// encode gives the pattern encoded: three of it for base64offset.
func (p Pattern) encode(encoding string) ([]Pattern, *refusal) {
	plain, isPlain := p.plainText()
	switch {
	case isPlain && plain == "":
		return nil, &refusal{"it is empty", "write the text to encode"}
	case !isPlain && (encoding == "base64" || encoding == "base64offset" || encoding == "utf16" || p.has(AnyChar)):
		return nil, &refusal{"it has wildcards", "write plain text (\\* for a star) and put contains, startswith or endswith behind the encoding"}
	}
	var codes []Pattern
	switch encoding {
	case "base64", "base64offset":
		for _, code := range encodeBase64(plain, encoding == "base64offset") {
			if code == "" {
				return nil, &refusal{"a single byte leaves no trace at every offset", "write longer text"}
			}
			codes = append(codes, Pattern{{Kind: Literal, Text: code}})
		}
		return codes, nil
	case "utf16":
		return []Pattern{{{Kind: Literal, Text: "\xff\xfe" + encodeUTF16(plain, binary.LittleEndian)}}}, nil
	}
	wide := make(Pattern, 0, len(p)+2)
	for _, t := range p {
		switch {
		case t.Kind == Literal && encoding == "utf16be":
			t.Text = encodeUTF16(t.Text, binary.BigEndian)
		case t.Kind == Literal:
			t.Text = encodeUTF16(t.Text, binary.LittleEndian)
		}
		wide = append(wide, t)
	}
	return []Pattern{wide}, nil
}
