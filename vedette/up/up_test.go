package up

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/vedette/accounts"
	"github.com/vedette-edr/vedette/vedette/layout"
)

func newSetup(t *testing.T) *setup {
	t.Helper()
	l, err := layout.Under(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &setup{layout: l, accounts: accounts.Set{GID: 900, Bus: 901, Collector: 902, Analyzer: 903}, hostID: "h1"}
}

func TestEachPartHasItsOwnIdentity(t *testing.T) {
	children := newSetup(t).children()
	type identity struct {
		Name     string
		UID, GID uint32
		Confined bool
	}
	var got []identity
	for _, c := range children {
		id := identity{Name: c.Name, Confined: c.Confined}
		if c.Credential != nil {
			id.UID, id.GID = c.Credential.Uid, c.Credential.Gid
			if c.Credential.NoSetGroups || len(c.Credential.Groups) > 0 {
				t.Errorf("%s keeps groups", c.Name)
			}
		}
		got = append(got, id)
		if !slices.Contains(c.Args, "h1") {
			t.Errorf("%s does not learn the host id: %q", c.Name, c.Args)
		}
	}
	want := []identity{{"bus", 901, 900, true}, {"analyzer", 903, 900, true}, {"collector", 0, 0, false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConfigurationAndTLS(t *testing.T) {
	s := newSetup(t)
	find := func(name string) string {
		for _, c := range s.children() {
			if c.Name == name {
				return strings.Join(c.Args, " ")
			}
		}
		t.Fatalf("there is no %s", name)
		return ""
	}
	if args := find("bus"); strings.Contains(args, "--tls") || strings.Contains(args, "--config") {
		t.Errorf("the bus gets %s", args)
	}
	file := s.layout.ConfigFile("bus")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.tls = true
	if args := find("bus"); !strings.Contains(args, "--config "+file) || !strings.HasSuffix(args, "--tls") {
		t.Errorf("the bus gets %s", args)
	}
	if args := find("analyzer"); strings.Contains(args, "--config") {
		t.Errorf("the analyzer gets %s", args)
	}
}

func TestTheEnvironmentOfRootStaysOutside(t *testing.T) {
	t.Setenv("LD_PRELOAD", "/tmp/x.so")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	t.Setenv("GOTRACEBACK", "crash")
	for _, c := range newSetup(t).children() {
		env := strings.Join(c.Env, "\n")
		if strings.Contains(env, "LD_PRELOAD") || strings.Contains(env, "SECRET") || !strings.Contains(env, "GOTRACEBACK=crash") {
			t.Errorf("%s gets the environment %q", c.Name, env)
		}
	}
}

// What a newcomer is told to try must be caught: a rule's own test does the same.
func TestTheCommandToTryIsOneThatARuleCatches(t *testing.T) {
	files, err := filepath.Glob("../../rules/sigma/linux/*.test.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rule has a test: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fires, _, _ := strings.Cut(string(text), "\nquiet:")
		if strings.Contains(fires, attempt) {
			return
		}
	}
	t.Errorf("no rule's test does: %s", attempt)
}

func TestFindRules(t *testing.T) {
	root := t.TempDir()
	bin := filepath.Join(root, "bin")
	if _, err := findRules("", bin); err == nil || !strings.Contains(err.Error(), "--rules") {
		t.Errorf("without rules: %v", err)
	}
	f := func(given, want string) {
		t.Helper()
		if got, err := findRules(given, bin); err != nil || got != want {
			t.Errorf("findRules(%q) = %q, %v, want %q", given, got, err, want)
		}
	}
	installed, checkout := filepath.Join(root, "share/vedette/rules"), filepath.Join(root, "rules")
	if err := os.MkdirAll(installed, 0o755); err != nil {
		t.Fatal(err)
	}
	f("", installed)
	if err := os.Mkdir(checkout, 0o755); err != nil {
		t.Fatal(err)
	}
	f("", checkout)
	f("given", "given")
}
