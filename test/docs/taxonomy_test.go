package docs

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
)

// update writes what is generated anew: go test ./test/docs -update.
var update = flag.Bool("update", false, "write docs/taxonomy.md")

// introduction stands above the tables.
const introduction = `# Log sources and fields

What Vedette supplies of Sigma's log sources and fields, and since which version. This page is written by the program, from the
tables that ` + "`vedette rules check`" + ` goes by. "Not yet" means that the sensor is still to come: rules load, and wait for it. "Sometimes"
says when a field is absent; a field that is not named is never there.

`

func TestTaxonomyIsDocumented(t *testing.T) {
	const path = "../../docs/taxonomy.md"
	want := bytes.NewBufferString(introduction)
	if err := taxonomy.WriteTable(want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("docs/taxonomy.md is not that of the program; run go test ./test/docs -update (-program +document):\n%s", diff)
	}
}
