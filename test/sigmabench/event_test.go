package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/recording"
)

func TestAKeptEventGivesWhatItsRecordGave(t *testing.T) {
	fields := []string{"Image", "Groups", "Nothing", "Missing", "Empty"}
	d := recording.NewDecoder(fields)
	f := func(line string) {
		t.Helper()
		if err := d.Decode([]byte(line)); err != nil {
			t.Fatal(err)
		}
		r := d.Record()
		e := keep(r, len(fields), nil)
		for n, name := range fields {
			want, wantOK := r.Field(n)
			if got, ok := e.Field(n); got != want || ok != wantOK {
				t.Errorf("%s is %q, %v; want %q, %v", name, got, ok, want, wantOK)
			}
			if diff := cmp.Diff(append([]string{}, r.More(n)...), append([]string{}, e.More(n)...)); diff != "" {
				t.Errorf("further values of %s (-want +got):\n%s", name, diff)
			}
		}
		if diff := cmp.Diff(r.AppendValues(nil), e.AppendValues(nil)); diff != "" {
			t.Errorf("values (-want +got):\n%s", diff)
		}
	}
	f(`{}`)
	f(`{"Image":"C:\\Windows\\a.exe","Groups":["x","y","x"],"Nothing":null,"Empty":"","Other":7}`)
	f(`{"Groups":["only"],"Image":"twice","Empty":"twice"}`)
}
