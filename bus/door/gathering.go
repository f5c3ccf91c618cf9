package door

import (
	"net"
	"runtime"
	"sync"
)

// gathering joins what the server sends piece by piece, a header, a payload, the next message, into one write: each write wakes
// the client's process, and that costs many times what the bytes do.
//
// One goroutine fills it and another takes. Channels of one place stand for conditions.
type gathering struct {
	mu      sync.Mutex
	bytes   []byte
	ended   bool
	stopped bool

	// some has a value when there is something to take, room when there is space again.
	some, room chan struct{}
}

func newGathering() *gathering {
	return &gathering{some: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// fill reads until the server ends or nobody takes any more.
func (g *gathering) fill(server net.Conn) {
	buf := make([]byte, bufferSize)
	for {
		n, err := server.Read(buf)
		if !g.put(buf[:n], err != nil) || err != nil {
			return
		}
	}
}

// put waits for room and reports whether to go on.
func (g *gathering) put(p []byte, last bool) bool {
	for {
		g.mu.Lock()
		if g.stopped {
			g.mu.Unlock()
			return false
		}
		if len(g.bytes) == 0 || len(g.bytes)+len(p) <= bufferSize {
			g.bytes = append(g.bytes, p...)
			g.ended = last
			g.mu.Unlock()
			tell(g.some)
			return true
		}
		g.mu.Unlock()
		<-g.room
	}
}

// take waits for bytes and gives all there are in exchange for a buffer to use next. It reports whether there may be more.
func (g *gathering) take(spare []byte) (bytes []byte, more bool) {
	<-g.some
	// The server waits, piece by piece, for its bytes to be taken: now it says the rest.
	runtime.Gosched()
	g.mu.Lock()
	defer g.mu.Unlock()
	bytes, g.bytes = g.bytes, spare[:0]
	if g.ended {
		// A later take must not wait.
		tell(g.some)
	}
	tell(g.room)
	return bytes, !g.ended
}

// stop makes fill return; the server's connection has been closed, or has ended.
func (g *gathering) stop() {
	g.mu.Lock()
	g.stopped = true
	g.mu.Unlock()
	tell(g.room)
}
