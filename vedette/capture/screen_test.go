package capture

import (
	"bytes"
	"testing"
	"time"
)

func TestProgressGivesWayToMessages(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, terminal: true}
	s.progress(17, 3<<20, 61*time.Second)
	s.progress(18, 3<<20, 61*time.Second) // too soon
	s.say("the connection is lost\x1b[2J")
	s.clear()
	s.clear()
	want := "1m1s  17 events  3.0 MiB  Ctrl-C ends it\r\x1b[Kvedette: the connection is lost\\x1b[2J\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestNoProgressInAFile(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out)
	s.progress(17, 1, time.Second)
	s.clear()
	if out.Len() > 0 {
		t.Errorf("got %q", out.String())
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 KiB", 1: "1 KiB", 1025: "2 KiB", 1 << 20: "1.0 MiB", 5 << 19: "2.5 MiB"} {
		if got := size(n); got != want {
			t.Errorf("%d bytes are %s, want %s", n, got, want)
		}
	}
}
