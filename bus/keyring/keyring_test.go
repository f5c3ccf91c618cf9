package keyring

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nkeys"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func publicKey(t testing.TB) string {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func TestIdentityIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	// Several at once, as a bus and `vedette creds reader` may: all get the same.
	certs := make([]string, 8)
	var work sync.WaitGroup
	for i := range certs {
		work.Go(func() {
			cert, err := Identity(dir, "127.0.0.1", now)
			if err != nil {
				t.Error(err)
				return
			}
			certs[i] = string(CertificatePEM(cert))
		})
	}
	work.Wait()
	for _, c := range certs {
		if c == "" || c != certs[0] {
			t.Fatal("two identities were made")
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("files %v, %v; want the identity alone", files, err)
	}
	if info, err := os.Stat(IdentityPath(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}

	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(certs[0])) {
		t.Fatal("the exported certificate cannot be read")
	}
	cert, err := Identity(dir, "", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name, CurrentTime: now}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIdentityIsRefused(t *testing.T) {
	f := func(want, host string, at time.Time, spoil func(path string)) {
		t.Helper()
		dir := t.TempDir()
		if _, err := Identity(dir, "10.1.2.3", now); err != nil {
			t.Fatal(err)
		}
		spoil(IdentityPath(dir))
		_, err := Identity(dir, host, at)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir)) {
			t.Errorf("error %v, want %q and the file", err, want)
		}
	}
	whole := func(string) {}
	f("", "10.1.2.3", now, whole)
	f("", "0.0.0.0", now, whole)
	f("", "::", now, whole)
	f("does not stand for \"10.9.9.9\": remove", "10.9.9.9", now, whole)
	f("expired on 20", "", now.Add(2*validity), whole)
	f("set mode 0600", "", now, func(path string) { check(t, os.Chmod(path, 0o644)) })
	f("remove it to have a new one made", "", now, func(path string) { check(t, os.WriteFile(path, []byte("x"), 0o600)) })
	f("it has several names", "", now, func(path string) { check(t, os.Link(path, path+".x")) })
	f("not a plain file", "", now, func(path string) {
		check(t, os.Remove(path))
		check(t, syscall.Mkfifo(path, 0o600))
	})
	f("path escapes", "", now, func(path string) {
		check(t, os.Remove(path))
		check(t, os.Symlink("/etc/passwd", path))
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A store that belongs to a hostile bus cannot make root write elsewhere.
func TestAddStaysInTheStore(t *testing.T) {
	f := func(what string, prepare func(dir, victim string)) {
		t.Helper()
		dir := t.TempDir()
		victim := filepath.Join(t.TempDir(), "victim")
		check(t, os.WriteFile(victim, []byte("precious\n"), 0o644))
		prepare(dir, victim)
		if _, _, err := Add(dir, "x"); err == nil {
			t.Errorf("%s: no error", what)
		}
		if content, err := os.ReadFile(victim); err != nil || string(content) != "precious\n" {
			t.Errorf("%s: the file is now %q, %v", what, content, err)
		}
	}
	f("symbolic link", func(dir, victim string) { check(t, os.Symlink(victim, filepath.Join(dir, readersFile))) })
	f("hard link", func(dir, victim string) { check(t, os.Link(victim, filepath.Join(dir, readersFile))) })
	f("pipe", func(dir, _ string) { check(t, syscall.Mkfifo(filepath.Join(dir, readersFile), 0o600)) })
	f("directory", func(dir, _ string) { check(t, os.Mkdir(filepath.Join(dir, readersFile), 0o700)) })
}

// Root adds keys to a store that is the bus's own; the bus must be able to read them.
func TestAddGivesTheFileToTheBus(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to act for another user")
	}
	dir := t.TempDir()
	check(t, os.Chown(dir, 61000, 61000))
	_, _, err := Add(dir, "x")
	check(t, err)
	_, err = Identity(dir, "", now)
	check(t, err)
	for _, name := range []string{readersFile, identityFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		check(t, err)
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 61000 || stat.Gid != 61000 {
			t.Errorf("%s belongs to %d:%d", name, stat.Uid, stat.Gid)
		}
	}
	check(t, os.Chown(filepath.Join(dir, readersFile), 0, 0))
	if _, _, err := Add(dir, "y"); err == nil || !strings.Contains(err.Error(), "give both one owner with chown") {
		t.Errorf("error %v", err)
	}
}

func TestAddKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	old := publicKey(t) + " old # no line end"
	check(t, os.WriteFile(filepath.Join(dir, readersFile), []byte("# by hand\n"+old), 0o600))
	added, seed, err := Add(dir, "new")
	check(t, err)
	if !strings.HasPrefix(string(seed), "SU") {
		t.Error("no seed of a user")
	}
	content, err := os.ReadFile(filepath.Join(dir, readersFile))
	check(t, err)
	if want := "# by hand\n" + old + "\n" + added.Nkey + " new\n"; string(content) != want {
		t.Errorf("file %q, want %q", content, want)
	}
	if _, _, err := Add(dir, "old"); err == nil {
		t.Error("a name was given twice")
	}
}

