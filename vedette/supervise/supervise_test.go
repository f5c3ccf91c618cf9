package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// The test binary plays the children too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		child(os.Args[2:])
	}
	if len(os.Args) > 1 && os.Args[1] == "supervisor" {
		supervisor()
	}
	goleak.VerifyTestMain(m)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func readLines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

func TestStartsInOrderAndStopsInReverse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "order")
	member := func(name string) Child {
		c := play(name, "note="+file+":"+name+"-up", "wait", "note="+file+":"+name+"-down")
		c.Ready = func(ctx context.Context, _ int) error {
			for ctx.Err() == nil {
				if text, _ := os.ReadFile(file); strings.Contains(string(text), name+"-up") {
					return nil
				}
				time.Sleep(5 * time.Millisecond)
			}
			return ctx.Err()
		}
		return c
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := Run(ctx, []Child{member("bus"), member("analyzer"), member("collector")}, Options{Started: cancel})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"bus-up", "analyzer-up", "collector-up", "collector-down", "analyzer-down", "bus-down"}
	if diff := cmp.Diff(want, readLines(t, file)); diff != "" {
		t.Error(diff)
	}
}

func TestADeathWhileStartingStopsTheOthers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "order")
	var j journal
	dying := play("analyzer", "say=no rules here", "exit=3")
	dying.Output = &j
	dying.Ready = func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }
	bus := play("bus", "note="+file+":up", "wait", "note="+file+":down")
	bus.Ready = func(context.Context, int) error {
		eventually(t, "the bus runs", func() bool { _, err := os.Stat(file); return err == nil })
		return nil
	}
	err := Run(context.Background(), []Child{bus, dying, play("collector", "note="+file+":never")}, Options{
		Started: func() { t.Error("called Started") },
	})
	var start *StartError
	if !errors.As(err, &start) || start.Child != "analyzer" || start.State != "exit status 3" {
		t.Fatalf("got %v", err)
	}
	if got := j.text(); got != "no rules here\n" {
		t.Errorf("its output is %q", got)
	}
	if diff := cmp.Diff([]string{"up", "down"}, readLines(t, file)); diff != "" {
		t.Error(diff)
	}
}

func TestAChildThatIsNeverReady(t *testing.T) {
	mute := play("bus", "wait")
	mute.Ready = func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }
	err := Run(context.Background(), []Child{mute}, Options{StartTimeout: 50 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "not ready after 50ms") {
		t.Errorf("got %v", err)
	}
}

