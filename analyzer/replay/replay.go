// Package replay is `vedette-analyzer replay`: it matches recorded events against rules, without a bus and without rights.
package replay

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/vedette-edr/vedette/analyzer/playback"
	"github.com/vedette-edr/vedette/analyzer/recording"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Options of Run.
type Options struct {
	// Recordings say how to read the files; the fields are those of the rules.
	Recordings playback.Options
	// Problem is told of each part of a file that is not as it should be; nil ignores it. They are counted all the same.
	Problem func(err error)
}

// Summary is what a replay came to.
type Summary struct {
	// Files were read, and Unreadable ones could not be opened, or not be read to their end.
	Files, Unreadable int
	// Events were read. Of these, Unseen are of no kind that rules can see, and Unsourced belong to no log source.
	Events, Unseen, Unsourced int64
	// Lost are places in files where something was left out, Doubtful ones are not as they should be and were read.
	Lost, Doubtful int64
	// Alerts are the lines written. Fed matches were of rules that only count for a correlation.
	Alerts, Fed int64
	// Rules gives the number of alerts of each rule that has any.
	Rules map[*rule.Rule]int64
	Took  time.Duration
}

// run is one replay.
type run struct {
	rules *engine.Ruleset
	opts  Options
	out   *bufio.Writer
	buf   bytes.Buffer
	sum   Summary
	// routes are by View.Kind, for the file that is being read.
	routes  *engine.Routes
	matches []engine.Match
}

// Run reads the files one after the other and writes an alert, one line of JSON, for each match. What cannot be read is
// reported and passed over. The error is ctx's, or that of writing; the summary is good in any case.
func Run(ctx context.Context, rules *engine.Ruleset, files []string, opts Options, stdout io.Writer) (Summary, error) {
	if opts.Problem == nil {
		opts.Problem = func(error) {}
	}
	r := &run{rules: rules, opts: opts, out: bufio.NewWriterSize(stdout, 64<<10), sum: Summary{Rules: map[*rule.Rule]int64{}}}
	began := time.Now()
	var err error
	for _, path := range files {
		if err = r.file(ctx, path); err != nil {
			break
		}
	}
	if flushed := r.out.Flush(); err == nil && flushed != nil {
		err = fmt.Errorf("cannot write alerts: %w", flushed)
	}
	r.sum.Took = time.Since(began)
	return r.sum, err
}

// file replays one file. The error is one that ends the replay.
func (r *run) file(ctx context.Context, path string) error {
	r.sum.Files++
	r.routes = engine.NewRoutes(r.rules)
	read := r.opts.Recordings
	read.Fields = r.rules.Fields()
	rec, err := playback.Open(path, read)
	if err != nil {
		r.sum.Unreadable++
		r.opts.Problem(err)
		return nil
	}
	// Nothing was written that a failing Close could lose.
	defer func() { _ = rec.Close() }()
	for ctx.Err() == nil {
		views, err := rec.Next()
		if err == nil {
			if err := r.event(rec, views); err != nil {
				return err
			}
			continue
		}
		if !r.goesOn(err) {
			return nil
		}
	}
	return ctx.Err()
}

// goesOn takes an error of a file and reports whether there may be more behind it.
func (r *run) goesOn(err error) bool {
	if errors.Is(err, io.EOF) {
		return false
	}
	r.opts.Problem(err)
	damage, ok := errors.AsType[*recording.Problem](err)
	switch {
	case !ok:
		r.sum.Unreadable++
	case damage.Lost:
		r.sum.Lost++
	default:
		r.sum.Doubtful++
	}
	return ok
}

// event matches one event in each of its views.
func (r *run) event(rec playback.Recording, views int) error {
	r.sum.Events++
	if views == 0 {
		r.sum.Unseen++
	}
	r.matches = r.matches[:0]
	sourced := false
	for i := range views {
		v := rec.View(i)
		if len(v.Sources) == 0 {
			continue
		}
		sourced = true
		r.matches = r.routes.Match(v.Kind, v.Sources, v.ListEvent, r.matches)
	}
	if views > 0 && !sourced {
		r.sum.Unsourced++
	}
	if len(r.matches) == 0 {
		return nil
	}
	origin := rec.Origin()
	for i := range r.matches {
		if err := r.alert(&r.matches[i], &origin); err != nil {
			return err
		}
	}
	clear(r.matches)
	return nil
}

func (r *run) alert(m *engine.Match, origin *playback.Origin) error {
	if m.Rule.Feeds {
		r.sum.Fed++
		return nil
	}
	r.sum.Alerts++
	r.sum.Rules[m.Rule]++
	d := newDocument(m, origin)
	line, err := d.encode(&r.buf)
	if err != nil {
		return err
	}
	if _, err := r.out.Write(line); err != nil {
		return fmt.Errorf("cannot write an alert: %w", err)
	}
	return nil
}
