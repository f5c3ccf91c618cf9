package replay_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

// regression is a case that the authors of a rule recorded: an event log, the same as JSON, and how often the rule matches.
type regression struct {
	rule, evtx, json string
	// count is 0 where the authors do not say how often; then once is enough.
	count int
}

// regressions reads the info.yml files below a folder.
func regressions(t *testing.T, dir string) []regression {
	t.Helper()
	var all []regression
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "info.yml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var info struct {
			Rules []struct{ ID string } `yaml:"rule_metadata"`
			Tests []struct {
				Type, Path string
				Count      int `yaml:"match_count"`
			} `yaml:"regression_tests_info"`
		}
		if err := yaml.Unmarshal(text, &info); err != nil {
			return err
		}
		for _, c := range info.Tests {
			if c.Type != "evtx" {
				t.Errorf("%s has a case of the type %q", path, c.Type)
				continue
			}
			evtx := filepath.Join(filepath.Dir(path), filepath.Base(c.Path))
			id := info.Rules[0].ID
			all = append(all, regression{id, evtx, strings.TrimSuffix(evtx, ".evtx") + ".json", recounted(id, c.Count)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// recounted gives how often a rule matches where its authors' count is not that of the recorded events; their own runner asks
// for one match only.
func recounted(rule string, count int) int {
	switch rule {
	case "0b9ad457-2554-44c1-82c2-d56a99c42377": // user.conf is in the names of three of the five files that are created
		return 3
	case "8fbf3271-1ef6-4e94-8210-03c2317947f6": // procdump.exe, procdump64.exe and procdump64a.exe are created
		return 3
	}
	return count
}

// alert is what these tests look at of a line.
type alert struct {
	Event struct {
		ID       string
		Position int64
		File     string
	}
	Rule    struct{ ID, Name string }
	Process struct {
		EntityID string `json:"entity_id"`
	}
}

// replayed runs the command and gives its alerts by file.
func replayed(t *testing.T, args ...string) map[string][]alert {
	t.Helper()
	stdout, stderr, err := run(t, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	all := map[string][]alert{}
	for line := range strings.Lines(stdout) {
		var a alert
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all[a.Event.File] = append(all[a.Event.File], a)
	}
	return all
}

// Every case of SigmaHQ fires its rule as often as its authors say, with every rule loaded, from the event log as from JSON,
// and both give the same alerts.
func TestSigmaHQRegression(t *testing.T) {
	rules := sigmatest.Corpus(t, "sigma/rules")
	cases := regressions(t, sigmatest.Corpus(t, "sigma/regression"))
	if len(cases) < 90 {
		t.Fatalf("only %d cases", len(cases))
	}
	var args []string
	for _, kind := range []string{"", "-emerging-threats", "-threat-hunting", "-dfir", "-compliance"} {
		args = append(args, "--rules", rules+kind)
	}
	for _, c := range cases {
		args = append(args, c.evtx, c.json)
	}
	alerts := replayed(t, args...)
	for _, c := range cases {
		for _, file := range []string{c.evtx, c.json} {
			n := 0
			for _, a := range alerts[file] {
				if a.Rule.ID == c.rule {
					n++
				}
			}
			if n == 0 || c.count > 0 && n != c.count {
				t.Errorf("%s: rule %s matches %d times, want %d", file, c.rule, n, max(c.count, 1))
			}
		}
		if diff := cmp.Diff(ids(alerts[c.evtx]), ids(alerts[c.json])); diff != "" {
			t.Errorf("%s gives other alerts (-) than its JSON (+):\n%s", c.evtx, diff)
		}
	}
}

// ids lists the alerts by their ids, which do not depend on the file.
func ids(all []alert) []string {
	found := map[string]bool{}
	for _, a := range all {
		found[a.Event.ID+" "+a.Rule.Name] = true
	}
	return slices.Sorted(maps.Keys(found))
}
