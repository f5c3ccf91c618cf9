package alertlog

import (
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// maxExpected bounds the alerts kept while the stream has not shown them; beyond it only the stream is trusted.
	maxExpected = 1024
	// maxKnown bounds the memory of ids that were delivered.
	maxKnown = 8192
)

// lately knows the alerts of the last while: which were seen on their subject and are expected in the stream, and which
// were delivered. Alerts and stream take different ways through the server, so either may come first.
type lately struct {
	// wake has a value when an alert was seen that is not known yet.
	wake chan struct{}

	mu       sync.Mutex
	expected map[string]Record
	known    map[string]struct{}
	order    []string // known ids, a ring
	oldest   int
}

func newLately() *lately {
	return &lately{
		wake:     make(chan struct{}, 1),
		expected: make(map[string]Record),
		known:    make(map[string]struct{}),
	}
}

// see is the handler of the live subscription.
func (l *lately) see(m *nats.Msg) {
	id := m.Header.Get(nats.MsgIdHdr)
	l.mu.Lock()
	_, known := l.known[id]
	_, expected := l.expected[id]
	if id != "" && !known && !expected && len(l.expected) < maxExpected {
		l.expected[id] = Record{ID: id, Time: time.Now(), Data: m.Data}
	}
	l.mu.Unlock()
	if known {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// delivered notes that the alert was handed over.
func (l *lately) delivered(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.expected, id)
	l.know(id)
}

func (l *lately) know(id string) {
	if _, again := l.known[id]; again || id == "" {
		return
	}
	l.known[id] = struct{}{}
	if len(l.order) < maxKnown {
		l.order = append(l.order, id)
		return
	}
	delete(l.known, l.order[l.oldest])
	l.order[l.oldest] = id
	l.oldest = (l.oldest + 1) % maxKnown
}

// overdue takes out the alerts that were seen before the given time, in the order they were seen, as delivered. waiting
// reports whether others are left.
func (l *lately) overdue(before time.Time) (out []Record, waiting bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, rec := range l.expected {
		if rec.Time.Before(before) {
			out = append(out, rec)
			delete(l.expected, id)
			l.know(id)
		}
	}
	slices.SortFunc(out, func(a, b Record) int { return a.Time.Compare(b.Time) })
	return out, len(l.expected) > 0
}
