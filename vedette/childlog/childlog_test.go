package childlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/vedette/term"
)

func TestOnlyUrgentLinesAreShown(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		e := parse([]byte(line))
		got := ""
		if e.urgent() {
			got = e.format(term.Palette{}, "analyzer")
		}
		if got != want {
			t.Errorf("line %q is shown as %q, want %q", line, got, want)
		}
	}
	f(`{"level":"info","time":"2026-01-01T00:00:00Z","message":"ready"}`, "")
	f(`{"level":"debug","message":"x"}`, "")
	f(`{"level":"warn","message":"ring is nearly full","class":"process","lost":3}`, "analyzer warn ring is nearly full class=process lost=3")
	f(`{"level":"error","error":"no such file","message":"cannot read rules"}`, "analyzer error cannot read rules: no such file")
	f(`{"level":"error","error":"alone"}`, "analyzer error alone")
	f(`{"level":"warn","message":"\u001b[2Jcleared"}`, `analyzer warn \x1b[2Jcleared`)
	f("2026-01-01T00:00:00Z INF ready", "")
	f("10:00AM WRN rule refused", "analyzer warn rule refused")
	f("panic: runtime error", "analyzer error panic: runtime error")
	f(`{"broken`, `analyzer error {"broken`)
	f(`{"message":"no level"}`, `analyzer error {"message":"no level"}`)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"level":"warn","message":"x","n":[1,2]}`))
	f.Add([]byte("10:00AM WRN \x1b[31m"))
	f.Fuzz(func(t *testing.T, line []byte) {
		shown := parse(line).format(term.Palette{}, "bus")
		if strings.ContainsAny(shown, "\x1b\n\r\x00") {
			t.Errorf("%q is shown as %q", line, shown)
		}
	})
}

type screen struct {
	lines []string
	at    time.Time
}

func (s *screen) open(t *testing.T, path string) *Log {
	t.Helper()
	l, err := Open("bus", Options{
		Path: path,
		Show: func(line string) { s.lines = append(s.lines, line) },
		Now:  func() time.Time { return s.at },
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEverythingGoesToTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus.log")
	var s screen
	l := s.open(t, path)
	for _, part := range []string{"10:00AM IN", "F one\n10:00AM WRN two\n", "half a li", "ne"} {
		if _, err := l.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"10:00AM INF one", "10:00AM WRN two", "half a line"}, l.Tail()); diff != "" {
		t.Error(diff)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "10:00AM INF one\n10:00AM WRN two\nhalf a line\n"; string(text) != want {
		t.Errorf("the file holds %q, want %q", text, want)
	}
	if diff := cmp.Diff([]string{"bus warn two", "bus error half a line"}, s.lines); diff != "" {
		t.Error(diff)
	}
}

func TestALineWithoutEndIsCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus.log")
	var s screen
	l := s.open(t, path)
	for range 3 {
		l.Write([]byte(strings.Repeat("x", maxLine)))
	}
	l.Write([]byte("\n"))
	l.Write([]byte("10:00AM INF next\n"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Repeat("x", maxLine) + fmt.Sprintf(" (+%d bytes)\n10:00AM INF next\n", 2*maxLine)
	if string(text) != want {
		t.Errorf("the file holds %d bytes, want %d", len(text), len(want))
	}
}

func TestAFloodIsCountedNotShown(t *testing.T) {
	var s screen
	s.at = time.Unix(1000, 0)
	l := s.open(t, filepath.Join(t.TempDir(), "bus.log"))
	for range burst + 7 {
		fmt.Fprintln(l, "10:00AM WRN again")
	}
	if len(s.lines) != burst {
		t.Errorf("%d lines are shown, want %d", len(s.lines), burst)
	}
	s.at = s.at.Add(time.Second)
	fmt.Fprintln(l, "10:00AM WRN later")
	if n := len(s.lines); n != burst+2 || !strings.Contains(s.lines[burst], "7 more lines are in") {
		t.Errorf("after the flood the screen shows %q", s.lines[burst:])
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTheFileIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus.log")
	f, err := openFile(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	line := []byte(strings.Repeat("x", 39) + "\n")
	for range 20 {
		if err := f.write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + ".1"} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() != 80 {
			t.Errorf("%s has %d bytes", p, info.Size())
		}
	}
}

// The directory of the logs belongs to the analyzer. What it plants there must not make root write elsewhere.
func TestWhatStandsInThePlaceOfTheLogIsNotFollowed(t *testing.T) {
	f := func(name string, plant func(path, victim string) error) {
		t.Helper()
		dir := t.TempDir()
		victim := filepath.Join(dir, "victim")
		path := filepath.Join(dir, "bus.log")
		if err := errors.Join(os.WriteFile(victim, nil, 0o600), plant(path, victim)); err != nil {
			t.Fatal(err)
		}
		l, err := openFile(path, maxFile)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := errors.Join(l.write([]byte("line\n")), l.close()); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(victim); err != nil || len(text) != 0 {
			t.Errorf("%s: the victim holds %q, %v", name, text, err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != "line\n" {
			t.Errorf("%s: the log holds %q, %v", name, text, err)
		}
	}
	f("symbolic link", func(path, victim string) error { return os.Symlink(victim, path) })
	f("hard link", func(path, victim string) error { return os.Link(victim, path) })
	f("pipe", func(path, _ string) error { return syscall.Mkfifo(path, 0o600) })
	f("foreign file", func(path, _ string) error {
		if os.Geteuid() != 0 {
			return nil
		}
		return errors.Join(os.WriteFile(path, []byte("forged\n"), 0o600), os.Chown(path, 64002, -1))
	})
}

func TestADirectoryInThePlaceOfTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus.log")
	if err := os.MkdirAll(path+"/full", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("bus", Options{Path: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}
