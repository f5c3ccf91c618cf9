package taxonomy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// State is the outcome of a Check.
type State string

// The outcomes of a Check: the rule works as written; it works, but with fewer or more matches than its author meant; no
// event can ever satisfy it.
const (
	Fires    State = "fires"
	Degraded State = "degraded"
	Cannot   State = "cannot fire"
)

// Effect is what a Reason means for a rule.
type Effect string

// The effects: the rule cannot fire; one of several ways to match is lost; what should be excluded is not; the rule is for
// more events than there are; the match depends on a field that is absent at times.
const (
	Blocks  Effect = "blocks"
	Loses   Effect = "loses"
	Admits  Effect = "admits"
	Misses  Effect = "misses"
	Depends Effect = "depends"
)

// Reason is one thing that a Check found.
type Reason struct {
	Effect Effect `json:"effect"`
	// Selection and Field are where it stands in the rule; empty when it is about the log source.
	Selection string `json:"selection,omitempty"`
	Field     string `json:"field,omitempty"`
	Text      string `json:"text"`
}

// Verdict says whether a rule can fire on a platform, and why not, or how much.
type Verdict struct {
	State State `json:"state"`
	// Later is set when a rule that cannot fire could, once all events of the tables are supplied.
	Later bool `json:"later,omitempty"`
	// Records are the names of the records that the rule can fire on.
	Records []string `json:"records,omitempty"`
	Reasons []Reason `json:"reasons,omitempty"`
}

// String gives the verdict on one line for each reason.
func (v Verdict) String() string {
	var b strings.Builder
	b.WriteString(string(v.State))
	if v.Later {
		b.WriteString(" yet")
	}
	for _, r := range v.Reasons {
		fmt.Fprintf(&b, "\n  %s", r)
	}
	return b.String()
}

// String gives the reason on one line.
func (r Reason) String() string {
	if r.Selection == "" {
		return r.Text
	}
	return r.Selection + ": " + r.Text
}

// Check decides whether a rule can fire with the events that are supplied today. It looks at each field by itself: that two
// lines of a rule exclude each other is not seen.
func (p *Platform) Check(r *rule.Rule) Verdict {
	var today, later []*Record
	for i := range p.Records {
		record := &p.Records[i]
		if !record.Covers(r.Logsource) {
			continue
		}
		if record.Since != "" {
			today = append(today, record)
		} else {
			later = append(later, record)
		}
	}
	if len(today)+len(later) == 0 {
		return Verdict{State: Cannot, Reasons: []Reason{{Effect: Blocks, Text: p.noSource(r.Logsource)}}}
	}

	v := Verdict{State: Cannot}
	for _, record := range today {
		c := checker{record: record, others: today}
		if c.outcome(r.Condition).holds {
			v.State = Fires
			v.Records = append(v.Records, record.Name)
			c.collect(r.Condition, "", false)
			v.Reasons = appendNew(v.Reasons, c.reasons)
		}
	}
	pending := p.pending(r, later)
	if v.State == Cannot {
		v.Later = len(pending) > 0
		if !v.Later {
			v.Reasons = blame(r, slices.Concat(today, later))
			return v
		}
		if len(today) > 0 {
			v.Reasons = blame(r, today)
		}
		v.Reasons = append(v.Reasons, Reason{Effect: Blocks, Text: "no sensor supplies these events yet: " + few(pending)})
		return v
	}
	if r.Logsource.Category == "" && r.Logsource.Service == "" && p.Product == Linux {
		v.Reasons = append(v.Reasons, Reason{
			Effect: Misses, Text: "its log source is all of linux, text logs among it; here it sees events alone",
		})
	} else if len(pending) > 0 {
		v.Reasons = append(v.Reasons, Reason{
			Effect: Misses, Text: "it is also for events that no sensor supplies yet: " + few(pending),
		})
	}
	if slices.ContainsFunc(v.Reasons, func(r Reason) bool { return r.Effect != Depends }) {
		v.State = Degraded
	}
	return v
}

// pending names the records on which the rule could fire were they supplied.
func (p *Platform) pending(r *rule.Rule, later []*Record) []string {
	var names []string
	for _, record := range later {
		c := checker{record: record}
		if c.outcome(r.Condition).holds {
			names = append(names, record.Name)
		}
	}
	return names
}

// blame says why a rule can fire on none of the records: by what they have together, or, where together they would do, by
// what each of them lacks.
func blame(r *rule.Rule, records []*Record) []Reason {
	if len(records) > 1 {
		all := together(records)
		all.Name = sourceText(short(r.Logsource))
		records = append([]*Record{all}, records...)
	}
	var reasons []Reason
	for _, record := range records {
		c := checker{record: record}
		c.blame(r.Condition, "", false)
		if reasons = appendNew(reasons, c.reasons); record == records[0] && len(reasons) > 0 {
			break
		}
	}
	return reasons
}

// together makes one record that has the fields of all.
func together(records []*Record) *Record {
	all := &Record{}
	for _, record := range records {
		all.Open = all.Open || record.Open
		for _, f := range record.Fields {
			i := slices.IndexFunc(all.Fields, func(g Field) bool { return g.Name == f.Name })
			switch {
			case i < 0:
				f.Values = slices.Clone(f.Values)
				all.Fields = append(all.Fields, f)
			case f.Supply > all.Fields[i].Supply:
				f.Values = slices.Clone(f.Values)
				all.Fields[i] = f
			case f.Supply == all.Fields[i].Supply:
				for _, value := range f.Values {
					if !slices.Contains(all.Fields[i].Values, value) {
						all.Fields[i].Values = append(all.Fields[i].Values, value)
					}
				}
			}
		}
	}
	return all
}

// noSource says why nothing belongs to a log source.
func (p *Platform) noSource(wanted rule.Logsource) string {
	if wanted.Product != "" && !strings.EqualFold(wanted.Product, p.Product) {
		return fmt.Sprintf("it is for %s, and this is %s", wanted.Product, p.Product)
	}
	for _, u := range p.Unserved {
		if wanted.Covers(u.Logsource) {
			return fmt.Sprintf("nothing here belongs to its log source (%s): %s", sourceText(wanted), u.Why)
		}
	}
	return fmt.Sprintf("nothing here belongs to its log source (%s)", sourceText(wanted))
}

// sourceText spells a log source as a rule does, on one line.
func sourceText(l rule.Logsource) string {
	var parts []string
	for _, part := range [...]struct{ key, value string }{
		{"product", l.Product}, {"category", l.Category}, {"service", l.Service},
	} {
		if part.value != "" {
			parts = append(parts, part.key+": "+part.value)
		}
	}
	if len(parts) == 0 {
		return "any"
	}
	return strings.Join(parts, ", ")
}

// few spells a list by its first members.
func few(names []string) string {
	const most = 4
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func appendNew(list, more []Reason) []Reason {
	for _, r := range more {
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}
