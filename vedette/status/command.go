package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/vedette/exit"
	"github.com/vedette-edr/vedette/vedette/link"
	"github.com/vedette-edr/vedette/vedette/term"
)

// patience is how long to wait for two heartbeats of everyone; one is sent every second.
const patience = 3500 * time.Millisecond

type options struct {
	link    link.Options
	json    bool
	watch   bool
	noColor bool
}

// Command returns the verb.
func Command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "status",
		Short: "Say who runs, what is attached, what was lost, and whether the sum of events closes",
		Long: `Say who runs with which rights, what attached to the kernel and what did not, how many events were made, delivered
and lost, and whether the sum of them closes: made = delivered + pending + lost + in flight. It listens to the heartbeats for
two seconds.

Exit code: 0 all is well, 1 there is a warning (loss, a sum that does not close, something not attached), 2 not running.`,
		Example: `  sudo vedette status
  sudo vedette status --json | jq .sum`,
		Args: exit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c, o) },
	}
	flags := c.Flags()
	flags.BoolVar(&o.json, "json", false, "the same as one line of JSON")
	flags.BoolVar(&o.watch, "watch", false, "again every second until Ctrl-C")
	flags.BoolVar(&o.noColor, "no-color", false, "no colours, also on a terminal")
	link.AddFlags(flags, &o.link)
	return c
}

func run(c *cobra.Command, o options) error {
	ctx := c.Context()
	o.link.Notify = func(text string) { fmt.Fprintln(c.ErrOrStderr(), "vedette: "+term.Escape(text)) }
	s := &screen{out: c.OutOrStdout(), palette: term.Colours(c.OutOrStdout(), o.noColor), json: o.json, watch: o.watch}
	l, err := link.Open(ctx, o.link)
	if err != nil && o.json && exit.Code(err) == exit.Refused {
		if err := s.show(unreachable(err)); err != nil {
			return err
		}
		return exit.Silent(exit.Refused)
	}
	if err != nil {
		return err
	}
	defer l.Conn.Close()
	watch, err := NewWatch(l.Conn, l.Host)
	if err != nil {
		return err
	}
	defer watch.Close()

	var report *Report
	err = watch.Listen(ctx, patience, Twice)
	for err == nil {
		report = watch.Report(time.Now())
		if err := s.show(report); err != nil {
			return err
		}
		if !o.watch {
			break
		}
		err = watch.Listen(ctx, time.Second, func(map[string]Heartbeats) bool { return false })
	}
	if err != nil && !(o.watch && errors.Is(err, context.Canceled)) {
		return link.Refused(err)
	}
	if report == nil || report.ExitCode() == exit.OK {
		return nil
	}
	return exit.Silent(report.ExitCode())
}

// unreachable is the report for a machine that asked for one and there is nobody to ask.
func unreachable(err error) *Report {
	r := Compute("", nil, time.Now())
	r.Warnings = []string{err.Error()}
	return r
}

// screen shows one report after the other.
type screen struct {
	out     io.Writer
	palette term.Palette
	json    bool
	watch   bool
	shown   int
}

func (s *screen) show(r *Report) error {
	text := Render(r, s.palette)
	switch {
	case s.json:
		doc, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("BUG: cannot encode the status: %w", err)
		}
		text = string(term.EscapeJSON(doc)) + "\n"
	case s.watch && term.IsTerminal(s.out):
		// Home, the text, and whatever an older and longer text left behind.
		text = "\x1b[H\x1b[2J" + text
	case s.shown > 0:
		text = "\n" + text
	}
	s.shown++
	if _, err := io.WriteString(s.out, text); err != nil {
		return fmt.Errorf("cannot print the status: %w", err)
	}
	return nil
}
