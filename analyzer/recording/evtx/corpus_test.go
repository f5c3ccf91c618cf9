package evtx

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

func TestCorpus(t *testing.T) {
	var files, records, elements int
	for _, folder := range []string{"evtx", "sigma/regression"} {
		err := filepath.WalkDir(sigmatest.Corpus(t, folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".evtx" {
				return err
			}
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			defer file.Close()
			r, err := New(file)
			if err != nil {
				return err
			}
			files++
			before := records
			for {
				record, err := r.Next()
				var damage *Damage
				switch {
				case errors.As(err, &damage):
					t.Errorf("%s: %v", path, err)
					continue
				case errors.Is(err, io.EOF):
					if records == before {
						t.Errorf("%s: no records", path)
					}
					return nil
				case err != nil:
					return err
				}
				records++
				elements += len(record.Elements)
				if record.Elements[0].Name != "Event" || record.ID == 0 {
					t.Errorf("%s: record %d begins with %s", path, record.ID, record.Elements[0].Name)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d files, %d records, %d elements", files, records, elements)
}
