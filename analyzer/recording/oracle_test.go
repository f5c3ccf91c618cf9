package recording

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oracle gives the fields of an object by way of encoding/json. It is not ok for texts in which the order of members matters,
// or that have the form of a Windows event.
func oracle(text []byte) (fields map[string][]string, ok bool) {
	o := &flattener{fields: make(map[string]*flattened)}
	if o.repeats(text) {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var top map[string]any
	if decoder.Decode(&top) != nil {
		return nil, false
	}
	for _, name := range []string{eventPart, systemPart, eventDataPart, userDataPart, "winlog"} {
		if _, windows := top[name]; windows {
			return nil, false
		}
	}
	o.members(top, "", "", 1)
	fields = make(map[string][]string)
	for name, f := range o.fields {
		if f.ambiguous {
			return nil, false
		}
		fields[name] = f.values
	}
	return fields, true
}

type flattener struct{ fields map[string]*flattened }

type flattened struct {
	path      string // the names of which the field's is made
	depth     int
	values    []string
	ambiguous bool
}

// repeats reports whether an object has two members of one name.
func (o *flattener) repeats(text []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(text))
	type level struct {
		names map[string]bool // nil in a list
		value bool            // a value comes next
	}
	var levels []level
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		top := len(levels) - 1
		switch token {
		case json.Delim('{'), json.Delim('['):
			if top >= 0 {
				levels[top].value = false
			}
			l := level{}
			if token == json.Delim('{') {
				l.names = make(map[string]bool)
			}
			levels = append(levels, l)
			continue
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:top]
			continue
		}
		if top < 0 || levels[top].names == nil {
			continue
		}
		if levels[top].value = !levels[top].value; levels[top].value {
			name, _ := token.(string)
			if levels[top].names[name] {
				return true
			}
			levels[top].names[name] = true
		}
	}
}

func (o *flattener) members(object map[string]any, prefix, path string, depth int) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		o.value(object[name], prefix+name, path+"\x00"+name, depth)
	}
}

func (o *flattener) value(v any, name, path string, depth int) {
	switch v := v.(type) {
	case map[string]any:
		o.members(v, name+".", path, depth+1)
		return
	case []any:
		for _, item := range v {
			o.value(item, name, path, depth)
		}
		return
	}
	f := o.fields[name]
	if f == nil || depth < f.depth {
		f = &flattened{path: path, depth: depth}
		o.fields[name] = f
	}
	switch {
	case depth > f.depth:
	case path != f.path:
		f.ambiguous = true
	default:
		f.values = append(f.values, scalarText(v))
	}
}

func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return string(v)
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

// FuzzDecode compares with encoding/json: the same texts are taken, and their values are the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` { "a" : "b" , "c":1.0e+5 , "d": [ ] } `, `{"a":"\ud83d\ude00 \ud800 \udc00x \u0000","b":-0.5,"c":[true,false,null]}`,
		"{\"a\":\"\xff\xc3\xa9\",\"\xe9\":1}", `{"a":{"b":{"c":1},"d":[{"e":1},{"e":[2,3]}]},"a.b":{"c":2},"x y":3}`,
		`{"a":01}`, `{"a":1,}`, `{"a" 1}`, `{"a":"\x"}`, "{\"a\":\"\t\"}", `{"a":nul}`, `[1]`, `{"a":1}x`, `{"a":"`, `{"a":tru`,
		`{"a":[1,[2,[3,{"b":4}]]],"a.b":null}`, `{"12345678":"1234567","1234567":"12345678\\"}`, `{"":""}`, `{"a":-}`, `{"a":1.}`,
		`{"Channel":"Security","EventID":4688,"SourceName":"x","Hostname":"y","@timestamp":"2020-10-22T01:31:04.973Z"}`,
		`{"Event":{"System":{"Provider":{"#attributes":{"Name":"p"}},"EventID":{"#attributes":{"Qualifiers":0},"#text":7}},` +
			`"EventData":{"Data":[{"@Name":"Image","#text":"x"},"y"],"Data_attributes":{"Name":"z"}}}}`,
		`{"winlog":{"channel":"Security","event_data":{"a":"b"}},"message":"m"}`,
	} {
		f.Add([]byte(seed))
	}
	d := NewDecoder(nil)
	f.Fuzz(func(t *testing.T, text []byte) {
		err := d.Decode(text)
		// White space in JSON is of ASCII alone.
		if trimmed := bytes.TrimLeft(text, " \t\r\n"); json.Valid(text) != (err == nil) && bytes.HasPrefix(trimmed, []byte("{")) {
			t.Fatalf("%q: %v, encoding/json thinks otherwise", text, err)
		}
		if err != nil {
			return
		}
		for range d.Record().Values() {
		}
		d.Record().AppendValues(nil)
		want, ok := oracle(text)
		if !ok {
			return
		}
		checkFields(t, text, want)
	})
}

func checkFields(t *testing.T, text []byte, want map[string][]string) {
	t.Helper()
	names := slices.Sorted(maps.Keys(want))
	bound := NewDecoder(names)
	// Twice, because the second time the order of the names is known.
	for range 2 {
		if err := bound.Decode(text); err != nil {
			t.Fatal(err)
		}
		got := make(map[string][]string)
		for n, name := range names {
			if first, ok := bound.Record().Field(n); ok {
				got[name] = append([]string{first}, bound.Record().More(n)...)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", text, diff)
		}
	}
}
