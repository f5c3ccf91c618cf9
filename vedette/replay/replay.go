// Package replay is `vedette replay`, which vedette-analyzer does.
package replay

import (
	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/vedette/handover"
)

// Command returns the verb.
func Command() *cobra.Command {
	return &cobra.Command{
		Use:   "replay --rules DIR [flags] FILE...",
		Short: "Match recorded events against rules",
		Long: `Match recorded events against rules, without a running Vedette and without any rights. Each alert is one line of JSON
on the standard output; a summary follows on the standard error.

A file is a recording of "vedette capture", a Windows event log (EVTX), or JSON: Windows events as they are exported, or
lines with the fields of Sysmon. vedette-analyzer, which is installed beside this program, does the work; all flags are shown
by "vedette replay --help".`,
		Example: `  vedette replay --rules /usr/share/vedette/rules attack.vdc
  vedette replay --rules sigma/rules Security.evtx Sysmon.evtx | jq -r .rule.name | sort | uniq -c`,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return handover.Exec(append([]string{"replay"}, args...))
		},
	}
}