func TestAProgramThatIsNotThere(t *testing.T) {
	err := Run(context.Background(), []Child{{Name: "bus", Path: "/no/such/program"}}, Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestAStopDuringTheStartIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	slow := play("bus", "wait")
	slow.Ready = func(ctx context.Context, _ int) error { cancel(); <-ctx.Done(); return ctx.Err() }
	if err := Run(ctx, []Child{slow}, Options{}); err != nil {
		t.Error(err)
	}
}

func TestRestartsWithBackoff(t *testing.T) {
	var j journal
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	file, callback := started(t)
	go func() {
		done <- Run(ctx, []Child{play("analyzer", "until="+file, "exit=1")}, Options{
			BackoffFirst: 10 * time.Millisecond, BackoffMost: 40 * time.Millisecond, Report: j.report, Started: callback,
		})
	}()
	eventually(t, "five deaths", func() bool { return j.count("analyzer", Ended) >= 5 })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var waits []time.Duration
	for _, c := range j.changes {
		if c.Kind == Ended {
			waits = append(waits, c.Wait)
			if c.State != "exit status 1" {
				t.Errorf("it ended with %q", c.State)
			}
		}
	}
	want := []time.Duration{10e6, 20e6, 40e6, 40e6, 40e6}
	if diff := cmp.Diff(want, waits[:5]); diff != "" {
		t.Error(diff)
	}
}

func TestBackoff(t *testing.T) {
	b := backoff{first: 200 * time.Millisecond, most: 10 * time.Second, reset: time.Minute}
	f := func(lived, want time.Duration) {
		t.Helper()
		if got := b.next(lived); got != want {
			t.Errorf("after a life of %v waits %v, want %v", lived, got, want)
		}
	}
	f(2*time.Hour, 200*time.Millisecond)
	f(time.Second, 400*time.Millisecond)
	f(time.Second, 800*time.Millisecond)
	f(59*time.Second, 1600*time.Millisecond)
	f(time.Second, 3200*time.Millisecond)
	f(time.Second, 6400*time.Millisecond)
	f(time.Second, 10*time.Second)
	f(time.Second, 10*time.Second)
	f(time.Minute, 200*time.Millisecond)
}

func TestAStubbornChildIsKilled(t *testing.T) {
	f := func(opts Options, prepare func(*Options)) {
		t.Helper()
		var j journal
		stubborn := play("collector", "say=up", "stay")
		stubborn.Output = &j
		ctx, cancel := context.WithCancel(context.Background())
		opts.Report = j.report
		opts.Started = func() {
			eventually(t, "it ignores SIGTERM", func() bool { return j.text() == "up\n" })
			cancel()
		}
		prepare(&opts)
		if err := Run(ctx, []Child{stubborn}, opts); err != nil {
			t.Fatal(err)
		}
		if j.count("collector", Killed) != 1 || j.count("collector", Stopped) != 1 {
			t.Errorf("changes: %+v", j.changes)
		}
	}
	f(Options{StopTimeout: 50 * time.Millisecond}, func(*Options) {})
	f(Options{StopTimeout: time.Hour}, func(o *Options) {
		hurry := make(chan struct{})
		close(hurry)
		o.Hurry = hurry
	})
}

func TestWhatAChildLeavesBehindGoesWithIt(t *testing.T) {
	var j journal
	file, callback := started(t)
	c := play("analyzer", "grandchild", "until="+file, "exit=0")
	c.Output = &j
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := Run(ctx, []Child{c}, Options{
		BackoffFirst: time.Hour,
		Started:      callback,
		Report: func(change Change) {
			if change.Kind == Ended {
				cancel()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(j.text()))
	if err != nil {
		t.Fatal(err)
	}
	waitGone(t, pid)
}

func TestAKilledSupervisorLeavesNoChild(t *testing.T) {
	cmd := exec.Command(os.Args[0], "supervisor")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitGone(t, pid)
}

// waitGone waits until pid is gone or a zombie: nobody may be there to reap an orphan in a container.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	eventually(t, fmt.Sprintf("the end of process %d", pid), func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func TestAChildGetsItsIdentityAndNothingElse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to start a process as another user")
	}
	var j journal
	c := Child{
		Name: "bus", Path: "/bin/sh", Args: []string{"-c", "read line; id -u; id -g; id -G; pwd; env | grep -c SECRET; grep CapAmb /proc/self/status; sleep 600"},
		Credential: &syscall.Credential{Uid: 64001, Gid: 64000}, Output: &j,
	}
	t.Setenv("SECRET", "hunter2")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := Run(ctx, []Child{c}, Options{Started: func() {
		eventually(t, "it has said all", func() bool { return strings.Contains(j.text(), "CapAmb") })
		cancel()
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := "64001 64000 64000 / 0 CapAmb: 0000000000000000"
	if got := strings.Join(strings.Fields(j.text()), " "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAConfinedChildCannotGainRights(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to drop capabilities from the bounding set")
	}
	show := func(confined bool) string {
		var j journal
		c := Child{
			Name: "bus", Path: "/bin/sh", Args: []string{"-c", "grep -E 'CapBnd|CapPrm|NoNewPrivs' /proc/self/status; sleep 600"},
			Credential: &syscall.Credential{Uid: 64001, Gid: 64000}, Confined: confined, Output: &j,
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		err := Run(ctx, []Child{c}, Options{Started: func() {
			eventually(t, "it has said all", func() bool { return strings.Contains(j.text(), "NoNewPrivs") })
			cancel()
		}})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(j.text()), " ")
	}
	want := "CapPrm: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1"
	if got := show(true); got != want {
		t.Errorf("confined it has %q, want %q", got, want)
	}
	// The thread that gave everything up must not start anybody else.
	if got := show(false); !strings.HasSuffix(got, "NoNewPrivs: 0") || strings.Contains(got, "CapBnd: 0000000000000000") {
		t.Errorf("unconfined it has %q", got)
	}
}

func TestEveryProcessIsAdopted(t *testing.T) {
	var mu sync.Mutex
	adopted := 0
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var j journal
	file, callback := started(t)
	err := Run(ctx, []Child{play("bus", "until="+file, "exit=0")}, Options{
		Started:      callback,
		BackoffFirst: time.Millisecond, BackoffMost: time.Millisecond,
		Adopt: func(pidfd int) error {
			mu.Lock()
			defer mu.Unlock()
			if adopted++; adopted == 3 {
				cancel()
			}
			return syscall.Fstat(pidfd, &syscall.Stat_t{})
		},
		Report: j.report,
	})
	if err != nil {
		t.Fatal(err)
	}
	if adopted < 3 {
		t.Errorf("%d processes were adopted", adopted)
	}

	err = Run(context.Background(), []Child{play("bus", "stay")}, Options{
		Adopt: func(int) error { return errors.New("guard is gone") },
	})
	if err == nil || !strings.Contains(err.Error(), "guard is gone") {
		t.Errorf("a process nobody guards was kept: %v", err)
	}
}
