// Package alerts is `vedette alerts`: past alerts, then new ones as they come.
package alerts

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/vedette/alertlog"
	"github.com/vedette-edr/vedette/vedette/exit"
	"github.com/vedette-edr/vedette/vedette/link"
	"github.com/vedette-edr/vedette/vedette/term"
)

// newest is how many past alerts a following command begins with.
const newest = 10

type options struct {
	link    link.Options
	filter  Filter
	since   string
	follow  bool
	json    bool
	limit   int
	noColor bool
}

// Command returns the verb.
func Command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "alerts",
		Short: "Show alerts: past ones, then new ones as they come",
		Long: `Show alerts: past ones, then new ones as they come.

Without --since it begins with the newest 10 alerts, or with the oldest that is kept when it does not follow. Each alert
is shown once, in the order in which the bus took them, also when the connection is lost in between.

Patterns use * for any text and ? for one character; case does not matter.`,
		Example: `  sudo vedette alerts --since 10m --level high
  sudo vedette alerts --follow=false --json | jq .rule.name
  vedette alerts --server tls://sensor1:4222 --creds ./creds`,
		Args: exit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c, o) },
	}
	flags := c.Flags()
	flags.StringVar(&o.since, "since", "", "begin at this time: 10m ago, or 2026-01-31T12:00:00Z")
	flags.BoolVar(&o.follow, "follow", true, "go on with new alerts until Ctrl-C")
	flags.BoolVar(&o.json, "json", false, "one JSON document (ECS) a line")
	flags.StringVar(&o.filter.Level, "level", "", "only alerts of this level and above: informational, low, medium, high, critical")
	flags.StringVar(&o.filter.Rule, "rule", "", "only alerts of rules whose name or id fits this pattern")
	flags.StringVar(&o.filter.User, "user", "", "only alerts of users whose name or number fits this pattern")
	flags.StringVar(&o.filter.Process, "process", "", "only alerts of programs whose path or name fits this pattern")
	flags.IntVar(&o.limit, "limit", 0, "end after so many alerts")
	flags.BoolVar(&o.noColor, "no-color", false, "no colours, also on a terminal")
	link.AddFlags(flags, &o.link)
	link.AddReaderFlags(flags, &o.link)
	return c
}

func run(c *cobra.Command, o options) error {
	read := alertlog.Options{Follow: o.follow}
	if o.follow {
		read.Newest = newest
	}
	var err error
	if read.Since, err = since(o.since, time.Now()); err != nil {
		return exit.Refuse(err, "")
	}
	if err := o.filter.Check(); err != nil {
		return exit.Refuse(err, "")
	}
	if o.limit < 0 {
		return exit.Refuse(fmt.Errorf("--limit %d is less than nothing", o.limit), "")
	}
	trouble := false
	say := func(text string) { fmt.Fprintln(c.ErrOrStderr(), "vedette: "+term.Escape(text)) }
	o.link.Notify = say
	l, err := link.Open(c.Context(), o.link)
	if err != nil {
		return err
	}
	defer l.Conn.Close()
	read.Host = l.Host
	read.Missed = func(n uint64) {
		trouble = true
		say(fmt.Sprintf("%d alerts left the stream before they could be read; see the alert file", n))
	}
	p := &Printer{
		Out: c.OutOrStdout(), Palette: term.Colours(c.OutOrStdout(), o.noColor), Zone: time.Local,
		JSON: o.json, Filter: o.filter, Limit: o.limit,
		Trouble: func(err error) {
			trouble = true
			say(err.Error())
		},
	}
	if err := alertlog.Read(c.Context(), l.Conn, read, p.Print); err != nil {
		return err
	}
	if trouble {
		return exit.Silent(exit.Warning)
	}
	return nil
}

// since reads a duration before now or a point in time. Empty is the zero time.
func since(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		if d < 0 {
			return time.Time{}, fmt.Errorf("--since %q lies in the future", text)
		}
		return now.Add(-d), nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if at, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since %q is neither a duration like 10m nor a time like 2026-01-31T12:00:00Z", text)
}
