package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestALaneTimesNoEventThatItTrainsOn(t *testing.T) {
	f := func(events int) {
		t.Helper()
		all := make([][]byte, events)
		for i := range all {
			all[i] = fmt.Append(nil, i)
		}
		l := newLane("", "", all, nil, "")
		seen := make(map[string]bool)
		for _, e := range slices.Concat(l.training, l.timed) {
			seen[string(e)] = true
		}
		if len(l.training)+len(l.timed) != events || len(seen) != events {
			t.Errorf("of %d events %d are trained on and %d timed, %d of them different", events, len(l.training), len(l.timed), len(seen))
		}
		if difference := len(l.training) - len(l.timed); difference < 0 || difference > block {
			t.Errorf("%d events are trained on and %d timed", len(l.training), len(l.timed))
		}
	}
	f(0)
	f(1)
	f(100)
	f(3 * block * 16)
}

func TestStretchingRepeatsInMemoryOfItsOwn(t *testing.T) {
	events := [][]byte{[]byte("a"), []byte("b")}
	long := stretch(events, 5)
	if diff := cmp.Diff([]string{"a", "b", "a", "b", "a", "b"}, texts(long)); diff != "" {
		t.Error(diff)
	}
	if &long[0][0] == &long[2][0] {
		t.Error("copies share their memory")
	}
	if got := stretch(nil, 5); len(got) != 0 {
		t.Errorf("%d events came out of none", len(got))
	}
}

func texts(lines [][]byte) []string {
	all := make([]string, len(lines))
	for i, line := range lines {
		all[i] = string(line)
	}
	return all
}
