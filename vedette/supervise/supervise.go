// Package supervise starts processes in order, keeps them running and stops them in the reverse order.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Child is one process to keep running.
type Child struct {
	Name string
	Path string
	Args []string
	// Env is the whole environment; nil means none.
	Env []string
	// Credential is the identity to start with; nil keeps the caller's.
	Credential *syscall.Credential
	// Confined starts the process with no_new_privs and an empty capability bounding set. It needs CAP_SETPCAP.
	Confined bool
	// Ready returns nil once the process with this pid does its work. It is called for the first start, and its context
	// ends with the process. nil means ready at once.
	Ready func(ctx context.Context, pid int) error
	// Output receives what the process writes to stdout and stderr, from one goroutine at a time.
	Output io.Writer
}

// Options have working zero values.
type Options struct {
	// StartTimeout bounds the wait for Ready at the first start; 0 means 90 s. The collector has the kernel verify some
	// 600,000 instructions, seconds of a processor, which a busy host may not have free at once.
	StartTimeout time.Duration
	// StopTimeout is how long a child may take to end after SIGTERM before it gets SIGKILL; 0 means 5 s.
	StopTimeout time.Duration
	// A child that ends is started again after BackoffFirst (0: 200 ms), doubling to BackoffMost (0: 10 s), and from the
	// beginning after a life of BackoffReset (0: 60 s).
	BackoffFirst, BackoffMost, BackoffReset time.Duration
	// Started is called once, when every child is ready.
	Started func()
	// Report is told of every change in the life of a child, from any goroutine. It must not block.
	Report func(Change)
	// Adopt is given a pidfd of every process that was started, before anything else happens to it. The pidfd is closed
	// after the call.
	Adopt func(pidfd int) error
	// Hurry, when closed, ends the patience: children that are being stopped get SIGKILL at once.
	Hurry <-chan struct{}
}

// Kind says what happened to a child.
type Kind int

// What can happen to a child.
const (
	// Running: started for the first time and ready.
	Running Kind = iota + 1
	// Ended by itself; it is started again after Wait.
	Ended
	// Again: started again, which does not wait for Ready.
	Again
	// NotAgain: starting again failed with Err; the next try is after Wait.
	NotAgain
	// Killed: it did not stop within StopTimeout.
	Killed
	// Stopped on request.
	Stopped
)

// Change is one change in the life of a child. Only the fields that its Kind names are set besides Child and Kind.
type Change struct {
	Child string
	Kind  Kind
	PID   int
	State string        // Ended, Stopped: "exit status 1", "signal: killed"
	Lived time.Duration // Ended
	Wait  time.Duration // Ended, NotAgain
	Err   error         // NotAgain
}

// StartError says which child did not come up. State is how it ended, empty when it is still running and not ready.
type StartError struct {
	Child string
	State string
	Err   error
}

// Error implements error.
func (e *StartError) Error() string {
	if e.State != "" {
		return fmt.Sprintf("%s ended while it was starting (%s)", e.Child, e.State)
	}
	return fmt.Sprintf("cannot start %s: %v", e.Child, e.Err)
}

// Unwrap gives the reason, when the child did not end.
func (e *StartError) Unwrap() error { return e.Err }

