package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/vedette-edr/vedette/analyzer/recording"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// atOnce is how many events are brought into the cache before the engine is timed on them: they are as warm as a decoder
// leaves them, and reading the clock costs nothing to speak of.
const atOnce = 32

// pipeline takes events from JSON to verdicts.
type pipeline struct {
	rules   *engine.Ruleset
	viewer  *viewer
	decoder *recording.Decoder
	matches []engine.Match
	// touched keeps the compiler from leaving touch out.
	touched int
}

func newPipeline(rs *engine.Ruleset) *pipeline {
	p := &pipeline{rules: rs, viewer: newViewer(rs.Fields(), rs.Program)}
	p.decoder = recording.NewDecoder(p.viewer.fields)
	return p
}

// keep decodes events.
func (p *pipeline) keep(lines [][]byte) ([]*event, error) {
	events := make([]*event, len(lines))
	for i, line := range lines {
		if err := p.decoder.Decode(line); err != nil {
			return nil, fmt.Errorf("cannot decode event %.200q: %w", line, err)
		}
		r := p.decoder.Record()
		events[i] = keep(r, len(p.viewer.fields), p.viewer.of(r))
	}
	return events, nil
}

// match gives the matches of one event, until the next call.
func (p *pipeline) match(ev engine.ListEvent, views []view) []engine.Match {
	p.matches = p.matches[:0]
	for _, v := range views {
		p.matches = v.program.Match(p.viewer.event(ev, v), p.matches)
	}
	return p.matches
}

// engine matches all events and gives the time of that alone.
func (p *pipeline) engine(events []*event) (spent time.Duration, matched int) {
	for some := range slices.Chunk(events, atOnce) {
		for _, e := range some {
			p.touched += e.touch()
		}
		spent += cpuOf(func() {
			for _, e := range some {
				matched += len(p.match(e, e.views))
			}
		})
	}
	return spent, matched
}

// misses counts the events that nothing matches, and the allocations that matching all of them makes.
func (p *pipeline) misses(events []*event) (misses int, allocated uint64) {
	var without []*event
	for _, e := range events {
		if len(p.match(e, e.views)) == 0 {
			without = append(without, e)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, e := range without {
		p.match(e, e.views)
	}
	runtime.ReadMemStats(&after)
	return len(without), after.Mallocs - before.Mallocs
}

// fromJSON decodes and matches all events.
func (p *pipeline) fromJSON(lines [][]byte) error {
	for _, line := range lines {
		if err := p.decoder.Decode(line); err != nil {
			return fmt.Errorf("cannot decode event %.200q: %w", line, err)
		}
		r := p.decoder.Record()
		p.match(r, p.viewer.of(r))
	}
	return nil
}

// decode decodes all events, and no more of their texts than their kind.
func (p *pipeline) decode(lines [][]byte) error {
	for _, line := range lines {
		if err := p.decoder.Decode(line); err != nil {
			return fmt.Errorf("cannot decode event %.200q: %w", line, err)
		}
		p.viewer.of(p.decoder.Record())
	}
	return nil
}

// train makes rules ready by the events of training, to stay as they are then.
func train(rules []*rule.Rule, training [][]byte) (*pipeline, error) {
	p := newPipeline(engine.New(rules, engine.Options{Fixed: true}))
	if err := p.fromJSON(training); err != nil {
		return nil, err
	}
	p.rules.Tune()
	return p, nil
}

// sampled chooses n elements evenly.
func sampled[E any](all []E, n int) []E {
	n = min(n, len(all))
	chosen := make([]E, n)
	for i := range chosen {
		chosen[i] = all[i*len(all)/n]
	}
	return chosen
}
