package app

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/analyzer/ingest"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/host"
	"github.com/vedette-edr/vedette/proto/subject"
)

// maxProblems bounds the refused rules that a message of health tells of.
const maxProblems = 20

// reporter publishes the analyzer's health.
type reporter struct {
	settings Settings
	nc       *nats.Conn
	in       *ingest.Ingest
	line     *pipeline
	rules    *pb.RuleCounts
	bootID   string
	started  time.Time
	self     *self
}

func newReporter(s Settings, nc *nats.Conn, in *ingest.Ingest, line *pipeline, c ruleCounts) *reporter {
	if s.HealthEvery == 0 {
		s.HealthEvery = time.Second
	}
	// Where the kernel does not tell, batches do.
	bootID, _ := host.BootID()
	return &reporter{
		settings: s, nc: nc, in: in, line: line, bootID: bootID, started: time.Now(), self: openSelf(),
		rules: &pb.RuleCounts{
			Loaded: uint32(c.loaded), Refused: uint32(c.refused), Skipped: uint32(c.skipped),
			Problems: c.problems[:min(len(c.problems), maxProblems)],
		},
	}
}

// run publishes until ctx ends. A message that finds no bus is not sent later: the next one says more.
func (r *reporter) run(ctx context.Context) {
	defer r.self.close()
	ticker := time.NewTicker(r.settings.HealthEvery)
	defer ticker.Stop()
	for {
		r.publish()
		select {
		case <-ctx.Done():
			r.publish()
			return
		case <-ticker.C:
		}
	}
}

func (r *reporter) publish() {
	if !r.nc.IsConnected() {
		return
	}
	data, err := r.health(time.Now()).MarshalVT()
	if err == nil {
		err = r.nc.Publish(subject.Health(r.settings.Config.HostID, subject.Analyzer), data)
	}
	if err != nil {
		r.settings.Log.Debug().Err(err).Msg("cannot publish health")
	}
}

func (r *reporter) health(now time.Time) *pb.Health {
	status, counts := r.in.Status(), r.line.outbox.Counts()
	h := &pb.Health{
		Host: r.settings.Config.HostID, BootId: r.bootID, Component: subject.Analyzer, Instance: uint64(r.started.UnixNano()),
		Version: r.settings.Version, Pid: uint32(os.Getpid()), WallTimeNs: now.UnixNano(), StartedWallTimeNs: r.started.UnixNano(),
		Resources: r.self.resources(), Rules: r.rules, Warnings: r.warnings(),
		Alerts: &pb.AlertCounts{
			Raised: counts.Raised, Published: counts.Published, Duplicates: counts.Duplicates, Pending: counts.Pending, Written: counts.Written,
		},
	}
	if h.BootId == "" {
		h.BootId = status.BootID
	}
	for _, f := range status.Flows {
		h.Flows = append(h.Flows, &pb.Flow{Class: f.Class, Received: f.Received, Unexplained: f.Unexplained})
	}
	for _, l := range status.Losses {
		h.Losses = append(h.Losses, &pb.Loss{Class: l.Class, Cause: l.Cause, Count: l.Count})
	}
	return h
}

// warnings says what the user should know now, each with its remedy.
func (r *reporter) warnings() []string {
	status, counts, tree := r.in.Status(), r.line.outbox.Counts(), r.line.treeStats()
	var out []string
	add := func(when bool, format string, args ...any) {
		if when {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	add(counts.FileError != "", "%s; make room or correct the file's owner, it is tried again by itself", counts.FileError)
	add(counts.FileLost > 0, "%d alerts are in the stream alone, because the alert file could not be written", counts.FileLost)
	add(counts.StreamError != "", "%s; see the log of the bus", counts.StreamError)
	add(counts.StreamLost > 0, "%d alerts are in the alert file alone, because the stream did not take them", counts.StreamLost)
	add(status.Skipped > 0, "%d batches of events never came although they were asked for; see the log of the analyzer", status.Skipped)
	add(status.MalformedBatches > 0, "%d batches of events could not be read; are collector and analyzer of one version?", status.MalformedBatches)
	add(tree.Evicted > 0, "%d processes were forgotten to save memory, so alerts may lack ancestors; raise tree.memory in analyzer.conf", tree.Evicted)
	add(status.PositionUnsaved, "the position in the stream cannot be saved in %q, so losses over a restart would not show; make room", r.settings.Config.StateDir)
	unusable := r.line.withoutProcess()
	add(unusable > 0, "%d programs were started by processes that the collector did not name, and were not matched; report this", unusable)
	failures := r.line.failures()
	add(failures > 0, "%d alerts could not be made; report this with the log of the analyzer", failures)
	return out
}
