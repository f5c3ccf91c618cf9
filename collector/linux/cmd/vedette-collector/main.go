// Command vedette-collector watches the Linux kernel and publishes what it sees.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/vedette-edr/vedette/collector/linux"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := linux.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
