package rulecmd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/analyzer/interest"
	"github.com/vedette-edr/vedette/analyzer/plain"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	"github.com/vedette-edr/vedette/analyzer/usage"
)

// Report is the outcome of a check, as --json prints it.
type Report struct {
	Platform     string `json:"platform"`
	Loaded       int    `json:"loaded"`
	Refused      int    `json:"refused"`
	Skipped      int    `json:"skipped"`
	Correlations int    `json:"correlations"`
	Filters      int    `json:"filters"`
	// Fires, Degraded and Never add up to Loaded; Later of those that never fire will once more sensors exist.
	Fires    int           `json:"fires"`
	Degraded int           `json:"degraded"`
	Never    int           `json:"never"`
	Later    int           `json:"later"`
	Rules    []CheckedRule `json:"rules"`
	Totals   []Total       `json:"totals"`
	Problems []Problem     `json:"problems"`
}

// CheckedRule is one rule with its verdict.
type CheckedRule struct {
	Rule
	taxonomy.Verdict
}

// Rule is what identifies a rule.
type Rule struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Level     string    `json:"level"`
	Status    string    `json:"status,omitempty"`
	Logsource Logsource `json:"logsource"`
	File      string    `json:"file"`
	Line      int       `json:"line,omitempty"`
}

// Logsource is that of a rule.
type Logsource struct {
	Product  string `json:"product,omitempty"`
	Category string `json:"category,omitempty"`
	Service  string `json:"service,omitempty"`
}

// Total counts the rules of one log source.
type Total struct {
	Logsource Logsource `json:"logsource"`
	Fires     int       `json:"fires"`
	Degraded  int       `json:"degraded"`
	Never     int       `json:"never"`
}

// Problem is what keeps a rule from loading, or, as a warning, what of a loaded rule cannot have its effect.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	RuleID  string `json:"rule_id,omitempty"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

func describe(r *rule.Rule) Rule {
	return Rule{
		ID: r.ID, Title: r.Title, Level: r.Level, Status: r.Status, File: r.File, Line: r.Line,
		Logsource: Logsource{Product: r.Logsource.Product, Category: r.Logsource.Category, Service: r.Logsource.Service},
	}
}

// String spells the log source on one line, as product/category/service without what is empty.
func (l Logsource) String() string {
	parts := slices.DeleteFunc([]string{l.Product, l.Category, l.Service}, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		return "any"
	}
	return strings.Join(parts, "/")
}

func checkCommand() *cobra.Command {
	var load loadFlags
	var product, only string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check DIR...",
		Short: "say which rules load, and which of them can fire here",
		Long: `check loads the rules in directories or files, names those that are refused with file, line and remedy, and says of each
other one whether it can fire with the events that Vedette supplies on this platform:

  fires     it works as written
  degraded  it works, and matches less or more than its author meant
  never     no event can satisfy it; "yet" when events that Vedette does not supply today could

Exit codes: 0 every rule loads, 1 one was refused, 2 wrong arguments.`,
		Example: `  vedette-analyzer rules check my-rules
  vedette-analyzer rules check sigma/rules --platform windows --only never
  vedette-analyzer rules check my-rules --json | jq .totals`,
		Args: usage.Arguments("at least one directory or file of rules"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := platform(product)
			if err != nil {
				return err
			}
			if !slices.Contains([]string{"", "fires", "degraded", "never"}, only) {
				return usage.Error{Err: fmt.Errorf("unknown outcome %q; it is fires, degraded or never", only)}
			}
			stderr := cmd.ErrOrStderr()
			if asJSON {
				stderr = io.Discard
			}
			set, problems, err := load.load(stderr, args...)
			if err != nil {
				return err
			}
			r := check(p, set, problems)
			r.keep(only)
			write := r.text
			if asJSON {
				write = r.json
			}
			if err := write(cmd.OutOrStdout()); err != nil {
				return fmt.Errorf("cannot print the outcome: %w", err)
			}
			return refused(set)
		},
	}
	load.add(cmd)
	platformFlag(cmd, &product)
	cmd.Flags().StringVar(&only, "only", "", "list only rules with this outcome: fires, degraded or never")
	cmd.Flags().BoolVar(&asJSON, "json", false, "everything as one line of JSON")
	return cmd
}

