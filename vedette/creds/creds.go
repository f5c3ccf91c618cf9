// Package creds is `vedette creds`: what an ordinary NATS client needs to read alerts.
package creds

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/bus"
	"github.com/vedette-edr/vedette/proto/config"
	"github.com/vedette-edr/vedette/vedette/exit"
	"github.com/vedette-edr/vedette/vedette/layout"
)

// Command returns the verb.
func Command() *cobra.Command {
	c := &cobra.Command{
		Use:     "creds",
		Short:   "Make credentials for those who read alerts",
		Args:    exit.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
		Example: `  sudo vedette creds reader --out ./creds --name siem`,
	}
	c.AddCommand(readerCommand())
	return c
}

func readerCommand() *cobra.Command {
	var prefix, out, name string
	c := &cobra.Command{
		Use:   "reader",
		Short: "Make a key that reads alerts and nothing else",
		Long: `Make a key that reads alerts and nothing else: an nkey, the certificate to pin, and a script that follows alerts with
the stock nats command. The bus takes the key over within a second, and has to run with TLS (vedette up --tls). To withdraw
a key, remove its line from the file "readers" in the bus's state directory.`,
		Example: `  sudo vedette creds reader --out ./creds --name siem`,
		Args:    exit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return reader(c, prefix, out, name)
		},
	}
	flags := c.Flags()
	flags.StringVar(&out, "out", "", "directory for the files, made if missing (required)")
	flags.StringVar(&name, "name", "reader", "name of the reader in the logs of the bus and of its files")
	flags.StringVar(&prefix, "prefix", "", "directory that Vedette was started below (default /)")
	return c
}

func reader(c *cobra.Command, prefix, out, name string) error {
	if out == "" {
		return exit.Refuse(errors.New("--out is missing"), "name the directory for the credentials, as in: "+c.CommandPath()+" --out ./creds")
	}
	l, err := layout.Under(prefix)
	if err != nil {
		return exit.Refuse(err, "")
	}
	conf := bus.DefaultConfig()
	conf.Store = l.BusState
	if err := config.Load(l.ConfigFile("bus"), &conf, false); err != nil {
		return exit.Refuse(err, "")
	}
	if _, err := os.ReadDir(conf.Store); errors.Is(err, fs.ErrNotExist) {
		return exit.Refuse(fmt.Errorf("there is no bus in %q", conf.Store), "start it once with: sudo vedette up --tls")
	} else if errors.Is(err, fs.ErrPermission) {
		return exit.Refuse(errors.New("this user may not let readers in"), "run the command as root, with sudo")
	}
	r, err := bus.AddReader(conf.Store, out, name)
	if err != nil {
		return exit.Fail(err, "")
	}
	w := c.OutOrStdout()
	fmt.Fprintf(w, "wrote %s (secret), %s and %s\n", r.SeedFile, r.CAFile, r.Example)
	if who, err := user.Lookup(os.Getenv("SUDO_USER")); err == nil && os.Geteuid() == 0 {
		fmt.Fprintf(w, "give them to yourself:  sudo chown -R %s %s\n", who.Username, shellQuote(out))
	}
	fmt.Fprintf(w, "follow alerts with:  vedette alerts --server tls://%s --creds %s\n", conf.TLSListen, shellQuote(r.SeedFile))
	fmt.Fprintf(w, "or with the nats command:  sh %s\n", shellQuote(r.Example))
	return nil
}

// shellQuote quotes a path for a line that the user may copy into a shell.
func shellQuote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
