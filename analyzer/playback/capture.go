package playback

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/vedette-edr/vedette/analyzer/fields"
	"github.com/vedette-edr/vedette/analyzer/recording"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	"github.com/vedette-edr/vedette/analyzer/state"
	"github.com/vedette-edr/vedette/analyzer/users"
	"github.com/vedette-edr/vedette/analyzer/wire"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/capture"
	"github.com/vedette-edr/vedette/proto/eventkey"
)

// captured plays a recording of vedette capture.
type captured struct {
	path  string
	file  *os.File
	in    *capture.Reader
	users *users.Names
	tree  *state.Tree
	view  *fields.View

	batch   wire.Batch
	decoder wire.Decoder
	// host and bootID are those of the batch, made anew only when they change.
	host, bootID string
	ev           *pb.Event
	process      *state.Process
	position     int64

	// read is the number of events in the batches read so far, the batch that is played included.
	read int64
	held holding
	// last is what Next returns once nothing is held any more.
	last error
}

// holding keeps batches back until the processes that were running are known, as the analyzer does live: an event that was
// recorded before their list came then finds its ancestors all the same.
type holding struct {
	active bool
	// queue are the batches, and first the number of the first event of each.
	queue [][]byte
	first []int64
	bytes int
	// listed counts the seeds since the last end of a list.
	listed uint32
	// playing says that the queue is being played, without the seeds in it.
	playing bool
}

// maxHeld bounds the batches that wait for the list of processes, in bytes.
const maxHeld = 64 << 20

func openCapture(path string, from io.Reader, opts Options) (*captured, error) {
	in, err := capture.NewReader(from)
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, err)
	}
	c := &captured{path: path, in: in, users: users.Fixed(in.Header().Users), tree: state.New(state.Options{})}
	c.view = fields.New(c.tree, c.users, taxonomy.Linux)
	c.view.Bind(opts.Fields)
	c.held.active = true
	return c, nil
}

// Close implements Recording.
func (c *captured) Close() error { return c.file.Close() }

// Next implements Recording.
func (c *captured) Next() (views int, err error) {
	for {
		body, ok := c.batch.Next()
		if !ok {
			if err := c.nextBatch(); err != nil {
				return 0, err
			}
			continue
		}
		c.position++
		ev, err := c.decoder.Decode(body)
		if err != nil {
			return 0, c.problem("an event cannot be read: " + err.Error())
		}
		if ev.Class == pb.Class_CLASS_UNSPECIFIED {
			ev.Class = c.batch.Class
		}
		c.ev, c.process = ev, nil
		if c.held.playing && isSeed(ev) {
			// It was taken in when it was read.
			return 0, nil
		}
		c.process = c.tree.Apply(ev)
		return c.view.Reset(c.host, c.bootID, ev, c.process), nil
	}
}

// nextBatch opens the next batch to play.
func (c *captured) nextBatch() error {
	for c.held.active {
		if err := c.hold(); err != nil {
			return err
		}
	}
	if len(c.held.queue) > 0 {
		c.held.playing = true
		data := c.held.queue[0]
		c.position = c.held.first[0]
		c.held.queue[0] = nil
		c.held.queue, c.held.first = c.held.queue[1:], c.held.first[1:]
		return c.open(data)
	}
	c.held = holding{}
	if c.last != nil {
		return c.end()
	}
	data, err := c.in.Next()
	if err != nil {
		c.last = err
		return c.end()
	}
	c.position = c.read
	if err := c.open(data); err != nil {
		return err
	}
	c.read += int64(c.batch.Events)
	return nil
}

// end gives the error that ends the file; one that is cut off is a problem first, and then over.
func (c *captured) end() error {
	err := c.last
	if errors.Is(err, capture.ErrCut) {
		c.last = io.EOF
		return c.problem(err.Error())
	}
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("cannot read %q: %w", c.path, err)
}

