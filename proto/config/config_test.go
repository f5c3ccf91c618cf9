package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/proto/config"
)

type shared struct {
	HostID string `config:"host_id"`
}

// options has one field of every type that a file can set.
type options struct {
	shared
	Socket  string        `config:"socket"`
	Verbose bool          `config:"log.verbose"`
	Workers int           `config:"workers"`
	Limit   uint64        `config:"limit"`
	Flush   time.Duration `config:"batch.flush"`
	Spool   config.Size   `config:"spool.max"`
	Rules   []string      `config:"rules"`
	Unnamed string
}

func TestDecode(t *testing.T) {
	f := func(text string, want options) {
		t.Helper()
		var got options
		if err := config.Decode(strings.NewReader(text), "t.conf", &got); err != nil {
			t.Errorf("Decode(%q): %v", text, err)
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Decode(%q) = %+v, want %+v", text, got, want)
		}
	}
	f("", options{})
	f("# only a comment\n\n   \t\n", options{})
	f(`socket = "/run/x"`, options{Socket: "/run/x"})
	f("socket=\"a\"\r\nworkers=2\r\n", options{Socket: "a", Workers: 2})
	f(`socket = 'C:\raw # not a comment' # a comment`, options{Socket: `C:\raw # not a comment`})
	f(`socket = "\"\\\b\t\n\f\r\u00e9\U0001F600é"`, options{Socket: "\"\\\b\t\n\f\ré😀é"})
	f(`host_id = "edge-1"`, options{shared: shared{HostID: "edge-1"}})
	f("log.verbose = true", options{Verbose: true})
	f("log.verbose = false# comment", options{})
	f("workers = -3", options{Workers: -3})
	f("workers = +1_000", options{Workers: 1000})
	f("limit = 18446744073709551615", options{Limit: 1<<64 - 1})
	f(`batch.flush = "1m2.5s"`, options{Flush: 62500 * time.Millisecond})
	f(`spool.max = "64MiB"`, options{Spool: 64 * config.MiB})
	f(`rules = []`, options{Rules: []string{}})
	f(`rules = ["a", 'b',]`, options{Rules: []string{"a", "b"}})
	f(`rules=["a,]","#"]`, options{Rules: []string{"a,]", "#"}})
}

