package engine_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

func TestTraceSaysWhichAliasWasFound(t *testing.T) {
	rs := engine.New(parse(t, `
detection:
  image:
    Image|endswith: ['/a', '/b', '/c', '/d', '/x.sh', 'sh']
  given:
    Image|contains: '/opt'
  filter:
    Image|endswith: ['/a', '/b', '/c', '/d', '/x.sh']
  condition: image and given and not filter`), engine.Options{Aliased: []string{"Image"}})
	ev := sigmatest.NewEvent("Image", "/usr/bin/dash").Bind(rs.Fields())
	ev.Alias = map[string][]string{"Image": {"/opt/x.sh"}}
	p := rs.Program(testSource())
	got := p.Match(ev, nil)
	if len(got) != 1 {
		t.Fatalf("%d matches, want 1", len(got))
	}
	p.Trace(ev, &got[0])
	want := []engine.MatchedField{
		{Field: "Image", Value: "/opt/x.sh", Pattern: "/x.sh"},
		{Field: "Image", Value: "/usr/bin/dash", Pattern: "sh"},
		{Field: "Image", Value: "/opt/x.sh", Pattern: "/opt"},
	}
	if diff := cmp.Diff(want, got[0].Fields); diff != "" {
		t.Errorf("fields differ (-want +got):\n%s", diff)
	}
}

// aliasedEvent is a slotEvent all of whose fields have the same aliases.
type aliasedEvent struct {
	*slotEvent
	aliases []string
}

func (e aliasedEvent) More(int) []string { return nil }

func (e aliasedEvent) Aliases(int) []string { return e.aliases }

func TestAliasesAreNotAllocated(t *testing.T) {
	rs := engine.New(wide(t, 300), engine.Options{Aliased: []string{"Image", "ParentImage"}})
	p := rs.Program(testSource())
	var ev engine.Event = &aliasedEvent{slotEvent: missingEvent(rs), aliases: []string{`C:\Other\Ünïx.exe`, `C:\x.exe`}}
	var dst []engine.Match
	for range 1000 {
		dst = p.Match(ev, dst[:0])
	}
	if allocs := testing.AllocsPerRun(500, func() { dst = p.Match(ev, dst[:0]) }); allocs != 0 || len(dst) != 0 {
		t.Errorf("%v allocations and %d matches for an event, want none", allocs, len(dst))
	}
}
