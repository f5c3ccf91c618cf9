// Package busrun is `vedette bus`: the bus of this host, as a process of its own.
package busrun

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/bus"
	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/proto/config"
	"github.com/vedette-edr/vedette/proto/host"
	"github.com/vedette-edr/vedette/vedette/exit"
)

const defaultConfig = "/etc/vedette/bus.conf"

type options struct {
	config    string
	hostID    string
	socket    string
	store     string
	tls       bool
	tlsListen string
	logLevel  string
}

// Command returns the verb. version is what the bus says of itself in its heartbeat.
func Command(version string) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "bus",
		Short: "Run the bus of this host; \"vedette up\" does this for you",
		Long: `Run the bus of this host until SIGTERM: an embedded nats-server behind a Unix socket, where the user that a process
runs as decides what it may say and hear. It needs no rights of its own: run it as the user vedette-bus.

A flag wins over the configuration file. Without the file and without --tls there is no TLS listener.`,
		Example: `  vedette bus --config /etc/vedette/bus.conf
  vedette bus config --nkey bus=UB... --nkey operator=UO... --nkey collector=UC... --nkey analyzer=UA... > nats.conf`,
		Args: exit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return serve(c, o, version) },
	}
	flags := c.PersistentFlags()
	flags.StringVar(&o.config, "config", "", "configuration file (default "+defaultConfig+", if it exists)")
	flags.StringVar(&o.hostID, "host-id", "", "id of this host in subjects (default: made from the machine id)")
	flags.StringVar(&o.socket, "socket", "", "path of the Unix socket (default "+bus.DefaultSocket+")")
	flags.StringVar(&o.store, "store", "", "directory of the alert stream and the keys (default "+bus.DefaultStoreDir+")")
	flags.BoolVar(&o.tls, "tls", false, "let readers of alerts in through TLS")
	flags.StringVar(&o.tlsListen, "tls-listen", "", "address of the TLS listener (default "+bus.DefaultTLSListen+")")
	c.Flags().StringVar(&o.logLevel, "log-level", "info", "trace, debug, info, warn or error")
	c.AddCommand(configCommand(&o))
	return c
}

// load reads the configuration and puts the flags over it.
func load(o options) (bus.Options, error) {
	conf := bus.DefaultConfig()
	conf.TLSEnabled = false
	file, mustExist := defaultConfig, false
	if o.config != "" {
		file, mustExist = o.config, true
	}
	if err := config.Load(file, &conf, mustExist); err != nil {
		return bus.Options{}, err
	}
	over := func(value *string, flag string) {
		if flag != "" {
			*value = flag
		}
	}
	over(&conf.HostID, o.hostID)
	over(&conf.Socket, o.socket)
	over(&conf.Store, o.store)
	over(&conf.TLSListen, o.tlsListen)
	conf.TLSEnabled = conf.TLSEnabled || o.tls || o.tlsListen != ""
	if conf.HostID == "" {
		id, err := host.ID(host.MachineIDPath)
		if err != nil {
			return bus.Options{}, err
		}
		conf.HostID = id
	}
	return conf.Options()
}

func serve(c *cobra.Command, o options, version string) error {
	// One processor routes more than a host makes; with more, each message wakes a second thread that finds nothing to do.
	runtime.GOMAXPROCS(1)
	level, err := zerolog.ParseLevel(o.logLevel)
	if err != nil || o.logLevel == "" {
		return exit.Refuse(fmt.Errorf("unknown log level %q", o.logLevel), "use trace, debug, info, warn or error")
	}
	opts, err := load(o)
	if err != nil {
		return exit.Refuse(err, "")
	}
	if opts.BootID, err = host.BootID(); err != nil {
		return exit.Refuse(err, "")
	}
	log := zerolog.New(c.ErrOrStderr()).Level(level).With().Timestamp().Str("component", "bus").Logger()
	opts.Version, opts.Log = version, &log
	if err := bus.Run(c.Context(), opts); err != nil {
		return exit.Fail(err, "")
	}
	return nil
}

func configCommand(o *options) *cobra.Command {
	var keys []string
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration with which a stock nats-server stands in for the bus",
		Long: `Print the configuration with which a stock nats-server stands in for the bus: the same accounts and permissions, with TLS
and an nkey for every role. Name the public nkey of each role; readers are taken from the store. The TLS identity is made in
the store if there is none.`,
		Example: `  vedette bus config --nkey bus=UB... --nkey operator=UO... --nkey collector=UC... --nkey analyzer=UA... > nats.conf
  nats-server --config nats.conf`,
		Args: exit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			nkeys, err := parseKeys(keys)
			if err != nil {
				return exit.Refuse(err, "make a key with: nk -gen user -pubout")
			}
			withTLS := *o
			withTLS.tls = true
			opts, err := load(withTLS)
			if err != nil {
				return exit.Refuse(err, "")
			}
			if err := bus.StockConfig(c.OutOrStdout(), opts, nkeys); err != nil {
				return exit.Refuse(err, "")
			}
			return nil
		},
	}
	c.Flags().StringSliceVar(&keys, "nkey", nil, "public nkey of a role, role=U...; once for each of bus, operator, collector, analyzer")
	return c
}

// parseKeys reads role=key pairs, one for each role but the readers.
func parseKeys(pairs []string) (map[access.Role]string, error) {
	nkeys := make(map[access.Role]string)
	for _, pair := range pairs {
		name, key, ok := strings.Cut(pair, "=")
		role, err := access.ParseRole(name)
		switch {
		case !ok:
			return nil, fmt.Errorf("--nkey %q is not of the form role=KEY", pair)
		case err != nil:
			return nil, fmt.Errorf("--nkey %q: %w", pair, err)
		case role == access.Reader:
			return nil, errors.New("--nkey names no readers: they are those of the store, see \"vedette creds reader\"")
		}
		nkeys[role] = key
	}
	for _, role := range access.Roles() {
		if role != access.Reader && nkeys[role] == "" {
			return nil, fmt.Errorf("the public nkey of the role %q is missing, add --nkey %s=KEY", role, role)
		}
	}
	return nkeys, nil
}
