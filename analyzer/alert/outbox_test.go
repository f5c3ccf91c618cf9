package alert_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/analyzer/alert"
	"github.com/vedette-edr/vedette/analyzer/bustest"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/eventkey"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func outbox(t *testing.T, nc *nats.Conn, path string, change func(o *alert.OutboxOptions)) *alert.Outbox {
	t.Helper()
	opts := alert.OutboxOptions{
		Host: hostID, File: alert.FileOptions{Path: path}, Log: zerolog.Nop(), RetryEvery: 40 * time.Millisecond,
	}
	if change != nil {
		change(&opts)
	}
	o, err := alert.NewOutbox(nc, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// numbered is alert n, the same whenever it is made.
func numbered(t *testing.T, n int) alert.Alert {
	t.Helper()
	id := eventkey.Alert("rule", fmt.Sprint(n))
	line, err := ecs.Encode(&ecs.Alert{Event: ecs.Event{ID: id}, Message: fmt.Sprintf(`text "event":{"id":"%020d"`, n)})
	if err != nil {
		t.Fatal(err)
	}
	return alert.Alert{ID: id, Level: "high", Line: line}
}

func add(t *testing.T, o *alert.Outbox, first, last int) {
	t.Helper()
	for n := first; n <= last; n++ {
		if err := o.Add(numbered(t, n)); err != nil {
			t.Fatal(err)
		}
	}
}

func settled(t *testing.T, o *alert.Outbox) {
	t.Helper()
	until(t, "all alerts are safe", func() bool { return o.Settled() == o.Raised() })
}

func wantIDs(t *testing.T, first, last int) []string {
	t.Helper()
	var ids []string
	for n := first; n <= last; n++ {
		ids = append(ids, numbered(t, n).ID)
	}
	slices.Sort(ids)
	return ids
}

// inFile reads the ids of the lines in a file and its rotated predecessors, which must all be whole.
func inFile(t *testing.T, paths ...string) []string {
	t.Helper()
	ids := []string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			doc, err := ecs.Decode(line)
			if err != nil {
				t.Fatal(err)
			}
			if line[len(line)-1] != '\n' {
				t.Errorf("line %q has no end", line)
			}
			ids = append(ids, doc.Event.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func inStream(t *testing.T, bus *bustest.Bus) []string {
	t.Helper()
	ids := []string{}
	for _, m := range bus.Alerts() {
		doc, err := ecs.Decode(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if m.Header.Get(nats.MsgIdHdr) != doc.Event.ID || m.Subject != "vedette.v1."+hostID+".alerts.high" {
			t.Errorf("message %q on %q holds the alert %q", m.Header.Get(nats.MsgIdHdr), m.Subject, doc.Event.ID)
		}
		ids = append(ids, doc.Event.ID)
	}
	slices.Sort(ids)
	return ids
}

func same(t *testing.T, what string, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAlertsReachStreamAndFile(t *testing.T) {
	bus := bustest.New(t)
	path := filepath.Join(t.TempDir(), "alerts.ndjson")
	o := outbox(t, bus.Connect("analyzer"), path, nil)
	add(t, o, 1, 1000)
	settled(t, o)
	same(t, "file", wantIDs(t, 1, 1000), inFile(t, path))
	same(t, "stream", wantIDs(t, 1, 1000), inStream(t, bus))
	want := alert.Counts{Raised: 1000, Published: 1000, Written: 1000}
	if diff := cmp.Diff(want, o.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("the file has mode %v, error %v, want 0640", info.Mode(), err)
	}
}

func TestAlertsWithoutAFile(t *testing.T) {
	bus := bustest.New(t)
	o := outbox(t, bus.Connect("analyzer"), "", nil)
	add(t, o, 1, 10)
	settled(t, o)
	o.Reopen()
	same(t, "stream", wantIDs(t, 1, 10), inStream(t, bus))
}

func TestNextRunDoublesNothing(t *testing.T) {
	bus := bustest.New(t)
	path := filepath.Join(t.TempDir(), "alerts.ndjson")
	small := func(o *alert.OutboxOptions) { o.File.MaxSize = 16 << 10 }
	first := outbox(t, bus.Connect("analyzer"), path, small)
	add(t, first, 1, 60)
	settled(t, first)
	first.Close()
	// A kill in the middle of a write leaves half a line.
	half := numbered(t, 61).Line[:100]
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(half); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()

	second := outbox(t, bus.Connect("analyzer"), path, small)
	add(t, second, 31, 80)
	settled(t, second)
	same(t, "files", wantIDs(t, 1, 80), inFile(t, path+".1", path))
	same(t, "stream", wantIDs(t, 1, 80), inStream(t, bus))
	want := alert.Counts{Raised: 50, Published: 20, Duplicates: 30, Written: 20, FileKnown: 30}
	if diff := cmp.Diff(want, second.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestBusGoesAndComesBack(t *testing.T) {
	bus := bustest.New(t)
	path := filepath.Join(t.TempDir(), "alerts.ndjson")
	o := outbox(t, bus.Connect("analyzer"), path, nil)
	add(t, o, 1, 50)
	bus.Stop()
	add(t, o, 51, 100)
	until(t, "the file has all", func() bool { return o.Counts().Written == 100 })
	if o.Settled() == 100 {
		t.Error("alerts count as safe although the bus is away")
	}
	bus.Start()
	add(t, o, 101, 150)
	settled(t, o)
	same(t, "stream", wantIDs(t, 1, 150), inStream(t, bus))
	same(t, "file", wantIDs(t, 1, 150), inFile(t, path))
}

func TestStreamThatIsMissingIsTriedAgain(t *testing.T) {
	bus := bustest.New(t)
	o := outbox(t, bus.Connect("analyzer"), filepath.Join(t.TempDir(), "a"), nil)
	bus.DeleteStream()
	add(t, o, 1, 20)
	until(t, "the fault shows", func() bool { return strings.Contains(o.Counts().StreamError, "stream") })
	if o.Settled() > 0 {
		t.Error("alerts count as safe without a stream")
	}
	bus.CreateStream()
	settled(t, o)
	same(t, "stream", wantIDs(t, 1, 20), inStream(t, bus))
	if c := o.Counts(); c.StreamError != "" || c.StreamLost != 0 {
		t.Errorf("counts are %+v", c)
	}
}

// A stream that stays broken may not stop detection: at last the alerts are in the file alone, and counted.
func TestBrokenStreamIsGivenUpWhenThereIsNoRoom(t *testing.T) {
	bus := bustest.New(t)
	path := filepath.Join(t.TempDir(), "a")
	o := outbox(t, bus.Connect("analyzer"), path, func(o *alert.OutboxOptions) {
		o.MaxPending, o.GiveUpAfter = 20, 100*time.Millisecond
	})
	bus.DeleteStream()
	add(t, o, 1, 100)
	until(t, "the file has all", func() bool { return o.Counts().Written == 100 })
	if lost := o.Counts().StreamLost; lost < 80 {
		t.Errorf("%d alerts are given up for the stream, want at least 80", lost)
	}
	bus.CreateStream()
	settled(t, o)
	c := o.Counts()
	if c.Published+c.StreamLost != 100 || len(inStream(t, bus)) != int(c.Published) {
		t.Errorf("counts are %+v with %d in the stream: they do not add up", c, len(inStream(t, bus)))
	}
	same(t, "file", wantIDs(t, 1, 100), inFile(t, path))
}

func TestFileThatCannotBeWrittenHoldsUpNothing(t *testing.T) {
	bus := bustest.New(t)
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "alerts.ndjson")
	o := outbox(t, bus.Connect("analyzer"), path, func(o *alert.OutboxOptions) { o.File.MaxBacklog = 3 << 10 })
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	o.Reopen()
	add(t, o, 1, 20)
	settled(t, o)
	same(t, "stream", wantIDs(t, 1, 20), inStream(t, bus))
	until(t, "the fault shows", func() bool { return strings.Contains(o.Counts().FileError, path) })
	until(t, "what is too much is given up", func() bool { return o.Counts().FileLost > 0 })

	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	until(t, "the fault is over", func() bool { return o.Counts().FileError == "" })
	c := o.Counts()
	if c.Written == 0 || c.Written+c.FileLost != 20 {
		t.Errorf("counts are %+v: they do not add up", c)
	}
	same(t, "file", wantIDs(t, int(c.FileLost)+1, 20), inFile(t, path))
}

// A disk that fills up in the middle of a line must leave whole lines behind. The disk of this process alone: go test writes a log of
// its own through a test binary that it runs.
func TestFullDiskLeavesNoHalfLine(t *testing.T) {
	const inner = "VEDETTE_TEST_FULL_DISK"
	if os.Getenv(inner) == "" {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestFullDiskLeavesNoHalfLine$", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), inner+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	bus := bustest.New(t)
	path := filepath.Join(t.TempDir(), "alerts.ndjson")
	o := outbox(t, bus.Connect("analyzer"), path, nil)
	size := len(numbered(t, 1).Line) + 1
	add(t, o, 1, 3)
	settled(t, o)

	// A limit on the size of files stands for the full disk. The bus is idle while it is in force.
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	bus.Stop()
	limit := func(l unix.Rlimit) {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
	}
	limit(unix.Rlimit{Cur: uint64(5*size + size/2), Max: before.Max})
	defer limit(before)
	add(t, o, 4, 8)
	until(t, "the fault shows", func() bool { return o.Counts().FileError != "" })
	same(t, "file on the full disk", wantIDs(t, 1, 5), inFile(t, path))

	limit(before)
	until(t, "the fault is over", func() bool { return o.Counts().Written == 8 })
	same(t, "file", wantIDs(t, 1, 8), inFile(t, path))
	bus.Start()
	settled(t, o)
}

func TestFileRotates(t *testing.T) {
	bus := bustest.New(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "alerts.ndjson")
	size := len(numbered(t, 1).Line) + 1
	o := outbox(t, bus.Connect("analyzer"), path, func(o *alert.OutboxOptions) {
		o.File.MaxSize, o.File.Keep = int64(10*size), 2
	})
	add(t, o, 1, 45)
	settled(t, o)
	same(t, "newest file", wantIDs(t, 41, 45), inFile(t, path))
	same(t, "file before it", wantIDs(t, 31, 40), inFile(t, path+".1"))
	same(t, "oldest file", wantIDs(t, 21, 30), inFile(t, path+".2"))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("%d files, error %v, want 3", len(entries), err)
	}
}

func TestMovedFileIsMadeAnew(t *testing.T) {
	f := func(what string, notice func(o *alert.Outbox)) {
		t.Run(what, func(t *testing.T) {
			bus := bustest.New(t)
			path := filepath.Join(t.TempDir(), "alerts.ndjson")
			o := outbox(t, bus.Connect("analyzer"), path, nil)
			add(t, o, 1, 5)
			settled(t, o)
			if err := os.Rename(path, path+".moved"); err != nil {
				t.Fatal(err)
			}
			notice(o)
			add(t, o, 6, 10)
			settled(t, o)
			same(t, "moved file", wantIDs(t, 1, 5), inFile(t, path+".moved"))
			same(t, "new file", wantIDs(t, 6, 10), inFile(t, path))
		})
	}
	f("after a signal", func(o *alert.Outbox) { o.Reopen() })
	f("by itself after a second", func(*alert.Outbox) { time.Sleep(1100 * time.Millisecond) })
}

func TestOutboxRefusesWhatIsNoAlertFile(t *testing.T) {
	bus := bustest.New(t)
	nc := bus.Connect("analyzer")
	dir := t.TempDir()
	fifo, foreign := filepath.Join(dir, "fifo"), filepath.Join(dir, "foreign")
	if err := unix.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(foreign, []byte("line\nprecious"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := func(path, want string) {
		t.Helper()
		_, err := alert.NewOutbox(nc, alert.OutboxOptions{Host: hostID, File: alert.FileOptions{Path: path}, Log: zerolog.Nop()})
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one that names %q and says %q", err, path, want)
		}
	}
	f(dir, "directory")
	f(fifo, "not a regular file")
	f(filepath.Join(dir, "none", "alerts"), "no such file")
	f(foreign, "neither finished nor an alert")
	if text, err := os.ReadFile(foreign); err != nil || string(text) != "line\nprecious" {
		t.Errorf("the foreign file holds %q, error %v", text, err)
	}
}

func TestAbortFreesWhoWaits(t *testing.T) {
	bus := bustest.New(t)
	o := outbox(t, bus.Connect("analyzer"), "", func(o *alert.OutboxOptions) { o.MaxPending = 1 })
	bus.Stop()
	add(t, o, 1, 1)
	done := make(chan error, 1)
	second := numbered(t, 2)
	go func() { done <- o.Add(second) }()
	select {
	case err := <-done:
		t.Errorf("Add took more than there is room for: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	o.Abort()
	if err := <-done; !errors.Is(err, alert.ErrAborted) {
		t.Errorf("Add gave %v, want ErrAborted", err)
	}
}

func FuzzReadBack(f *testing.F) {
	f.Add([]byte(`{"@timestamp":"x","event":{"id":"aaaaaaaaaaaaaaaaaaaa"}}` + "\n"))
	f.Add([]byte(`{"@times`))
	f.Add([]byte(`"event":{"id":"`))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		ids, err := alert.ReadBack(path)
		if err != nil {
			return
		}
		for _, id := range ids {
			if len(id) != eventkey.Size {
				t.Errorf("read back the id %q", id)
			}
		}
	})
}
