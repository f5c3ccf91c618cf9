package linux

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/collector/linux/privilege"
	"github.com/vedette-edr/vedette/proto/config"
)

const usage = `vedette-collector watches the Linux kernel and publishes what it sees.

Usage:
  vedette-collector run [flags]
  vedette-collector version

It needs root, or CAP_BPF and CAP_PERFMON, to load its eBPF programs; once they are attached it becomes an ordinary user
without capabilities. It decides nothing: vedette-analyzer does.

Flags of run:
  --config FILE    configuration (default ` + DefaultConfigPath + `, if it exists)
  --host-id ID     this host's token in subjects (default: made from the machine id)
  --socket PATH    the bus's Unix socket (default /run/vedette/bus/bus.sock)
  --user NAME      who to become after the start: a name, UID or UID:GID (default vedette-collector)

Example:
  sudo vedette-collector run --socket /run/vedette/bus/bus.sock
`

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// Run is the vedette-collector command of the given version; it returns the exit code. It ends when ctx does.
func Run(ctx context.Context, version string, args []string, stdout, stderr io.Writer) int {
	death, err := privilege.ReadParentDeath()
	if err != nil {
		fmt.Fprintln(stderr, "vedette-collector:", err)
		return exitError
	}
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	switch args[0] {
	case "run":
	case "version", "--version":
		fmt.Fprintln(stdout, "vedette-collector", version)
		return exitOK
	case "help", "--help", "-h":
		fmt.Fprint(stdout, usage)
		return exitOK
	default:
		fmt.Fprintf(stderr, "vedette-collector: unknown command %q; try: vedette-collector run --help\n", args[0])
		return exitUsage
	}
	cfg, err := parse(args[1:])
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return exitOK
	}
	if err != nil {
		fmt.Fprintln(stderr, "vedette-collector:", err)
		return exitUsage
	}
	level, err := zerolog.ParseLevel(cfg.LogLevel)
	if err != nil {
		level = zerolog.InfoLevel
	}
	log := zerolog.New(stderr).Level(level).With().Timestamp().Str("component", "collector").Logger()
	if err := collect(ctx, version, cfg, death, log); err != nil {
		fmt.Fprintln(stderr, "vedette-collector:", err)
		return exitError
	}
	return exitOK
}

// parse reads flags and configuration; a flag wins over the file.
func parse(args []string) (Config, error) {
	cfg := DefaultConfig()
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	path := flags.String("config", "", "")
	hostID := flags.String("host-id", "", "")
	socket := flags.String("socket", "", "")
	user := flags.String("user", "", "")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return cfg, err
		}
		return cfg, fmt.Errorf("%w; try: vedette-collector run --help", err)
	}
	if flags.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q; try: vedette-collector run --help", strings.Join(flags.Args(), " "))
	}
	file, mustExist := *path, *path != ""
	if !mustExist {
		file = DefaultConfigPath
	}
	if err := config.Load(file, &cfg, mustExist); err != nil {
		return cfg, err
	}
	for to, from := range map[*string]*string{&cfg.HostID: hostID, &cfg.Socket: socket, &cfg.User: user} {
		if *from != "" {
			*to = *from
		}
	}
	if err := cfg.check(); err != nil {
		return cfg, fmt.Errorf("bad configuration: %w", err)
	}
	return cfg, nil
}
