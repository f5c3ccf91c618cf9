// Package rules is `vedette rules`, which vedette-analyzer does.
package rules

import (
	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/vedette/handover"
)

// Command returns the verb with those below it.
func Command() *cobra.Command {
	c := &cobra.Command{
		Use:   "rules",
		Short: "Check Sigma rules and explain what they make of an event",
		Long: `Check Sigma rules and explain what they make of an event. vedette-analyzer, which is installed beside this program,
does the work and needs no rights; all flags are shown by "vedette rules VERB --help".`,
		Example: `  vedette rules check my-rules
  vedette rules explain my-rules/shell.yml --event attack.vdc`,
		DisableFlagParsing: true,
		RunE:               pass("rules"),
	}
	c.AddCommand(
		&cobra.Command{
			Use:   "check DIR...",
			Short: "Say which rules load, and which of them can fire here",
			Long: `Say which rules load, and of each whether it can fire on this platform, fires only in part, or never can, and why. A
rule that is refused is named with file, line and remedy, and makes the exit code 1.`,
			Example: `  vedette rules check my-rules
  vedette rules check sigma/rules --platform windows --only never`,
			DisableFlagParsing: true,
			RunE:               pass("rules", "check"),
		},
		&cobra.Command{
			Use:   "explain RULE --event FILE",
			Short: "Say why a rule matched a recorded event, or why not",
			Long: `Say why a rule matched a recorded event or did not, selection by selection, with the values of the event. RULE is the
id or the title of a rule below --rules, or the path of a rule file.`,
			Example: `  vedette rules explain my-rules/shell.yml --event attack.vdc
  vedette rules explain 63b16abe-2d5c-4a2f-b0ae-f1bc4580e40c --rules sigma/rules --event Sysmon.evtx --position 12`,
			DisableFlagParsing: true,
			RunE:               pass("rules", "explain"),
		},
		&cobra.Command{
			Use:   "list DIR...",
			Short: "List the rules, one a line",
			Long:  `List the rules that load: level, id, log source and title, one a line.`,
			Example: `  vedette rules list my-rules
  vedette rules list sigma/rules --json | jq -r 'select(.level == "critical").title'`,
			DisableFlagParsing: true,
			RunE:               pass("rules", "list"),
		},
	)
	return c
}

// pass hands the command over with its arguments.
func pass(verb ...string) func(*cobra.Command, []string) error {
	return func(_ *cobra.Command, args []string) error {
		return handover.Exec(append(append([]string(nil), verb...), args...))
	}
}
