package engine_test

import (
	"math/rand/v2"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

// compact is an event whose values are found by the number of their field, so that a benchmark measures the engine alone.
type compact struct {
	program *engine.Program
	// places are one more than the index of a field's value; 0 is a field that the event does not have.
	places []uint16
	values []string
}

func (c *compact) Field(n int) (string, bool) {
	if at := c.places[n]; at != 0 {
		return c.values[at-1], true
	}
	return "", false
}

func (c *compact) AppendValues(dst []string) []string { return append(dst, c.values...) }

// compacted leaves out further values of fields that have several.
func compacted(rs *engine.Ruleset, ev *sigmatest.Event) *compact {
	c := &compact{program: rs.Program(ev.Sources), places: make([]uint16, len(rs.Fields()))}
	read := make(map[string]int)
	for n, name := range rs.Fields() {
		read[name] = n
	}
	for name, value := range ev.Values {
		c.values = append(c.values, value)
		if n, ok := read[name]; ok {
			c.places[n] = uint16(len(c.values))
		}
	}
	return c
}

// lanes are recorded events: the natural mix, the recordings of attacks, and process creations of either.
func lanes(tb testing.TB, rs *engine.Ruleset) map[string][]*compact {
	tb.Helper()
	found := make(map[string][]*compact)
	add := func(lane string, events []*sigmatest.Event) {
		for _, ev := range events {
			c := compacted(rs, ev)
			found[lane] = append(found[lane], c)
			if id := ev.Values["EventID"]; id == "1" && ev.Values["CommandLine"] != "" || id == "4688" {
				found["process"] = append(found["process"], c)
			}
		}
	}
	add("mix", sigmatest.LaneEvents(tb, 3))
	add("attack", sigmatest.RegressionEvents(tb))
	return found
}

// BenchmarkRecorded matches recorded events with all rules of the corpus. Half of a lane is for choosing what to look up, and
// a few hundred of the other half are timed over and over, so that they are in the cache, as reading them would leave them.
func BenchmarkRecorded(b *testing.B) {
	rs := engine.New(sigmatest.CorpusRules(b), engine.Options{Fixed: true})
	all := lanes(b, rs)
	for _, lane := range []string{"mix", "attack", "process"} {
		events := all[lane]
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		train, timed := events[:len(events)/2], events[len(events)/2:]
		timed = timed[:min(len(timed), 200)]
		for _, ev := range train {
			ev.program.Match(ev, nil)
		}
		rs.Tune()
		b.Run(lane, func(b *testing.B) {
			before := rs.Stats()
			var found []engine.Match
			b.ReportAllocs()
			for n := range b.N {
				ev := timed[n%len(timed)]
				found = ev.program.Match(ev, found[:0])
			}
			after := rs.Stats()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(after.Candidates-before.Candidates)/float64(b.N), "candidates/event")
			b.ReportMetric(float64(after.Matches-before.Matches)/float64(b.N), "matches/event")
		})
	}
}

// BenchmarkBuild makes the programs of all log sources that rules of the corpus name.
func BenchmarkBuild(b *testing.B) {
	rules := sigmatest.CorpusRules(b)
	b.ReportAllocs()
	for b.Loop() {
		rs := engine.New(rules, engine.Options{})
		nothing := &compact{places: make([]uint16, len(rs.Fields()))}
		for _, r := range rules {
			source := r.Logsource
			rs.Program(append(testSource()[:0], source)).Match(nothing, nil)
		}
	}
}
