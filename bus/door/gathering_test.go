package door

import (
	"bytes"
	"testing"
	"time"
)

// What the server says piece by piece leaves in one write.
func TestPiecesAreJoined(t *testing.T) {
	g := newGathering()
	for _, piece := range []string{"MSG a 1 5\r\n", "hello", "\r\n"} {
		if !g.put([]byte(piece), false) {
			t.Fatal("a piece is refused")
		}
	}
	got, more := g.take(nil)
	if string(got) != "MSG a 1 5\r\nhello\r\n" || !more {
		t.Errorf("%q, more %v; want all pieces, and that there may be more", got, more)
	}
	g.put([]byte("last"), true)
	if got, more = g.take(got); string(got) != "last" || more {
		t.Errorf("%q, more %v; want the last piece and the end", got, more)
	}
}

// Who sends waits while as much lies there as one write takes, and goes on when it is taken or when nobody takes any more.
func TestAFullGatheringHoldsTheServerBack(t *testing.T) {
	g := newGathering()
	g.put(bytes.Repeat([]byte("x"), bufferSize-1), false)
	put := make(chan bool)
	go func() { put <- g.put([]byte("yz"), false) }()
	select {
	case <-put:
		t.Fatal("more was taken in than has room")
	case <-time.After(20 * time.Millisecond):
	}
	if got, _ := g.take(nil); len(got) != bufferSize-1 {
		t.Fatalf("%d bytes, want %d", len(got), bufferSize-1)
	}
	if !<-put {
		t.Fatal("a piece is refused although there is room")
	}
	g.put(bytes.Repeat([]byte("x"), bufferSize-2), false)
	go func() { put <- g.put([]byte("z"), false) }()
	g.stop()
	if <-put {
		t.Error("a piece is taken in although nobody takes it out")
	}
}
