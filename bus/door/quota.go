package door

import (
	"fmt"
	"sync"
)

// quota limits how many things each owner holds, and all owners together. Its methods may be called concurrently.
type quota struct {
	what     string
	perOwner int
	total    int

	mu   sync.Mutex
	held map[string]int
	all  int
}

func newQuota(what string, perOwner, total int) *quota {
	return &quota{what: what, perOwner: perOwner, total: total, held: make(map[string]int)}
}

// take admits one more for the owner, or says why not. Each success needs one release.
func (q *quota) take(owner string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := q.held[owner]; n >= q.perOwner {
		return fmt.Errorf("%s has %d %s already, the limit", owner, n, q.what)
	}
	if q.all >= q.total {
		return fmt.Errorf("all %d %s are taken", q.total, q.what)
	}
	q.held[owner]++
	q.all++
	return nil
}

func (q *quota) release(owner string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all--
	if q.held[owner]--; q.held[owner] <= 0 {
		delete(q.held, owner)
	}
}
