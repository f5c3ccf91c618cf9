package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/test/kernels/loaded"
)

// settle is the time that a started Vedette gets to list the running processes before it is measured.
const settle = time.Second

// slowdown measures one workload: pairs of runs with and without Vedette one right after the other, the order changing from
// pair to pair, then runs with Vedette that measure its programs, which itself costs time.
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
	rows := append(pairRows(w, without, with),
		newRow("  eBPF, sampled", p.sampled(), "s", p.SampledCPU, "the load", ""))
	return rows, p, nil
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
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
	// SampledCPU is that of the sampled run.
	SampledCPU float64       `json:"sampled_cpu_seconds"`
	Classes    []classRate   `json:"classes"`
	Programs   []programCost `json:"programs"`
}

func (r classRate) minus(before classRate) classRate {
	return classRate{Made: r.Made - before.Made, Withheld: r.Withheld - before.Withheld, Lost: r.Lost - before.Lost}
}

// sampled is the seconds that all programs ran in the sampled run.
func (p *profile) sampled() float64 {
	sum := 0.0
	for _, c := range p.Programs {
		sum += c.Sampled * p.SampledCPU
	}
	return sum
}

// classRate is what became of the events of a class. Withheld are those over the budget of a process that repeats an act.
type classRate struct {
	Class    string `json:"class"`
	Made     uint64 `json:"made"`
	Withheld uint64 `json:"withheld"`
	Lost     uint64 `json:"lost"`
}

type programCost struct {
	Name  string  `json:"name"`
	Runs  uint64  `json:"runs"`
	NsRun float64 `json:"ns_per_run"`
	// Share of the workload's CPU time, of the program and all that it goes on to.
	Share float64 `json:"share"`
	// Sampled is that share without what it goes on to, in a run without statistics.
	Sampled float64 `json:"sampled_share"`
}

// profile runs a workload twice under one Vedette: with the kernel's statistics of programs, and sampled.
func (b *bench) profile(ctx context.Context, w workload) (*profile, error) {
	p := &profile{Workload: w.name}
	err := b.underVedette(func(s *system) error {
		costs := map[string]programCost{}
		if err := b.counted(ctx, w, s, p, costs); err != nil {
			return err
		}
		if err := b.sampled(ctx, w, s, p, costs); err != nil {
			return err
		}
		for name, c := range costs {
			c.Name = name
			p.Programs = append(p.Programs, c)
		}
		slices.SortFunc(p.Programs, func(x, y programCost) int {
			return cmp.Or(cmp.Compare(y.Sampled, x.Sampled), cmp.Compare(y.Share, x.Share), cmp.Compare(x.Name, y.Name))
		})
		return nil
	})
	return p, err
}

// counted notes events by class, and what the kernel says of each program.
func (b *bench) counted(ctx context.Context, w workload, s *system, p *profile, costs map[string]programCost) error {
	programs, err := openPrograms(s.pid(subject.Collector))
	if err != nil {
		return err
	}
	defer programs.close()
	flows, err := s.flows()
	if err != nil {
		return err
	}
	before, err := programs.set.Costs()
	if err != nil {
		return err
	}
	took, err := b.once(ctx, w)
	if err != nil {
		return err
	}
	p.Seconds, p.CPU = took.wall.Seconds(), took.cpu.Seconds()
	after, err := programs.set.Costs()
	if err != nil {
		return err
	}
	for name, c := range after {
		if runs := c.Runs - before[name].Runs; runs > 0 {
			ran := c.Time - before[name].Time
			costs[name] = programCost{Runs: runs, NsRun: float64(ran) / float64(runs), Share: ran.Seconds() / p.CPU}
		}
	}
	flowsAfter, err := s.flows()
	if err != nil {
		return err
	}
	for class, f := range flowsAfter {
		one := f.minus(flows[class])
		one.Class = className(class)
		if one.Made+one.Lost+one.Withheld > 0 {
			p.Classes = append(p.Classes, one)
		}
	}
	slices.SortFunc(p.Classes, func(x, y classRate) int { return cmp.Compare(x.Class, y.Class) })
	return nil
}

// sampled notes what each program runs by itself.
func (b *bench) sampled(ctx context.Context, w workload, s *system, p *profile, costs map[string]programCost) error {
	set, err := loaded.Of(s.pid(subject.Collector))
	if err != nil {
		return err
	}
	defer set.Close()
	sampler, err := startSampling(set)
	if err != nil {
		return err
	}
	took, err := b.once(ctx, w)
	ran, stopErr := sampler.stop()
	if err := errors.Join(err, stopErr); err != nil {
		return err
	}
	p.SampledCPU = took.cpu.Seconds()
	for name, time := range ran {
		c := costs[name]
		c.Sampled = time.Seconds() / p.SampledCPU
		costs[name] = c
	}
	return nil
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
