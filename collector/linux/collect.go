// Package linux is the Linux collector: it loads the sensors, gives up every privilege it no longer needs, and moves events
// from the kernel to the bus until it is told to stop.
package linux

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/collector/core"
	"github.com/vedette-edr/vedette/collector/core/link"
	"github.com/vedette-edr/vedette/collector/linux/privilege"
	"github.com/vedette-edr/vedette/collector/linux/sensors"
	"github.com/vedette-edr/vedette/proto/host"
	"github.com/vedette-edr/vedette/proto/peercred"
)

// The spool grows while the analyzer is away; all else in the collector is small. Near the limit the garbage collector works
// harder instead of letting the process grow.
const heapBesideSpool = 16 << 20

// Collect at most this much garbage per live byte: the live heap is a few MiB, and 100 % would double it.
const garbagePercent = 50

func collect(ctx context.Context, version string, cfg Config, death privilege.ParentDeath, log zerolog.Logger) error {
	// One processor decodes more than half a million events a second; a second one would mostly wake up to find nothing to do.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(garbagePercent)
	debug.SetMemoryLimit(int64(cfg.Spool) + heapBesideSpool)

	if err := mayLoad(); err != nil {
		return err
	}
	bootID, err := host.BootID()
	if err != nil {
		return err
	}
	identity, err := privilege.Lookup(cfg.User)
	if err != nil {
		return err
	}
	raiseLockedMemory(log)

	loaded, err := sensors.Open(sensors.Options{
		Lanes: cfg.lanes(), Linger: cfg.Linger, Environment: cfg.Environment,
		ReadPaths: cfg.readPaths, Off: cfg.off, FileBudget: cfg.FileBudget,
	})
	if err != nil {
		return err
	}
	defer func() {
		if err := loaded.Close(); err != nil {
			log.Error().Err(err).Msg("cannot unload the sensors")
		}
	}()
	loaded.Attach()
	s := &source{sensors: loaded, log: log}
	if err := s.require(); err != nil {
		return err
	}
	// Loading parsed the kernel's type description, some 10 MiB that nobody needs any more.
	debug.FreeOSMemory()

	keep := s.neededCapabilities()
	if err := privilege.Drop(identity, keep, death); err != nil {
		return fmt.Errorf("cannot give up privileges: %w", err)
	}
	log.Info().Int("uid", os.Geteuid()).Str("capabilities", fmt.Sprintf("%016x", uint64(keep))).Str("host", cfg.HostID).
		Msg("sensors attached, privileges given up")

	dialer := &peercred.Dialer{Path: cfg.Socket}
	if cfg.BusUser != "" {
		bus, err := privilege.Lookup(cfg.BusUser)
		if err != nil {
			return fmt.Errorf("cannot tell who may run the bus: %w", err)
		}
		dialer.WantUIDs = []uint32{uint32(bus.UID)}
	}
	// Connecting only now, so that the bus sees the user that the collector has become.
	l, err := link.Connect(link.Options{Dialer: dialer, Name: "vedette-collector", Log: log})
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := core.New(core.Options{
		Host: cfg.HostID, BootID: bootID, Version: version, SpoolLimit: int64(cfg.Spool),
	}, s, l, log)
	if err != nil {
		return err
	}
	return s.run(ctx, c)
}

// run moves events until ctx ends, then stops the kernel side first, so that everything made is read and handed over.
func (s *source) run(ctx context.Context, c *core.Collector) error {
	coreCtx, stopCore := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCore()
	coreDone := make(chan error, 1)
	go func() { coreDone <- c.Run(coreCtx) }()

	// What ran before us goes first: an event finds its parents already known. Meanwhile the ring holds what happens.
	if err := s.Seed(ctx, c.Sink()); err != nil && ctx.Err() == nil {
		s.log.Error().Err(err).Msg("cannot list the processes that were running before; their names will be missing from alerts")
	}
	sensorDone := make(chan error, 1)
	go func() { sensorDone <- s.sensors.Run(c.Sink(), c.Lost) }()

	var failures []error
	sensorRuns, coreRuns := true, true
	select {
	case <-ctx.Done():
	case err := <-sensorDone:
		sensorRuns = false
		failures = append(failures, err)
	case err := <-coreDone:
		coreRuns = false
		failures = append(failures, err)
	}
	failures = append(failures, s.sensors.Detach())
	if sensorRuns {
		failures = append(failures, <-sensorDone)
	}
	stopCore()
	if coreRuns {
		failures = append(failures, <-coreDone)
	}
	return errors.Join(failures...)
}

// mayLoad answers at once, in words, what the kernel would answer with EPERM later.
func mayLoad() error {
	have, err := privilege.Effective()
	if err != nil {
		return err
	}
	admin := privilege.Of(unix.CAP_SYS_ADMIN)
	bpf := privilege.Of(unix.CAP_BPF, unix.CAP_PERFMON)
	if have&admin == 0 && have&bpf != bpf {
		return fmt.Errorf("loading eBPF programs needs root, or CAP_BPF and CAP_PERFMON; this is uid %d without them: run it with sudo", os.Geteuid())
	}
	return nil
}

// raiseLockedMemory matters to kernels before 5.11, which charge maps to it. It may be refused, and newer kernels do not
// need it, so the load itself decides.
func raiseLockedMemory(log zerolog.Logger) {
	unlimited := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unlimited); err != nil {
		log.Debug().Err(err).Msg("cannot raise the limit of locked memory; needed only before Linux 5.11")
	}
}
