package stage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, path, text string, mode fs.FileMode) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCopy(t *testing.T) {
	dir := t.TempDir()
	program := write(t, dir+"/bin/tool", "#!/bin/sh\n", 0o700)
	write(t, dir+"/rules/sigma/linux/a.yml", "title: a\n", 0o600)
	if err := os.Symlink("a.yml", dir+"/rules/sigma/linux/b.yml"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir+"/rules", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/stage/rules/stale.yml", "title: stale\n", 0o644)

	s, err := Copy(dir+"/stage", map[string]string{"tool": program}, dir+"/link")
	if err != nil {
		t.Fatal(err)
	}
	f := func(path, want string, mode fs.FileMode) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != want || info.Mode() != mode {
			t.Errorf("%s holds %q with mode %v, want %q with %v", path, text, info.Mode(), want, mode)
		}
	}
	f(s.Program("tool"), "#!/bin/sh\n", 0o755)
	f(s.Rules()+"/sigma/linux/a.yml", "title: a\n", 0o644)
	f(s.Rules()+"/sigma/linux/b.yml", "title: a\n", 0o644)
	if _, err := os.Stat(s.Rules() + "/stale.yml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stage still holds an old file: %v", err)
	}
	info, err := os.Stat(s.Rules() + "/sigma")
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o755 {
		t.Errorf("a staged directory has mode %v", info.Mode())
	}
}

func TestCopyRefuses(t *testing.T) {
	dir := t.TempDir()
	program := write(t, dir+"/tool", "x", 0o700)
	f := func(programs map[string]string, rules, want string) {
		t.Helper()
		_, err := Copy(dir+"/stage", programs, rules)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	f(map[string]string{"tool": dir + "/absent"}, dir, `cannot stage "absent"`)
	f(map[string]string{"tool": program}, dir+"/no-rules", "--rules")

	if err := errors.Join(os.Mkdir(dir+"/odd", 0o755), syscall.Mkfifo(dir+"/odd/pipe", 0o600)); err != nil {
		t.Fatal(err)
	}
	f(nil, dir+"/odd", "neither a file nor a directory")

	big := write(t, dir+"/big/rule.yml", "", 0o600)
	if err := os.Truncate(big, maxRuleFile+1); err != nil {
		t.Fatal(err)
	}
	f(nil, dir+"/big", "larger than")
}
