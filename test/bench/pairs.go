package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// settle is the time that a started Vedette gets to list the running processes before it is measured.
const settle = time.Second

// slowdown measures one workload: pairs of runs with and without Vedette one right after the other, the order changing from
// pair to pair, then one run with Vedette in which the kernel times its programs, which itself costs time.
func (b *bench) slowdown(ctx context.Context, w workload, pairs int) ([]row, *profile, error) {
	b.say("%s ...", w.name)
	var without, with []sample
	for i := range pairs {
		for turn := range 2 {
			if (turn == 0) == (i%2 == 0) {
				s, err := b.once(ctx, w)
				if err != nil {
					return nil, nil, err
				}
				without = append(without, sample{spent: s})
				continue
			}
			s, err := b.watched(ctx, w)
			if err != nil {
				return nil, nil, err
			}
			with = append(with, s)
		}
	}
	p, err := b.profile(ctx, w)
	if err != nil {
		return nil, nil, err
	}
	return pairRows(w, without, with), p, nil
}

// sample is one run and what Vedette's processes spent meanwhile.
type sample struct {
	spent
	vedette time.Duration
}

func pairRows(w workload, without, with []sample) []row {
	wall := func(s sample) float64 { return s.wall.Seconds() }
	cpu := func(s sample) float64 { return s.cpu.Seconds() }
	rows := []row{
		pairRow(w.name, without, with, wall, w.aim),
		pairRow("  CPU of the load", without, with, cpu, ""),
	}
	// Beside the load's own, what Vedette spends on other processors counts too.
	var total, own []float64
	for _, s := range with {
		total = append(total, cpu(s))
		own = append(own, s.vedette.Seconds())
	}
	return append(rows, newRow("  CPU of Vedette's processes", quantile(own, 0.5), "s", quantile(total, 0.5), "the load", ""))
}

func pairRow(name string, without, with []sample, of func(sample) float64, aim string) row {
	var ratios, base, value []float64
	for i := range with {
		base, value = append(base, of(without[i])), append(value, of(with[i]))
		ratios = append(ratios, of(with[i])/of(without[i]))
	}
	r := newRow(name, quantile(value, 0.5), "s", quantile(base, 0.5), "without", aim)
	// Of the pairs, not of the medians: what slows the machine for a while slows both of a pair.
	r.Ratio = quantile(ratios, 0.5)
	r.Spread = &spread{slices.Min(ratios), slices.Max(ratios)}
	return r
}

func (b *bench) once(ctx context.Context, w workload) (spent, error) {
	if w.before != nil {
		if err := w.before(); err != nil {
			return spent{}, fmt.Errorf("cannot prepare %s: %w", w.name, err)
		}
	}
	return w.run(ctx)
}

// watched runs a workload under a Vedette of its own.
func (b *bench) watched(ctx context.Context, w workload) (sample, error) {
	var result sample
	err := b.underVedette(func(s *system) error {
		before, err := s.cpu()
		if err != nil {
			return err
		}
		if result.spent, err = b.once(ctx, w); err != nil {
			return err
		}
		after, err := s.cpu()
		result.vedette = time.Duration((after - before) * float64(time.Second))
		return err
	})
	return result, err
}

func (b *bench) underVedette(do func(*system) error) error {
	prefix, err := os.MkdirTemp(b.dir, "v")
	if err != nil {
		return err
	}
	defer os.RemoveAll(prefix)
	if err := os.Chmod(prefix, 0o755); err != nil {
		return err
	}
	s, err := startSystem(b.bin, b.rules, prefix)
	if err != nil {
		return err
	}
	time.Sleep(settle)
	return errors.Join(do(s), s.stop())
}

// profile is what a workload makes of Vedette: events by class, and what each eBPF program costs.
type profile struct {
	Workload string `json:"workload"`
	// Seconds that the workload ran, and those of CPU that it used.
	Seconds  float64       `json:"seconds"`
	CPU      float64       `json:"cpu_seconds"`
	Classes  []classRate   `json:"classes"`
	Programs []programCost `json:"programs"`
}

type classRate struct {
	Class string `json:"class"`
	Made  uint64 `json:"made"`
	Lost  uint64 `json:"lost"`
}

type programCost struct {
	Name  string  `json:"name"`
	Runs  uint64  `json:"runs"`
	NsRun float64 `json:"ns_per_run"`
	// Share of the workload's CPU time.
	Share float64 `json:"share"`
}

func (b *bench) profile(ctx context.Context, w workload) (*profile, error) {
	p := &profile{Workload: w.name}
	err := b.underVedette(func(s *system) error {
		programs, err := openPrograms(s.pid(subject.Collector))
		if err != nil {
			return err
		}
		defer programs.close()
		flows, err := s.flows()
		if err != nil {
			return err
		}
		costs, err := programs.set.Costs()
		if err != nil {
			return err
		}
		took, err := b.once(ctx, w)
		if err != nil {
			return err
		}
		p.Seconds, p.CPU = took.wall.Seconds(), took.cpu.Seconds()
		costsAfter, err := programs.set.Costs()
		if err != nil {
			return err
		}
		for name, c := range costsAfter {
			if runs := c.Runs - costs[name].Runs; runs > 0 {
				ran := c.Time - costs[name].Time
				p.Programs = append(p.Programs, programCost{name, runs, float64(ran) / float64(runs), ran.Seconds() / p.CPU})
			}
		}
		slices.SortFunc(p.Programs, func(x, y programCost) int { return map[bool]int{true: -1, false: 1}[x.Share > y.Share] })
		flowsAfter, err := s.flows()
		for class, f := range flowsAfter {
			if one := (classRate{className(class), f.Made - flows[class].GetMade(), f.Lost - flows[class].GetLost()}); one.Made+one.Lost > 0 {
				p.Classes = append(p.Classes, one)
			}
		}
		slices.SortFunc(p.Classes, func(x, y classRate) int { return map[bool]int{true: -1, false: 1}[x.Class < y.Class] })
		return err
	})
	return p, err
}

// slowdowns measures every workload.
func (b *bench) slowdowns(ctx context.Context, pairs int, into *results) error {
	all, err := workloads(ctx, b.dir)
	if err != nil {
		return err
	}
	for _, w := range all {
		rows, p, err := b.slowdown(ctx, w, pairs)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		into.Measures = append(into.Measures, rows...)
		into.Profiles = append(into.Profiles, p)
	}
	return nil
}

func className(c pb.Class) string { return strings.ToLower(strings.TrimPrefix(c.String(), "CLASS_")) }
