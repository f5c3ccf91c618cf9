package interpret_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/sigma/interpret"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

// load reads one rule around the lines of a detection.
func load(t *testing.T, detection string) *rule.Rule {
	t.Helper()
	text := "title: A rule\nid: 4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11\nlogsource: {product: linux}\ndetection:\n  " +
		strings.ReplaceAll(strings.TrimSpace(detection), "\n", "\n  ") + "\n"
	set, problems := rule.Parse(rule.Options{}, "a.yml", []byte(text))
	if len(set.Rules) != 1 {
		t.Fatalf("%s\nproblems: %v", detection, problems)
	}
	return set.Rules[0]
}

func textOf(x interpret.Explanation) string {
	var b strings.Builder
	if err := x.Text(&b); err != nil {
		return err.Error()
	}
	return b.String()
}

func TestExplain(t *testing.T) {
	r := load(t, `
sel:
  Image|endswith:
    - /zsh
    - /bash
  CommandLine|contains|all:
    - -i
    - tcp
other:
  Image: /bin/*
word:
  - secret
  - hidden
filter:
  User: root
  image|exists: true
condition: sel and (other or word) and not filter and not (sel and filter)`)
	ev := sigmatest.NewEvent("Image", "/usr/bin/Bash", "CommandLine", "bash -i\x1b[2J tcp", "User", "alice", "Note", "a secret")
	want := `A rule (4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11, a.yml:1) matches
yes all of
yes   selection sel, line 5
yes     all of
yes       Image|endswith, line 6: any of
            the event has "/usr/bin/Bash"
no          "/zsh"
yes         "/bash"
yes       CommandLine|contains|all, line 9: all of
            the event has "bash -i\x1b[2J tcp"
yes         "-i"
yes         "tcp"
yes   any of
no      selection other, line 12
no        Image, line 13
            the event has "/usr/bin/Bash"
no          "/bin/*" (it stands in the event's value; contains would find it)
yes     selection word, line 14
yes       keywords, line 14: any of
yes         "secret" in "a secret"
no          "hidden"
yes   not
no      selection filter, line 17
no        all of
no          User, line 18
              the event has "alice"
no            "root"
no          image|exists, line 19
              the event does not have the field
              (the event has the field Image; names of fields are exact in case)
no            "true"
yes   not
no      all of
yes       selection sel, as above
no        selection filter, as above
`
	x := interpret.Explain(r, ev.Named())
	if diff := cmp.Diff(want, textOf(x)); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if x.Matches != interpret.Matches(r, ev.Named()) || len(x.Selections) != 4 {
		t.Errorf("matches %t, %d selections", x.Matches, len(x.Selections))
	}
}

func TestExplainHints(t *testing.T) {
	f := func(item, want string, pairs ...string) {
		t.Helper()
		text := textOf(interpret.Explain(load(t, "sel:\n  "+item+"\ncondition: sel"), sigmatest.NewEvent(pairs...).Named()))
		if !strings.Contains(text, want) || want == "" && strings.Contains(text, "(it") {
			t.Errorf("%s on %q: no %q in\n%s", item, pairs, want, text)
		}
	}
	f("A: x", "the event does not have the field", "B", "x")
	f("A: x", "the event has the field a;", "a", "x")
	f("A|cased: Ab", "cased minds case", "A", "ab")
	f("A: x", "without the white space", "A", "x ")
	f("A|endswith: x", "without the white space", "A", "ax\n")
	f("A: x", "without the quotes", "A", `"x"`)
	f("A|endswith: b", "contains would find it", "A", "abc")
	f("A: b", "endswith would find it", "A", "ab")
	f("A: a", "startswith would find it", "A", "ab")
	f("A: b", "contains would find it", "A", "abc")
	f("A: ''", "", "A", "abc")
	f("A: x", "", "A", "y")
	f("A|re: 'X$'", "re|i ignores case", "A", "x")
	f("A|re: 'X$'", "", "A", "y")
	f("A|cidr: 10.0.0.0/8", "not an address", "A", "10.0.0.1:80")
	f("A|gt: 5", "not a number", "A", "6 ")
	f("A|gt: 5", "", "A", "4")
	f("A|fieldref: B", "that field is y", "A", "x", "B", "y")
	f("A|fieldref: B", "does not have the field B)", "A", "x")
	f("A|fieldref: B", "does not have the field B; the event has the field b;", "A", "x", "b", "x")
	f("A|neq: x", ": none of", "A", "x")
	f("A|contains|all|neq: [x, y]", ": not all of", "A", "x")
}

// What an event or a rule holds cannot act on the terminal, and does not fill it.
func TestExplainIsPrintable(t *testing.T) {
	r := load(t, "sel:\n  A|contains: \"\\e[1m\\u202e\"\ncondition: sel")
	r.Title = "t\x1b[2J\u202e"
	x := interpret.Explain(r, sigmatest.NewEvent("A", "\x1b]0;x\a\xff\r\n\u202e"+strings.Repeat("ö", 5000)).Named())
	text := textOf(x)
	for _, c := range text {
		if c < ' ' && c != '\n' || c == '\u202e' || c == '\ufffd' || c == '\x7f' {
			t.Fatalf("%q in %q", c, text)
		}
	}
	if len(text) > 1000 || !strings.Contains(text, `\x1b]0;x\a\xff\r\n\u202eö`) || !strings.Contains(text, "… (1001") {
		t.Errorf("got %s", text)
	}
}

