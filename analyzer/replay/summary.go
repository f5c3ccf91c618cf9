package replay

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/vedette-edr/vedette/analyzer/plain"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// listed is how many rules the summary names.
const listed = 10

// Text writes the summary for people to read.
func (s *Summary) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d events in %d %s, %d alerts of %d rules, in %s (%.0f events per second)\n",
		s.Events, s.Files, plural(s.Files, "file"), s.Alerts, len(s.Rules), s.Took.Round(time.Millisecond), s.rate())
	rules := s.busiest()
	for _, r := range rules[:min(len(rules), listed)] {
		fmt.Fprintf(&b, "%8d  %-13s  %s (%s)\n", s.Rules[r], r.Level, plain.Text(r.Title), r.ID)
	}
	if n := len(rules) - listed; n > 0 {
		fmt.Fprintf(&b, "          and %d more rules\n", n)
	}
	for _, remark := range []struct {
		n    int64
		text string
	}{
		{s.Unsourced, "events have no log source and were matched against nothing; name it with --logsource"},
		{s.Fed, "matches only count for correlations, which a replay does not evaluate"},
		{s.Doubtful, "places in the files are not as they should be, and were read all the same"},
		{s.Lost, "places in the files could not be read, and what was there is missing"},
		{int64(s.Unreadable), "files could not be read, or not to their end"},
	} {
		if remark.n > 0 {
			fmt.Fprintf(&b, "%d %s\n", remark.n, remark.text)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Summary) rate() float64 {
	if s.Took <= 0 {
		return 0
	}
	return float64(s.Events) / s.Took.Seconds()
}

// busiest gives the rules that matched, those with the most alerts first.
func (s *Summary) busiest() []*rule.Rule {
	rules := make([]*rule.Rule, 0, len(s.Rules))
	for r := range s.Rules {
		rules = append(rules, r)
	}
	slices.SortFunc(rules, func(a, b *rule.Rule) int {
		return cmp.Or(cmp.Compare(s.Rules[b], s.Rules[a]), cmp.Compare(a.Title, b.Title), cmp.Compare(a.ID, b.ID))
	})
	return rules
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
