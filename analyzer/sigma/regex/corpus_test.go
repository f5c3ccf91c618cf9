package regex_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

// corpusFolders are those with rules that people use.
func corpusFolders() []string {
	return []string{
		"sigma/rules", "sigma/rules-compliance", "sigma/rules-dfir", "sigma/rules-emerging-threats", "sigma/rules-placeholder",
		"sigma/rules-threat-hunting",
	}
}

// corpus gives all regular expressions of the rules of the corpus, and all their other texts.
func corpus(tb testing.TB) (expressions []*regex.Regex, texts []string) {
	tb.Helper()
	sources := make(map[string]regex.Flags)
	seen := make(map[string]bool)
	var walk func(node *yaml.Node, flags *regex.Flags)
	walk = func(node *yaml.Node, flags *regex.Flags) {
		if node.Kind == yaml.ScalarNode {
			if seen[node.Value] = true; flags != nil {
				sources[node.Value] = *flags
			}
			return
		}
		for i, child := range node.Content {
			below := flags
			if node.Kind == yaml.MappingNode && i%2 == 1 {
				modifiers := strings.Split(node.Content[i-1].Value, "|")[1:]
				if slices.Contains(modifiers, "re") {
					below = &regex.Flags{
						IgnoreCase: slices.Contains(modifiers, "i"),
						MultiLine:  slices.Contains(modifiers, "m"),
						DotAll:     slices.Contains(modifiers, "s"),
					}
				}
			}
			walk(child, below)
		}
	}
	for _, folder := range corpusFolders() {
		eachFile(tb, sigmatest.Corpus(tb, folder), ".yml", func(data []byte) {
			documents := yaml.NewDecoder(bytes.NewReader(data))
			for {
				var document yaml.Node
				err := documents.Decode(&document)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					tb.Fatal(err)
				}
				walk(&document, nil)
			}
		})
	}
	for source, flags := range sources {
		expressions = append(expressions, compile(tb, source, flags))
	}
	slices.SortFunc(expressions, func(a, b *regex.Regex) int { return strings.Compare(a.String(), b.String()) })
	for text := range seen {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return expressions, texts
}

// recorded gives the values of the recorded events of the corpus.
func recorded(tb testing.TB) []string {
	tb.Helper()
	seen := make(map[string]bool)
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case string:
			seen[value] = true
		case []any:
			for _, v := range value {
				walk(v)
			}
		case map[string]any:
			for _, v := range value {
				walk(v)
			}
		}
	}
	eachFile(tb, sigmatest.Corpus(tb, "sigma/regression"), ".json", func(data []byte) {
		records := json.NewDecoder(bytes.NewReader(data))
		for {
			var record any
			err := records.Decode(&record)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				tb.Fatal(err)
			}
			walk(record)
		}
	})
	var texts []string
	for text := range seen {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// eachFile calls read with the files in dir and below whose names end in suffix.
func eachFile(tb testing.TB, dir, suffix string, read func(data []byte)) {
	tb.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil {
			read(data)
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// TestCorpus compares with package regexp for all expressions that rules of the corpus have.
func TestCorpus(t *testing.T) {
	expressions, texts := corpus(t)
	if len(expressions) < 140 {
		t.Errorf("the corpus has %d expressions, which is less than it had", len(expressions))
	}
	events := recorded(t)
	without := 0
	for _, r := range expressions {
		wellFormed(t, r)
		if r.Literals() == nil {
			t.Logf("no literals: length %d, %d required sets of bytes: %s", r.MinLength(), len(r.RequiredBytes()), r)
			without++
		}
	}
	t.Logf("%d expressions, %d without literals, over %d texts of rules and %d of events", len(expressions), without, len(texts), len(events))
	if without > 50 {
		t.Errorf("%d expressions have no literals, which is more than there were", without)
	}
	step := 5
	if testing.Short() || raceEnabled {
		step = 200
	}
	matches := 0
	for i, r := range expressions {
		for j := i % step; j < len(texts); j += step {
			agree(t, r, texts[j])
		}
		for j := i % (1 + step/5); j < len(events); j += 1 + step/5 {
			agree(t, r, events[j])
			if r.Match(events[j]) {
				matches++
			}
		}
	}
	if matches == 0 {
		t.Error("no expression is found in any recorded event")
	}
}
