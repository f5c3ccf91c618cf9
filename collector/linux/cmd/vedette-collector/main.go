// Command vedette-collector watches the Linux kernel and publishes what it sees.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/vedette-edr/vedette/collector/linux"
)

// version is set when a release is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := linux.Run(ctx, version, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
