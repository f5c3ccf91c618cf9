package supervise

import "time"

// backoff says how long to wait before a child is started again.
type backoff struct {
	first, most, reset time.Duration
	last               time.Duration
}

// next returns the wait after a life of the given length: first after a long life, otherwise twice the last wait.
func (b *backoff) next(lived time.Duration) time.Duration {
	switch {
	case b.last == 0 || lived >= b.reset:
		b.last = b.first
	default:
		b.last = min(2*b.last, b.most)
	}
	return b.last
}
