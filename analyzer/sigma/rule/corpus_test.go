package rule_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

// placeholdersFor writes a file that gives a value to every placeholder in the folders.
func placeholdersFor(t testing.TB, dirs ...string) string {
	t.Helper()
	names := make(map[string]bool)
	name := regexp.MustCompile(`%([A-Za-z0-9_-]+)%`)
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			for line := range bytes.Lines(data) {
				if !bytes.Contains(data, []byte("expand")) {
					break
				}
				for _, found := range name.FindAllSubmatch(line, -1) {
					names[string(found[1])] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var text strings.Builder
	for name := range names {
		fmt.Fprintf(&text, "%s:\n  - first*\n  - 192.0.2.1\n", name)
	}
	file := filepath.Join(t.TempDir(), "placeholders.yml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func sigmaHQ(tb testing.TB) []string {
	tb.Helper()
	var dirs []string
	for _, folder := range []string{"rules", "rules-emerging-threats", "rules-threat-hunting", "rules-compliance", "rules-placeholder"} {
		dirs = append(dirs, sigmatest.Corpus(tb, "sigma/"+folder))
	}
	return dirs
}

func TestSigmaHQ(t *testing.T) {
	dirs := sigmaHQ(t)
	opts := rule.Options{Placeholders: []string{placeholdersFor(t, dirs...)}}
	f := func(want int, dirs ...string) {
		t.Helper()
		set, problems, err := rule.Load(opts, dirs...)
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Rules) != want || set.Refused != 0 || set.Skipped != 0 {
			t.Errorf("%s: %d loaded, %d refused, %d skipped, want %d loaded", dirs, len(set.Rules), set.Refused, set.Skipped, want)
		}
		for _, p := range problems {
			t.Errorf("%s", p)
		}
	}
	f(140, dirs[2])
	f(3, dirs[3])
	f(23, dirs[4])
	if rule.RaceEnabled {
		// The others are more of the same.
		return
	}
	f(3141, dirs[0])
	f(473, dirs[1])
	f(3780, dirs...)

	set, problems, err := rule.Load(rule.Options{}, dirs...)
	if err != nil || len(set.Rules) != 3755 || set.Refused != 25 || len(problems) != 25 {
		t.Errorf("without placeholders: %d loaded, %d refused, %d problems, error %v", len(set.Rules), set.Refused, len(problems), err)
	}
	for _, p := range problems {
		if !strings.Contains(p.String(), "has no values; write `") || p.Line < 1 || p.Column < 1 || p.RuleID == "" {
			t.Errorf("got %v", p)
		}
	}
}

// The loaded rules hold little memory: neither YAML nor files.
func TestMemoryOfSigmaHQ(t *testing.T) {
	if rule.RaceEnabled {
		t.Skip("memory is not that of the program under the race detector")
	}
	dirs := sigmaHQ(t)
	opts := rule.Options{Placeholders: []string{placeholdersFor(t, dirs...)}}
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := inUse()
	set, _, err := rule.Load(opts, dirs...)
	if err != nil {
		t.Fatal(err)
	}
	kept := int64(inUse()) - int64(before)
	t.Logf("%d rules hold %.1f MiB", len(set.Rules), float64(kept)/(1<<20))
	if kept > 25<<20 {
		t.Errorf("%d rules hold %d bytes", len(set.Rules), kept)
	}
	runtime.KeepAlive(set)
}

// SigmaHQ's unsupported rules are skipped for their status; most of those that count can be read when their status is
// another.
func TestUnsupportedSigmaHQ(t *testing.T) {
	dir := sigmatest.Corpus(t, "sigma/unsupported")
	set, problems, err := rule.Load(rule.Options{}, dir)
	if err != nil || len(set.Rules) != 4 || set.Refused != 0 || set.Skipped != 85 || len(problems) != 0 {
		t.Errorf("%d loaded, %d refused, %d skipped, error %v, problems %v", len(set.Rules), set.Refused, set.Skipped, err, problems)
	}
	status := regexp.MustCompile(`(?m)^status:.*$`)
	types := make(map[string]int)
	var refused []string
	total := 0
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set, problems := rule.Parse(rule.Options{}, filepath.Base(path), status.ReplaceAll(data, []byte("status: test")))
		total += len(set.Rules)
		for _, c := range set.Correlations {
			types[c.Type]++
		}
		for _, p := range problems {
			if !p.Warning {
				refused = append(refused, p.String())
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rules, correlations %v, %d refused:\n%s", total, types, len(refused), strings.Join(refused, "\n"))
	if sum := types["event_count"] + types["value_count"] + types["value_sum"] + types["temporal"]; sum != 54 {
		t.Errorf("%d of 54 aggregations can be read: %v", sum, types)
	}
	slices.Sort(refused)
}
