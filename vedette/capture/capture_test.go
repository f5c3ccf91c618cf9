package capture_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/vedette-edr/vedette/proto/capture"
	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/vedette/bustest"
	"github.com/vedette-edr/vedette/vedette/exit"

	pb "github.com/vedette-edr/vedette/proto"
	verb "github.com/vedette-edr/vedette/vedette/capture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collector numbers batches and lists processes when asked, or says to wait.
type collector struct {
	t      *testing.T
	bus    *bustest.Bus
	number uint64
	mu     sync.Mutex
	sent   [][]byte
	wait   uint32
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{t: t, bus: bustest.Start(t)}
	_, err := c.bus.Conn.Subscribe(subject.Control(bustest.Host, subject.Seed), func(m *nats.Msg) {
		c.mu.Lock()
		wait := c.wait
		c.wait = 0
		answer := &pb.SeedAnswer{Instance: 7, NewestNumber: c.number, WaitMs: wait}
		c.mu.Unlock()
		data, err := answer.MarshalVT()
		if err == nil {
			err = m.Respond(data)
		}
		if err != nil {
			t.Error(err)
		}
		if wait == 0 {
			c.send(&pb.Event{Payload: &pb.Event_Seed{Seed: &pb.ProcessExec{}}}, &pb.Event{Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{Processes: 1}}})
		}
	})
	if err == nil {
		err = c.bus.Conn.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *collector) send(events ...*pb.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number++
	b := &pb.EventBatch{Host: bustest.Host, Instance: 7, Number: c.number, Class: pb.Class_CLASS_PROCESS, Events: events}
	data, err := b.MarshalVT()
	if err == nil {
		err = c.bus.Conn.Publish(subject.Events(bustest.Host, pb.Class_CLASS_PROCESS), data)
	}
	if err != nil {
		c.t.Error(err)
	}
	c.sent = append(c.sent, data)
}

// sendSteadily sends a batch of two events again and again until the test ends.
func (c *collector) sendSteadily() {
	stop := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c.send(&pb.Event{Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{}}}, &pb.Event{Payload: &pb.Event_Exit{Exit: &pb.ProcessExit{}}})
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	c.t.Cleanup(func() { close(stop); work.Wait() })
}

// vedette runs the verb to its end.
func (c *collector) vedette(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	cmd := verb.Command("1.2.3")
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(append([]string{"--prefix", c.bus.Prefix}, args...))
	var out, errs bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err = cmd.ExecuteContext(ctx)
	return out.String(), errs.String(), err
}

func read(t *testing.T, path string) (*capture.Reader, [][]byte) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := capture.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var batches [][]byte
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r, batches
		}
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, b)
	}
}

func TestCaptureUntilTheCount(t *testing.T) {
	c := startCollector(t)
	c.sendSteadily()
	path := filepath.Join(t.TempDir(), "events.vdc")
	_, stderr, err := c.vedette(t.Context(), "--count", "20", path)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	if !strings.Contains(stderr, "recorded 20 events and 1 running processes in ") {
		t.Errorf("it says %q", stderr)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file %v, %v", info, err)
	}
	r, batches := read(t, path)
	if h := r.Header(); h.Host != bustest.Host || h.Version != "1.2.3" || time.Since(h.Started) > time.Minute {
		t.Errorf("header %+v", h)
	}
	if e := r.End(); e.Batches != 11 || e.Events != 22 || !e.Seeded || e.Processes != 1 || e.Lost != (capture.Loss{}) {
		t.Errorf("end %+v", e)
	}
	// Byte for byte what was on the bus.
	c.mu.Lock()
	defer c.mu.Unlock()
	first := slices.IndexFunc(c.sent, func(b []byte) bool { return bytes.Equal(b, batches[0]) })
	if first < 0 {
		t.Fatal("the first batch is none that was sent")
	}
	if diff := cmp.Diff(c.sent[first:first+len(batches)], batches); diff != "" {
		t.Error(diff)
	}
}

