package main

import (
	"bytes"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/recording/evtx"
)

func TestARecordBecomesTheJSONThatToolsMakeOfIt(t *testing.T) {
	f := func(elements []evtx.Element, want string) {
		t.Helper()
		var got bytes.Buffer
		writeJSON(&got, object{{elements[0].Name, content(elements)}})
		if got.String() != want {
			t.Errorf("got  %s\nwant %s", &got, want)
		}
	}
	attribute := func(name, value string) []evtx.Attribute { return []evtx.Attribute{{Name: name, Value: []byte(value)}} }
	f([]evtx.Element{
		{Name: "Event"},
		{Name: "System", Depth: 1},
		{Name: "Provider", Depth: 2, Attributes: attribute("Name", "P")},
		{Name: "EventID", Depth: 2, Attributes: attribute("Qualifiers", "0"), Text: []byte("7")},
		{Name: "Channel", Depth: 2, Text: []byte("C")},
		{Name: "EventData", Depth: 1},
		{Name: "Data", Depth: 2, Attributes: attribute("Name", "Image"), Text: []byte(`C:\<a>"`)},
		{Name: "Data", Depth: 2, Text: []byte("first")},
		{Name: "Data", Depth: 2, Text: []byte("second")},
	}, `{"Event":{"System":{"Provider":{"#attributes":{"Name":"P"}},"EventID":{"#attributes":{"Qualifiers":"0"},"#text":"7"},"Channel":"C"},`+
		`"EventData":{"Image":"C:\\<a>\"","Data":["first","second"]}}}`)
	f([]evtx.Element{{Name: "Event"}}, `{"Event":""}`)
}