// hold reads one batch into the queue. The seeds in it are taken in at once.
func (c *captured) hold() error {
	data, err := c.in.Next()
	if err != nil {
		c.last, c.held.active = err, false
		return nil
	}
	first := c.read
	c.position = first
	if err := c.open(data); err != nil {
		return err
	}
	c.read += int64(c.batch.Events)
	c.held.queue, c.held.first = append(c.held.queue, data), append(c.held.first, first)
	c.held.bytes += len(data)
	for body, ok := c.batch.Next(); ok; body, ok = c.batch.Next() {
		if kind, err := wire.Payload(body); err != nil || kind != wire.PayloadSeed && kind != wire.PayloadSeedEnd {
			continue
		}
		// One that cannot be read is reported when the queue is played.
		if ev, err := c.decoder.Decode(body); err == nil {
			c.tree.Apply(ev)
			c.list(ev)
		}
	}
	if c.held.bytes >= maxHeld {
		c.held.active = false
	}
	return nil
}

// list takes account of a seed, or of the end of a list, which is complete when it has as many as it says.
func (c *captured) list(ev *pb.Event) {
	end := ev.GetSeedEnd()
	if end == nil {
		c.held.listed++
		return
	}
	if end.Processes == c.held.listed {
		c.held.active = false
	}
	c.held.listed = 0
}

func isSeed(ev *pb.Event) bool {
	switch ev.Payload.(type) {
	case *pb.Event_Seed, *pb.Event_SeedEnd:
		return true
	}
	return false
}

func (c *captured) open(data []byte) error {
	if err := c.batch.Open(data); err != nil {
		return c.problem(err.Error())
	}
	if c.host != string(c.batch.Host) {
		c.host = string(c.batch.Host)
	}
	if c.bootID != string(c.batch.BootID) {
		c.bootID = string(c.batch.BootID)
	}
	return nil
}

func (c *captured) problem(reason string) error {
	return &recording.Problem{Position: recording.Position{File: c.path, Record: c.position, Offset: c.in.Offset()}, Lost: true, Reason: reason}
}

// View implements Recording.
func (c *captured) View(i int) View {
	c.view.Show(i)
	return View{ListEvent: c.view, Sources: c.view.Sources(), Kind: c.view.Kind()}
}

// Position implements Recording.
func (c *captured) Position() int64 { return c.position }

// Names implements Recording.
func (c *captured) Names() []string { return nil }

// Origin implements Recording.
func (c *captured) Origin() Origin {
	o := Origin{
		File: c.path, Position: c.position, Host: c.host,
		ID: eventkey.Event(c.host, c.batch.Instance, c.ev.Class, c.ev.Cpu, c.ev.Sequence),
	}
	if c.ev.WallTimeNs > 0 {
		o.Time = time.Unix(0, c.ev.WallTimeNs).UTC()
	}
	if c.process != nil {
		o.Process = c.describe(c.process)
		o.Process.Kind = payloadName(c.ev)
		if parent := c.tree.ParentOf(c.process); parent != nil {
			o.Process.Parent = c.describe(parent)
		}
	}
	return o
}

func (c *captured) describe(p *state.Process) *Process {
	out := &Process{
		EntityID: eventkey.EntityOf(c.host, c.bootID, p.Key.PID, p.Key.Start), PID: p.Key.PID, Name: strings.Clone(p.NameAt(c.ev.KernelTimeNs)),
		User: c.users.Name(p.UID),
	}
	if program := p.ProgramAt(c.ev.KernelTimeNs); program != nil {
		out.Executable, out.CommandLine = program.Image, program.CommandLine
	}
	return out
}

// payloadName is what happened, by the name that the event model has for it.
func payloadName(ev *pb.Event) string {
	m := ev.ProtoReflect()
	if field := m.WhichOneof(m.Descriptor().Oneofs().ByName("payload")); field != nil {
		return string(field.Name())
	}
	return ""
}
