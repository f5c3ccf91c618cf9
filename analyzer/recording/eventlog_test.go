package recording

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/recording/evtx"
)

// TestFlatten gives the elements of an event log's record the names that the same event has in JSON.
func TestFlatten(t *testing.T) {
	f := func(name string, elements []evtx.Element, want ...string) {
		t.Helper()
		d := NewDecoder(nil)
		var got []string
		d.visit = func(name, value string) bool {
			got = append(got, name+"="+value)
			return true
		}
		d.flatten(append([]evtx.Element{{Name: "Event"}}, elements...))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	attribute := func(name, value string) []evtx.Attribute { return []evtx.Attribute{{Name: name, Value: []byte(value)}} }
	f("System", []evtx.Element{
		{Name: "System", Depth: 1},
		{Name: "Provider", Depth: 2, Attributes: attribute("Name", "p")},
		{Name: "EventID", Depth: 2, Attributes: attribute("Qualifiers", "1"), Text: []byte("7")},
		{Name: "Correlation", Depth: 2},
	}, "Provider_Name=p", "EventID_Qualifiers=1", "EventID=7", "Correlation=")
	f("EventData", []evtx.Element{
		{Name: "EventData", Depth: 1, Attributes: attribute("Name", "HIVE")},
		{Name: "Data", Depth: 2, Attributes: attribute("Name", "Image"), Text: []byte("x")},
		{Name: "Data", Depth: 2, Attributes: attribute("Name", "Empty")},
		{Name: "Data", Depth: 2, Text: []byte("1")},
		{Name: "Data", Depth: 2, Text: []byte("2")},
		{Name: "Binary", Depth: 2, Text: []byte("00")},
	}, "EventData_Name=HIVE", "Image=x", "Empty=", "Data=1", "Data=2", "Binary=00")
	f("UserData", []evtx.Element{
		{Name: "UserData", Depth: 1},
		{Name: "LogFileCleared", Depth: 2, Attributes: attribute("xmlns:a", "n")},
		{Name: "Channel", Depth: 3, Text: []byte("Security")},
		{Name: "Error", Depth: 3, Attributes: attribute("Code", "5")},
	}, "Channel=Security", "Error_Code=5")
	f("others", []evtx.Element{
		{Name: "RenderingInfo", Depth: 1, Attributes: attribute("Culture", "en")},
		{Name: "Message", Depth: 2, Text: []byte("m")},
	}, "Event.RenderingInfo.RenderingInfo_Culture=en", "Event.RenderingInfo.Message=m")
}

// TestListsInEventLogs has several Data elements without names: they are one field.
func TestListsInEventLogs(t *testing.T) {
	d := NewDecoder([]string{"Data"})
	d.flatten([]evtx.Element{
		{Name: "Event"},
		{Name: "EventData", Depth: 1},
		{Name: "Data", Depth: 2, Text: []byte("1")},
		{Name: "Data", Depth: 2, Text: []byte("2")},
		{Name: "Data", Depth: 2, Text: []byte("3")},
	})
	first, ok := d.record.Field(0)
	if got := append([]string{first}, d.record.More(0)...); !ok || !cmp.Equal([]string{"1", "2", "3"}, got) {
		t.Errorf("%v %q", ok, got)
	}
	if got := d.record.AppendValues(nil); !cmp.Equal([]string{"1", "2", "3"}, got) {
		t.Errorf("keywords see %q", got)
	}
}
