package sigmatest_test

import (
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

func TestInterpreterConforms(t *testing.T) {
	sigmatest.Conformance(t, func(_ *testing.T, rules []*rule.Rule, ev *sigmatest.Event) bool {
		return len(sigmatest.Reference(rules)(ev)) > 0
	})
}
