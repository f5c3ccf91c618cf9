package preflight

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/vedette/exit"
)

func TestCheck(t *testing.T) {
	btf := filepath.Join(t.TempDir(), "vmlinux")
	if err := os.WriteFile(btf, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(h Host, want string) {
		t.Helper()
		err := Check(h)
		switch {
		case want == "" && err != nil:
			t.Errorf("%+v is refused: %v", h, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || exit.Code(err) != exit.Refused):
			t.Errorf("%+v gives %v, want a refusal with %q", h, err, want)
		}
	}
	f(Host{Release: "5.8.0", BTF: btf}, "")
	f(Host{Release: "5.10.0-33-amd64", BTF: btf}, "")
	f(Host{Release: "6.18.44-fc-v445", BTF: btf}, "")
	f(Host{Release: "10.0", BTF: btf}, "")
	f(Host{Release: "6.1+", BTF: btf}, "")
	f(Host{EUID: 1000, Release: "6.1.0", BTF: btf}, "sudo vedette up")
	f(Host{Release: "5.7.19", BTF: btf}, "too old")
	f(Host{Release: "4.19.0", BTF: btf}, "too old")
	f(Host{Release: "6.1.0", BTF: btf + ".absent"}, "CONFIG_DEBUG_INFO_BTF")
	f(Host{Release: "six", BTF: btf}, `"six"`)
	f(Host{Release: "", BTF: btf}, "cannot read")
}

func TestHere(t *testing.T) {
	h, err := Here()
	if err != nil || h.Release == "" || h.EUID != os.Geteuid() {
		t.Errorf("got %+v, %v", h, err)
	}
	if _, _, err := version(h.Release); err != nil {
		t.Error(err)
	}
}
