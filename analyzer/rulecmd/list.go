package rulecmd

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/analyzer/plain"
	"github.com/vedette-edr/vedette/analyzer/usage"
)

func listCommand() *cobra.Command {
	var load loadFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list DIR...",
		Short: "list the rules, one a line",
		Long: `list prints the rules that load, one a line: level, id, log source and title.

Exit codes: 0 every rule loads, 1 one was refused, 2 wrong arguments.`,
		Example: `  vedette-analyzer rules list my-rules
  vedette-analyzer rules list sigma/rules --json | jq -r 'select(.level == "critical").title'`,
		Args: usage.Arguments("at least one directory or file of rules"),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, _, err := load.load(cmd.ErrOrStderr(), args...)
			if err != nil {
				return err
			}
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetEscapeHTML(false)
			for _, loaded := range set.Rules {
				r := describe(loaded)
				if asJSON {
					err = enc.Encode(r)
				} else {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%-13s  %s  %-32s  %s\n",
						r.Level, r.ID, plain.Text(r.Logsource.String()), plain.Text(r.Title))
				}
				if err != nil {
					return fmt.Errorf("cannot print a rule: %w", err)
				}
			}
			return refused(set)
		},
	}
	load.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON document a line")
	return cmd
}
