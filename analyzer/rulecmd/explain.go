package rulecmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/analyzer/plain"
	"github.com/vedette-edr/vedette/analyzer/playback"
	"github.com/vedette-edr/vedette/analyzer/recording"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/interpret"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/usage"
)

type explainOptions struct {
	load       loadFlags
	recordings playback.Flags
	rules      []string
	event      string
	position   int64
	json       bool
}

func explainCommand() *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use:   "explain RULE --event FILE",
		Short: "say why a rule matched a recorded event, or why not",
		Long: `explain says why a rule matched a recorded event or did not, selection by selection, with the values of the event. RULE is
the id or the title of a rule below --rules, or the path of a rule file. FILE is one that replay reads.

Without --position it shows the first event that the rule matches or, when there is none, the one that came nearest.

Exit codes: 0 whatever the verdict, 1 something could not be read, 2 wrong arguments.`,
		Example: `  vedette-analyzer rules explain my-rules/shell.yml --event attack.vdc
  vedette-analyzer rules explain 63b16abe-2d5c-4a2f-b0ae-f1bc4580e40c --rules sigma/rules --event Sysmon.evtx --position 12`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage.Error{Err: fmt.Errorf("name one rule, not %d; try: %s --help", len(args), cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.event, "event", "", "file of recorded events (required)")
	flags.StringArrayVar(&o.rules, "rules", nil, "directory or file of Sigma rules; may be given more than once")
	flags.Int64Var(&o.position, "position", 0, "explain this event of the file, counted from 1")
	flags.BoolVar(&o.json, "json", false, "everything as one line of JSON for each rule")
	o.load.add(cmd)
	o.recordings.Add(cmd)
	return cmd
}

func (o *explainOptions) run(cmd *cobra.Command, wanted string) error {
	read, err := o.recordings.Options()
	if err == nil && o.event == "" {
		err = errors.New("name a file of recorded events with --event FILE")
	}
	if err == nil && o.position < 0 {
		err = fmt.Errorf("--position %d is no number of an event; they are counted from 1", o.position)
	}
	if err != nil {
		return usage.Error{Err: fmt.Errorf("%w; try: %s --help", err, cmd.CommandPath())}
	}
	found, err := findRules(cmd.ErrOrStderr(), &o.load, wanted, o.rules)
	if err != nil {
		return err
	}
	read.Fields = engine.New(found, engine.Options{}).Fields()
	s := search{fields: read.Fields, position: o.position, damage: func(err error) {
		fmt.Fprintln(cmd.ErrOrStderr(), plain.Text(err.Error()))
	}}
	for _, r := range found {
		s.answers = append(s.answers, &answer{rule: r})
	}
	if err := s.file(cmd.Context(), o.event, read); err != nil {
		return err
	}
	for _, a := range s.answers {
		write := a.text
		if o.json {
			write = a.json
		}
		if err := write(cmd.OutOrStdout(), s.position > 0); err != nil {
			return fmt.Errorf("cannot print the explanation: %w", err)
		}
	}
	return nil
}

// search goes through a file for the events to explain.
type search struct {
	fields   []string
	position int64
	damage   func(error)
	answers  []*answer
	events   int64
	reached  bool
}

// answer is what there is to say about one rule.
type answer struct {
	rule *rule.Rule
	// Events were looked at; Sourced of them belong to the rule's log source, and Matches of these match.
	Events  int64 `json:"events"`
	Sourced int64 `json:"sourced"`
	Matches int64 `json:"matches"`
	Shown   *shown
}

// shown is one event with its explanation, both independent of the file.
type shown struct {
	Event   event                 `json:"event"`
	Sourced bool                  `json:"sourced"`
	Why     interpret.Explanation `json:"explanation"`
	score   float64
}

type event struct {
	File     string    `json:"file"`
	Position int64     `json:"position"`
	Time     time.Time `json:"time,omitzero"`
	Host     string    `json:"host,omitempty"`
	Channel  string    `json:"channel,omitempty"`
	EventID  int       `json:"event_id,omitempty"`
	Process  string    `json:"process,omitempty"`
	Sources  []string  `json:"logsources"`
}

