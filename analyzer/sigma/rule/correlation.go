package rule

import "time"

// Filter is a Sigma filter document: a condition that is added with and to each rule that it names, or to any, whose log
// source it covers.
type Filter struct {
	ID, Title  string
	Logsource  Logsource
	Rules      []string
	Any        bool
	Selections []*Selection
	Condition  Expr
	File       string
	Line       int
}

// Correlation is a rule over the matches of other rules: a Sigma correlation document, or the aggregation behind a pipe in
// an old condition.
type Correlation struct {
	// Meta has what describes it: ID, Name, Title, Level, Tags and so on. Its Condition is nil.
	Meta Rule
	// Type is event_count, value_count, value_sum, value_avg, value_min, value_max, value_percentile, value_median, temporal
	// or temporal_ordered.
	Type string
	// Rules are the names or ids of what it counts, as written; Resolved are what they mean, in the same order.
	Rules    []string
	Resolved []Referent
	// GroupBy and Fields are names of event fields, or of Aliases.
	GroupBy []string
	Fields  []string
	// Aliases give, for an alias and a rule as Rules writes it, the field of that rule's events.
	Aliases  map[string]map[string]string
	Timespan time.Duration
	// Thresholds are for the aggregate; a temporal type counts the different rules that have matched, and without
	// Thresholds and Temporal wants all of them.
	Thresholds []Threshold
	// Percentile is of value_percentile, 0 to 100; 50 when the rule does not say.
	Percentile float64
	// Temporal is an extended condition over Rules: a tree of And, Or, Not and *Reference; nil without one.
	Temporal Expr
	// Generate lets the rules it refers to alert by themselves as well.
	Generate bool
}

// Threshold compares the aggregate with Than. A Correlation with several wants all of them.
type Threshold struct {
	Relation Relation
	Than     Decimal
}

// Reference is a rule named in an extended condition: an index into Correlation.Rules.
type Reference struct{ Rule int }

func (*Reference) expr() {}

// Referent is what a name or id of a Correlation means: one of the two is set.
type Referent struct {
	Rule        *Rule
	Correlation *Correlation
}