func TestDecodeKeepsDefaults(t *testing.T) {
	got := options{Socket: "default", Workers: 4, Unnamed: "mine"}
	if err := config.Decode(strings.NewReader("workers = 8\n"), "t.conf", &got); err != nil {
		t.Fatal(err)
	}
	if want := (options{Socket: "default", Workers: 8, Unnamed: "mine"}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestDecodeFaults holds the whole sentence that a user reads for each kind of mistake.
func TestDecodeFaults(t *testing.T) {
	const known = "known keys: batch.flush, host_id, limit, log.verbose, rules, socket, spool.max, workers"
	const escapes = `use \" \\ \b \t \n \f \r \uXXXX or \UXXXXXXXX, or a 'string' in single quotes, which knows no escapes`
	const values = `a value is "text", true, false, a whole number or ["a", "b"]`
	f := func(text, want string) {
		t.Helper()
		before := options{Socket: "untouched", Rules: []string{"kept"}}
		got := before
		err := config.Decode(strings.NewReader(text), "t.conf", &got)
		if _, ok := errors.AsType[*config.Error](err); !ok {
			t.Errorf("Decode(%q) = %v, want a *config.Error", text, err)
			return
		}
		if err.Error() != want {
			t.Errorf("Decode(%q):\n got %s\nwant %s", text, err, want)
		}
		if !reflect.DeepEqual(got, before) {
			t.Errorf("Decode(%q) changed the destination to %+v in spite of its error", text, got)
		}
	}
	// Keys.
	f("socket = \"a\"\n\n  spol.max = \"1MiB\"", `t.conf:3:3: unknown key "spol.max"; did you mean "spool.max"? `+known)
	f(`flush = "1s"`, `t.conf:1:1: unknown key "flush"; did you mean "batch.flush"? `+known)
	f(`HostID = "x"`, `t.conf:1:1: unknown key "HostID"; did you mean "host_id"? `+known)
	f(`nothing.like.it = 1`, `t.conf:1:1: unknown key "nothing.like.it"; `+known)
	f("workers = 1\nsocket = \"a\"\nworkers = 2", `t.conf:3:1: key "workers" is already set in line 1; keep one of the two lines`)
	f("[spool]\nmax = 1", `t.conf:1:1: sections are not used; write the whole key on each line, such as spool.max = "64MiB"`)
	f(`"socket" = "a"`, `t.conf:1:1: a key has no quotes; write the key without quotes`)
	f(`= 1`, `t.conf:1:1: expected a key, not "= 1"; write key = value, or start a comment with #`)
	f(`workers: 1`, `t.conf:1:8: expected '=' after key "workers"; write workers = 10`)
	f(`workers`, `t.conf:1:8: expected '=' after key "workers"; write workers = 10`)

	// Values that are not well formed.
	f(`socket =`, `t.conf:1:9: the value is missing; `+values)
	f(`socket = # later`, `t.conf:1:10: the value is missing; `+values)
	f(`socket = /run/x`, `t.conf:1:10: "/run/x" is no value (text needs quotes); `+values)
	f(`workers = 1.5`, `t.conf:1:11: "1.5" is no value (text needs quotes); `+values)
	f(`workers = 007`, `t.conf:1:11: "007" is no value (text needs quotes); `+values)
	f(`workers = 1__0`, `t.conf:1:11: "1__0" is no value (text needs quotes); `+values)
	f(`workers = 1_`, `t.conf:1:11: "1_" is no value (text needs quotes); `+values)
	f(`workers = -`, `t.conf:1:11: "-" is no value (text needs quotes); `+values)
	f(`workers = +-1`, `t.conf:1:11: "+-1" is no value (text needs quotes); `+values)
	f(`socket = "é`, `t.conf:1:10: the string does not end; end it with " on the same line`)
	f(`socket = 'x`, `t.conf:1:10: the string does not end; end it with ' on the same line`)
	f(`socket = "é\q"`, `t.conf:1:12: unknown escape \q; `+escapes)
	f(`socket = "\`, `t.conf:1:11: the escape does not end; `+escapes)
	f(`socket = "\u12"`, `t.conf:1:11: \u needs 4 hexadecimal digits; `+escapes)
	f(`socket = "\U0011`, `t.conf:1:11: \U needs 8 hexadecimal digits; `+escapes)
	f(`socket = "\ud800"`, `t.conf:1:11: U+D800 is no character; `+escapes)
	f(`socket = "\UFFFFFFFF"`, `t.conf:1:11: U+FFFFFFFF is no character; `+escapes)
	f(`socket = "a" "b"`, `t.conf:1:14: unexpected text "\"b\"" after the value of "socket"; put nothing but a # comment after a value`)
	f("rules = [\n\"a\"]", `t.conf:1:9: the list does not end on its line; write ["a", "b"] on one line`)
	f(`rules = ["a" "b"]`, `t.conf:1:14: expected ',' or ']'; write ["a", "b"] on one line`)
	f(`rules = [1]`, `t.conf:1:10: an element of a list must be a string in quotes; write ["a", "b"] on one line`)
	f("socket = \"a\x00b\"", `t.conf:1:12: control character U+0000; write it as \uXXXX inside a "..." string`)
	f("socket = \"a\xffb\"", `t.conf:1:12: byte 0xff is not UTF-8; save the file as UTF-8 text`)

	// Values of the wrong type.
	f(`socket = 5`, `t.conf:1:10: key "socket" wants a string in quotes, not a number; write socket = "text"`)
	f(`log.verbose = "yes"`, `t.conf:1:15: key "log.verbose" wants true or false, not a string; write log.verbose = true`)
	f(`workers = "1"`, `t.conf:1:11: key "workers" wants a whole number, not a string; write workers = 10`)
	f(`workers = 9223372036854775808`, `t.conf:1:11: key "workers" is out of range: 9223372036854775808; write workers = 10`)
	f(`limit = -1`, `t.conf:1:9: key "limit" must lie between 0 and 18446744073709551615, not -1; write limit = 10`)
	f(`limit = true`, `t.conf:1:9: key "limit" wants a whole number, not true or false; write limit = 10`)
	f(`batch.flush = 5`, `t.conf:1:15: key "batch.flush" wants a duration in quotes, not a number; write batch.flush = "5ms"`)
	f(`batch.flush = "5"`, `t.conf:1:15: key "batch.flush" wants a duration with a unit (ns, us, ms, s, m, h), not "5"; write batch.flush = "5ms"`)
	f(`batch.flush = "-5s"`, `t.conf:1:15: key "batch.flush" must not be negative: "-5s"; write batch.flush = "5ms"`)
	f(`spool.max = 64`, `t.conf:1:13: key "spool.max" wants a size in quotes, not a number; write spool.max = "64MiB"`)
	f(`spool.max = "64"`, `t.conf:1:13: key "spool.max" wants a size: "64" is not a whole number with a unit (B, KiB, MiB, GiB, kB, MB, GB); write spool.max = "64MiB"`)
	f(`rules = "a"`, `t.conf:1:9: key "rules" wants a list of strings, not a string; write rules = ["a", "b"]`)

	f(strings.Repeat("#\n", 1<<20), `t.conf: the file is larger than 1MiB; check that this is the configuration file`)
}

func TestDecodeRefusesUnusableDestinations(t *testing.T) {
	f := func(dst any) {
		t.Helper()
		err := config.Decode(strings.NewReader(""), "t.conf", dst)
		if err == nil || !strings.HasPrefix(err.Error(), "BUG: ") {
			t.Errorf("Decode into %T: %v, want a BUG", dst, err)
		}
	}
	f(nil)
	f(options{})
	f((*options)(nil))
	f(new(string))
	f(&struct {
		A float64 `config:"a"`
	}{})
	f(&struct {
		A int `config:""`
	}{})
	f(&struct {
		A int `config:"a b"`
	}{})
	f(&struct {
		a int `config:"a"`
	}{})
	f(&struct {
		A int `config:"a"`
		B int `config:"a"`
	}{})
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(path, []byte("workers = 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got options
	if err := config.Load(path, &got, true); err != nil || got.Workers != 2 {
		t.Errorf("Load(%q) = %v, workers %d", path, err, got.Workers)
	}

	absent := filepath.Join(dir, "absent.conf")
	if err := config.Load(absent, &got, false); err != nil {
		t.Errorf("an optional file that is absent: %v", err)
	}
	if err := config.Load(absent, &got, true); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), absent) {
		t.Errorf("a required file that is absent: %v", err)
	}
	if err := config.Load(dir, &got, true); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory: %v", err)
	}
}

func TestKeys(t *testing.T) {
	got, err := config.Keys(&options{})
	want := []string{"batch.flush", "host_id", "limit", "log.verbose", "rules", "socket", "spool.max", "workers"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Keys = %q, %v, want %q", got, err, want)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"",
		"socket = \"/run/x\" # c\r\nworkers = 1_0\n",
		`rules = ["a", 'b',]`,
		`socket = "\u00e9\U0001F600"`,
		`batch.flush = "5ms"`,
		`spool.max = "64MiB"`,
		"[section]\n",
		"workers = -9223372036854775808\nlimit = 18446744073709551615",
		"socket = \"\xff\"",
		"k\xc3 = 1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got options
		err := config.Decode(strings.NewReader(text), "t.conf", &got)
		if err == nil {
			var again options
			if err := config.Decode(strings.NewReader(text+"\n# more"), "t.conf", &again); err != nil || !reflect.DeepEqual(got, again) {
				t.Fatalf("a comment at the end changed the result from %+v to %+v, %v", got, again, err)
			}
			return
		}
		fault, ok := errors.AsType[*config.Error](err)
		if !ok {
			t.Fatalf("error of type %T: %v", err, err)
		}
		lines := strings.Split(text, "\n")
		if len(text) <= 1<<20 && (fault.Line < 1 || fault.Line > len(lines) || fault.Column < 1 || fault.Column > len(lines[fault.Line-1])+1) {
			t.Fatalf("error outside the text: %v", err)
		}
		if !reflect.DeepEqual(got, options{}) {
			t.Fatalf("destination changed to %+v in spite of %v", got, err)
		}
	})
}
