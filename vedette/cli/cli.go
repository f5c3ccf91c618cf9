// Package cli is the command line of `vedette`: its verbs, how errors are told, and exit codes.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/vedette/alerts"
	"github.com/vedette-edr/vedette/vedette/busrun"
	"github.com/vedette-edr/vedette/vedette/capture"
	"github.com/vedette-edr/vedette/vedette/creds"
	"github.com/vedette-edr/vedette/vedette/events"
	"github.com/vedette-edr/vedette/vedette/exit"
	"github.com/vedette-edr/vedette/vedette/guard"
	"github.com/vedette-edr/vedette/vedette/replay"
	"github.com/vedette-edr/vedette/vedette/rules"
	"github.com/vedette-edr/vedette/vedette/status"
	"github.com/vedette-edr/vedette/vedette/term"
	"github.com/vedette-edr/vedette/vedette/up"
)

// Run runs one command line and returns its exit code. It ends in good order when ctx does.
func Run(ctx context.Context, version string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := Root(version)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && !exit.IsSilent(err) {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintln(stderr, "vedette: "+term.Escape(line))
		}
	}
	return exit.Code(err)
}

// Signals are those that end a command in good order. A hang-up is one, unless whoever started the command said, as nohup
// does, that it is to be ignored.
func Signals() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// Root returns the whole command line, for Run and for the page that documents it.
func Root(version string) *cobra.Command {
	root := &cobra.Command{
		Use:   "vedette",
		Short: "Watch this host: see, alert, change nothing",
		Long: `Vedette watches a host: it sees what processes do and raises alerts.

Exit codes: 0 all is well, 1 a warning or a failure, 2 it could not begin (wrong arguments, no rights, not running).`,
		Example: `  sudo vedette up
  sudo vedette alerts --since 10m
  sudo vedette status`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownVerb,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	root.SetHelpCommand(helpCommand(root))
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return exit.Refuse(err, "see: "+c.CommandPath()+" --help")
	})
	root.AddCommand(
		up.Command(version),
		alerts.Command(),
		events.Command(),
		capture.Command(version),
		replay.Command(),
		rules.Command(),
		status.Command(),
		creds.Command(),
		busrun.Command(version),
		versionCommand(version),
		docsCommand(),
		guardCommand(),
	)
	return root
}

// helpCommand makes `vedette help VERB` the same as `vedette VERB --help`, an unknown verb included.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:    "help",
		Short:  "Help about a command",
		Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return knownVerb(root, args)
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

func knownVerb(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	remedy := "see: vedette --help"
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		remedy = "did you mean: vedette " + near[0]
	}
	return exit.Refuse(fmt.Errorf("unknown command %q", args[0]), remedy)
}

func versionCommand(version string) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  vedette version",
		Args:    exit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), "vedette "+version)
			return err
		},
	}
}

func guardCommand() *cobra.Command {
	return &cobra.Command{
		Use:    up.GuardVerb,
		Short:  "End the processes of a \"vedette up\" that was killed; started by it",
		Hidden: true,
		Args:   exit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return guard.Run(guard.Descriptor, c.ErrOrStderr())
		},
	}
}
