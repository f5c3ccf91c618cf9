package live

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Mailbox keeps everything that came, so that it does not matter whether one waits before or after. It may be used by several
// goroutines; the zero value is empty.
type Mailbox[T any] struct {
	mu    sync.Mutex
	all   []T
	grown chan struct{}
}

// Put adds what came.
func (m *Mailbox[T]) Put(v ...T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, v...)
	if m.grown != nil {
		close(m.grown)
		m.grown = nil
	}
}

// Wait gives the first thing, of those that came and those still to come, that satisfies f.
func (m *Mailbox[T]) Wait(timeout time.Duration, f func(T) bool) (T, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	for next := 0; ; {
		m.mu.Lock()
		all := m.all
		if m.grown == nil {
			m.grown = make(chan struct{})
		}
		grown := m.grown
		m.mu.Unlock()
		for ; next < len(all); next++ {
			if f(all[next]) {
				return all[next], nil
			}
		}
		select {
		case <-grown:
		case <-ctx.Done():
			var none T
			return none, fmt.Errorf("none of %d within %s", len(all), timeout)
		}
	}
}

// Count tells how many of those that came satisfy f.
func (m *Mailbox[T]) Count(f func(T) bool) int {
	m.mu.Lock()
	all := m.all
	m.mu.Unlock()
	n := 0
	for _, v := range all {
		if f(v) {
			n++
		}
	}
	return n
}

// Clear forgets everything. Nobody may be waiting.
func (m *Mailbox[T]) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = nil
}
