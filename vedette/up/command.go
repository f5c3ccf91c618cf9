// Package up is `vedette up`: it starts bus, analyzer and collector, each as its own user, keeps them running, shows alerts,
// and leaves nothing behind when it ends.
package up

import (
	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/vedette/exit"
)

// GuardVerb is the hidden verb that must call guard.Run.
const GuardVerb = "guard"

type options struct {
	prefix   string
	bin      string
	rules    string
	hostID   string
	tls      bool
	quiet    bool
	noFollow bool
	noColor  bool
}

// Command returns the verb.
func Command(version string) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "up",
		Short: "Start Vedette on this host and follow its alerts",
		Long: `Start Vedette on this host and follow its alerts until Ctrl-C, which stops everything and leaves nothing behind.

It needs root. It creates the system users vedette-bus, vedette-analyzer and vedette-collector and the group vedette if they
are missing, copies programs and rules to where those users can read and not change them, starts bus, analyzer and collector,
each as its own user, and starts again what ends by itself. What a part logs is kept in /var/log/vedette/PART.log; warnings
and worse are shown as well.`,
		Example: `  sudo vedette up
  sudo vedette up --rules ./rules --prefix /tmp/vedette --tls`,
		Args: exit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c, o, version) },
	}
	flags := c.Flags()
	flags.StringVar(&o.prefix, "prefix", "", "keep everything below this directory (default /)")
	flags.StringVar(&o.bin, "bin", "", "directory of vedette-analyzer and vedette-collector (default: where vedette is)")
	flags.StringVar(&o.rules, "rules", "", "directory of the rules (default: ../rules or ../share/vedette/rules from the programs)")
	flags.StringVar(&o.hostID, "host-id", "", "id of this host on the bus (default: made from the machine id)")
	flags.BoolVar(&o.tls, "tls", false, "let readers of alerts in through TLS, see: vedette creds reader --help")
	flags.BoolVar(&o.quiet, "quiet", false, "show alerts and warnings only")
	flags.BoolVar(&o.noFollow, "no-follow", false, "show no alerts")
	flags.BoolVar(&o.noColor, "no-color", false, "no colours, also on a terminal")
	return c
}
