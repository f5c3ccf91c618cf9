package main

import (
	"os"
	"path/filepath"
	"testing"
)

// What go test -v prints: of subtests what they say comes when they run, and the verdicts when their parent has ended.
const printed = `#!/bin/sh
cat <<'END'
=== RUN   TestFirst
=== RUN   TestFirst/good
=== RUN   TestFirst/lacking
    first_test.go:27: needs overlayfs
=== RUN   TestFirst/bad
    first_test.go:30: not reported: file_delete
        events of the act: none
--- FAIL: TestFirst (0.02s)
    --- PASS: TestFirst/good (0.01s)
    --- SKIP: TestFirst/lacking (0.00s)
    --- FAIL: TestFirst/bad (0.01s)
=== RUN   TestSecond
    second_test.go:5: needs Linux 6.6
--- SKIP: TestSecond (0.00s)
FAIL
END
exit 1
`

func TestResultsSayWhy(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "first.test")
	if err := os.WriteFile(binary, []byte(printed), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	r := &results{out: out}
	runTests(r, "first", binary, dir)
	if r.Checks != 5 || r.Failed != 2 {
		t.Errorf("%d checks, %d failed; want 5 and 2", r.Checks, r.Failed)
	}
	want := map[string]string{"first/TestFirst/lacking": "first_test.go:27: needs overlayfs", "first/TestSecond": "second_test.go:5: needs Linux 6.6"}
	for _, s := range r.Skipped {
		if want[s.Test] != s.Reason {
			t.Errorf("%s was skipped for %q, want %q", s.Test, s.Reason, want[s.Test])
		}
		delete(want, s.Test)
	}
	if len(want) > 0 {
		t.Errorf("not skipped: %v", want)
	}
}