func TestCaptureForATime(t *testing.T) {
	c := startCollector(t)
	c.wait = 300 // the collector has other things to do first
	path := filepath.Join(t.TempDir(), "events.vdc")
	began := time.Now()
	stdout, stderr, err := c.vedette(t.Context(), "--duration", "100ms", "--json", path)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	if !strings.Contains(stderr, "does so again in 300ms") || time.Since(began) < 300*time.Millisecond {
		t.Errorf("after %v it says %q", time.Since(began), stderr)
	}
	var summary struct {
		File  string
		Bytes int64
		End   capture.End
	}
	if err := json.Unmarshal([]byte(stdout), &summary); err != nil {
		t.Fatalf("%v: %q", err, stdout)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != summary.Bytes || summary.File != path || summary.End.Events != 2 {
		t.Errorf("summary %+v of %v, %v", summary, info, err)
	}
}

func TestCaptureUntilItIsInterrupted(t *testing.T) {
	c := startCollector(t)
	c.sendSteadily()
	ctx, interrupt := context.WithCancel(t.Context())
	time.AfterFunc(500*time.Millisecond, interrupt)
	path := filepath.Join(t.TempDir(), "events.vdc")
	_, stderr, err := c.vedette(ctx, path)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	if r, batches := read(t, path); len(batches) < 3 || r.End().Lost != (capture.Loss{}) {
		t.Errorf("%d batches, %+v", len(batches), r.End())
	}
}

func TestCaptureSaysWhatIsMissing(t *testing.T) {
	bus := bustest.Start(t)
	c := &collector{t: t, bus: bus}
	path := filepath.Join(t.TempDir(), "events.vdc")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var sender sync.WaitGroup
	sender.Go(func() {
		for !bus.Subscribed("events") {
			time.Sleep(5 * time.Millisecond)
		}
		c.send()
		c.number += 3
		c.send()
		bus.Publish(subject.Events(bustest.Host, pb.Class_CLASS_PROCESS), []byte("garbage"))
		time.Sleep(300 * time.Millisecond)
		interrupt()
	})
	_, stderr, err := c.vedette(ctx, path)
	sender.Wait()
	if exit.Code(err) != exit.Warning || !exit.IsSilent(err) {
		t.Errorf("it ends with %v", err)
	}
	for _, want := range []string{
		"the collector does not list the running processes", "list of the processes that were running at the beginning is not complete",
		"3 batches of events are missing", "1 batches could not be decoded", "recorded 0 events",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
	if r, _ := read(t, path); r.End().Lost != (capture.Loss{Batches: 3, Unreadable: 1}) || r.End().Seeded {
		t.Errorf("end %+v", r.End())
	}
}

func TestCaptureRefuses(t *testing.T) {
	c := &collector{t: t, bus: bustest.Start(t)}
	dir := t.TempDir()
	there, link := filepath.Join(dir, "there"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(there, []byte("precious"), 0o600), os.Symlink(there, link)); err != nil {
		t.Fatal(err)
	}
	f := func(want string, args ...string) {
		t.Helper()
		_, _, err := c.vedette(t.Context(), args...)
		if exit.Code(err) != exit.Refused || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
	f("name one file")
	f("name one file", "a", "b")
	f("--force", there)
	f("no regular file", link)
	f("no regular file", "--force", link)
	f("no regular file", "--force", dir)
	f("directory that you may write to", filepath.Join(dir, "missing", "file"))
	f("unknown class", "--class", "processes", filepath.Join(dir, "new"))
	f("less than nothing", "--duration", "-1s", filepath.Join(dir, "new"))
	c.bus = &bustest.Bus{Prefix: dir}
	f("vedette is not running", filepath.Join(dir, "new"))
	if data, err := os.ReadFile(there); err != nil || string(data) != "precious" {
		t.Errorf("the file that was there: %q, %v", data, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "new")); err == nil {
		t.Error("a recording that could not begin leaves a file")
	}
}

func TestCaptureReplacesWithForce(t *testing.T) {
	c := startCollector(t)
	path := filepath.Join(t.TempDir(), "events.vdc")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, stderr, err := c.vedette(t.Context(), "--force", "--duration", "10ms", path); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file %v, %v", info, err)
	}
	read(t, path)
}

// With sudo the file belongs to who called it.
func TestCaptureBelongsToTheCaller(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	t.Setenv("SUDO_UID", "4711")
	t.Setenv("SUDO_GID", "4712")
	c := startCollector(t)
	path := filepath.Join(t.TempDir(), "events.vdc")
	if _, stderr, err := c.vedette(t.Context(), "--duration", "10ms", path); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 4711 || owner.Gid != 4712 {
		t.Errorf("it belongs to %d:%d", owner.Uid, owner.Gid)
	}
}
