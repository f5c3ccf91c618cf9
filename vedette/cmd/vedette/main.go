// Command vedette starts, watches and asks the parts of Vedette on a host.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/vedette-edr/vedette/vedette/cli"
)

// version is set when a release is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), cli.Signals()...)
	code := cli.Run(ctx, version, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
