package bus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"
)

func TestAddReader(t *testing.T) {
	store, out := t.TempDir(), filepath.Join(t.TempDir(), "new", "dir")
	r, err := AddReader(store, out, "siem-1")
	if err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{
		r.SeedFile: 0o600, r.CAFile: 0o644, r.Example: 0o700, filepath.Join(store, "readers"): 0o600, filepath.Join(store, "tls.pem"): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want mode %o", path, info, err, mode)
		}
	}
	seed, err := os.ReadFile(r.SeedFile)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(string(seed))))
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil || public != r.Nkey {
		t.Errorf("seed of %s, %v; want %s", public, err, r.Nkey)
	}
	readers, err := os.ReadFile(filepath.Join(store, "readers"))
	if err != nil || string(readers) != public+" siem-1\n" {
		t.Errorf("file of readers %q, %v", readers, err)
	}
	if ca, err := os.ReadFile(r.CAFile); err != nil || strings.Contains(string(ca), "PRIVATE") {
		t.Errorf("ca.pem %q, %v", ca, err)
	}
	example, err := os.ReadFile(r.Example)
	if err != nil || !strings.Contains(string(example), `--nkey "$here/siem-1.nk"`) || !strings.Contains(string(example), "sub 'vedette.v1.*.alerts.>'") {
		t.Errorf("example %q, %v", example, err)
	}

	// Another reader may live in the same directory, as the certificate is the same.
	if _, err := AddReader(store, out, "siem-2"); err != nil {
		t.Error(err)
	}
}

func TestAddReaderIsRefused(t *testing.T) {
	store := t.TempDir()
	if _, err := AddReader(store, t.TempDir(), "taken"); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(store, "readers"))
	if err != nil {
		t.Fatal(err)
	}
	f := func(name, want string, prepare func(out string)) {
		t.Helper()
		out := t.TempDir()
		prepare(out)
		_, err := AddReader(store, out, name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", name, err, want)
		}
	}
	nothing := func(string) {}
	f("", "1 to 64 characters", nothing)
	f("../x", "may hold only", nothing)
	f("a b", "may hold only", nothing)
	f("taken", "has a reader \"taken\" already", nothing)
	f("x", "exists, choose another", func(out string) { write(t, filepath.Join(out, "x.nk"), "") })
	after, err := os.ReadFile(filepath.Join(store, "readers"))
	if err != nil || string(after) != string(before) {
		t.Errorf("refused, but the file of readers changed to %q, %v", after, err)
	}
	// Noticed only when the key exists: the error says how to undo it.
	f("y", "remove its line before you try again", func(out string) { write(t, filepath.Join(out, "ca.pem"), "other") })
	if _, err := AddReader(filepath.Join(store, "absent"), t.TempDir(), "x"); err == nil {
		t.Error("no error for a store that does not exist")
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
