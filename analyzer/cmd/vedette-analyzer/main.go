// Command vedette-analyzer matches what the collector sees against rules and raises alerts.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/vedette-edr/vedette/analyzer/app"
)

// version is set when a release is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := app.Run(ctx, version, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
