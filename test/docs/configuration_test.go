// Package docs keeps the documents for users true to the programs.
package docs

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/app"
	"github.com/vedette-edr/vedette/bus"
	"github.com/vedette-edr/vedette/collector/linux"
	"github.com/vedette-edr/vedette/proto/config"
)

func TestEveryConfigurationKeyIsDocumentedAndEveryDocumentedKeyExists(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	f := func(file string, cfg any) {
		t.Helper()
		_, section, found := strings.Cut(string(text), "\n## "+file+"\n")
		if !found {
			t.Errorf("docs/configuration.md has no section %s", file)
			return
		}
		section, _, _ = strings.Cut(section, "\n## ")
		var documented []string
		for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\|").FindAllStringSubmatch(section, -1) {
			documented = append(documented, m[1])
		}
		slices.Sort(documented)
		keys, err := config.Keys(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(keys, documented); diff != "" {
			t.Errorf("section %s differs from the program (-program +document):\n%s", file, diff)
		}
	}
	f("bus.conf", &bus.Config{})
	f("collector.conf", &linux.Config{})
	f("analyzer.conf", &app.Config{})
}