func TestParseReaders(t *testing.T) {
	a, b := publicKey(t), publicKey(t)
	f := func(in string, want []Reader, problems ...string) {
		t.Helper()
		got, errs := ParseReaders([]byte(in), "readers")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
		if len(errs) != len(problems) {
			t.Errorf("%q: problems %v, want %q", in, errs, problems)
			return
		}
		for i, err := range errs {
			var line *LineError
			if !errors.As(err, &line) || !strings.Contains(err.Error(), problems[i]) {
				t.Errorf("%q: %v, want %q", in, err, problems[i])
			}
		}
	}
	f("", nil)
	f("# only a comment\n\n  \n", nil)
	f(a+" alice\n"+b+"\tbob # SIEM\r\n", []Reader{{a, "alice"}, {b, "bob"}})
	f(a+" same\n"+b+" same", []Reader{{a, "same"}, {b, "same"}})
	f(a+"\n"+b+" bob", []Reader{{b, "bob"}}, "readers:1: a line is a public nkey and a name, this one has 1 words")
	f(a+" a b", nil, "this one has 3 words")
	f("UNONSENSE x", nil, `"UNONSENSE" is not the public nkey of a user`)
	f(a[:55]+"0 x", nil, "is not the public nkey")
	f(a+" a\n\n"+a+" b", []Reader{{a, "a"}}, "readers:3: this nkey is on line 1 already")
	f(a+" a/b", nil, "may hold only")
	f("SUSECRETSECRET x", nil, "looks like a seed")
	if _, errs := ParseReaders([]byte("SUSECRETSECRET x"), "f"); strings.Contains(fmt.Sprint(errs), "SECRETSECRET") {
		t.Error("a seed is repeated in the message")
	}
}

func FuzzParseReaders(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("# x\nU y\n"))
	f.Add([]byte(publicKey(f) + " alice\n" + publicKey(f) + " b#\n\x00 \xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		readers, problems := ParseReaders(content, "readers")
		for _, r := range readers {
			if !nkeys.IsValidPublicUserKey(r.Nkey) || ValidName(r.Name) != nil {
				t.Fatalf("%q gives %+v", content, r)
			}
		}
		for _, p := range problems {
			if p.Error() == "" {
				t.Fatal("an empty problem")
			}
		}
	})
}

func TestPoll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, readersFile)
	file := NewFile(dir)
	f := func(changed bool, want ...Reader) {
		t.Helper()
		got, did, problems, err := file.Poll()
		if err != nil || len(problems) > 0 || did != changed {
			t.Errorf("changed %v, problems %v, %v; want changed %v", did, problems, err, changed)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	f(true) // the first look
	f(false)
	a, _, err := Add(dir, "a")
	check(t, err)
	f(true, a)
	f(false)
	b, _, err := Add(dir, "b")
	check(t, err)
	f(true, a, b)
	// The same length, the same time, another file.
	info, err := os.Stat(path)
	check(t, err)
	content, err := os.ReadFile(path)
	check(t, err)
	swapped := b.Nkey + " a\n" + a.Nkey + " b\n"
	if len(swapped) != len(content) {
		t.Fatal("BUG: the test needs equal lengths")
	}
	check(t, os.WriteFile(path+".new", []byte(swapped), 0o600))
	check(t, os.Chtimes(path+".new", info.ModTime(), info.ModTime()))
	check(t, os.Rename(path+".new", path))
	f(true, Reader{b.Nkey, "a"}, Reader{a.Nkey, "b"})
	check(t, os.Remove(path))
	f(true)
	f(false)

	check(t, os.WriteFile(path, make([]byte, maxFile+1), 0o600))
	if _, changed, _, err := file.Poll(); changed || err == nil || !strings.Contains(err.Error(), "the limit") {
		t.Errorf("too large: changed %v, %v", changed, err)
	}
}
