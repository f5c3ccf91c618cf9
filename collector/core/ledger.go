package core

import (
	"sync"
	"sync/atomic"
	"time"

	pb "github.com/vedette-edr/vedette/proto"
)

// kernelAge is how old the kernel-side counters may be that go into a batch: reading them costs system calls.
const kernelAge = 100 * time.Millisecond

// ledger counts what is lost, by class and cause: what this package gives up, and what the source reports of the kernel.
type ledger struct {
	source Source
	now    func() time.Time

	own   [classes][causes]atomic.Uint64
	stale atomic.Bool // own or kernel has changed since list was made

	// reading is held while the source is asked; it comes before mu.
	reading sync.Mutex
	readAt  time.Time

	mu     sync.Mutex
	kernel Counters
	list   []*pb.Loss
}

// add counts events lost. It takes no lock, so that the spool may call it.
func (l *ledger) add(class pb.Class, cause pb.LossCause, n uint64) {
	if class < 0 || class >= classes {
		class = pb.Class_CLASS_UNSPECIFIED
	}
	if cause < 0 || cause >= causes {
		cause = pb.LossCause_LOSS_CAUSE_UNSPECIFIED
	}
	l.own[class][cause].Add(n)
	l.stale.Store(true)
}

// losses lists every counter that is not zero, the kernel's about kernelAge old at most. The list is shared and never changed.
func (l *ledger) losses() []*pb.Loss {
	// Who finds another goroutine asking the source takes what is known.
	if l.reading.TryLock() {
		if now := l.now(); l.readAt.IsZero() || now.Sub(l.readAt) >= kernelAge {
			l.readKernel(now)
		}
		l.reading.Unlock()
	}
	return l.known()
}

// snapshot asks the source now and returns its counters with the list of all losses.
func (l *ledger) snapshot() (Counters, []*pb.Loss) {
	l.reading.Lock()
	l.readKernel(l.now())
	l.reading.Unlock()
	losses := l.known()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kernel, losses
}

func (l *ledger) readKernel(now time.Time) {
	l.readAt = now
	kernel := l.source.Counters()
	l.mu.Lock()
	defer l.mu.Unlock()
	if kernel != l.kernel {
		l.kernel = kernel
		l.stale.Store(true)
	}
}

// known lists the counters without asking the source.
func (l *ledger) known() []*pb.Loss {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stale.Swap(false) {
		return l.list
	}
	var list []*pb.Loss
	for class := range l.own {
		for cause := range l.own[class] {
			if n := l.own[class][cause].Load() + l.kernel.Lost[class][cause]; n > 0 {
				list = append(list, &pb.Loss{Class: pb.Class(class), Cause: pb.LossCause(cause), Count: n})
			}
		}
	}
	l.list = list
	return list
}