func TestExplainAsJSON(t *testing.T) {
	r := load(t, "sel:\n  A|contains: x\ncondition: not sel")
	got, err := json.Marshal(interpret.Explain(r, sigmatest.NewEvent("A", "ax").Named()))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"title":"A rule","id":"4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11","file":"a.yml","line":1,"matches":false,` +
		`"condition":{"kind":"not","holds":false,"parts":[{"kind":"selection","holds":true,"selection":0}]},` +
		`"selections":[{"name":"sel","line":5,"holds":true,"body":{"kind":"item","holds":true,` +
		`"item":{"key":"A|contains","field":"A","line":6,"present":true,"values":["ax"],"wanted":[{"value":"x","holds":true,"found":"ax"}]}}}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// An explanation never says otherwise than Matches, and neither does the event under numbers instead of names.
func TestExplainAgreesWithMatches(t *testing.T) {
	for seed := range uint64(300) {
		r := sigmatest.NewRandom(seed)
		made, ev := r.Rule(), r.Event()
		want := interpret.Matches(made, ev.Named())
		if got := interpret.Explain(made, ev.Named()).Matches; got != want {
			t.Errorf("seed %d: explained as %t, decided as %t", seed, got, want)
		}
		fields := []string{"Unasked", "User", "Time", "Port", "ParentImage", "Image", "Details", "CommandLine", "Address"}
		if got := interpret.Explain(made, interpret.Adapt(fields, ev.Bind(fields))).Matches; got != want {
			t.Errorf("seed %d: adapted gives %t, named %t", seed, got, want)
		}
	}
}

// Hints cost more than verdicts, so a rule of very many values does not get them for all.
func TestExplainBoundsHints(t *testing.T) {
	it := &rule.Item{Field: "A"}
	for range 5000 {
		it.Values = append(it.Values, rule.Value{Test: rule.Text{Alternatives: []rule.Pattern{{{Text: "b"}}}}})
	}
	hints := 0
	for _, wanted := range interpret.Explain(&rule.Rule{Condition: it}, sigmatest.NewEvent("A", "abc").Named()).Condition.Item.Wanted {
		if wanted.Hint != "" {
			hints++
		}
	}
	if hints != 1000 {
		t.Errorf("%d hints", hints)
	}
}

func TestAdaptHints(t *testing.T) {
	fields := []string{"A", "a"}
	ev := interpret.Adapt(fields, sigmatest.NewEvent("a", "x").Bind(fields))
	text := textOf(interpret.Explain(load(t, "sel:\n  A: x\ncondition: sel"), ev))
	if !strings.Contains(text, "the event has the field a;") {
		t.Errorf("got %s", text)
	}
}

func FuzzExplain(f *testing.F) {
	f.Add([]byte("some bytes"), "a value")
	f.Add([]byte("\x00\x40\x80\xc0\xff"), "\x1b[2J\xff\u202e")
	f.Fuzz(func(t *testing.T, data []byte, value string) {
		r := sigmatest.RandomOfBytes(data)
		made, ev := r.Rule(), r.Event()
		made.Title = value
		ev.Values["Image"] = value
		x := interpret.Explain(made, ev.Named())
		if x.Matches != interpret.Matches(made, ev.Named()) {
			t.Errorf("explained as %t:\n%s", x.Matches, sigmatest.Describe(made))
		}
		for _, c := range textOf(x) {
			if c != '\n' && !strconv.IsPrint(c) {
				t.Errorf("%q is written as it is", c)
			}
		}
		if _, err := json.Marshal(x); err != nil {
			t.Error(err)
		}
	})
}

// What a value goes by beside is shown, and where it does not count.
func TestExplainAliases(t *testing.T) {
	r := load(t, `
sel:
  Image|endswith: /x.sh
more:
  Image|fieldref: Name
condition: sel and not sel and not more`)
	ev := sigmatest.NewEvent("Image", "/usr/bin/dash", "Name", "/opt/x.sh")
	ev.Alias = map[string][]string{"Image": {"/opt/x.sh"}}
	want := `A rule (4bf8c7de-86a1-4a0b-8a4c-3e3a9a3f3d11, a.yml:1) matches
yes all of
yes   selection sel, line 5
yes     Image|endswith, line 6
          the event has "/usr/bin/dash"
          and the alias "/opt/x.sh"
yes       "/x.sh" in "/opt/x.sh"
yes   not
no      selection sel, line 5
no        Image|endswith, line 6
            the event has "/usr/bin/dash"
            the alias "/opt/x.sh" does not count under a not
no          "/x.sh"
yes   not
no      selection more, line 7
no        Image|fieldref, line 8
            the event has "/usr/bin/dash"
            the alias "/opt/x.sh" does not count under a not
no          "Name" (that field is /opt/x.sh)
`
	x := interpret.Explain(r, ev.Named())
	if diff := cmp.Diff(want, textOf(x)); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if !x.Matches || !interpret.Matches(r, ev.Named()) || len(x.Selections) != 3 || !x.Selections[1].Strict {
		t.Errorf("matches %t, selections %+v", x.Matches, x.Selections)
	}
}
