package main

import (
	"fmt"
	"time"

	"github.com/vedette-edr/vedette/analyzer/recording"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// atOnce is how many records are decoded before the engine is timed on them: they are as warm as a decoder leaves them, as
// in use, and reading the clock costs nothing to speak of.
const atOnce = 32

// pipeline takes events from JSON to verdicts.
type pipeline struct {
	rules    *engine.Ruleset
	viewer   *viewer
	decoders [atOnce]*recording.Decoder
	matches  []engine.Match
	texts    []string
}

func newPipeline(rs *engine.Ruleset) *pipeline {
	p := &pipeline{rules: rs, viewer: newViewer(rs.Fields(), rs.Program)}
	for i := range p.decoders {
		p.decoders[i] = recording.NewDecoder(p.viewer.fields)
	}
	return p
}

// match gives the matches of one record, until the next call.
func (p *pipeline) match(r *recording.Record) []engine.Match {
	p.matches = p.matches[:0]
	for _, v := range p.viewer.of(r) {
		p.matches = v.program.Match(p.viewer.event(r, v), p.matches)
	}
	return p.matches
}

// eachBlock decodes lines and calls visit with a few records at a time. Their texts are ready: decoding is not the engine's.
func (p *pipeline) eachBlock(lines [][]byte, visit func(first int, records []*recording.Record)) error {
	var records [atOnce]*recording.Record
	for first := 0; first < len(lines); first += atOnce {
		some := lines[first:min(first+atOnce, len(lines))]
		for i, line := range some {
			if err := p.decoders[i].Decode(line); err != nil {
				return fmt.Errorf("cannot decode event %.200q: %w", line, err)
			}
			records[i] = p.decoders[i].Record()
			p.texts = records[i].AppendValues(p.texts[:0])
		}
		visit(first, records[:len(some)])
	}
	return nil
}

// engine matches all events and gives the time of that alone.
func (p *pipeline) engine(lines [][]byte) (spent time.Duration, matched int, err error) {
	err = p.eachBlock(lines, func(_ int, records []*recording.Record) {
		spent += cpuOf(func() {
			for _, r := range records {
				matched += len(p.match(r))
			}
		})
	})
	return spent, matched, err
}

// fromJSON decodes and matches all events.
func (p *pipeline) fromJSON(lines [][]byte) error {
	d := p.decoders[0]
	for _, line := range lines {
		if err := d.Decode(line); err != nil {
			return err
		}
		p.match(d.Record())
	}
	return nil
}

// decode decodes all events, and no more of their texts than their kind.
func (p *pipeline) decode(lines [][]byte) error {
	d := p.decoders[0]
	for _, line := range lines {
		if err := d.Decode(line); err != nil {
			return err
		}
		p.viewer.of(d.Record())
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
