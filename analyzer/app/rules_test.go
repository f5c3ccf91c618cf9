package app_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/analyzer/bustest"
	"github.com/vedette-edr/vedette/analyzer/collectortest"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/subject"
)

// Rules of every shape work on live events: for the audit daemon's records, for words anywhere in an event (which is shown as
// two records and matched once), with placeholders, with a filter; the search of an aggregation raises no alert by itself.
const manyRules = `title: Audit record
logsource: {product: linux, service: auditd}
detection:
  selection: {type: EXECVE, a1: special}
  condition: selection
---
title: Word anywhere
logsource: {product: linux}
detection:
  keywords: [special]
  condition: keywords
---
title: Placeholder
logsource: {category: process_creation}
detection:
  selection: {CommandLine|contains|expand: '%words%'}
  condition: selection
---
title: Filtered
name: filtered
logsource: {category: process_creation}
detection:
  selection: {CommandLine|contains: special}
  condition: selection
---
title: Leave out what bash starts
logsource: {category: process_creation}
filter:
  rules: [filtered]
  shell: {ParentImage|endswith: /bash}
  condition: not shell
---
title: Aggregation
logsource: {category: process_creation}
detection:
  selection: {CommandLine|contains: special}
  timeframe: 5m
  condition: selection | count() > 5
`

func TestRulesOfEveryShapeWorkOnLiveEvents(t *testing.T) {
	bus, dir := bustest.New(t), newDir(t)
	write(t, filepath.Join(dir, "rules", "many.yml"), manyRules)
	write(t, filepath.Join(dir, "words.yml"), "words: [spec?al]\n")
	c := collectortest.New(t, bus.Connect("collector"), host, 7, time.Second)
	c.Living(shellSeed())
	s := settings(dir, bus)
	s.Config.Placeholders = []string{filepath.Join(dir, "words.yml")}
	problems := make(chan []string, 1000)
	_, err := bus.Connect("operator").Subscribe(subject.Health(host, subject.Analyzer), func(m *nats.Msg) {
		h := &pb.Health{}
		if err := h.UnmarshalVTUnsafe(m.Data); err != nil {
			t.Error(err)
		}
		problems <- slices.Clone(h.Rules.Problems)
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := analyze(t, s)
	c.WaitAcked()
	c.Send(process, 0, life(1, "special")...)
	c.WaitAcked()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range fileLines(t, dir) {
		doc, err := ecs.Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, doc.Rule.Name)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"Audit record", "Placeholder", "Word anywhere"}, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
	if told := strings.Join(<-problems, "\n"); !strings.Contains(told, `correlation "Aggregation" is read and checked, but not evaluated yet`) {
		t.Errorf("the problems told are %q", told)
	}
}
