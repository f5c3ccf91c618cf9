package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyANewerKernelExcusesATest(t *testing.T) {
	f := func(release, text string, want bool) {
		t.Helper()
		r := Report{Release: release}
		if got := r.NewerKernel(text); got != want {
			t.Errorf("on %s, %q gives %v, want %v", release, text, got, want)
		}
	}
	f("5.10.0-32-cloud-amd64", "x_test.go:7: needs Linux 5.12", true)
	f("5.10.0-32-cloud-amd64", "needs Linux 6.1, for its table", true)
	f("6.12.1", "needs Linux 6.12", false)
	f("6.12.1", "needs Linux 6.2", false)
	f("7.3.4", "needs Linux 6.18", false)
	f("6.12.1", "needs root", false)
	f("6.12.1", "needs Linux of some sort", false)
}

func TestSeries(t *testing.T) {
	for release, want := range map[string]string{"5.10.0-32-cloud-amd64": "5.10", "7.3.4+deb13-cloud-amd64": "7.3", "6.18-rc1": "6.18"} {
		if got := (&Report{Release: release}).Series(); got != want {
			t.Errorf("%s is of series %q, want %q", release, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	err := Write(&out, []Column{
		{"5.10", &Report{
			Release: "5.10.1", Checks: 4, Skipped: []Skip{{"x", "needs y"}},
			Programs: []Program{{Name: "exec", Hook: "tp_btf/exec", Runs: 3, Verified: 10}, {Name: "open", Hook: "sys_enter", Reason: "no such hook"}},
			Classes:  []Class{{Name: "process", Made: 7}}, Stages: []Stage{{"boot", 4.4}},
		}},
		{"7.3", &Report{
			Release: "7.3.4", Checks: 5, Failed: 1,
			Programs: []Program{{Name: "exec", Hook: "tp_btf/exec", Runs: 4, Verified: 11}, {Name: "open", Hook: "sys_enter", Verified: 1}},
			Classes:  []Class{{Name: "file", Made: 2, Lost: 1}, {Name: "process", Made: 8}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `runs of each program   5.10    7.3
  exec                 3       4
  open                 [1]     called
attached               1 of 2  2 of 2
instructions verified  10      12
events of each class
  file                 0       2, lost 1
  process              7       8
checks                 4       5
  failed               0       1
  skipped              1       0
seconds
  boot                 4       -
kernel                 5.10.1  7.3.4
[1] no such hook
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
