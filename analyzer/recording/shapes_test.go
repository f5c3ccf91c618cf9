package recording

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
)

var _ engine.ListEvent = (*Record)(nil)

// listed gives a record's names and values, one a line, as people are shown them.
func listed(r *Record) []string {
	var lines []string
	for name, value := range r.Values() {
		lines = append(lines, name+"="+value)
	}
	return lines
}

func TestShapes(t *testing.T) {
	f := func(name, text string, want ...string) {
		t.Helper()
		d := NewDecoder(nil)
		if err := d.Decode([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if diff := cmp.Diff(want, listed(d.Record())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	f("flat", `{"EventID":1,"Image":"C:\\a.exe","Signed":true,"Hash":null,"Size":1.0,"tags":["a","b"]}`,
		"EventID=1", `Image=C:\a.exe`, "Signed=true", "Hash=", "Size=1.0", "tags=a", "tags=b")
	f("nested", `{"a":{"b":{"c":1},"d":[{"e":2},{"e":3}]},"f.g":4}`,
		"a.b.c=1", "a.d.e=2", "a.d.e=3", "f.g=4")
	f("evtx_dump", `{"Event":{"#attributes":{"xmlns":"http://schemas"},"System":{
			"Provider":{"#attributes":{"Name":"Service","Guid":"G"}},
			"EventID":{"#attributes":{"Qualifiers":16384},"#text":7045},
			"Channel":"System","Correlation":null,"Security":{"#attributes":{"UserID":"S-1-5-18"}}},
			"EventData":{"Service Name":"x","ImagePath":"y","Binary":null}}}`,
		"Provider_Name=Service", "Provider_Guid=G", "EventID_Qualifiers=16384", "EventID=7045", "Channel=System",
		"Correlation=", "Security_UserID=S-1-5-18", "Service Name=x", "ImagePath=y", "Binary=")
	f("evtx_dump with attributes apart", `{"Event":{"System":{"Provider_attributes":{"Name":"p"},"EventID":1,
			"EventID_attributes":{"Qualifiers":2}}}}`,
		"Provider_Name=p", "EventID=1", "EventID_Qualifiers=2")
	f("data without names", `{"Event":{"EventData":{"Data":{"#text":["a","b"]},"Binary":"00"}}}`, "Data=a", "Data=b", "Binary=00")
	f("data in a list", `{"Event":{"EventData":{"Data":["a",null,"b"]}}}`, "Data=a", "Data=", "Data=b")
	f("data with names as attributes", `{"Event":{"EventData":{"Data":[{"@Name":"Image","#text":"x"},
			{"#attributes":{"Name":"User"},"#text":"y"},{"#text":"z","@Name":"Last"},{"@Name":"Empty"}]}}}`,
		"Image=x", "User=y", "Last=z", "Empty=")
	f("user data", `{"Event":{"UserData":{"LogFileCleared":{"#attributes":{"xmlns:auto-ns2":"n"},"SubjectUserName":"u",
			"Error":{"#attributes":{"Code":5}},"Inner":{"Param":["1","2"]}}}}}`,
		"SubjectUserName=u", "Error_Code=5", "Param=1", "Param=2")
	f("wrapped", `{"event_record_id":1,"data":{"x":1}}`, "event_record_id=1", "data.x=1")
	f("without Event", `{"System":{"Provider":{"Name":"p","Guid":"g"},"EventID":{"Value":4688},"Channel":"Security"},
			"EventData":{"NewProcessName":"x"},"Message":"m"}`,
		"Provider_Name=p", "Provider_Guid=g", "EventID=4688", "Channel=Security", "NewProcessName=x", "Message=m")
	f("a System that is not of Windows", `{"System":{"cpu":1}}`, "System.cpu=1")
	f("Winlogbeat", `{"@timestamp":"2020-10-22T01:31:04.973Z","winlog":{"channel":"Security","event_id":"4688",
			"provider_name":"p","computer_name":"c","event_data":{"NewProcessName":"x"},"process":{"pid":4}},"message":"m"}`,
		"@timestamp=2020-10-22T01:31:04.973Z", "Channel=Security", "EventID=4688", "Provider_Name=p", "Computer=c",
		"NewProcessName=x", "winlog.process.pid=4", "message=m")
	f("data with a name", `{"Event":{"EventData":{"#attributes":{"Name":"HIVE"},"x":1,"#text":"t"}}}`,
		"EventData_Name=HIVE", "x=1", "EventData=t")
	f("flat, with data", `{"EventID":1,"Channel":"c","EventData":{"Image":"x","EventID":2}}`,
		"EventID=1", "Channel=c", "Image=x", "EventID=2")
	f("rendered", `{"Event":{"RenderingInfo":{"Message":"m"}}}`, "Event.RenderingInfo.Message=m")
}

// TestFields says which of several values a field has.
func TestFields(t *testing.T) {
	f := func(name, text, field string, want ...string) {
		t.Helper()
		d := NewDecoder([]string{"Other", field})
		// The second time, the order of the names is known.
		for range 2 {
			if err := d.Decode([]byte(text)); err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			var got []string
			if first, ok := d.Record().Field(1); ok {
				got = append([]string{first}, d.Record().More(1)...)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
	f("absent", `{"a":1}`, "b")
	f("null is empty", `{"a":null}`, "a", "")
	f("names are in one case", `{"A":1}`, "a")
	f("the last of two", `{"a":1,"a":2}`, "a", "2")
	f("a list", `{"a":[1,[2],{"b":3}]}`, "a", "1", "2")
	f("objects in a list", `{"a":[{"b":1},{"b":2}]}`, "a.b", "1", "2")
	f("the last of two lists", `{"a":[1,2],"a":[3]}`, "a", "3")
	f("a name with a dot wins, behind", `{"a":{"b":1},"a.b":2}`, "a.b", "2")
	f("a name with a dot wins, before", `{"a.b":2,"a":{"b":1}}`, "a.b", "2")
	f("names without spaces", `{"Threat Name":"x"}`, "ThreatName", "x")
	f("another name", `{"SourceName":"x"}`, "Provider_Name", "x")
	f("another name keeps its own", `{"SourceName":"x"}`, "SourceName", "x")
	f("the Windows name wins", `{"Provider_Name":"y","SourceName":"x"}`, "Provider_Name", "y")
	f("escapes in a name", `{"\u0061":1}`, "a", "1")

	const cleared = `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Eventlog"}},"EventID":104,
		"Channel":"System"},"UserData":{"LogFileCleared":{"Channel":"Security","EventID":7,"x":"1","Part":{"x":"2"}}}}}`
	f("data wins over System", cleared, "Channel", "Security")
	f("but not for what the event is", cleared, "EventID", "104")
	f("elements of one name", cleared, "x", "1", "2")
}

func TestRouting(t *testing.T) {
	f := func(text, channel, provider string, id int, windows bool, at string) {
		t.Helper()
		d := NewDecoder([]string{"Channel"})
		if err := d.Decode([]byte(text)); err != nil {
			t.Fatal(err)
		}
		r := d.Record()
		if r.Channel() != channel || r.Provider() != provider || r.EventID() != id || r.Windows() != windows {
			t.Errorf("%s: %q %q %d %v", text, r.Channel(), r.Provider(), r.EventID(), r.Windows())
		}
		when, _ := time.Parse(time.RFC3339Nano, at)
		if !r.Time().Equal(when) {
			t.Errorf("%s: %v, want %v", text, r.Time(), when)
		}
	}
	f(`{"Channel":"Security","SourceName":"p","EventID":"4688","@timestamp":"2020-10-22T01:31:05Z","TimeCreated":"2020-10-22T01:31:04.973Z"}`,
		"Security", "p", 4688, true, "2020-10-22T01:31:04.973Z")
	f(`{"EventTime":"2020-10-22 01:31:04","EventID":"x"}`, "", "", 0, false, "2020-10-22T01:31:04Z")
	f(`{"Event":{"System":{"Channel":"System","EventID":104,"TimeCreated":{"#attributes":{"SystemTime":"2020-10-22T01:31:04.1234567Z"}}},
		"UserData":{"x":{"Channel":"Security"}}}}`, "System", "", 104, true, "2020-10-22T01:31:04.1234567Z")
	f(`{"Event":{"UserData":{"x":1}}}`, "", "", 0, true, "")
	f(`{"a":1}`, "", "", 0, false, "")
}

func TestSyntaxErrors(t *testing.T) {
	f := func(text string, offset int, reason error) {
		t.Helper()
		err := NewDecoder(nil).Decode([]byte(text))
		want := fail(offset, reason)
		if diff := cmp.Diff(want, err, cmp.Comparer(func(x, y error) bool { return x.Error() == y.Error() })); diff != "" {
			t.Errorf("%.80s (-want +got):\n%s", text, diff)
		}
		if s, ok := err.(*syntaxError); !ok || s.offset != offset { //nolint:errorlint // nothing wraps it
			t.Errorf("%.80s: %#v, want offset %d", text, err, offset)
		}
	}
	f(``, 0, errEnd)
	f(`  `, 2, errEnd)
	f(`[1]`, 0, errNotObject)
	f(`{"a":1`, 6, errEnd)
	f(`{"a":1]`, 6, errComma)
	f(`{"a":1,}`, 7, errKey)
	f(`{"a" 1}`, 5, errColon)
	f(`{"a":}`, 5, errLiteral)
	f(`{"a":01}`, 6, errComma)
	f(`{"a":1.}`, 5, errNumber)
	f(`{"a":"b`, 7, errEnd)
	f(`{"a":"b\`, 8, errEnd)
	f(`{"a":"b\x"}`, 7, errEscape)
	f(`{"a":"b\u12g4"}`, 7, errEscape)
	f("{\"a\":\"b\nc\"}", 7, errControl)
	f(`{"a":1} x`, 8, errTrailing)
	f(`{"a":`+strings.Repeat("[", maxDepth), 5+maxDepth-1, errDepth)
}

// TestDeepNames has names that are put together of very many parts: they are not looked at again for every value.
func TestDeepNames(t *testing.T) {
	const depth = 5000
	name := strings.Repeat("x", 100)
	text := strings.Repeat(`{"`+name+`":`, depth) + `{"a":1` + strings.Repeat(`,"b":2`, 100_000) + `}` + strings.Repeat("}", depth)
	d := NewDecoder([]string{"a"})
	start := time.Now()
	if err := d.Decode([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("takes %v", took)
	}
}

// TestGaps has strings far from each other, and long ones: quotes are looked for in blocks.
func TestGaps(t *testing.T) {
	d := NewDecoder([]string{"a", "b"})
	for gap := range 200 {
		n := gap * gap
		space, long := strings.Repeat(" ", n), strings.Repeat(`\"é`, n)
		text := `{"x":[` + strings.Repeat("1,", n) + `2],` + space + `"a":` + space + `"` + long + `",` + space + `"b":"c"}`
		if err := d.Decode([]byte(text)); err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		a, _ := d.Record().Field(0)
		b, _ := d.Record().Field(1)
		if want := strings.Repeat(`\"é`, n); a != strings.ReplaceAll(strings.ReplaceAll(want, `\\`, `\`), `\"`, `"`) || b != "c" {
			t.Fatalf("%d: %.50q %q", n, a, b)
		}
	}
}

func TestAllocations(t *testing.T) {
	lines := [][]byte{
		[]byte(`{"Channel":"Security","EventID":4688,"SourceName":"p","Image":"C:\\a.exe","Message":"a\r\nb é","tags":["x","y"]}`),
		[]byte(`{"Event":{"System":{"Provider":{"#attributes":{"Name":"p"}},"EventID":1,"Channel":"c"},
			"EventData":{"Image":"C:\\b.exe","Data":["1","2"],"User":"ü"}}}`),
	}
	fields := []string{"Image", "EventID", "Data", "User"}
	d := NewDecoder(fields)
	var values []string
	allocations := testing.AllocsPerRun(100, func() {
		for _, line := range lines {
			if err := d.Decode(line); err != nil {
				t.Fatal(err)
			}
			for n := range fields {
				d.Record().Field(n)
				d.Record().More(n)
			}
			values = d.Record().AppendValues(values[:0])
			_, _ = d.Record().Channel(), d.Record().EventID()
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
	if !bytes.Contains([]byte(strings.Join(values, "|")), []byte(`C:\b.exe|1|2|ü`)) {
		t.Errorf("%q", values)
	}
}
