// Package events is `vedette events`: what the collector sees, as it happens.
package events

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/vedette/eventview"
	"github.com/vedette-edr/vedette/vedette/exit"
	"github.com/vedette-edr/vedette/vedette/link"
	"github.com/vedette-edr/vedette/vedette/term"
)

type options struct {
	link    link.Options
	classes []string
	kinds   []string
	filter  []string
	json    bool
	limit   int
	noColor bool
}

// Command returns the verb.
func Command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "events",
		Short: "Show events as they happen",
		Long: `Show events as they happen, one a line, until Ctrl-C. Past events are not kept.

A filter is key=value with the keys pid, ppid, uid (numbers), image, comm, args (patterns: * for any text, ? for one
character; case does not matter). All filters must fit; an event that lacks the key does not fit.`,
		Example: `  sudo vedette events --kind exec --filter 'image=*/curl,uid=1000'
  sudo vedette events --json --limit 100 | jq -c .exec.arguments`,
		Args: exit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c, o) },
	}
	flags := c.Flags()
	flags.StringSliceVar(&o.classes, "class", nil, "only these classes, such as process or network")
	flags.StringSliceVar(&o.kinds, "kind", nil, "only these kinds, such as exec, fork or exit")
	flags.StringSliceVar(&o.filter, "filter", nil, "only events that fit key=value")
	flags.BoolVar(&o.json, "json", false, "one JSON document a line, with the names of the event model")
	flags.IntVar(&o.limit, "limit", 0, "end after so many events")
	flags.BoolVar(&o.noColor, "no-color", false, "no colours, also on a terminal")
	link.AddFlags(flags, &o.link)
	return c
}

var errLimit = errors.New("the limit is reached")

func run(c *cobra.Command, o options) error {
	want, err := classes(o.classes)
	if err == nil {
		err = checkKinds(o.kinds)
	}
	take := selection{kinds: o.kinds}
	if err == nil {
		take.filter, err = parseFilter(o.filter)
	}
	if err == nil && o.limit < 0 {
		err = fmt.Errorf("--limit %d is less than nothing", o.limit)
	}
	if err != nil {
		return exit.Refuse(err, "")
	}

	trouble := false
	say := func(text string) { fmt.Fprintln(c.ErrOrStderr(), "vedette: "+term.Escape(text)) }
	o.link.Notify = say
	l, err := link.Open(c.Context(), o.link)
	if err != nil {
		return err
	}
	defer l.Conn.Close()
	sub, err := subscribe(l.Conn, l.Host, want)
	if err != nil {
		return err
	}
	palette := term.Colours(c.OutOrStdout(), o.noColor)
	shown := 0
	f := &follower{
		trouble: func(text string) { trouble = true; say(text) },
		each: func(ev *pb.Event, batch *pb.EventBatch) error {
			if len(want) > 0 && !slices.Contains(want, batch.Class) || !take.takes(ev) {
				return nil
			}
			line := []byte(eventview.Line(ev, palette, time.Local))
			if o.json {
				line = eventview.JSON(ev, batch)
			}
			if _, err := c.OutOrStdout().Write(append(line, '\n')); err != nil {
				return fmt.Errorf("cannot print an event: %w", err)
			}
			if shown++; shown == o.limit {
				return errLimit
			}
			return nil
		},
	}
	if err := f.follow(c.Context(), sub); err != nil && !errors.Is(err, errLimit) {
		return link.Refused(err)
	}
	if trouble {
		return exit.Silent(exit.Warning)
	}
	return nil
}
