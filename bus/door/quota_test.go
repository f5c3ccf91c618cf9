package door

import (
	"sync"
	"testing"
)

func TestQuota(t *testing.T) {
	q := newQuota("things", 2, 3)
	f := func(owner, want string) {
		t.Helper()
		got := ""
		if err := q.take(owner); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", owner, got, want)
		}
	}
	f("a", "")
	f("a", "")
	f("a", "a has 2 things already, the limit")
	f("b", "")
	f("b", "all 3 things are taken")
	q.release("a")
	f("b", "")
	q.release("b")
	q.release("b")
	q.release("a")
	if len(q.held) != 0 || q.all != 0 {
		t.Errorf("after everything was given back: %+v, %d", q.held, q.all)
	}
}

func TestQuotaConcurrently(t *testing.T) {
	q := newQuota("things", 5, 8)
	var work sync.WaitGroup
	for _, owner := range []string{"a", "b", "c"} {
		for range 20 {
			work.Go(func() {
				for range 200 {
					if q.take(owner) == nil {
						q.release(owner)
					}
				}
			})
		}
	}
	work.Wait()
	if len(q.held) != 0 || q.all != 0 {
		t.Errorf("left: %v, %d", q.held, q.all)
	}
}
