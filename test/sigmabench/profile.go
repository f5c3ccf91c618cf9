package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// writeProfile runs the engine on one lane, alone or from JSON, and writes where its time or its memory goes.
func (b *bench) writeProfile() (err error) {
	kind, fromJSON := strings.CutSuffix(b.profile, "-json")
	if kind != "cpu" && kind != "allocs" {
		return fmt.Errorf("there is no profile %q; use cpu, cpu-json, allocs or allocs-json", b.profile)
	}
	l := b.lanes[slices.IndexFunc(b.lanes, func(l lane) bool { return l.name == b.lane })]
	p, err := train(l.rules, l.training)
	if err != nil {
		return err
	}
	pass := func() error { return p.fromJSON(l.timed) }
	if !fromJSON {
		events, err := p.keep(l.timed)
		if err != nil {
			return err
		}
		pass = func() error { p.engine(events); return nil }
	}
	b.lanes = nil
	b.note("%s: written to %s; look with: go tool pprof -top -focus Match %s", b.profile, b.out, b.out)
	if err := pass(); err != nil {
		return err
	}
	out, err := os.Create(b.out)
	if err != nil {
		return fmt.Errorf("cannot write the profile: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if kind == "cpu" {
		runtime.GC()
		if err := pprof.StartCPUProfile(out); err != nil {
			return fmt.Errorf("cannot profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	} else {
		// Every allocation, but those of before count too: the rate is set as late as can be.
		runtime.MemProfileRate = 1
	}
	for began := time.Now(); time.Since(began) < time.Duration(b.rounds)*b.atLeast; {
		if err := pass(); err != nil {
			return err
		}
	}
	if kind == "cpu" {
		return nil
	}
	return pprof.Lookup("allocs").WriteTo(out, 0)
}
