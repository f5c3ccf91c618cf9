package replay

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/analyzer/plain"
	"github.com/vedette-edr/vedette/analyzer/playback"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	"github.com/vedette-edr/vedette/analyzer/usage"
)

type options struct {
	rules, placeholders []string
	recordings          playback.Flags
}

// Command returns the command.
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "replay --rules DIR FILE...",
		Short: "match recorded events against rules",
		Long: `replay matches recorded events against rules. It needs neither a bus nor rights. Each alert is one line of JSON on the
standard output; a summary, and whatever is wrong with a rule or a file, goes to the standard error.

A file is one of
  capture  a recording of "vedette capture": events pass through the process tree as they do live, and the alerts have the
           ids that they had live
  evtx     a Windows event log
  json     Windows events as JSON, with Event.System and Event.EventData; lines with the fields of Sysmon; or other JSON,
           one object an event, with --logsource
or an archive (zip, gzip) of the last two. The format is found out by looking at the file, unless --format names it.

Exit codes: 0 all was read, with alerts or without; 1 something could not be read; 2 wrong arguments.`,
		Example: `  vedette-analyzer replay --rules /usr/share/vedette/rules attack.vdc
  vedette-analyzer replay --rules sigma/rules Security.evtx Sysmon.evtx | jq -r .rule.name | sort | uniq -c
  vedette-analyzer replay --rules my-rules --logsource product=linux,category=process_creation events.json`,
		Args: usage.Arguments("at least one file of recorded events"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&o.rules, "rules", nil, "directory or file of Sigma rules; may be given more than once")
	flags.StringArrayVar(&o.placeholders, "placeholders", nil,
		"YAML file with values for %name% in rules with the modifier expand; may be given more than once")
	o.recordings.Add(cmd)
	return cmd
}

func (o *options) run(cmd *cobra.Command, files []string) error {
	stderr := cmd.ErrOrStderr()
	read, err := o.recordings.Options()
	if err == nil && len(o.rules) == 0 {
		err = errors.New("name the rules with --rules DIR")
	}
	if err != nil {
		return usage.Error{Err: fmt.Errorf("%w; try: %s --help", err, cmd.CommandPath())}
	}
	rules, err := load(stderr, o.placeholders, o.rules)
	if err != nil {
		return err
	}
	shown := problems{out: stderr}
	sum, err := Run(cmd.Context(), rules, files, Options{Recordings: read, Problem: shown.show}, cmd.OutOrStdout())
	shown.close()
	if text := sum.Text(stderr); err == nil && text != nil {
		err = fmt.Errorf("cannot print the summary: %w", text)
	}
	switch {
	case err != nil:
		return fmt.Errorf("the replay is not complete: %w", err)
	case sum.Unreadable > 0 || sum.Lost > 0:
		return errors.New("not everything could be read")
	}
	return nil
}

// load loads rules and prints what is wrong with any.
func load(stderr io.Writer, placeholders, paths []string) (*engine.Ruleset, error) {
	set, faults, err := rule.Load(rule.Options{Placeholders: placeholders}, paths...)
	if err != nil {
		return nil, usage.Error{Err: fmt.Errorf("cannot load rules: %w; name directories of Sigma rules with --rules", err)}
	}
	for _, p := range faults {
		fmt.Fprintln(stderr, plain.Text(p.String()))
	}
	fmt.Fprintf(stderr, "%d rules loaded, %d refused, %d skipped\n", len(set.Rules), set.Refused, set.Skipped)
	if n := len(set.Correlations); n > 0 {
		fmt.Fprintf(stderr, "%d correlations are not evaluated in a replay\n", n)
	}
	if len(set.Rules) == 0 {
		return nil, usage.Error{Err: fmt.Errorf("no rule loads from %s", strings.Join(paths, ", "))}
	}
	return engine.New(set.Rules, engine.Options{Aliased: taxonomy.Aliased()}), nil
}

// problems prints what is wrong with files, not more than a person reads.
type problems struct {
	out  io.Writer
	more int
	n    int
}

const shownProblems = 50

func (p *problems) show(err error) {
	if p.n++; p.n > shownProblems {
		p.more++
		return
	}
	fmt.Fprintln(p.out, plain.Text(err.Error()))
}

func (p *problems) close() {
	if p.more > 0 {
		fmt.Fprintf(p.out, "and %d more problems like these\n", p.more)
	}
}
