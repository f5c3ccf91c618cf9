package linux

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The process with kernel access stays small enough to audit. A new module here needs a strong reason, and a line that
// gives it.
var allowedModules = []string{
	"github.com/cilium/ebpf",               // loads the programs
	"github.com/klauspost/compress",        // of nats.go: WebSocket compression, not used
	"github.com/mattn/go-colorable",        // of zerolog's console writer, not used
	"github.com/mattn/go-isatty",           // as above
	"github.com/nats-io/nats.go",           // the bus
	"github.com/nats-io/nkeys",             // of nats.go
	"github.com/nats-io/nuid",              // of nats.go: inbox names
	"github.com/planetscale/vtprotobuf",    // encodes events without allocating
	"github.com/rs/zerolog",                // logs
	"github.com/vedette-edr/vedette/bpf",   //
	"github.com/vedette-edr/vedette/proto", //
	"golang.org/x/crypto",                  // of nkeys
	"golang.org/x/sys",                     // system calls
	"google.golang.org/protobuf",           // the event model
}

// Packages of the allowed modules and of the standard library that parse what an attacker formats.
var forbiddenPackages = []string{
	"debug/pe", "debug/macho", "archive/zip", "archive/tar", "text/template", "html/template",
	"golang.org/x/net/dns/dnsmessage", "google.golang.org/protobuf/encoding/protojson",
}

const command = "github.com/vedette-edr/vedette/collector/linux/cmd/vedette-collector"

func TestImportClosureIsPinned(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{with .Module}}{{.Path}}{{end}}", command).Output()
	if err != nil {
		t.Fatalf("cannot list what the collector imports: %v", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if slices.Contains(forbiddenPackages, fields[0]) {
			t.Errorf("the collector imports %s, which parses foreign formats; that is the analyzer's work", fields[0])
		}
		if len(fields) < 2 || strings.HasSuffix(fields[1], "/collector") {
			continue
		}
		if !seen[fields[1]] && !slices.Contains(allowedModules, fields[1]) {
			t.Errorf("the collector imports %s of module %s, which is not on the list of this test", fields[0], fields[1])
		}
		seen[fields[1]] = true
	}
	for _, m := range allowedModules {
		if !seen[m] {
			t.Errorf("module %s is allowed but no longer imported: take it off the list", m)
		}
	}
}
