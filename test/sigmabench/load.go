package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/vedette-edr/vedette/analyzer/recording"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// rulePacks are the folders of SigmaHQ that are meant to be loaded.
func rulePacks(corpus string) []string {
	names := []string{"rules", "rules-emerging-threats", "rules-threat-hunting", "rules-placeholder", "rules-compliance", "rules-dfir"}
	dirs := make([]string, len(names))
	for i, name := range names {
		dirs[i] = filepath.Join(corpus, "sigma", name)
	}
	return dirs
}

// loader loads all of SigmaHQ, from files.
type loader struct {
	dirs []string
	opts rule.Options
}

// newLoader writes the file of placeholders that some rules need into a directory.
func newLoader(corpus, dir string) (*loader, error) {
	l := &loader{dirs: rulePacks(corpus)}
	text, err := l.placeholders()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "placeholders.yml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, fmt.Errorf("cannot write placeholders: %w", err)
	}
	l.opts.Placeholders = []string{path}
	return l, nil
}

func (l *loader) load() (*rule.Set, error) {
	set, problems, err := rule.Load(l.opts, l.dirs...)
	if err != nil {
		return nil, err
	}
	for _, problem := range problems {
		if !problem.Warning {
			return nil, fmt.Errorf("a rule of SigmaHQ is refused: %v", problem)
		}
	}
	return set, nil
}

// eachFile calls visit with the text of every rule file.
func (l *loader) eachFile(visit func(text []byte) error) error {
	for _, dir := range l.dirs {
		paths, err := files(dir, ".yml")
		if err != nil {
			return err
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("cannot read rule file: %w", err)
			}
			if err := visit(text); err != nil {
				return fmt.Errorf("cannot read rule file %q: %w", path, err)
			}
		}
	}
	return nil
}

// placeholders gives a value to every %name% in rules with the modifier expand, which are refused without.
func (l *loader) placeholders() ([]byte, error) {
	name := regexp.MustCompile(`%([\w-]+)%`)
	var names []string
	err := l.eachFile(func(text []byte) error {
		if bytes.Contains(text, []byte("|expand")) {
			for _, found := range name.FindAllSubmatch(text, -1) {
				names = append(names, string(found[1]))
			}
		}
		return nil
	})
	slices.Sort(names)
	var text bytes.Buffer
	for _, name := range slices.Compact(names) {
		fmt.Fprintf(&text, "%s: [value-of-%s]\n", name, strings.ToLower(name))
	}
	return text.Bytes(), err
}

// readYAML reads every rule file as YAML and does no more with it.
func (l *loader) readYAML() error {
	return l.eachFile(func(text []byte) error {
		documents, err := yaml.NewLoader(bytes.NewReader(text))
		for err == nil {
			var document yaml.Node
			err = documents.Load(&document)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	})
}

// ready loads all rules and makes the programs for log sources.
func (l *loader) ready(routes [][]rule.Logsource) (*engine.Ruleset, error) {
	set, err := l.load()
	if err != nil {
		return nil, err
	}
	rs := engine.New(set.Rules, engine.Options{})
	for _, route := range routes {
		// The first event makes a program ready.
		rs.Program(route).Match(nothing{}, nil)
	}
	return rs, nil
}

// nothing is an event without fields.
type nothing struct{}

// Field implements engine.Event.
func (nothing) Field(int) (string, bool) { return "", false }

// AppendValues implements engine.Event.
func (nothing) AppendValues(dst []string) []string { return dst }

// routes gives the log sources of events, each set of them once.
func routes(lines [][]byte) ([][]rule.Logsource, error) {
	var found [][]rule.Logsource
	v := newViewer(nil, func(sources []rule.Logsource) *engine.Program {
		found = append(found, sources)
		return nil
	})
	d := recording.NewDecoder(v.fields)
	for _, line := range lines {
		if err := d.Decode(line); err != nil {
			return nil, fmt.Errorf("cannot decode event %.200q: %w", line, err)
		}
		v.of(d.Record())
	}
	return found, nil
}

// measureLoading gives time and memory of all rules, from files to programs for every log source of the mix.
func (b *bench) measureLoading() error {
	b.say("loading ...")
	sources, err := routes(b.lanes[0].timed)
	if err != nil {
		return err
	}
	var whole, reading []float64
	for range b.rounds {
		began := time.Now()
		if _, err := b.loader.ready(sources); err != nil {
			return err
		}
		whole = append(whole, time.Since(began).Seconds())
		began = time.Now()
		if err := b.loader.readYAML(); err != nil {
			return err
		}
		reading = append(reading, time.Since(began).Seconds())
	}
	slices.Sort(whole)
	slices.Sort(reading)
	r := newRow("loading all rules", whole[len(whole)/2], "s", reading[len(reading)/2], "reading their YAML alone", "< 1")
	r.Low, r.High = whole[0], whole[len(whole)-1]
	trees, err := retained(b.loader.load)
	if err != nil {
		return err
	}
	heap, err := retained(func() (*engine.Ruleset, error) { return b.loader.ready(sources) })
	if err != nil {
		return err
	}
	b.add(r, newRow("heap of all rules", heap, "MiB", trees, "their trees alone", "< 70"))
	return nil
}
