package rule_test

import (
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// BenchmarkLoadSigmaHQ loads all 3,780 rules of SigmaHQ.
func BenchmarkLoadSigmaHQ(b *testing.B) {
	dirs := sigmaHQ(b)
	opts := rule.Options{Placeholders: []string{placeholdersFor(b, dirs...)}}
	b.ReportAllocs()
	for b.Loop() {
		set, _, err := rule.Load(opts, dirs...)
		if err != nil || len(set.Rules) != 3780 {
			b.Fatalf("%d rules, error %v", len(set.Rules), err)
		}
	}
}
