package app_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/vedette-edr/vedette/analyzer/app"
	"github.com/vedette-edr/vedette/analyzer/ingest"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/wire"
	pb "github.com/vedette-edr/vedette/proto"
)

// lives encodes batches of programs that are born, execute something harmless and end, or are born and end alone.
func lives(b testing.TB, withExec bool) [][]byte {
	b.Helper()
	var batches [][]byte
	n := 0
	for number := range uint64(200) {
		batch := &pb.EventBatch{Host: host, BootId: "boot", Instance: 7, Number: number + 1, Class: process}
		for range 42 {
			n++
			events := life(n, "harmless")
			events[1].GetExec().Credentials = &pb.Credentials{LoginUid: 1000}
			if !withExec {
				events = append(events[:1], events[2])
			}
			batch.Events = append(batch.Events, events...)
		}
		data, err := proto.Marshal(batch)
		if err != nil {
			b.Fatal(err)
		}
		batches = append(batches, data)
	}
	return batches
}

// ownRules are Vedette's own rules.
func ownRules(b *testing.B) *engine.Ruleset {
	b.Helper()
	set, problems, err := rule.Load(rule.Options{}, "../../rules/sigma")
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d rules, %d problems", len(set.Rules), len(problems))
	return engine.New(set.Rules, engine.Options{})
}

// BenchmarkEvent is the whole way of an event that raises no alert: decoding, process tree, and for an exec our own rules.
// The baseline decodes the same batches with protobuf-go and does nothing more.
func BenchmarkEvent(b *testing.B) {
	rules := ownRules(b)
	for _, withExec := range []bool{false, true} {
		name := "fork and exit"
		if withExec {
			name = "fork, exec and exit"
		}
		batches := lives(b, withExec)
		perEvent := func(b *testing.B, events int) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
		}
		b.Run(name+"/analyzer", func(b *testing.B) {
			s := settings(b.TempDir(), nil)
			s.Config.TreeGrace = 1
			handler := app.NewHandler(s, rules, nil)
			var batch wire.Batch
			var decoder wire.Decoder
			var origin ingest.Origin
			events := 0
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := batch.Open(batches[i%len(batches)]); err != nil {
					b.Fatal(err)
				}
				events += batch.Events
				for body, ok := batch.Next(); ok; body, ok = batch.Next() {
					ev, err := decoder.Decode(body)
					if err != nil {
						b.Fatal(err)
					}
					if err := handler.Handle(&origin, ev); err != nil {
						b.Fatal(err)
					}
				}
			}
			perEvent(b, events)
		})
		b.Run(name+"/decoding by protobuf-go alone", func(b *testing.B) {
			events := 0
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				var batch pb.EventBatch
				if err := proto.Unmarshal(batches[i%len(batches)], &batch); err != nil {
					b.Fatal(err)
				}
				events += len(batch.Events)
			}
			perEvent(b, events)
		})
	}
}

// BenchmarkMatch is one exec against our own rules.
func BenchmarkMatch(b *testing.B) {
	rules := ownRules(b)
	handler := app.NewHandler(settings(b.TempDir(), nil), rules, nil)
	events := life(1, "harmless")
	if err := handler.Handle(&ingest.Origin{}, events[0]); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := handler.Handle(&ingest.Origin{}, events[1]); err != nil {
			b.Fatal(err)
		}
	}
}
