package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/app"
	"github.com/vedette-edr/vedette/proto/config"
)

func TestCommandLine(t *testing.T) {
	f := func(code int, stdout, stderr string, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		got := app.Run(t.Context(), "1.2.3", args, &out, &errs)
		if got != code || !strings.Contains(out.String(), stdout) || !strings.Contains(errs.String(), stderr) {
			t.Errorf("%q gives code %d,\nstdout %q,\nstderr %q,\nwant %d, %q and %q", args, got, out.String(), errs.String(), code, stdout, stderr)
		}
		if (errs.Len() > 0) != (code != 0) || strings.Count(errs.String(), "\n") > 1 {
			t.Errorf("%q writes %q to stderr, want one line for a fault and none otherwise", args, errs.String())
		}
	}
	f(0, "vedette-analyzer 1.2.3\n", "", "version")
	f(0, "run", "", "--help")
	f(0, "sudo -u vedette-analyzer", "", "run", "--help")
	f(0, "--logsource", "", "replay", "--help")
	f(0, "--position", "", "rules", "explain", "--help")
	f(2, "", "name at least one file of recorded events; try: vedette-analyzer replay --help", "replay")
	f(2, "", `unknown command "walk"; try: vedette-analyzer rules --help`, "rules", "walk")
	f(2, "", "no command; try: vedette-analyzer --help")
	f(2, "", `unknown command "walk"`, "walk")
	f(2, "", `unexpected argument "fast"; try: vedette-analyzer run --help`, "run", "fast")
	f(2, "", "unknown flag: --fast; try: vedette-analyzer run --help", "run", "--fast")
	f(2, "", `unexpected argument "x"`, "version", "x")
	if os.Geteuid() == 0 {
		f(1, "", "refusing to run as root", "run", "--host-id", "x")
	}
}

func TestConfiguration(t *testing.T) {
	load := func(text string, change func(f *app.Flags)) (app.Config, error) {
		path := filepath.Join(t.TempDir(), "analyzer.conf")
		write(t, path, text)
		f := app.Flags{Config: path, HostID: "host"}
		if change != nil {
			change(&f)
		}
		return app.Load(f)
	}
	t.Run("every key", func(t *testing.T) {
		got, err := load(strings.Join([]string{
			`host_id = "fromfile"`, `bus.socket = "/s"`, `bus.user = "0"`, `rules = ["/a", "/b"]`, `placeholders = ["/p.yml"]`,
			`alerts.file = "/f"`,
			`alerts.max_size = "1MiB"`, `alerts.keep = 9`, `state.dir = "/d"`, `tree.memory = "2MiB"`, `tree.grace = "1s"`, `log.level = "debug"`,
		}, "\n"), func(f *app.Flags) { f.HostID = "" })
		if err != nil {
			t.Fatal(err)
		}
		want := app.Config{
			HostID: "fromfile", Socket: "/s", BusUser: "0", Rules: []string{"/a", "/b"}, Placeholders: []string{"/p.yml"}, AlertFile: "/f", AlertFileSize: 1 << 20,
			AlertFileKeep: 9, StateDir: "/d", TreeMemory: 2 << 20, TreeGrace: time.Second, LogLevel: "debug",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("configuration (-want +got):\n%s", diff)
		}
		keys, err := config.Keys(&got)
		if err != nil || len(keys) != 12 {
			t.Errorf("keys are %q, error %v: this test knows 12", keys, err)
		}
	})
	t.Run("flags win", func(t *testing.T) {
		got, err := load(`alerts.file = "/file"`, func(f *app.Flags) {
			f.Alerts, f.State, f.Socket, f.Rules, f.Placeholders = "/flag", "/state", "/socket", []string{"/rules"}, []string{"/p.yml"}
		})
		want := app.DefaultConfig()
		want.HostID, want.AlertFile, want.StateDir, want.Socket, want.Rules = "host", "/flag", "/state", "/socket", []string{"/rules"}
		want.Placeholders = []string{"/p.yml"}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("error %v, configuration (-want +got):\n%s", err, diff)
		}
	})
	f := func(text, want string) {
		t.Helper()
		if _, err := load(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives the error %v, want one with %q", text, err, want)
		}
	}
	f("log.levle = \"info\"", `analyzer.conf:1:1: unknown key "log.levle"; did you mean "log.level"?`)
	f(`log.level = "loud"`, `log.level "loud" is unknown, give trace`)
	f(`bus.socket = ""`, "bus.socket is empty")
	f(`rules = []`, "rules names no directory")
	f(`alerts.max_size = "1KiB"`, "alerts.max_size 1KiB is too small, give at least 1MiB")
	f("alerts.keep = 0", "alerts.keep 0 must be from 1 to 1000")
	f(`state.dir = ""`, "state.dir is empty")
	f(`tree.memory = "1B"`, "tree.memory 1B is too small")
	f(`tree.grace = "48h"`, "tree.grace 48h0m0s must be")
	if _, err := load("", func(f *app.Flags) { f.HostID = "a.b" }); err == nil || !strings.Contains(err.Error(), "--host-id") {
		t.Errorf("a bad host id gives the error %v", err)
	}
	if _, err := app.Load(app.Flags{Config: "/nonexistent/analyzer.conf"}); err == nil || !strings.Contains(err.Error(), "/nonexistent/analyzer.conf") {
		t.Errorf("a missing file gives the error %v", err)
	}
}

func TestBusUser(t *testing.T) {
	f := func(name string, want []uint32, fault string) {
		t.Helper()
		got, err := app.BusUIDs(name)
		if !cmp.Equal(got, want) || (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("user %q gives %v, error %v, want %v, %q", name, got, err, want, fault)
		}
	}
	f("", nil, "")
	f("0", []uint32{0}, "")
	f("root", []uint32{0}, "")
	f("4294967296", nil, "bus.user")
	f("nobody-of-this-name", nil, "vedette up")
}

func FuzzStat(f *testing.F) {
	f.Add([]byte("4242 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 9 18 19 20 1234 22"))
	f.Add([]byte(")"))
	f.Fuzz(func(_ *testing.T, text []byte) { app.ParseStat(text) })
}

func TestStat(t *testing.T) {
	threads, pages := app.ParseStat([]byte("4242 (a) b) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25"))
	if threads != 20 || pages != 24 {
		t.Errorf("got %d threads and %d pages, want 20 and 24", threads, pages)
	}
}
