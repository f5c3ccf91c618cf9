package budget

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "budget")
	empty, err := Read(path)
	if err != nil || len(empty) != 0 {
		t.Fatalf("a file that is not there gives %v, %v", empty, err)
	}
	want := Budget{"exec": {"5.10": 100, "6.1": 200, "host-6.18": 300}, "fork": {"6.1": 7}}
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"5.10", "6.1", "host-6.18"}, got.kernels()); diff != "" {
		t.Errorf("the columns (-want +got):\n%s", diff)
	}
}

func TestKernelsAreInOrderOfAge(t *testing.T) {
	b := Budget{"p": {"6.12": 1, "host-6.18": 1, "6.1": 1, "7.3": 1, "5.10": 1}}
	if diff := cmp.Diff([]string{"5.10", "6.1", "6.12", "7.3", "host-6.18"}, b.kernels()); diff != "" {
		t.Error(diff)
	}
}

func TestADamagedFileIsRefused(t *testing.T) {
	for _, content := range []string{"program 6.1\nexec\n", "program 6.1\nexec many\n", "program 6.1\nexec 1\nexec 1\n", "program 6.1\nexec -1\n"} {
		if b, err := parse([]byte(content)); err == nil {
			t.Errorf("%q is read as %v", content, b)
		}
	}
}

func TestCompare(t *testing.T) {
	b := Budget{"small": {"6.1": 1000}, "large": {"6.1": 100_000}, "other": {"5.10": 10}}
	f := func(walked map[string]uint32, complaints ...string) {
		t.Helper()
		got := b.Compare("6.1", walked)
		if len(got) != len(complaints) {
			t.Errorf("%v gives %q, want %d complaints", walked, got, len(complaints))
			return
		}
		for i, c := range complaints {
			if !strings.Contains(got[i], c) || !strings.Contains(got[i], "make budget") {
				t.Errorf("%v gives %q, want %q and the remedy", walked, got[i], c)
			}
		}
	}
	f(map[string]uint32{"small": 1000, "large": 100_000})
	f(map[string]uint32{"small": 10, "large": 10})
	// Half as much again, but few.
	f(map[string]uint32{"small": 1500, "large": 100_000})
	f(map[string]uint32{"small": 1501, "large": 100_000}, "1501 instructions of small")
	// Many, but not a tenth.
	f(map[string]uint32{"small": 1000, "large": 110_000})
	f(map[string]uint32{"small": 1000, "large": 110_001}, "110001 instructions of large")
	f(map[string]uint32{"small": 1000, "large": 100_000, "new": 5}, "new has no entry")
	f(map[string]uint32{"small": 1000, "large": 100_000, "other": 5}, "other has no entry")
	f(map[string]uint32{"small": 1000}, "large is not loaded")
}

func TestSetForgetsWhatIsGone(t *testing.T) {
	b := Budget{"gone": {"6.1": 1}, "kept": {"6.1": 1, "5.10": 2}}
	b.Set("6.1", map[string]uint32{"new": 3})
	if diff := cmp.Diff(Budget{"kept": {"5.10": 2}, "new": {"6.1": 3}}, b); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !b.Knows("6.1") || b.Knows("7.3") {
		t.Error("Knows is wrong about what it has entries for")
	}
}