func (s *search) file(ctx context.Context, path string, opts playback.Options) error {
	rec, err := playback.Open(path, opts)
	if err != nil {
		return err
	}
	// Nothing was written that a failing Close could lose.
	defer func() { _ = rec.Close() }()
	for ctx.Err() == nil && !s.reached {
		views, err := rec.Next()
		if err == nil {
			err = s.event(rec, views)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if damage, ok := errors.AsType[*recording.Problem](err); ok {
			s.damage(damage)
		} else if err != nil {
			return err
		}
	}
	if s.position > 0 && !s.reached && ctx.Err() == nil {
		return fmt.Errorf("there is no event %d in %q, it has %d", s.position, path, s.events)
	}
	return ctx.Err()
}

func (s *search) event(rec playback.Recording, views int) error {
	s.events++
	if s.position > 0 && rec.Position() != s.position {
		return nil
	}
	s.reached = s.position > 0
	for _, a := range s.answers {
		a.Events++
		if err := s.try(a, rec, views); err != nil {
			return err
		}
	}
	return nil
}

// try holds the rule against the event, in the view that is of its log source or, where none is, in the first.
func (s *search) try(a *answer, rec playback.Recording, views int) error {
	if views == 0 {
		return nil
	}
	at, sourced := 0, false
	for i := range views {
		if covers(a.rule, rec.View(i).Sources) {
			at, sourced = i, true
			break
		}
	}
	if sourced {
		a.Sourced++
	}
	v := rec.View(at)
	why := interpret.Explain(a.rule, named{interpret.Adapt(s.fields, v.ListEvent), rec})
	score := closeness(why.Condition, &why)
	if sourced {
		// An event of another log source cannot match, however near it comes.
		score++
	}
	if sourced && why.Matches {
		a.Matches++
		score++
	}
	if a.Shown != nil && a.Shown.score >= score {
		return nil
	}
	kept, err := copyOf(why)
	if err != nil {
		return err
	}
	a.Shown = &shown{Event: describeEvent(rec.Origin(), v), Sourced: sourced, Why: kept, score: score}
	return nil
}

// copyOf gives an explanation that does not share the texts of the event, which end with it.
func copyOf(why interpret.Explanation) (interpret.Explanation, error) {
	var kept interpret.Explanation
	data, err := json.Marshal(why)
	if err == nil {
		err = json.Unmarshal(data, &kept)
	}
	if err != nil {
		return kept, fmt.Errorf("BUG: cannot copy an explanation: %w", err)
	}
	return kept, nil
}

func covers(r *rule.Rule, sources []rule.Logsource) bool {
	return slices.ContainsFunc(sources, r.Logsource.Covers)
}

// closeness says how much of a condition holds: 1 for all that is wanted.
func closeness(n interpret.Node, why *interpret.Explanation) float64 {
	switch {
	case n.Holds:
		return 1
	case n.Selection != nil:
		return closeness(why.Selections[*n.Selection].Body, why)
	case n.Kind == "and" && len(n.Parts) > 0:
		sum := 0.0
		for _, part := range n.Parts {
			sum += closeness(part, why)
		}
		return sum / float64(len(n.Parts))
	case n.Kind == "or":
		best := 0.0
		for _, part := range n.Parts {
			best = max(best, closeness(part, why))
		}
		return best
	}
	return 0
}

// named is an event that knows the names of all its fields, for hints.
type named struct {
	interpret.Event
	recording playback.Recording
}

// Aliases implements interpret.AliasEvent.
func (n named) Aliases(field string) []string {
	if aliased, ok := n.Event.(interpret.AliasEvent); ok {
		return aliased.Aliases(field)
	}
	return nil
}

// Names gives the names of the fields that the event has.
func (n named) Names() []string {
	if names := n.recording.Names(); names != nil {
		return names
	}
	if known, ok := n.Event.(interface{ Names() []string }); ok {
		return known.Names()
	}
	return nil
}

func describeEvent(o playback.Origin, v playback.View) event {
	e := event{File: o.File, Position: o.Position, Time: o.Time, Host: o.Host, Sources: []string{}}
	for _, s := range v.Sources {
		e.Sources = append(e.Sources, Logsource{Product: s.Product, Category: s.Category, Service: s.Service}.String())
	}
	if o.Windows != nil {
		e.Channel, e.EventID = o.Windows.Channel, o.Windows.EventID
	}
	if p := o.Process; p != nil {
		e.Process = fmt.Sprintf("%s of %s (pid %d)", p.Kind, strings.Clone(p.Name), p.PID)
	}
	return e
}

func (a *answer) json(w io.Writer, _ bool) error {
	var line strings.Builder
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Rule    Rule  `json:"rule"`
		Events  int64 `json:"events"`
		Sourced int64 `json:"sourced"`
		Matches int64 `json:"matches"`
		*shown
	}{describe(a.rule), a.Events, a.Sourced, a.Matches, a.Shown})
	if err != nil {
		return err
	}
	_, err = w.Write(plain.JSON([]byte(line.String())))
	return err
}

func (a *answer) text(w io.Writer, chosen bool) error {
	var b strings.Builder
	if a.Shown == nil {
		fmt.Fprintf(&b, "%s (%s): rules see none of the %d events\n", plain.Text(a.rule.Title), a.rule.ID, a.Events)
		_, err := io.WriteString(w, b.String())
		return err
	}
	e := a.Shown.Event
	fmt.Fprintf(&b, "event %d of %s", e.Position, plain.Text(e.File))
	if !e.Time.IsZero() {
		b.WriteString(", " + e.Time.Format(time.RFC3339Nano))
	}
	if e.Channel != "" {
		fmt.Fprintf(&b, ", %s %d", plain.Text(e.Channel), e.EventID)
	}
	if e.Process != "" {
		b.WriteString(", " + plain.Text(e.Process))
	}
	b.WriteByte('\n')
	if err := a.Shown.Why.Text(&b); err != nil {
		return err
	}
	source := describe(a.rule).Logsource
	if !a.Shown.Sourced {
		fmt.Fprintf(&b, "the rule is for %s and the event is of %s: it is not tried on it, whatever its selections say\n",
			plain.Text(source.String()), plain.Text(strings.Join(orNone(e.Sources), " and ")))
	}
	if !chosen && a.Events > 1 {
		which := "the one that came nearest is shown"
		if a.Matches > 0 {
			which = "the first is shown"
		}
		fmt.Fprintf(&b, "of %d events %d are of the rule's log source and %d match; %s, --position names another\n",
			a.Events, a.Sourced, a.Matches, which)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func orNone(sources []string) []string {
	if len(sources) == 0 {
		return []string{"no known log source"}
	}
	return sources
}
