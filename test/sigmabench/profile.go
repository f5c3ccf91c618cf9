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
	at := slices.IndexFunc(b.lanes, func(l lane) bool { return l.name == b.lane })
	if at < 0 {
		return fmt.Errorf("there is no lane %q to profile; name one with --lane: mix, attack, process, no-match, insider or all-match", b.lane)
	}
	kind, fromJSON := strings.CutSuffix(b.profile, "-json")
	if kind != "cpu" && kind != "allocs" {
		return fmt.Errorf("there is no profile %q; use cpu, cpu-json, allocs or allocs-json", b.profile)
	}
	l := b.lanes[at]
	p, err := train(l.rules, l.training)
	if err != nil {
		return err
	}
	pass := func() error { return p.fromJSON(l.timed) }
	if !fromJSON {
		pass = func() error { _, _, err := p.engine(l.timed); return err }
	}
	b.lanes = nil
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
