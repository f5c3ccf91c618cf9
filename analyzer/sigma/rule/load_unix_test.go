//go:build unix

package rule

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestLoadWalksDirectories(t *testing.T) {
	rule := func(title string) string {
		return "title: " + title + "\nlogsource: {product: linux}\ndetection: {a: {A: x}, condition: a}\n"
	}
	one, two := t.TempDir(), t.TempDir()
	write(t, filepath.Join(one, "b.yml"), rule("b"))
	write(t, filepath.Join(one, "sub", "deep", "a.yaml"), rule("a"))
	write(t, filepath.Join(one, "b.test.yml"), "fires: []\n")
	write(t, filepath.Join(one, "notes.txt"), "not a rule")
	write(t, filepath.Join(one, ".hidden", "h.yml"), rule("h"))
	write(t, filepath.Join(one, ".h.yml"), rule("h"))
	write(t, filepath.Join(two, "broken.yml"), "title: [")
	write(t, filepath.Join(two, "huge.yml"), strings.Repeat("#", largestFile+1))
	write(t, filepath.Join(two, "c.yml"), rule("c"))
	if err := os.Symlink(filepath.Join(two, "c.yml"), filepath.Join(two, "link.yml")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(two, "pipe.yml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(two, "dangling.yml")); err != nil {
		t.Fatal(err)
	}
	single := write(t, filepath.Join(t.TempDir(), "single.rule"), rule("single"))

	set, problems, err := Load(Options{}, one, two, filepath.Join(one, "sub"), single, filepath.Join(one, "b.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, r := range set.Rules {
		titles = append(titles, r.Title)
	}
	if got := strings.Join(titles, " "); got != "b a c single" {
		t.Errorf("loaded %q", got)
	}
	var places []string
	for _, p := range problems {
		places = append(places, filepath.Base(p.File))
		if p.Remedy == "" || p.Line < 1 {
			t.Errorf("problem says too little: %v", p)
		}
	}
	// The link has the same rule a second time.
	if got := strings.Join(places, " "); got != "broken.yml dangling.yml huge.yml link.yml pipe.yml" {
		t.Errorf("problems in %q: %v", got, problems)
	}
	if set.Refused != 5 || set.Skipped != 0 {
		t.Errorf("counts %d, %d", set.Refused, set.Skipped)
	}
}
