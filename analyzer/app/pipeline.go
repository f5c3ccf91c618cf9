package app

import (
	"slices"
	"sync/atomic"

	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/analyzer/alert"
	"github.com/vedette-edr/vedette/analyzer/fields"
	"github.com/vedette-edr/vedette/analyzer/ingest"
	"github.com/vedette-edr/vedette/analyzer/machine"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	"github.com/vedette-edr/vedette/analyzer/state"
	"github.com/vedette-edr/vedette/analyzer/users"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/host"
)

// pipeline is what happens to one event: state, match, alert. Its methods are called from the goroutine of ingest, but for
// those that say otherwise.
type pipeline struct {
	tree    *state.Tree
	view    *fields.View
	routes  *engine.Routes
	builder *alert.Builder
	outbox  *alert.Outbox
	log     zerolog.Logger
	matches []engine.Match

	handled uint64
	stats   atomic.Pointer[state.Stats]
	failed  atomic.Uint64
	unnamed atomic.Uint64
}

var _ ingest.Handler = (*pipeline)(nil)

func newPipeline(s Settings, rules *engine.Ruleset, outbox *alert.Outbox) *pipeline {
	tree := state.New(state.Options{MaxBytes: int(s.Config.TreeMemory), Grace: s.Config.TreeGrace})
	accounts, groups := users.New("/etc/passwd", nil), users.New("/etc/group", nil)
	p := &pipeline{
		tree: tree, view: fields.New(tree, accounts, taxonomy.Linux), routes: engine.NewRoutes(rules), outbox: outbox, log: s.Log,
		builder: alert.NewBuilder(tree, accounts, groups, alert.BuilderOptions{
			Host: machine.Describe(s.Config.HostID, host.Name(), machine.OSReleaseFiles()), Version: s.Version,
		}),
	}
	p.view.Bind(rules.Fields())
	p.stats.Store(&state.Stats{})
	return p
}

// statsEvery is how many events pass between two snapshots of the tree's counters.
const statsEvery = 256

// Handle implements ingest.Handler.
func (p *pipeline) Handle(origin *ingest.Origin, ev *pb.Event) error {
	process := p.tree.Apply(ev)
	if p.handled++; p.handled%statsEvery == 0 {
		p.snapshot()
	}
	if _, started := ev.Payload.(*pb.Event_Exec); started && process == nil {
		p.unnamed.Add(1)
		return nil
	}
	p.match(p.view.Reset(origin.Host, origin.BootID, ev, process))
	for _, m := range p.matches {
		a, err := p.builder.Build(alert.Finding{
			Match: m, BootID: origin.BootID, Instance: origin.Instance, Event: ev, Process: process,
		})
		if err != nil {
			p.failed.Add(1)
			p.log.Error().Err(err).Str("rule", m.Rule.ID).Msg("an alert cannot be made")
			continue
		}
		if err := p.outbox.Add(a); err != nil {
			return err
		}
	}
	clear(p.matches)
	return nil
}

// match finds the rules that the records of the view's event satisfy, but for those that raise no alert by themselves.
func (p *pipeline) match(records int) {
	p.matches = p.matches[:0]
	for i := range records {
		p.view.Show(i)
		p.matches = p.routes.Match(p.view.Kind(), p.view.Sources(), p.view, p.matches)
	}
	p.matches = slices.DeleteFunc(p.matches, func(m engine.Match) bool { return m.Rule.Feeds })
}

// Mark, Settled and Progress implement ingest.Handler.
func (p *pipeline) Mark() uint64 {
	p.snapshot()
	return p.outbox.Raised()
}

// Settled implements ingest.Handler.
func (p *pipeline) Settled() uint64 { return p.outbox.Settled() }

// Progress implements ingest.Handler.
func (p *pipeline) Progress() <-chan struct{} { return p.outbox.Progress() }

func (p *pipeline) snapshot() {
	s := p.tree.Stats()
	p.stats.Store(&s)
}

// treeStats gives a recent state of the tree. It is safe for concurrent use.
func (p *pipeline) treeStats() state.Stats { return *p.stats.Load() }

// withoutProcess is the number of starts that named no process. It is safe for concurrent use.
func (p *pipeline) withoutProcess() uint64 { return p.unnamed.Load() }

// failures is the number of alerts that could not be made. It is safe for concurrent use.
func (p *pipeline) failures() uint64 { return p.failed.Load() }
