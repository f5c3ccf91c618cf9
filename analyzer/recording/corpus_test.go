package recording

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

// all reads a recording without problems: the values of each record by name.
func all(t *testing.T, path string) []map[string][]string {
	t.Helper()
	r, err := Open(path, Auto)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var records []map[string][]string
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return records
		}
		if err != nil {
			t.Fatal(err)
		}
		values := make(map[string][]string)
		for name, value := range record.Values() {
			values[strings.Clone(name)] = append(values[name], strings.Clone(value))
		}
		records = append(records, values)
	}
}

func corpusFiles(t *testing.T, folder, extension string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(sigmatest.Corpus(t, folder), func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == extension {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestTwins compares event logs with the JSON that evtx_dump made of them. It cuts off spaces at the end, and writes GUIDs
// without braces and times to the microsecond, where Windows keeps the spaces and has braces, which rules have too, and seven
// digits.
func TestTwins(t *testing.T) {
	guid := regexp.MustCompile(`^\{([0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12})\}$`)
	moment := regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})\dZ$`)
	likeDump := func(value string) string {
		return strings.TrimRight(moment.ReplaceAllString(guid.ReplaceAllString(value, "$1"), "${1}Z"), " ")
	}
	same := cmp.Comparer(func(x, y string) bool { return likeDump(x) == likeDump(y) })
	var files, records, values int
	for _, path := range corpusFiles(t, "sigma/regression", ".evtx") {
		files++
		twin := strings.TrimSuffix(path, ".evtx") + ".json"
		binary, text := all(t, path), all(t, twin)
		for _, r := range binary {
			records++
			values += len(r)
		}
		if diff := cmp.Diff(text, binary, same); diff != "" {
			t.Errorf("%s differs from its twin (-JSON +EVTX):\n%s", path, diff)
		}
	}
	t.Logf("%d files, %d records, %d values", files, records, values)
}

// TestEventLogs reads the attack recordings, in which nothing is damaged.
func TestEventLogs(t *testing.T) {
	var files, records, values int
	providers := make(map[string]bool)
	for _, path := range corpusFiles(t, "evtx", ".evtx") {
		files++
		r, err := Open(path, Auto)
		if err != nil {
			t.Fatal(err)
		}
		before := records
		for {
			record, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Error(err)
				continue
			}
			records++
			values += len(record.AppendValues(nil))
			providers[strings.Clone(record.Provider())] = true
			if record.Channel() == "" || record.EventID() == 0 || record.Time().Year() < 2000 || !record.Windows() {
				t.Errorf("%v: %q %d %v", record.Position(), record.Channel(), record.EventID(), record.Time())
			}
		}
		if records == before {
			t.Errorf("%s has no records", path)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d files, %d records of %d providers, %d values", files, records, len(providers), values)
}

// TestFlatLines reads the recordings in flat lines. Some of their files have a damaged line.
func TestFlatLines(t *testing.T) {
	var records, problems, withoutTime int
	start := time.Now()
	for _, path := range corpusFiles(t, "otrf", ".zip") {
		r, err := Open(path, Auto)
		if err != nil {
			t.Fatal(err)
		}
		before := records
		for limit := sampleSize(); limit > 0; limit-- {
			record, err := r.Next()
			if problem, ok := errors.AsType[*Problem](err); ok {
				problems++
				t.Log(problem)
				continue
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			records++
			if record.Time().IsZero() {
				withoutTime++
			}
			if record.Channel() == "" || record.EventID() == 0 || record.Provider() == "" {
				t.Errorf("%v: %q %q %d", record.Position(), record.Channel(), record.Provider(), record.EventID())
			}
		}
		if records == before {
			t.Errorf("%s has no records", path)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d records, %d problems, %d without a time, in %v", records, problems, withoutTime, time.Since(start))
}

// TestFlatLinesLikeEncodingJSON compares the values of recorded lines with those that encoding/json finds.
func TestFlatLinesLikeEncodingJSON(t *testing.T) {
	for _, line := range flatLines(t, 50) {
		want, ok := oracle(line)
		if !ok {
			t.Fatalf("no oracle for %.80s", line)
		}
		checkFields(t, line, want)
	}
}
