package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-edr/vedette/proto/subject"
)

type bench struct {
	bin, rules string
	seconds    float64
	progress   io.Writer
	dir        string
	noop       string
	execload   string
}

func newBench(bin, rules, programs string, seconds float64, progress io.Writer) (*bench, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("measuring needs root; run it with sudo")
	}
	b := &bench{seconds: seconds, progress: progress}
	var err error
	if b.bin, err = filepath.Abs(bin); err != nil {
		return nil, err
	}
	if b.rules, err = filepath.Abs(rules); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "vedette-bench"); err != nil {
		return nil, err
	}
	if err := os.Chmod(b.dir, 0o755); err != nil {
		return nil, err
	}
	if b.noop, err = build(programs, "noop", b.dir); err != nil {
		return nil, err
	}
	if b.execload, err = build(programs, "execload", b.dir); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { os.RemoveAll(b.dir) }

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }

// load is what execload said of one run.
type load struct {
	started, seconds, rate, cpu float64
}

func (b *bench) load(ctx context.Context, rate int, seconds float64) (load, error) {
	out, err := exec.CommandContext(ctx, b.execload, b.noop, strconv.Itoa(rate), fmt.Sprint(seconds)).Output()
	if err != nil {
		return load{}, fmt.Errorf("execload: %w", err)
	}
	var l load
	if _, err := fmt.Sscan(string(out), &l.started, &l.seconds, &l.rate, &l.cpu); err != nil {
		return load{}, fmt.Errorf("cannot read what execload said, %q: %w", out, err)
	}
	return l, nil
}

// fullSpeed is the median rate of five runs: one run varies by several per cent.
func (b *bench) fullSpeed(ctx context.Context) (float64, error) {
	var rates []float64
	for range 5 {
		l, err := b.load(ctx, 0, b.seconds/5)
		if err != nil {
			return 0, err
		}
		rates = append(rates, l.rate)
	}
	slices.Sort(rates)
	return rates[len(rates)/2], nil
}

func (b *bench) measure(ctx context.Context) ([]row, error) {
	b.say("exec rate without Vedette ...")
	without, err := b.fullSpeed(ctx)
	if err != nil {
		return nil, err
	}
	prefix := filepath.Join(b.dir, "v")
	if err := os.Mkdir(prefix, 0o755); err != nil {
		return nil, err
	}
	s, err := startSystem(b.bin, b.rules, prefix)
	if err != nil {
		return nil, err
	}
	rows, err := b.measureRunning(ctx, s, without)
	return rows, errors.Join(err, s.stop())
}

func (b *bench) measureRunning(ctx context.Context, s *system, without float64) ([]row, error) {
	var rows []row
	resident, err := b.resident(s, "at rest")
	if err != nil {
		return nil, err
	}
	rows = append(rows, resident...)

	latency, err := b.latency(ctx, s, 0)
	if err != nil {
		return nil, err
	}
	rows = append(rows, latency...)
	for _, rate := range []int{100, 400, 1600} {
		cpu, err := b.cpu(ctx, s, rate)
		if err != nil {
			return nil, err
		}
		rows = append(rows, cpu...)
	}
	latency, err = b.latency(ctx, s, 1000)
	if err != nil {
		return nil, err
	}
	rows = append(rows, latency...)

	b.say("exec rate with Vedette ...")
	with, err := b.fullSpeed(ctx)
	if err != nil {
		return nil, err
	}
	rows = append([]row{newRow("exec rate with Vedette", with, "1/s", without, "without", "")}, rows...)
	resident, err = b.resident(s, "after load")
	if err != nil {
		return nil, err
	}
	rows = append(rows, resident...)
	flows, err := s.flows()
	if err != nil {
		return nil, err
	}
	made, lost := uint64(0), uint64(0)
	for _, f := range flows {
		made, lost = made+f.Made, lost+f.Lost
	}
	return append(rows, newRow("events lost", float64(lost), "events", float64(made), "made", "0")), nil
}

