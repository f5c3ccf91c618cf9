package users_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/users"
)

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	write(t, path, strings.Join([]string{
		"root:x:0:0:root:/root:/bin/bash",
		"toor:x:0:0:second name of 0:/root:/bin/sh",
		"# comment",
		"",
		"short:x",
		":x:7:7::/:/bin/sh",
		"bad:x:-1:1::/:/bin/sh",
		"huge:x:4294967296:1::/:/bin/sh",
		"ada:x:1000:1000:Ada,,,:/home/ada:/bin/bash",
		"last:x:4294967295",
	}, "\n"))
	names := users.New(path, nil)
	f := func(id uint32, want string) {
		t.Helper()
		if got := names.Name(id); got != want {
			t.Errorf("Name(%d) = %q, want %q", id, got, want)
		}
	}
	f(0, "root")
	f(1000, "ada")
	f(4294967295, "last")
	f(7, "7")
	f(1, "1")
	if _, ok := names.Lookup(7); ok {
		t.Error("a line without a name gave one")
	}
}

func TestChangedFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	now := time.Unix(1000, 0)
	names := users.New(path, func() time.Time { return now })
	f := func(what, want string) {
		t.Helper()
		if got := names.Name(5); got != want {
			t.Errorf("%s: Name(5) = %q, want %q", what, got, want)
		}
	}
	f("no file", "5")
	write(t, path, "ada:x:5:")
	f("within a second", "5")
	now = now.Add(time.Second)
	f("a second later", "ada")
	write(t, path, "grace:x:5:")
	now = now.Add(time.Second)
	f("rewritten", "grace")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	f("removed", "5")
	write(t, path, "grace:x:5:")
	now = now.Add(-time.Hour)
	f("clock set back", "grace")
}

func FuzzName(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash\nada:x:1000:")
	f.Add("a::1\n::\n:::::\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "passwd")
		write(t, path, text)
		names := users.New(path, nil)
		for id := range uint32(3) {
			if names.Name(id) == "" {
				t.Errorf("number %d has an empty name in %q", id, text)
			}
		}
	})
}

func TestKnownNameCostsNoAllocation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	write(t, path, "ada:x:5:")
	names := users.New(path, nil)
	names.Name(5)
	if n := testing.AllocsPerRun(100, func() { names.Lookup(5) }); n > 0 {
		t.Errorf("a lookup costs %v allocations, want 0", n)
	}
}

func TestFixedTable(t *testing.T) {
	names := users.Fixed(map[uint32]string{7: "anna"})
	if got := names.Name(7); got != "anna" {
		t.Errorf("7 is %q", got)
	}
	if name, ok := names.Lookup(0); ok {
		t.Errorf("0 is %q", name)
	}
	if got := users.Fixed(nil).Name(9); got != "9" {
		t.Errorf("9 is %q", got)
	}
}
