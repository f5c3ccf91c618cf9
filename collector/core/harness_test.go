package core

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/vedette-edr/vedette/collector/core/link"
	pb "github.com/vedette-edr/vedette/proto"
)

const (
	host    = "testhost"
	process = pb.Class_CLASS_PROCESS
	file    = pb.Class_CLASS_FILE
	network = pb.Class_CLASS_NETWORK
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bus is a nats-server that listens nowhere, as the real one: clients come over a Unix socket that is bridged to an
// in-process connection. It can be killed and started again under its clients.
type bus struct {
	tb      testing.TB
	opts    server.Options
	dir     string
	dials   atomic.Int64
	bridges sync.WaitGroup
	// Held for writing, it keeps every byte from moving while the connections stand.
	hang sync.RWMutex

	mu  sync.Mutex
	srv *server.Server
}

func newBus(tb testing.TB, opts server.Options) *bus {
	opts.DontListen, opts.NoLog, opts.NoSigs = true, true, true
	b := &bus{tb: tb, opts: opts, dir: tb.TempDir()}
	b.start()
	tb.Cleanup(func() {
		b.kill()
		b.bridges.Wait()
	})
	return b
}

func (b *bus) start() {
	opts := b.opts
	srv, err := server.NewServer(&opts)
	if err != nil {
		b.tb.Error(err)
		return
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		b.tb.Error("the server does not start")
	}
	b.mu.Lock()
	b.srv = srv
	b.mu.Unlock()
}

func (b *bus) kill() {
	b.mu.Lock()
	srv := b.srv
	b.srv = nil
	b.mu.Unlock()
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
}

// Dial implements nats.CustomDialer.
func (b *bus) Dial(string, string) (net.Conn, error) {
	b.mu.Lock()
	srv := b.srv
	b.mu.Unlock()
	if srv == nil {
		return nil, errors.New("the bus is away")
	}
	inside, err := srv.InProcessConn()
	if err != nil {
		return nil, err
	}
	near, far, err := b.socketPair()
	if err != nil {
		return nil, err
	}
	b.bridges.Add(2)
	copyAll := func(to, from net.Conn) {
		defer b.bridges.Done()
		defer to.Close()
		defer from.Close()
		buf := make([]byte, 256<<10)
		for {
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			b.hang.RLock()
			_, err = to.Write(buf[:n])
			b.hang.RUnlock()
			if err != nil {
				return
			}
		}
	}
	go copyAll(inside, far)
	go copyAll(far, inside)
	return near, nil
}

// socketPair returns the two ends of a Unix stream socket.
func (b *bus) socketPair() (near, far net.Conn, err error) {
	ln, err := net.Listen("unix", filepath.Join(b.dir, strconv.FormatInt(b.dials.Add(1), 10)))
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if near, err = net.Dial("unix", ln.Addr().String()); err != nil {
		return nil, nil, err
	}
	if far, err = ln.Accept(); err != nil {
		near.Close()
		return nil, nil, err
	}
	return near, far, nil
}

// client connects as an analyzer does.
func (b *bus) client(opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect("nats://vedette", append([]nats.Option{
		nats.SetCustomDialer(b), nats.SkipHostLookup(), nats.CustomInboxPrefix("_INBOX_analyzer"), nats.MaxReconnects(-1),
		nats.ReconnectWait(10 * time.Millisecond), nats.ReconnectJitter(time.Millisecond, time.Millisecond),
		nats.RetryOnFailedConnect(true), nats.NoCallbacksAfterClientClose(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}, opts...)...)
}

func (b *bus) mustClient() *nats.Conn {
	nc, err := b.client()
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(nc.Close)
	return nc
}

// kernel is a source whose counters the tests move.
type kernel struct {
	made [classes]atomic.Uint64
	lost [classes][causes]atomic.Uint64
	seed func(ctx context.Context, sink Sink) error

	mu    sync.Mutex
	asked []string
}

func (k *kernel) Counters() Counters {
	var c Counters
	for class := range c.Made {
		c.Made[class] = k.made[class].Load()
		for cause := range c.Lost[class] {
			c.Lost[class][cause] = k.lost[class][cause].Load()
		}
	}
	return c
}

func (k *kernel) Attachments() []*pb.Attachment {
	return []*pb.Attachment{{Name: "process_exec", Hook: "tp_btf/sched_process_exec", Attached: true}}
}

func (k *kernel) Warnings() []string { return []string{"a sentence of the source"} }

// Ask refuses a path that is empty.
func (k *kernel) Ask(i *pb.Interest) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = nil
	for _, path := range i.ReadPaths {
		if len(path) == 0 {
			return errors.New("an empty path")
		}
		k.asked = append(k.asked, string(path))
	}
	return nil
}

func (k *kernel) paths() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.asked)
}

func (k *kernel) Seed(ctx context.Context, sink Sink) error {
	if k.seed == nil {
		return errors.New("nothing to seed")
	}
	return k.seed(ctx, sink)
}

// emit makes the next event of a CPU and adds it.
func (k *kernel) emit(sink Sink, ev *pb.Event, class pb.Class, cpu uint32, sequence uint64) {
	k.made[class].Add(1)
	ev.Class, ev.Cpu, ev.Sequence = class, cpu, sequence
	sink.Add(ev)
}

// runner is a collector that runs until stop.
type runner struct {
	*Collector
	kernel *kernel
	link   *link.Link
	stop   func()
}