// check holds every loaded rule against the platform.
func check(p *taxonomy.Platform, set *rule.Set, problems []rule.Problem) *Report {
	r := &Report{
		Platform: p.Product, Loaded: len(set.Rules), Refused: set.Refused, Skipped: set.Skipped, Correlations: len(set.Correlations),
		Filters: len(set.Filters), Rules: []CheckedRule{}, Totals: []Total{}, Problems: []Problem{},
	}
	totals := map[Logsource]*Total{}
	for _, loaded := range set.Rules {
		c := CheckedRule{describe(loaded), p.Check(loaded)}
		c.askFor(p, loaded)
		r.Rules = append(r.Rules, c)
		total := totals[c.Logsource]
		if total == nil {
			total = &Total{Logsource: c.Logsource}
			totals[c.Logsource] = total
		}
		switch c.State {
		case taxonomy.Fires:
			r.Fires++
			total.Fires++
		case taxonomy.Degraded:
			r.Degraded++
			total.Degraded++
		default:
			r.Never++
			total.Never++
			if c.Later {
				r.Later++
			}
		}
	}
	for _, total := range totals {
		r.Totals = append(r.Totals, *total)
	}
	slices.SortFunc(r.Totals, func(a, b Total) int {
		return cmp.Or(
			cmp.Compare(b.Fires+b.Degraded+b.Never, a.Fires+a.Degraded+a.Never),
			cmp.Compare(a.Logsource.String(), b.Logsource.String()),
		)
	})
	for _, p := range problems {
		r.Problems = append(r.Problems, Problem{
			File: p.File, Line: p.Line, Column: p.Column, RuleID: p.RuleID, Message: p.Message, Remedy: p.Remedy, Warning: p.Warning,
		})
	}
	return r
}

// askFor adds to the verdict that the rule asks for more events than a collector reports.
func (c *CheckedRule) askFor(p *taxonomy.Platform, r *rule.Rule) {
	if p.Product != taxonomy.Linux || c.State == taxonomy.Cannot {
		return
	}
	for _, problem := range interest.Of([]*rule.Rule{r}).Problems {
		c.State = taxonomy.Degraded
		c.Reasons = append(c.Reasons, taxonomy.Reason{Effect: taxonomy.Misses, Text: "it " + problem.Text})
	}
}

// outcome is the verdict by the name that --only has for it.
func (c *CheckedRule) outcome() string {
	switch c.State {
	case taxonomy.Fires:
		return "fires"
	case taxonomy.Degraded:
		return "degraded"
	}
	return "never"
}

// keep leaves only rules with an outcome in the list; the counts stay. Empty keeps all.
func (r *Report) keep(outcome string) {
	if outcome != "" {
		r.Rules = slices.DeleteFunc(r.Rules, func(c CheckedRule) bool { return c.outcome() != outcome })
	}
}

func (r *Report) json(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

func (r *Report) text(w io.Writer) error {
	var b strings.Builder
	for i := range r.Rules {
		c := &r.Rules[i]
		outcome := c.outcome()
		if c.Later {
			outcome = "not yet"
		}
		fmt.Fprintf(&b, "%-8s  %s  %s (%s)\n", outcome, c.ID, plain.Text(c.Title), plain.Text(c.Logsource.String()))
		for _, reason := range c.Reasons {
			// That a field is absent at times keeps no rule from working as written; --json has it.
			if reason.Effect == taxonomy.Depends {
				continue
			}
			fmt.Fprintf(&b, "          %s\n", plain.Text(reason.String()))
		}
	}
	if len(r.Rules) > 0 {
		b.WriteByte('\n')
	}
	if len(r.Totals) > 0 {
		table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprint(table, "fires\tdegraded\tnever\t  log source\n")
		for _, t := range r.Totals {
			fmt.Fprintf(table, "%d\t%d\t%d\t  %s\n", t.Fires, t.Degraded, t.Never, plain.Text(t.Logsource.String()))
		}
		// A Builder takes everything.
		_ = table.Flush()
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d rules loaded, %d refused, %d skipped", r.Loaded, r.Refused, r.Skipped)
	if r.Correlations > 0 {
		fmt.Fprintf(&b, ", %d correlations", r.Correlations)
	}
	if r.Filters > 0 {
		fmt.Fprintf(&b, ", %d filters", r.Filters)
	}
	fmt.Fprintf(&b, "\non %s %d fire, %d are degraded, %d never fire", r.Platform, r.Fires, r.Degraded, r.Never)
	if r.Later > 0 {
		fmt.Fprintf(&b, " (%d of them not yet)", r.Later)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}
