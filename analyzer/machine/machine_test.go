package machine_test

import (
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/vedette-edr/vedette/analyzer/machine"
	"github.com/vedette-edr/vedette/proto/ecs"
)

func describe(t *testing.T, osRelease string) ecs.Host {
	t.Helper()
	path := filepath.Join(t.TempDir(), "os-release")
	if err := os.WriteFile(path, []byte(osRelease), 0o644); err != nil {
		t.Fatal(err)
	}
	return machine.Describe("id", "name", []string{"/nonexistent/os-release", path})
}

func TestDescribe(t *testing.T) {
	h := describe(t, "# comment\nID=debian\nNAME=\"Debian GNU/Linux\"\nVERSION_ID='12'\nPRETTY_NAME=\"A \\\"quoted\\\" \\\\ name\"\nnonsense\n")
	if h.ID != "id" || h.Name != "name" || h.Hostname != "name" {
		t.Errorf("the host is %+v", h)
	}
	got := *h.OS
	got.Kernel = ""
	if want := (ecs.OS{Type: "linux", Platform: "debian", Name: "Debian GNU/Linux", Version: "12", Full: `A "quoted" \ name`}); got != want {
		t.Errorf("the system is %+v, want %+v", got, want)
	}
	if h.OS.Kernel == "" || h.Architecture == "" {
		t.Errorf("uname says nothing: %+v, %+v", h, h.OS)
	}
}

func TestDescribeWithoutAFile(t *testing.T) {
	if h := machine.Describe("id", "name", nil); h.OS.Type != "linux" || h.OS.Platform != "" {
		t.Errorf("the system is %+v", h.OS)
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add("ID=debian\nNAME=\"x\\\"\"\n")
	f.Add("NAME='\xff'")
	f.Fuzz(func(t *testing.T, osRelease string) {
		h := describe(t, osRelease)
		for _, text := range []string{h.OS.Platform, h.OS.Name, h.OS.Version, h.OS.Full} {
			if !utf8.ValidString(text) {
				t.Errorf("%q gives invalid text %q", osRelease, text)
			}
		}
	})
}
