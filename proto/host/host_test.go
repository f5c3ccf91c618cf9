package host

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "machine-id")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := func(text, want string) {
		t.Helper()
		write(text)
		if got, err := ID(path); err != nil || got != want {
			t.Errorf("ID of %q = %q, %v, want %q", text, got, err, want)
		}
	}
	// printf 'vedette-host-id\n0123456789abcdef0123456789abcdef' | sha256sum | cut -c1-12
	f("0123456789abcdef0123456789abcdef\n", "418b48f84cce")
	f("0123456789ABCDEF0123456789abcdef", "418b48f84cce")

	refused := func(text string) {
		t.Helper()
		write(text)
		_, err := ID(path)
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--host-id") {
			t.Errorf("ID of %q: %v, want an error that names the file and the remedy", text, err)
		}
	}
	refused("")
	refused("uninitialized\n")
	refused("00000000000000000000000000000000\n")
	refused("0123456789abcdef")
	refused(strings.Repeat("x", 1000))

	path += "-absent"
	if _, err := ID(path); err == nil || !strings.Contains(err.Error(), "--host-id") {
		t.Errorf("ID without a file: %v, want the remedy", err)
	}
}

func TestBootID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "boot_id")
	f := func(text, want string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := bootID(path); got != want || (err != nil) != (want == "") {
			t.Errorf("bootID of %q = %q, %v, want %q", text, got, err, want)
		}
	}
	f("0a08038f-244d-4e9a-ae87-ff5683d0d1ae\n", "0a08038f-244d-4e9a-ae87-ff5683d0d1ae")
	f("", "")
	f("0a08038f244d4e9aae87ff5683d0d1ae\n", "")
	f("no UUID", "")
}

func TestThisHost(t *testing.T) {
	if runtime.GOOS == "linux" {
		if id, err := BootID(); err != nil || len(id) != 36 {
			t.Errorf("BootID = %q, %v", id, err)
		}
	}
	if Name() == "" {
		t.Error("this host has no name")
	}
}
