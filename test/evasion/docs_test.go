package evasion

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cases are all names, by the section of docs/evasion.md that lists them.
func cases() map[string][]string {
	acts := func(scenarios ...[]scenario) []string {
		var out []string
		for _, s := range slices.Concat(scenarios...) {
			out = append(out, s.act)
		}
		return out
	}
	ops := func(ops []op) []string {
		var out []string
		for _, o := range ops {
			out = append(out, o.name)
		}
		return out
	}
	var races []string
	for _, r := range raceScenarios {
		races = append(races, r.act)
	}
	return map[string][]string{
		"Files: how they are named":                     slices.Concat(placeNames, []string{"beyond-path-max"}, ops(linkOps)),
		"Files: how the kernel is entered, and by whom": slices.Concat(wayNames, performerNames),
		"Files by descriptor":                           acts(handleScenarios),
		"Names that change under way":                   races,
		"Mounts, sockets, memory files":                 acts(mountScenarios),
		"Programs":                                      acts(execScenarios),
		"Memory and other processes":                    acts(memoryScenarios),
		"Identity":                                      acts(identityScenarios),
		"Kernel":                                        acts(kernelScenarios),
	}
}

func TestEveryTrickIsDocumentedAndEveryDocumentedTrickIsTested(t *testing.T) {
	text, err := os.ReadFile("../../docs/evasion.md")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the documents are not on this machine")
	}
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`([^`]+)`")
	documented := map[string][]string{}
	for section := range strings.SplitSeq(string(text), "\n## ") {
		title, rest, _ := strings.Cut(section, "\n")
		for line := range strings.Lines(rest) {
			cell, ok := strings.CutPrefix(line, "| `")
			if !ok {
				continue
			}
			cell, _, _ = strings.Cut("`"+cell, " | ")
			for _, m := range names.FindAllStringSubmatch(cell, -1) {
				documented[title] = append(documented[title], m[1])
			}
		}
		slices.Sort(documented[title])
	}
	delete(documented, "# Evasion")
	tested := cases()
	for _, list := range tested {
		slices.Sort(list)
	}
	if diff := cmp.Diff(tested, documented); diff != "" {
		t.Errorf("docs/evasion.md differs from the tests (-tests +document):\n%s", diff)
	}
	for _, op := range fileOps {
		if !strings.Contains(string(text), "`"+op.name+"`") {
			t.Errorf("docs/evasion.md does not name the act %q", op.name)
		}
	}
}