// Run starts the children one after the other, each once the one before is ready, keeps them running until ctx is done,
// and stops them in the reverse order. When one does not come up, Run stops the others and returns a *StartError. It
// returns after every process it made has been reaped.
func Run(ctx context.Context, children []Child, opts Options) error {
	opts = opts.withDefaults()
	free := newSpawner(func() error { return nil })
	defer free.close()
	confined := newSpawner(confine)
	defer confined.close()

	var keepers []*keeper
	var failed error
	for _, c := range children {
		spawner := free
		if c.Confined {
			spawner = confined
		}
		k := &keeper{child: c, opts: &opts, spawner: spawner, stop: make(chan struct{}), done: make(chan struct{})}
		if failed = k.start(ctx); failed != nil {
			break
		}
		keepers = append(keepers, k)
	}
	if failed == nil {
		opts.Started()
		<-ctx.Done()
	}
	for _, k := range slices.Backward(keepers) {
		close(k.stop)
		<-k.done
	}
	if ctx.Err() != nil && errors.Is(failed, ctx.Err()) {
		return nil
	}
	return failed
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&o.StartTimeout, 90*time.Second)
	set(&o.StopTimeout, 5*time.Second)
	set(&o.BackoffFirst, 200*time.Millisecond)
	set(&o.BackoffMost, 10*time.Second)
	set(&o.BackoffReset, time.Minute)
	if o.Started == nil {
		o.Started = func() {}
	}
	if o.Report == nil {
		o.Report = func(Change) {}
	}
	if o.Adopt == nil {
		o.Adopt = func(int) error { return nil }
	}
	return o
}

// keeper keeps one child running. After start has returned nil its goroutine owns the child until stop is closed.
type keeper struct {
	child   Child
	opts    *Options
	spawner *spawner
	stop    chan struct{}
	done    chan struct{}
}

func (k *keeper) spawn() (*process, error) {
	out := k.child.Output
	if out == nil {
		out = io.Discard
	}
	return k.spawner.start(k.child, out, k.opts.Adopt)
}

func (k *keeper) report(c Change) {
	c.Child = k.child.Name
	k.opts.Report(c)
}

// start makes the first life of the child and waits until it is ready.
func (k *keeper) start(ctx context.Context) error {
	began := time.Now()
	p, err := k.spawn()
	if err != nil {
		return &StartError{Child: k.child.Name, Err: err}
	}
	ready, cancel := context.WithTimeout(ctx, k.opts.StartTimeout)
	defer cancel()
	err = k.ready(ready, p)
	select {
	case <-p.done:
		return &StartError{Child: k.child.Name, State: p.state}
	default:
	}
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = fmt.Errorf("it was not ready after %v: %w", k.opts.StartTimeout, err)
		}
		k.end(p)
		return &StartError{Child: k.child.Name, Err: err}
	}
	k.report(Change{Kind: Running, PID: p.pid()})
	go k.keep(p, began)
	return nil
}

// ready waits for Ready, the end of the process or ctx.
func (k *keeper) ready(ctx context.Context, p *process) error {
	if k.child.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-p.done:
			cancel()
		case <-ctx.Done():
		}
	})
	err := k.child.Ready(ctx, p.pid())
	cancel()
	watch.Wait()
	return err
}

func (k *keeper) keep(p *process, began time.Time) {
	defer close(k.done)
	pause := backoff{first: k.opts.BackoffFirst, most: k.opts.BackoffMost, reset: k.opts.BackoffReset}
	for {
		select {
		case <-k.stop:
			k.end(p)
			k.report(Change{Kind: Stopped, PID: p.pid(), State: p.state})
			return
		case <-p.done:
		}
		lived := time.Since(began)
		wait := pause.next(lived)
		k.report(Change{Kind: Ended, PID: p.pid(), State: p.state, Lived: lived, Wait: wait})
		for {
			select {
			case <-k.stop:
				return
			case <-time.After(wait):
			}
			again, err := k.spawn()
			if err == nil {
				p, began = again, time.Now()
				k.report(Change{Kind: Again, PID: p.pid()})
				break
			}
			wait = pause.next(0)
			k.report(Change{Kind: NotAgain, Err: err, Wait: wait})
		}
	}
}

// end stops the process and waits until it was reaped.
func (k *keeper) end(p *process) {
	p.signal(syscall.SIGTERM)
	patience := time.NewTimer(k.opts.StopTimeout)
	defer patience.Stop()
	select {
	case <-p.done:
		return
	case <-patience.C:
	case <-k.opts.Hurry:
	}
	k.report(Change{Kind: Killed, PID: p.pid()})
	p.signal(syscall.SIGKILL)
	<-p.done
}
