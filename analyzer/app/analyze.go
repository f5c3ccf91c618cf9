// Package app is the analyzer put together: it takes events from the bus, keeps the process tree, matches rules, and
// brings out alerts. It has no privilege and talks to nobody but the bus.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/analyzer/alert"
	"github.com/vedette-edr/vedette/analyzer/ingest"
	"github.com/vedette-edr/vedette/analyzer/interest"
	"github.com/vedette-edr/vedette/analyzer/position"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	"github.com/vedette-edr/vedette/proto/peercred"
)

// Settings are what Analyze works with.
type Settings struct {
	Config  Config
	Version string
	Log     zerolog.Logger
	// Reopen receives a value when the alert file has been moved; may be nil.
	Reopen <-chan os.Signal
	// Dial connects to the bus; nil connects to the Unix socket of the configuration.
	Dial nats.CustomDialer
	// HealthEvery is the time between two messages of health; 0 stands for a second.
	HealthEvery time.Duration
}

// drainTime bounds the wait, at the end, for alerts to become safe.
const drainTime = 5 * time.Second

// Analyze runs the analyzer until ctx ends. It returns nil when all that was taken was brought out before the end.
func Analyze(ctx context.Context, s Settings) error {
	rules, counts, err := loadRules(s.Config, s.Log)
	if err != nil {
		return err
	}
	// Loading used them all. From here on one goroutine has the work; a second processor collects garbage beside it. With more, each
	// message wakes threads that find nothing to do.
	runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	store, last, err := position.Open(s.Config.StateDir)
	if err != nil {
		return fmt.Errorf("%w; make the directory and give it to the analyzer's user, or name another with --state", err)
	}
	defer closeStore(store, s.Log)
	nc, err := connect(s)
	if err != nil {
		return err
	}
	defer nc.Close()

	outbox, err := alert.NewOutbox(nc, alert.OutboxOptions{
		Host: s.Config.HostID, Log: s.Log,
		File: alert.FileOptions{Path: s.Config.AlertFile, MaxSize: int64(s.Config.AlertFileSize), Keep: s.Config.AlertFileKeep},
	})
	if err != nil {
		return fmt.Errorf("%w; name a file that the analyzer's user may write with --alerts", err)
	}
	defer outbox.Close()
	line := newPipeline(s, rules, outbox)
	in := ingest.New(nc, line, ingest.Options{
		Host: s.Config.HostID, Store: store, Last: last, Log: s.Log, DrainTime: drainTime,
	})
	ask, err := newAsker(s, nc, counts.interest, func() uint64 { return in.Status().Instance })
	if err != nil {
		return fmt.Errorf("BUG: cannot encode what the rules ask for: %w", err)
	}
	report := newReporter(s, nc, in, line, counts)

	// What runs beside the ingest outlives ctx: the end takes its time, and is reported on.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { report.run(running) })
	background.Go(func() { ask.run(running) })
	background.Go(func() { reopenOn(running, s.Reopen, outbox) })
	background.Go(func() { abortAfter(ctx, running, drainTime, outbox) })
	err = in.Run(ctx)
	stop()
	background.Wait()
	if err != nil {
		return fmt.Errorf("cannot go on: %w", err)
	}
	s.Log.Info().Msg("all that was taken has been brought out")
	return nil
}

// reopenOn opens the alert file again whenever asked to.
func reopenOn(ctx context.Context, ask <-chan os.Signal, outbox *alert.Outbox) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ask:
			outbox.Reopen()
		}
	}
}

// abortAfter frees, some time after the end of asked, a handler that waits for room for its alerts.
func abortAfter(asked, running context.Context, patience time.Duration, outbox *alert.Outbox) {
	select {
	case <-asked.Done():
	case <-running.Done():
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-timer.C:
		outbox.Abort()
	case <-running.Done():
	}
}

func closeStore(store *position.Store, log zerolog.Logger) {
	if err := store.Close(); err != nil {
		log.Warn().Err(err).Msg("cannot close the position file")
	}
}

// loadRules loads the rules and tells of each that is refused; one bad rule stops nothing.
func loadRules(cfg Config, log zerolog.Logger) (*engine.Ruleset, ruleCounts, error) {
	set, problems, err := rule.Load(rule.Options{Placeholders: cfg.Placeholders}, cfg.Rules...)
	if err != nil {
		return nil, ruleCounts{}, fmt.Errorf("cannot load rules: %w; name a directory of Sigma rules with --rules", err)
	}
	c := ruleCounts{loaded: len(set.Rules), refused: set.Refused, skipped: set.Skipped}
	tell := func(problem string) {
		c.problems = append(c.problems, problem)
		log.Warn().Msg(problem)
	}
	for _, p := range problems {
		tell(p.String())
	}
	for _, correlation := range set.Correlations {
		tell(fmt.Sprintf("%s:%d: warning: correlation %q is read and checked, but not evaluated yet: it raises no alert",
			correlation.Meta.File, correlation.Meta.Line, correlation.Meta.Title))
	}
	c.interest = interest.Of(set.Rules)
	for _, problem := range c.interest.Problems {
		tell(problem.String())
	}
	log.Info().Int("loaded", c.loaded).Int("refused", c.refused).Int("skipped", c.skipped).Strs("from", cfg.Rules).Msg("rules")
	return engine.New(set.Rules, engine.Options{Aliased: taxonomy.Aliased()}), c, nil
}

// ruleCounts is the outcome of loading the rules.
type ruleCounts struct {
	loaded, refused, skipped int
	problems                 []string
	// interest is what the rules ask of the collector.
	interest interest.Interest
}

// connect connects to the bus, now or as soon as it is there. A bus that is away is told of once.
func connect(s Settings) (*nats.Conn, error) {
	dial := s.Dial
	if dial == nil {
		uids, err := s.Config.busUIDs()
		if err != nil {
			return nil, err
		}
		dial = &peercred.Dialer{Path: s.Config.Socket, WantUIDs: uids}
	}
	var outage sync.Once
	var mu sync.Mutex
	away := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		outage.Do(func() { s.Log.Warn().Err(err).Msg("the bus is away; trying again until it is back") })
	}
	back := func(*nats.Conn) {
		mu.Lock()
		defer mu.Unlock()
		outage = sync.Once{}
		s.Log.Info().Msg("connected to the bus")
	}
	nc, err := nats.Connect("nats://vedette",
		nats.SetCustomDialer(dial), nats.SkipHostLookup(), nats.Name("vedette-analyzer"),
		nats.CustomInboxPrefix("_INBOX_analyzer"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(200*time.Millisecond), nats.ReconnectJitter(50*time.Millisecond, 0), nats.IgnoreAuthErrorAbort(),
		// What cannot be sent is sent again by those who know how; a buffer would send it twice.
		nats.ReconnectBufSize(-1),
		nats.ConnectHandler(back), nats.ReconnectHandler(back),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				away(err)
			}
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { away(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrSlowConsumer) {
				s.Log.Warn().Msg("events come faster than they are handled; what is dropped will be asked for again")
				return
			}
			s.Log.Error().Err(err).Msg("the bus refuses something")
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the bus: %w", err)
	}
	if err := nc.LastError(); err != nil && !nc.IsConnected() {
		away(err)
	}
	return nc, nil
}
