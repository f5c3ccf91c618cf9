// Package capture is `vedette capture`: it records what the collector sees to a file that can be replayed.
package capture

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/proto/capture"
	"github.com/vedette-edr/vedette/proto/host"
	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/vedette/exit"
	"github.com/vedette-edr/vedette/vedette/link"
	"github.com/vedette-edr/vedette/vedette/term"

	pb "github.com/vedette-edr/vedette/proto"
)

type options struct {
	link     link.Options
	path     string
	version  string
	classes  []string
	duration time.Duration
	count    uint64
	force    bool
	json     bool
}

// Command returns the verb of a program of the given version.
func Command(version string) *cobra.Command {
	o := options{version: version}
	c := &cobra.Command{
		Use:   "capture FILE",
		Short: "Record events to a file that can be replayed",
		Long: `Record the events of this host to a file, until Ctrl-C, --duration or --count. "vedette replay" matches the file
against rules as often as you like, on any machine.

The processes that are running already are listed at the beginning, so that a replay knows the parents of what follows.
What could not be recorded is counted, in the file and in the summary. The file holds command lines and environment
variables of every user of this host; only its owner may read it. With sudo that is the user who called it.

Exit code: 0 all was recorded, 1 something is missing or failed, 2 it could not begin.`,
		Example: `  sudo vedette capture --duration 10m attack.vdc
  vedette replay --rules /usr/share/vedette/rules attack.vdc`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return exit.Refuse(fmt.Errorf("name one file to record to, not %d", len(args)), "see: "+c.CommandPath()+" --help")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			o.path = args[0]
			return run(c, o)
		},
	}
	flags := c.Flags()
	flags.DurationVar(&o.duration, "duration", 0, "end after this time, such as 30s or 10m")
	flags.Uint64Var(&o.count, "count", 0, "end after so many events, those that list running processes not counted")
	flags.StringSliceVar(&o.classes, "class", nil, "only these classes, such as network; process is always among them")
	flags.BoolVar(&o.force, "force", false, "replace the file if it exists")
	flags.BoolVar(&o.json, "json", false, "print the summary as one line of JSON")
	link.AddFlags(flags, &o.link)
	return c
}

// parseClasses reads the names of classes; none means all. The class process is always among them.
func parseClasses(names []string) ([]pb.Class, error) {
	if len(names) == 0 {
		return nil, nil
	}
	all := []pb.Class{pb.Class_CLASS_PROCESS}
	for _, name := range names {
		class, err := subject.ParseClass(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(all, class) {
			all = append(all, class)
		}
	}
	return all, nil
}

func run(c *cobra.Command, o options) error {
	classes, err := parseClasses(o.classes)
	if err == nil && o.duration < 0 {
		err = fmt.Errorf("--duration %s is less than nothing", o.duration)
	}
	if err != nil {
		return exit.Refuse(err, "")
	}
	// Told before anything else is tried, and seen to again when the file is made.
	if err := mayCreate(o.path, o.force); err != nil {
		return err
	}
	s := &session{screen: newScreen(c.ErrOrStderr()), duration: o.duration, count: o.count}
	o.link.Notify = s.screen.say
	l, err := link.Open(c.Context(), o.link)
	if err != nil {
		return err
	}
	defer l.Conn.Close()
	if err := s.subscribe(l); err != nil {
		return err
	}
	file, err := create(o.path, o.force)
	if err != nil {
		return err
	}
	header := capture.Header{Host: l.Host, Started: time.Now().UTC(), Version: o.version, Users: accounts("/etc/passwd")}
	for _, class := range classes {
		header.Classes = append(header.Classes, subject.ClassToken(class))
	}
	// The batches say it as well; without procfs it stays empty.
	header.BootID, _ = host.BootID()
	err = s.record(c.Context(), file, header, classes)
	if closed := file.finish(s.recorder.end.Batches == 0 && err != nil); err == nil {
		err = closed
	}
	s.screen.clear()
	if err != nil {
		return link.Refused(err)
	}
	return conclude(c, o, s, header)
}

// conclude says what was recorded.
func conclude(c *cobra.Command, o options, s *session, header capture.Header) error {
	end := s.end
	if o.json {
		header.Users = nil
		line, err := json.Marshal(struct {
			File  string         `json:"file"`
			Bytes int64          `json:"bytes"`
			Start capture.Header `json:"header"`
			End   capture.End    `json:"end"`
		}{o.path, s.recorder.out.Written(), header, end})
		if err != nil {
			return fmt.Errorf("BUG: cannot encode the summary: %w", err)
		}
		if _, err := fmt.Fprintln(c.OutOrStdout(), string(term.EscapeJSON(line))); err != nil {
			return fmt.Errorf("cannot print the summary: %w", err)
		}
	} else {
		s.screen.say(fmt.Sprintf("recorded %d events and %d running processes in %s to %s (%s)", s.recorder.live, end.Processes,
			end.Stopped.Sub(header.Started).Round(time.Millisecond), o.path, size(s.recorder.out.Written())))
		for _, line := range shortcomings(end) {
			s.screen.say(line)
		}
	}
	if len(shortcomings(end)) > 0 || s.trouble {
		return exit.Silent(exit.Warning)
	}
	return nil
}

// shortcomings says what a replay of the recording will not show, one sentence each.
func shortcomings(end capture.End) []string {
	var all []string
	if !end.Seeded {
		all = append(all, "the list of the processes that were running at the beginning is not complete; "+
			"a replay may not know parents of what was recorded")
	}
	if n := end.Lost.Batches; n > 0 {
		all = append(all, fmt.Sprintf("%d batches of events are missing: this process or the bus was too slow for them", n))
	}
	if n := end.Lost.Unreadable; n > 0 {
		all = append(all, fmt.Sprintf("%d batches could not be decoded and are missing", n))
	}
	var causes []string
	for name, n := range end.LostAtSource {
		causes = append(causes, fmt.Sprintf("%d %s", n, strings.ReplaceAll(name, "_", " ")))
	}
	if len(causes) > 0 {
		slices.Sort(causes)
		all = append(all, "meanwhile kernel and collector lost events: "+strings.Join(causes, ", ")+"; see: vedette status")
	}
	return all
}