// cpu measures what each part costs at a fixed rate, beside what starting the programs costs by itself.
func (b *bench) cpu(ctx context.Context, s *system, rate int) ([]row, error) {
	b.say("CPU at %d exec/s ...", rate)
	p, err := openPrograms(s.pid(subject.Collector))
	if err != nil {
		return nil, err
	}
	defer p.close()
	components := []string{subject.Collector, subject.Bus, subject.Analyzer}
	read := func() (map[string]float64, error) {
		now := map[string]float64{}
		for _, c := range components {
			if now[c], err = cpuSeconds(s.pid(c)); err != nil {
				return nil, err
			}
		}
		now["bpf"], err = p.seconds()
		return now, err
	}
	before, err := read()
	if err != nil {
		return nil, err
	}
	l, err := b.load(ctx, rate, b.seconds)
	if err != nil {
		return nil, err
	}
	after, err := read()
	if err != nil {
		return nil, err
	}
	percent := func(what string) float64 { return (after[what] - before[what]) / l.seconds * 100 }
	loadCPU := l.cpu / l.seconds * 100
	at := fmt.Sprintf(" at %d exec/s", rate)
	aim := ""
	if rate == 400 {
		aim = "< 2"
	}
	of := "the load itself"
	return []row{
		newRow("collector with eBPF"+at, percent(subject.Collector)+percent("bpf"), "% of a core", loadCPU, of, aim),
		newRow("  of it eBPF"+at, percent("bpf"), "% of a core", loadCPU, of, ""),
		newRow("bus"+at, percent(subject.Bus), "% of a core", loadCPU, of, ""),
		newRow("analyzer"+at, percent(subject.Analyzer), "% of a core", loadCPU, of, ""),
	}, nil
}

// latency measures from the kernel's exec to the alert in a subscriber, while other programs start at a rate, beside the
// time that it takes to start and reap the same program.
func (b *bench) latency(ctx context.Context, s *system, background int) ([]row, error) {
	const acts = 300
	b.say("latency at %d exec/s ...", background)
	loadDone := make(chan error, 1)
	if background > 0 {
		go func() { _, err := b.load(ctx, background, acts*0.035+2); loadDone <- err }()
		time.Sleep(time.Second)
	} else {
		loadDone <- nil
	}
	var spawns, latencies []float64
	for i := range acts {
		marker := fmt.Sprintf("stratum+tcp://bench-%d-%d:3333", background, i)
		began := time.Now()
		if err := exec.CommandContext(ctx, b.noop, "-o", marker).Run(); err != nil {
			return nil, err
		}
		spawns = append(spawns, ms(time.Since(began)))
		timeout := time.After(5 * time.Second)
		for found := false; !found; {
			select {
			case a := <-s.alerts:
				if found = strings.Contains(a.alert.Process.CommandLine, marker); found {
					latencies = append(latencies, ms(a.at.Sub(a.alert.Timestamp)))
				}
			case <-timeout:
				return nil, fmt.Errorf("no alert for %s within 5 s", marker)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		// At random, or the acts would fall into step with the collector's flushes, which the alert before has followed.
		time.Sleep(20*time.Millisecond + rand.N(10*time.Millisecond))
	}
	if err := <-loadDone; err != nil {
		return nil, err
	}
	at := " when idle"
	if background > 0 {
		at = fmt.Sprintf(" at %d exec/s", background)
	}
	of := "starting the program"
	return []row{
		newRow("exec to alert p50"+at, quantile(latencies, 0.5), "ms", quantile(spawns, 0.5), of, ""),
		newRow("exec to alert p99"+at, quantile(latencies, 0.99), "ms", quantile(spawns, 0.99), of, "< 10"),
	}, nil
}

func (b *bench) resident(s *system, when string) ([]row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	idle := exec.Command(self)
	idle.Env = append(os.Environ(), idleVariable+"=1")
	if err := idle.Start(); err != nil {
		return nil, err
	}
	defer func() { _ = idle.Process.Kill(); _ = idle.Wait() }()
	time.Sleep(300 * time.Millisecond)
	baseline, err := residentMiB(idle.Process.Pid)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, c := range []string{subject.Collector, subject.Bus, subject.Analyzer} {
		mib, err := residentMiB(s.pid(c))
		if err != nil {
			return nil, err
		}
		aim := ""
		if c == subject.Collector {
			aim = "< 32"
		}
		rows = append(rows, newRow("RSS of "+c+" "+when, mib, "MiB", baseline, "an idle Go program", aim))
	}
	return rows, nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func quantile(v []float64, q float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[min(len(v)-1, int(q*float64(len(v))))]
}
