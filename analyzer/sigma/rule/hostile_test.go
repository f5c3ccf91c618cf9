package rule

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// costOf measures what a file costs: time, and the most memory in use.
func costOf(t *testing.T, data []byte) (set *Set, problems []Problem, took time.Duration, peak uint64) {
	t.Helper()
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > before.HeapAlloc {
				peak = max(peak, now.HeapAlloc-before.HeapAlloc)
			}
		}
	}()
	start := time.Now()
	set, problems = Parse(Options{}, "hostile.yml", data)
	took = time.Since(start)
	close(stop)
	<-stopped
	return set, problems, took, peak
}

// A rule of 10 MB with 100,000 values loads within bounds.
func TestLargeRule(t *testing.T) {
	if RaceEnabled {
		t.Skip("time and memory are not those of the program under the race detector")
	}
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("title: Large\nlogsource: {product: windows}\ndetection:\n  a:\n    CommandLine|contains:\n")
	for i := range 100_000 {
		fmt.Fprintf(&b, "      - 'C:\\Users\\%06d\\", i)
		for range 75 {
			b.WriteByte(byte('a' + random.IntN(26)))
		}
		b.WriteString(".exe'\n")
	}
	b.WriteString("  condition: a\n")
	set, problems, took, peak := costOf(t, []byte(b.String()))
	t.Logf("%d bytes: %v, %d MiB", b.Len(), took, peak>>20)
	if len(set.Rules) != 1 || len(problems) > 0 {
		t.Fatalf("%d rules, problems %v", len(set.Rules), problems)
	}
	if got := len(set.Rules[0].Selections[0].Body.(*Item).Values); got != 100_000 {
		t.Errorf("%d values", got)
	}
	if peak > 500<<20 {
		t.Errorf("needs %d MiB", peak>>20)
	}
}

// Files made to cost much are refused, and soon.
func TestHostileFiles(t *testing.T) {
	if RaceEnabled {
		t.Skip("time and memory are not those of the program under the race detector")
	}
	fill := func(piece string, size int) string { return strings.Repeat(piece, size/len(piece)) }
	const size = 16 << 20
	rule := func(lines string) string { return ruleText(lines) }
	f := func(name, text, want string) {
		t.Helper()
		set, problems, took, peak := costOf(t, []byte(text))
		t.Logf("%s: %v, %d MiB", name, took, peak>>20)
		if set.Refused == 0 || len(problems) == 0 || !strings.Contains(problems[0].String(), want) {
			t.Errorf("%s: %d rules, problems %v, want %s", name, len(set.Rules), problems, want)
		}
		// Other tests may be running on the same processors.
		if took > 30*time.Second || peak > 700<<20 {
			t.Errorf("%s took %v and %d MiB", name, took, peak>>20)
		}
	}
	f("too large", fill("#", size+1), "the file is larger than")
	f("open lists", fill("[", size), "YAML values, which are more than 1048576")
	f("deep lists", fill("[", 1_000_000), "nest deeper than 100")
	f("deep mappings", fill("{a: ", 1_000_000), "nest deeper than 100")
	f("deep blocks", fill("- ", 1_000_000), "nest deeper than 100")
	f("questions", fill("? ", 1_000_000), "nest deeper than 100")
	f("many values", "title: [x"+fill(",x", size-100)+"]", "YAML values")
	f("one long text", "title: "+fill("x", size-100), "has no logsource")
	f("long key", fill("x", size-100)+": y", "the rule has no title")
	f("comments", fill("#\n", 2_000_000), "the file holds no rule")
	f("colons", "title: "+fill("a:b", 2_000_000), "has no logsource")
	f("anchors", "title: t\na: ["+fill("&a x, ", 1_000_000)+"]\n", "has no logsource")
	f("quotes", "title: t\na: '"+fill("''", 2_000_000)+"\n", "cannot read YAML")
	f("line breaks in quotes", "title: t\na: \""+fill("\n", 900_000)+"\"\n", "has no logsource")
	f("folded text", "title: t\na: >\n"+fill("  x\n", 2_000_000), "has no logsource")
	f("documents", fill("---\nx\n", 2_000_000), "the rule is not a mapping")
	f("keys", "title: t\n"+manyKeys(200_000), "has no logsource")
	f("nested condition", rule("a: {A: x}\ncondition: "+fill("(", 10_000)+"a"+fill(")", 10_000)), "nests deeper than 64")
	f("long condition", rule("a: {A: x}\ncondition: "+fill("a or ", 1_000_000)+"b"), `names "b"`)
	f("dashes", rule("a:\n  A|windash|base64offset: ["+fill("'-a -b -c -d -e -f', ", 4_000)+"x]\ncondition: a"), "the file makes more than 1048576 values")
	f("global", "action: global\ntitle: t\nlogsource: {product: x}\ndetection:\n  condition: a\n  a: {A: ["+fill("x,", 40_000)+"x]}\n"+fill("---\nlevel: low\n", 50_000), "the file makes more than 1048576 values")
}

// Many files together are bounded as well.
func TestHostileSet(t *testing.T) {
	dir := t.TempDir()
	for i := range 20 {
		write(t, filepath.Join(dir, fmt.Sprintf("%02d.yml", i)), fmt.Sprintf("title: t%d\nlogsource: {product: x}\ndetection: {a: {A: [%sx]}, condition: a}\n", i, strings.Repeat("x, ", 1000)))
	}
	l := newLoader()
	l.mostSteps = 5000
	if err := l.walk(dir); err != nil {
		t.Fatal(err)
	}
	l.readFiles()
	set := l.finish()
	// Files that are being read at the moment are finished.
	if len(set.Rules) < 5 || len(set.Rules) > 5+16 || len(set.Rules)+set.Refused != 20 || len(l.problems) != set.Refused {
		t.Fatalf("%d rules, %d refused", len(set.Rules), set.Refused)
	}
	for _, p := range l.problems {
		if p.String() != p.File+":1:1: the files before it have more than 5000 values and patterns; load fewer rules" {
			t.Errorf("got %v", p)
		}
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: v\n", i)
	}
	return b.String()
}
