package app_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/analyzer/bustest"
	"github.com/vedette-edr/vedette/analyzer/collectortest"
	pb "github.com/vedette-edr/vedette/proto"
)

const readingRules = `title: Password hashes
logsource: {product: linux, category: file_access}
detection:
  selection: {TargetFilename: [/etc/shadow, /etc/gshadow]}
  condition: selection
---
title: Any key
logsource: {product: linux, category: file_access}
detection:
  selection: {TargetFilename|contains: key}
  condition: selection
---
title: Failures
logsource: {product: linux, service: auditd}
detection:
  selection: {SYSCALL: openat, success: 'no'}
  condition: selection
`

// The collector learns what the rules ask for: at the start, from a bus that comes back, and when it is another run.
func TestTheCollectorIsToldWhatTheRulesAskFor(t *testing.T) {
	bus, dir := bustest.New(t), newDir(t)
	write(t, filepath.Join(dir, "rules", "reading.yml"), readingRules)
	told := func(what string, c *collectortest.Collector, atLeast int) {
		t.Helper()
		until(t, what, func() bool { return len(c.Interests()) >= atLeast })
		for _, i := range c.Interests() {
			var paths []string
			for _, path := range i.ReadPaths {
				paths = append(paths, string(path))
			}
			if !slices.Equal(paths, []string{"/etc/gshadow", "/etc/shadow"}) || !i.FailedOpens {
				t.Errorf("%s: asked for %q, failures %t", what, paths, i.FailedOpens)
			}
		}
	}
	var log strings.Builder
	s := settings(dir, bus)
	s.Log = zerolog.New(zerolog.SyncWriter(&log))
	nc := bus.Connect("collector")
	first := collectortest.New(t, nc, host, 7, time.Second)
	stop := analyze(t, s)
	told("at the start", first, 1)
	first.WaitAcked()

	before := len(first.Interests())
	bus.Stop()
	bus.Start()
	told("from the bus that came back", first, before+1)

	first.Stop()
	second := collectortest.New(t, nc, host, 8, time.Second)
	second.Send(pb.Class_CLASS_PROCESS, 0, life(1, "x")...)
	told("as another run", second, 1)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), `Any key`) || !strings.Contains(log.String(), "file.read_paths") {
		t.Errorf("the log does not name the rule that asks for everything: %s", log.String())
	}
}
