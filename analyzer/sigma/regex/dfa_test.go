package regex_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
)

// TestConcurrent has goroutines make and use up the states of one expression together.
func TestConcurrent(t *testing.T) {
	// After each a, the automaton has to remember which of the last characters were one: there are 2^12 states.
	for _, source := range []string{`a[ab]{12}c`, `(?i)\b[ab]{3}\b.*\bKEY$`, `(?m)^b+a[^b]{9}$`} {
		r := compile(t, source, regex.Flags{})
		var goroutines sync.WaitGroup
		for seed := range uint64(4) {
			goroutines.Go(func() {
				g := rand.New(rand.NewPCG(seed, 0))
				for range 300 {
					text := make([]byte, g.IntN(200))
					for i := range text {
						text[i] = "aaaabbbb\nc kKeEyY"[g.IntN(1+g.IntN(17))]
					}
					agree(t, r, string(text))
				}
			})
		}
		goroutines.Wait()
	}
}

// TestLinear gives expressions that backtrack for ever the texts they do it on. Each has to be done with in the time that a
// few hundred steps for a byte take.
func TestLinear(t *testing.T) {
	const size = 100_000
	f := func(source, text string, want bool) {
		t.Helper()
		r := compile(t, source, regex.Flags{})
		start := time.Now()
		if got := r.Match(text); got != want {
			t.Errorf("%q: got %v, want %v", source, got, want)
		}
		limit := 2 * time.Second
		if raceEnabled {
			limit *= 10
		}
		if took := time.Since(start); took > limit {
			t.Errorf("%q took %v for %d bytes", source, took, len(text))
		}
	}
	// Each text begins with the bytes that its expression cannot do without, so that the lack of them does not decide.
	manyA := "bcz1-=;\n" + strings.Repeat("a", size)
	f(`(a+)+$`, manyA+"b", false)
	f(`^(a+)+$`, manyA, false)
	f(`a(a|aa)*b`, manyA, false)
	f(`(x+x+)+y`, "y"+strings.Repeat("x", size), false)
	f(strings.Repeat("a?", 30)+strings.Repeat("a", 30)+"b", manyA, false)
	f(`(?:a?){30}a{30}$`, manyA, true)
	f(`(?:a?){30}a{30}x$`, "x"+manyA, false)
	f(`(.*)*\d(.*)*=(.*)*;z`, manyA, false)
	f(`a.{40}b.{40}c`, "c\n"+strings.Repeat("ab", size/2), false)
	f(`a.{200}b`, manyA, false)
	f(`a.{200}b.{200}c`, "c\n"+strings.Repeat("aaabbab", size/7), false)
	f(`^(([a-z])+.)+[A-Z]([a-z])+$`, manyA, false)
	f(`(?i)\b(a|k|\w)*\b.{5}-`, "-"+strings.Repeat("aK\u212a ", size/8), false)
}

// TestMemory checks that the states of an expression stay within bounds, whatever the texts.
func TestMemory(t *testing.T) {
	r := compile(t, `a[ab]{14}c`, regex.Flags{})
	g := rand.New(rand.NewPCG(3, 4))
	text := make([]byte, 4096)
	rounds := 200
	if raceEnabled {
		rounds = 20
	}
	// Without the c at the beginning no state would be made.
	text[0] = 'c'
	for range rounds {
		for i := 1; i < len(text); i++ {
			text[i] = "ab"[g.IntN(2)]
		}
		if r.Match(string(text)) {
			t.Fatal("found without a c behind")
		}
		if size := r.StateBytes(); size > 256<<10 {
			t.Fatalf("the states take %d bytes", size)
		}
	}
}

// TestAllocations checks that a text of a known kind costs no memory.
func TestAllocations(t *testing.T) {
	for _, source := range []string{`(?i)\s-(u|user)\b`, `[a-f0-9]{8}-[a-f0-9]{4}.*x$`, `.{1000,}`, `\{.*\{.*\{`, `(?i)[а-я]+\d`} {
		r := compile(t, source, regex.Flags{})
		texts := append(commandLines(), "пример 7", "\xff\xfe{", strings.Repeat("x{", 600))
		run := func() {
			for _, text := range texts {
				r.Match(text)
			}
		}
		run()
		if n := testing.AllocsPerRun(20, run); n != 0 {
			t.Errorf("%q allocates %v times over known texts", source, n)
		}
	}
}
