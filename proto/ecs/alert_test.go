package ecs_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vedette-edr/vedette/proto/ecs"
)

// fieldTypes is the part of ECS 9.4 that the document uses: field name, type, and "[]" where ECS normalises to an array.
func fieldTypes() map[string]string {
	types := map[string]string{
		"@timestamp": "date", "message": "text", "tags": "[]keyword",
		"ecs.version": "keyword",
		"event.id":    "keyword", "event.kind": "keyword", "event.category": "[]keyword", "event.type": "[]keyword",
		"event.action": "keyword", "event.outcome": "keyword", "event.severity": "long", "event.sequence": "long", "event.created": "date",
		"event.dataset": "keyword", "event.module": "keyword", "event.provider": "keyword", "event.reason": "keyword",
		"rule.id": "keyword", "rule.name": "keyword", "rule.description": "keyword", "rule.author": "[]keyword",
		"rule.license": "keyword", "rule.reference": "keyword", "rule.ruleset": "keyword", "rule.version": "keyword",
		"rule.category":    "keyword",
		"threat.framework": "keyword",
		"threat.tactic.id": "[]keyword", "threat.tactic.name": "[]keyword", "threat.tactic.reference": "[]keyword",
		"threat.technique.id": "[]keyword", "threat.technique.reference": "[]keyword",
		"threat.technique.subtechnique.id": "[]keyword", "threat.technique.subtechnique.reference": "[]keyword",
		"user.id": "keyword", "user.name": "keyword", "user.effective.id": "keyword", "user.effective.name": "keyword",
		"host.id": "keyword", "host.name": "keyword", "host.hostname": "keyword", "host.architecture": "keyword",
		"host.os.type": "keyword", "host.os.platform": "keyword", "host.os.name": "keyword", "host.os.version": "keyword",
		"host.os.full": "keyword", "host.os.kernel": "keyword",
		"agent.id": "keyword", "agent.type": "keyword", "agent.version": "keyword", "agent.name": "keyword",
		"error.code": "keyword",
		"file.path":  "keyword", "file.name": "keyword", "file.directory": "keyword", "file.extension": "keyword",
		"file.target_path": "keyword", "file.fork_name": "keyword", "file.type": "keyword", "file.inode": "keyword",
		"file.device": "keyword", "file.mode": "keyword", "file.uid": "keyword", "file.owner": "keyword", "file.gid": "keyword",
		"file.group": "keyword", "file.size": "long", "file.mtime": "date", "file.ctime": "date", "file.hash.md5": "keyword",
		"file.hash.sha1": "keyword", "file.hash.sha256": "keyword",
		"container.id": "keyword", "related.user": "[]keyword", "related.hosts": "[]keyword",
	}
	process := map[string]string{
		"entity_id": "keyword", "pid": "long", "vpid": "long", "name": "keyword", "executable": "keyword",
		"command_line": "wildcard", "args": "[]keyword", "args_count": "long", "working_directory": "keyword",
		"start": "date", "end": "date", "interactive": "boolean", "env_vars": "[]keyword", "thread.id": "long",
		"thread.name": "keyword", "thread.capabilities.effective": "[]keyword",
		"thread.capabilities.permitted": "[]keyword", "group_leader.entity_id": "keyword", "group_leader.pid": "long",
		"group_leader.same_as_process": "boolean", "session_leader.entity_id": "keyword", "session_leader.pid": "long",
		"session_leader.same_as_process": "boolean",
	}
	for _, account := range []string{"user", "real_user", "saved_user", "group", "real_group", "saved_group"} {
		process[account+".id"], process[account+".name"] = "keyword", "keyword"
	}
	for name, kind := range process {
		types["process."+name] = kind
		types["process.parent."+name] = kind
	}
	return types
}

// Every field of the Go types is filled, so a field added later is checked without anybody thinking of it.
func TestEveryFieldIsECSOrOurs(t *testing.T) {
	var a ecs.Alert
	fill(reflect.ValueOf(&a).Elem(), 0)
	line, err := ecs.Encode(&a)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(line, &doc); err != nil {
		t.Fatal(err)
	}
	types := fieldTypes()
	used := map[string]bool{}
	walk("", doc, func(name string, value any) {
		if strings.HasPrefix(name, "vedette.") {
			return
		}
		kind, ok := types[name]
		if !ok {
			t.Errorf("field %s is not in the table of ECS fields", name)
			return
		}
		used[name] = true
		if err := fits(kind, value); err != nil {
			t.Errorf("field %s: %v", name, err)
		}
	})
	for name := range types {
		if !used[name] {
			t.Errorf("the table has %s, the document never fills it", name)
		}
	}
}

func fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		// process.parent has no parent of its own in ECS.
		if v.Type() == reflect.TypeFor[*ecs.Process]() && depth > 4 {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1700000000, 123456789).UTC()))
			return
		}
		for _, field := range v.Fields() {
			fill(field, depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	default:
		panic(fmt.Sprintf("BUG: the document has a field of kind %s", v.Kind()))
	}
}

func walk(prefix string, value any, visit func(name string, value any)) {
	object, ok := value.(map[string]any)
	if !ok {
		visit(prefix, value)
		return
	}
	for key, member := range object {
		name := key
		if prefix != "" {
			name = prefix + "." + key
		}
		walk(name, member, visit)
	}
}

func fits(kind string, value any) error {
	if element, ok := strings.CutPrefix(kind, "[]"); ok {
		list, ok := value.([]any)
		if !ok {
			return fmt.Errorf("want an array, got %T", value)
		}
		for _, member := range list {
			if err := fits(element, member); err != nil {
				return err
			}
		}
		return nil
	}
	switch kind {
	case "keyword", "wildcard", "text":
		if _, ok := value.(string); !ok {
			return fmt.Errorf("want a string, got %T", value)
		}
	case "long":
		if _, ok := value.(float64); !ok {
			return fmt.Errorf("want a number, got %T", value)
		}
	case "boolean":
		if _, ok := value.(bool); !ok {
			return fmt.Errorf("want a boolean, got %T", value)
		}
	case "date":
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("want a date, got %T", value)
		}
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
			return fmt.Errorf("want a date: %w", err)
		}
	default:
		return fmt.Errorf("BUG: unknown type %s in the table", kind)
	}
	return nil
}

func TestRequiredFieldsAreAlwaysThere(t *testing.T) {
	line, err := ecs.Encode(&ecs.Alert{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{`"@timestamp"`, `"ecs":{"version"`, `"event":{"id"`, `"kind"`, `"severity"`, `"host":{"id"`} {
		if !strings.Contains(string(line), name) {
			t.Errorf("an empty document lacks %s: %s", name, line)
		}
	}
}

func TestDocumentSurvivesItsOwnEncoding(t *testing.T) {
	var want ecs.Alert
	fill(reflect.ValueOf(&want).Elem(), 0)
	want.Process.CommandLine = "a <b> & \"c\"\n\u2028\x00"
	line, err := ecs.Encode(&want)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(string(line), "\n") {
		t.Errorf("the document is more than one line: %q", line)
	}
	if !strings.Contains(string(line), `a <b> &`) {
		t.Errorf("the command line is escaped beyond need: %s", line)
	}
	got, err := ecs.Decode(line)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, &want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDecodeShowsWhatItRefuses(t *testing.T) {
	_, err := ecs.Decode([]byte(`{"event": 7}`))
	if err == nil || !strings.Contains(err.Error(), `{\"event\": 7}`) {
		t.Errorf("got error %v, want one that shows the line", err)
	}
}

func TestText(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := ecs.Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
	f("", "")
	f("plain", "plain")
	f("naïve ☃", "naïve ☃")
	f("a\xffb", `a\xffb`)
	f("\xc3", `\xc3`)
	f("\xed\xa0\x80", `\xed\xa0\x80`)
	f("\xf4\x90\x80\x80", `\xf4\x90\x80\x80`)
	f("real \ufffd stays", "real \ufffd stays")
	f(`already \xff`, `already \xff`)
}

func FuzzText(f *testing.F) {
	f.Add("a\xffb\x00c")
	f.Add("\xe2\x98")
	f.Fuzz(func(t *testing.T, s string) {
		got := ecs.Text(s)
		if !utf8.ValidString(got) {
			t.Errorf("Text(%q) = %q is not valid UTF-8", s, got)
		}
		if utf8.ValidString(s) && got != s {
			t.Errorf("Text(%q) changed valid text to %q", s, got)
		}
	})
}

func TestSeverityRisesWithTheLevel(t *testing.T) {
	var numbers []int64
	for _, level := range []string{"informational", "low", "medium", "high", "critical"} {
		numbers = append(numbers, ecs.Severity(level))
		if ecs.Level(level) != level {
			t.Errorf("level %q became %q", level, ecs.Level(level))
		}
	}
	if !slices.IsSorted(numbers) || len(slices.Compact(numbers)) != 5 {
		t.Errorf("severities %v do not rise", numbers)
	}
	if ecs.Severity("") != ecs.Severity("medium") || ecs.Level("odd") != "medium" {
		t.Error("an unknown level must count as medium")
	}
}
