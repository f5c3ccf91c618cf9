package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/analyzer/confine"
	"github.com/vedette-edr/vedette/analyzer/replay"
	"github.com/vedette-edr/vedette/analyzer/rulecmd"
	"github.com/vedette-edr/vedette/analyzer/usage"
	"github.com/vedette-edr/vedette/proto/config"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// flags are what the command line may say; what is empty is left to the configuration.
type flags struct {
	config, hostID, socket, alerts, state string
	rules, placeholders                   []string
}

// Run is the vedette-analyzer command of the given version; it returns the exit code. It ends when ctx does.
func Run(ctx context.Context, version string, args []string, stdout, stderr io.Writer) int {
	root := command(version, stderr)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, "vedette-analyzer:", err)
	if usage.Is(err) {
		return exitUsage
	}
	return exitError
}

func command(version string, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "vedette-analyzer",
		Short: "vedette-analyzer matches what the collector sees against rules and raises alerts",
		Long: `vedette-analyzer matches what the collector sees against rules and raises alerts: on the bus and in a file.

It needs no privilege and refuses to run with any.`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage.Error{Err: errors.New("no command; try: vedette-analyzer --help")}
			}
			return usage.Error{Err: fmt.Errorf("unknown command %q; try: vedette-analyzer --help", args[0])}
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage.Error{Err: fmt.Errorf("%w; try: %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(runCommand(version, stderr), replay.Command(), rulecmd.Command(), &cobra.Command{
		Use: "version", Short: "print the version", Args: usage.NoArguments,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "vedette-analyzer", version) },
	})
	return root
}

func runCommand(version string, stderr io.Writer) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "run until stopped",
		Long: `run takes events off the bus until it is stopped. It logs to the standard error.

SIGHUP makes it open the alert file again by its name, after a log rotation. SIGTERM ends it in good order: what it has
taken is brought out first.`,
		Example: `  sudo -u vedette-analyzer vedette-analyzer run --socket /run/vedette/bus/bus.sock \
    --rules /usr/share/vedette/rules --alerts /var/log/vedette/alerts.ndjson --state /var/lib/vedette/analyzer`,
		Args: usage.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := confine.Check(); err != nil {
				return err
			}
			if err := confine.Lock(); err != nil {
				return err
			}
			cfg, err := f.load()
			if err != nil {
				return usage.Error{Err: err}
			}
			level, err := zerolog.ParseLevel(cfg.LogLevel)
			if err != nil {
				return fmt.Errorf("BUG: log level %q was checked: %w", cfg.LogLevel, err)
			}
			log := zerolog.New(stderr).Level(level).With().Timestamp().Str("component", "analyzer").Logger()
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP)
			defer signal.Stop(hangups)
			return Analyze(cmd.Context(), Settings{Config: cfg, Version: version, Log: log, Reopen: hangups})
		},
	}
	set := cmd.Flags()
	set.StringVar(&f.config, "config", "", "configuration (default "+DefaultConfigPath+", if it exists)")
	set.StringVar(&f.hostID, "host-id", "", "this host's token in subjects (default: made from the machine id)")
	set.StringVar(&f.socket, "socket", "", "the bus's Unix socket")
	set.StringArrayVar(&f.rules, "rules", nil, "directory of Sigma rules; may be given more than once")
	set.StringArrayVar(&f.placeholders, "placeholders", nil,
		"YAML file with values for %name% in rules with the modifier expand; may be given more than once")
	set.StringVar(&f.alerts, "alerts", "", "file that alerts are appended to")
	set.StringVar(&f.state, "state", "", "directory for what has to outlive a restart")
	return cmd
}

// load reads the configuration; a flag wins over the file.
func (f *flags) load() (Config, error) {
	cfg := DefaultConfig()
	file, mustExist := f.config, f.config != ""
	if !mustExist {
		file = DefaultConfigPath
	}
	if err := config.Load(file, &cfg, mustExist); err != nil {
		return cfg, err
	}
	for _, o := range []struct {
		to   *string
		from string
	}{{&cfg.HostID, f.hostID}, {&cfg.Socket, f.socket}, {&cfg.AlertFile, f.alerts}, {&cfg.StateDir, f.state}} {
		if o.from != "" {
			*o.to = o.from
		}
	}
	if len(f.rules) > 0 {
		cfg.Rules = f.rules
	}
	if len(f.placeholders) > 0 {
		cfg.Placeholders = f.placeholders
	}
	if err := cfg.check(); err != nil {
		return cfg, fmt.Errorf("bad configuration: %w", err)
	}
	return cfg, nil
}
