package rule

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

// describe reads into r the keys that say what a rule, filter or correlation is, and gives back the others. Keys of other
// tools are left alone. After an error r holds what could be read, so that the error can name it.
func (r *reader) describe(to *Rule, doc *yaml.Node, inherited bool) (others []entry, err error) {
	to.File, to.Line = r.name, doc.Line
	top, err := entries(doc, "the rule")
	if err != nil {
		return nil, err
	}
	for _, e := range top {
		known, wrong := r.describeOne(to, e)
		if wrong != nil {
			err = errors.Join(err, wrong)
		}
		if !known {
			others = append(others, e)
		}
	}
	if err != nil {
		return nil, first(err)
	}
	if to.Title == "" {
		return nil, faultAt(doc, "add `title:`", "the rule has no title")
	}
	if to.Level == "" {
		to.Level = defaultLevel
	}
	if to.ID == "" {
		to.ID = derivedID(to.Title)
	}
	// Rules that take their id from a global document, or repeat another, need different ones.
	for id := to.ID; inherited && r.ids[to.ID]; r.copies++ {
		to.ID = derivedID(fmt.Sprintf("%s\n%d", id, r.copies+2))
	}
	r.ids[to.ID] = true
	return others, nil
}

// first gives the first of joined errors: one place to mend at a time, in the order of the file.
func first(err error) error {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	return err
}

func (r *reader) describeOne(to *Rule, e entry) (known bool, err error) {
	text := func(dst *string) {
		*dst, err = scalarText(e)
		*dst = r.intern(*dst)
	}
	list := func(dst *[]string) {
		*dst, err = textList(e)
		for i, s := range *dst {
			(*dst)[i] = r.intern(s)
		}
	}
	switch e.name {
	case "title":
		text(&to.Title)
	case "name":
		text(&to.Name)
	case "id":
		to.ID, err = scalarText(e)
		to.ID = strings.Clone(strings.ToLower(to.ID))
		if err == nil && to.ID != "" && !isUUID(to.ID) {
			err = faultAt(e.value, "make one with `uuidgen`", "id %q is not a UUID", e.value.Value)
		}
	case "description":
		to.Description, err = scalarText(e)
		to.Description = strings.Clone(to.Description)
	case "status":
		to.Status, err = oneOf(e, statusList)
	case "level":
		to.Level, err = oneOf(e, levelList)
	case "author":
		text(&to.Author)
	case "license":
		text(&to.License)
	case "date":
		text(&to.Date)
	case "modified":
		text(&to.Modified)
	case "references":
		list(&to.References)
	case "tags":
		list(&to.Tags)
	case "falsepositives":
		list(&to.FalsePositives)
	default:
		return false, nil
	}
	return true, err
}

func oneOf(e entry, allowed string) (string, error) {
	text, err := scalarText(e)
	if err != nil || text == "" {
		return "", err
	}
	text = strings.ToLower(text)
	known := strings.Split(allowed, ", ")
	at := slices.Index(known, text)
	if at < 0 {
		return "", faultAt(e.value, "use one of "+allowed, "%s %q is unknown", e.name, e.value.Value)
	}
	return known[at], nil
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

// derivedID is a UUID of version 8 (RFC 9562) over a text: alerts need a name for their rule that stays.
func derivedID(text string) string {
	sum := sha256.Sum256([]byte("vedette-sigma-rule\n" + text))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func (r *reader) logsource(e entry) (Logsource, error) {
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
		*to = r.intern(strings.ToLower(*to))
	}
	if source == (Logsource{}) {
		return source, faultAt(e.key, "add category, product or service", "logsource names no category, product or service")
	}
	return source, nil
}
