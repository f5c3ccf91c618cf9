package sigma

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus finds SigmaHQ's repository in the folder that VEDETTE_CORPUS names, or beside this one.
func corpus(t *testing.T) string {
	t.Helper()
	root := os.Getenv("VEDETTE_CORPUS")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "corpus")
	}
	dir := filepath.Join(root, "sigma")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SigmaHQ's rules are not at hand (%v); set VEDETTE_CORPUS to the folder that has sigma/", err)
	}
	return dir
}

func TestSigmaHQ(t *testing.T) {
	dir := corpus(t)
	matched := make(map[string]bool)
	f := func(folder string, refusedAtMost int) {
		t.Helper()
		rules, problems, err := Load(filepath.Join(dir, filepath.FromSlash(folder)))
		if err != nil {
			t.Fatal(err)
		}
		loaded, refused, skipped := rules.Counts()
		t.Logf("%s: %d loaded, %d refused, %d skipped", folder, loaded, refused, skipped)
		if loaded+refused+skipped == 0 || refused > refusedAtMost {
			t.Errorf("%s: %d loaded, %d refused, at most %d expected", folder, loaded, refused, refusedAtMost)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Remedy == "" {
				t.Errorf("problem says too little: %v", p)
			}
		}
		matchRecordings(t, rules, filepath.Join(dir, "regression"), matched)
	}
	f("rules/linux/process_creation", 0)
	f("rules", 0)
	f("rules-compliance", 0)
	f("rules-threat-hunting", 0)
	f("rules-emerging-threats", 3) // one `wide`, two `expand`
	f("rules-placeholder", 23)     // all `expand`
	f("unsupported", 100)
	t.Logf("%d rules matched the events recorded for them", len(matched))
	if len(matched) < 50 {
		t.Errorf("only %d rules have events", len(matched))
	}
}

// matchRecordings checks the rules that SigmaHQ keeps recorded Windows events for: each matches one of its events.
func matchRecordings(t *testing.T, rules *Ruleset, dir string, matched map[string]bool) {
	t.Helper()
	byID := make(map[string]*Rule)
	for _, r := range rules.Rules() {
		byID[r.ID] = r
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		id, isEvents := strings.CutSuffix(filepath.Base(path), ".json")
		rule := byID[id]
		if err != nil || !isEvents || rule == nil {
			return err
		}
		events, err := recordedEvents(path)
		if err != nil {
			return fmt.Errorf("cannot read recorded events %q: %w", path, err)
		}
		for _, ev := range events {
			// Which channel serves which log source is not part of these recordings.
			ev.sources = []Logsource{rule.Logsource}
			for _, m := range rules.Match(ev, nil) {
				matched[id] = matched[id] || m.Rule == rule
			}
		}
		if !matched[id] {
			t.Errorf("rule %s (%s) matches none of its %d events", id, rule.File, len(events))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// recordedEvents reads Windows events in JSON, one after another.
func recordedEvents(path string) ([]*record, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.UseNumber()
	var events []*record
	for {
		var document struct {
			Event struct {
				System, EventData, UserData map[string]any
			}
		}
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return events, nil
		} else if err != nil {
			return nil, err
		}
		ev := event()
		flatten(ev.fields, document.Event.System)
		flatten(ev.fields, document.Event.EventData)
		flatten(ev.fields, document.Event.UserData)
		events = append(events, ev)
	}
}

// flatten names XML attributes as Sigma does: Provider_Name.
func flatten(fields map[string]string, values map[string]any) {
	for name, value := range values {
		switch value := value.(type) {
		case nil:
		case map[string]any:
			attributes, _ := value["#attributes"].(map[string]any)
			for attribute, v := range attributes {
				fields[name+"_"+attribute] = fmt.Sprint(v)
			}
			flatten(fields, value)
		default:
			fields[name] = fmt.Sprint(value)
		}
	}
}