// run starts a collector on the bus and stops it at the end of the test.
func run(tb testing.TB, b nats.CustomDialer, opts Options) *runner {
	tb.Helper()
	r := idle(tb, b, opts)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(r.stop)
	return r
}

// idle makes a collector with a session that does not run.
func idle(tb testing.TB, b nats.CustomDialer, opts Options) *runner {
	tb.Helper()
	l, err := link.Connect(link.Options{Dialer: b, Log: zerolog.Nop()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(l.Close)
	opts.Host = host
	k := &kernel{}
	c, err := New(opts, k, l, zerolog.Nop())
	if err != nil {
		tb.Fatal(err)
	}
	waitFor(tb, "a session", func() bool { return l.Session() != 0 })
	return &runner{Collector: c, kernel: k, link: l}
}

// noBus is the way to a bus that is not there.
type noBus struct{}

func (noBus) Dial(string, string) (net.Conn, error) { return nil, errors.New("no bus") }

// offline makes a collector whose batches nobody but the test takes.
func offline(tb testing.TB) *Collector {
	tb.Helper()
	l, err := link.Connect(link.Options{Dialer: noBus{}, Log: zerolog.Nop()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(l.Close)
	c, err := New(Options{Host: host}, &kernel{}, l, zerolog.Nop())
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// takeAll takes what is in the spool as if it had been published and acknowledged.
func takeAll(tb testing.TB, c *Collector) {
	for {
		b, ok := c.spool.Next()
		if !ok {
			return
		}
		c.spool.Done(b, true)
		if _, err := c.spool.Acknowledge(b.Number); err != nil {
			tb.Fatal(err)
		}
	}
}

// flow returns the books of one class.
func (r *runner) flow(class pb.Class) *pb.Flow {
	for _, f := range r.health(openGauge()).Flows {
		if f.Class == class {
			return f
		}
	}
	return &pb.Flow{Class: class}
}

// wantClosed checks the sum of every class.
func (r *runner) wantClosed(tb testing.TB) {
	tb.Helper()
	for _, f := range r.health(openGauge()).Flows {
		if f.Made != f.Acknowledged+f.Pending+f.Lost {
			tb.Errorf("%s: made %d, but acknowledged %d + pending %d + lost %d", f.Class, f.Made, f.Acknowledged, f.Pending, f.Lost)
		}
	}
}

func (r *runner) lost(class pb.Class, cause pb.LossCause) uint64 {
	for _, l := range r.health(openGauge()).Losses {
		if l.Class == class && l.Cause == cause {
			return l.Count
		}
	}
	return 0
}

func waitFor(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("timed out waiting for %s", what)
		}
	}
}

// sampleEvent is an exec as it comes from a shell: about 450 bytes on the wire.
func sampleEvent() *pb.Event {
	return &pb.Event{
		Class: process, KernelTimeNs: 5_000_000_000_000, WallTimeNs: 1_790_000_000_000_000_000,
		Actor: &pb.Actor{
			Process: &pb.ProcessKey{Pid: 12345, StartTimeNs: 4_999_000_000_000},
			Parent:  &pb.ProcessKey{Pid: 12000, StartTimeNs: 4_000_000_000_000},
			Tid:     12345, Comm: []byte("curl"), Uid: 1000, Euid: 1000, Gid: 1000, Egid: 1000, CgroupId: 4242,
			MountNamespace: 4026531840, PidNamespace: 4026531836, NamespacePid: 12345,
		},
		Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{
			Executable: &pb.File{
				Path: []byte("/usr/bin/curl"), Source: pb.PathSource_PATH_SOURCE_KERNEL, Device: 65024, Inode: 1835021,
				CtimeNs: 1_780_000_000_000_000_000, Mode: 0o100755, Links: 1, Size: 293_000, MountId: 29,
				MountNamespace: 4026531840, Filesystem: 0xef53,
			},
			Filename:      []byte("/usr/bin/curl"),
			Arguments:     []byte("curl\x00-fsSL\x00https://example.org/install/very/long/path/to/script.sh\x00-o\x00/tmp/install.sh\x00"),
			ArgumentsSize: 88, ArgumentCount: 5,
			Environment:      [][]byte{[]byte("PATH=/usr/local/bin:/usr/bin:/bin"), []byte("LD_PRELOAD=")},
			WorkingDirectory: []byte("/home/user/project"),
			Credentials: &pb.Credentials{
				Uid: 1000, Gid: 1000, Euid: 1000, Egid: 1000, Suid: 1000, Sgid: 1000, Fsuid: 1000, Fsgid: 1000, LoginUid: 1000,
				AuditSession: 3, Capabilities: &pb.Capabilities{Bounding: 1<<41 - 1},
			},
			Tty: []byte("pts0"), Session: 12000, ProcessGroup: 12345,
			Namespaces: &pb.Namespaces{
				Mount: 4026531840, Pid: 4026531836, Network: 4026531992, User: 4026531837, Uts: 4026531838, Ipc: 4026531839,
				Cgroup: 4026531835, Time: 4026531834,
			},
			PreviousComm: []byte("bash"),
		}},
	}
}

func largeEvent(size int) *pb.Event {
	return &pb.Event{Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{Arguments: make([]byte, size)}}}
}

func decode(data []byte) (*pb.EventBatch, error) {
	batch := &pb.EventBatch{}
	if err := batch.UnmarshalVTUnsafe(data); err != nil {
		return nil, fmt.Errorf("batch of %d bytes: %w", len(data), err)
	}
	return batch, nil
}
