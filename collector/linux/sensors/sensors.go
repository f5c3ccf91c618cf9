// Package sensors loads the kernel side of every sensor and turns what they report into events.
package sensors

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf/btf"

	kernelfile "github.com/vedette-edr/vedette/bpf/file"
	"github.com/vedette-edr/vedette/bpf/lane"
	kernelprocess "github.com/vedette-edr/vedette/bpf/process"
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/syscalls"
	"github.com/vedette-edr/vedette/collector/core"
	"github.com/vedette-edr/vedette/collector/linux/file"
	"github.com/vedette-edr/vedette/collector/linux/glob"
	"github.com/vedette-edr/vedette/collector/linux/process"
	"github.com/vedette-edr/vedette/collector/linux/rings"
	pb "github.com/vedette-edr/vedette/proto"
)

// Options tunes the sensors. The zero value is a sensible host.
type Options struct {
	// Lanes sizes the ring buffers.
	Lanes lane.Options
	// Linger is the time from one flush to the next under load; 0 means rings.DefaultLinger.
	Linger time.Duration
	// Environment names the variables that leave the host's memory; nil means process.DefaultEnvironment.
	Environment []string
	// ReadPaths are the files whose reading is told; Off lists operations on files that are not.
	ReadPaths []glob.Pattern
	Off       []kernelfile.Operation
	// FileBudget is how many changes of files a process may make in a second before the rest are only counted; 0 means the
	// kernel side's default.
	FileBudget uint64
}

// Sensors are loaded. Counters, Attachments and Seed may be called from any goroutine while Run runs.
type Sensors struct {
	set     *sensor.Set
	process *process.Sensor
	wanted  *file.Wanted
	reader  *rings.Reader
	classes []lane.Class
	missed  [lane.Count]atomic.Uint64

	namesUnknown error
}

// Open loads the kernel side. Nothing is made before Attach.
func Open(o Options) (*Sensors, error) {
	if o.Linger == 0 {
		o.Linger = rings.DefaultLinger
	}
	scratch, err := kernelprocess.ScratchBytes()
	if err != nil {
		return nil, err
	}
	lanes, err := lane.Open(o.Lanes, scratch)
	if err != nil {
		return nil, err
	}
	base := sensor.Base{Lanes: lanes, Types: btf.NewCache()}
	s := &Sensors{}
	decoders := map[lane.Class]rings.Decoder{}
	loaded, err := s.load(base, o, decoders)
	if err != nil {
		for _, one := range loaded {
			err = errors.Join(err, one.Object.Close())
		}
		return nil, errors.Join(err, lanes.Close())
	}
	if s.set, err = sensor.NewSet(base, loaded...); err != nil {
		return nil, err
	}
	for _, c := range lane.Classes() {
		if decoders[c] != nil {
			s.classes = append(s.classes, c)
		}
	}
	if s.reader, err = rings.Open(lanes, decoders, o.Linger); err != nil {
		return nil, errors.Join(err, s.set.Close())
	}
	return s, nil
}

// load loads one object after another; what is loaded when one fails is returned with the error.
func (s *Sensors) load(base sensor.Base, o Options, decoders map[lane.Class]rings.Decoder) ([]syscalls.Sensor, error) {
	var all []syscalls.Sensor
	p, err := kernelprocess.Load(base)
	if err != nil {
		return all, fmt.Errorf("cannot load the process sensor: %w", err)
	}
	all = append(all, syscalls.Sensor{Object: p.Object()})
	s.process = process.New(p, o.Environment)
	decoders[lane.Process] = s.process.Decoder()

	f, err := kernelfile.Load(base, kernelfile.Options{Budget: o.FileBudget})
	if err != nil {
		return all, fmt.Errorf("cannot load the file sensor: %w", err)
	}
	all = append(all, f.Sensor)
	s.namesUnknown = f.NamesUnknown
	if s.wanted, err = file.NewWanted(f, o.ReadPaths, o.Off); err != nil {
		return all, err
	}
	decoders[lane.File] = file.NewDecoder(s.wanted)
	return all, nil
}

// Attach starts the kernel side. From here on events wait in the rings.
func (s *Sensors) Attach() { s.set.Attach() }

// Detach stops the kernel side and lets Run end once it has read what was made.
func (s *Sensors) Detach() error { return errors.Join(s.set.Detach(), s.reader.Flush()) }

// Close frees the kernel side. Run must have returned.
func (s *Sensors) Close() error { return errors.Join(s.reader.Close(), s.set.Close()) }

// Run reads records and adds their events to the sink until Detach, and then to the last that was made.
func (s *Sensors) Run(sink core.Sink, lost rings.Lost) error { return s.reader.Run(sink, lost) }

// Seed adds a seed event for every living process, and a seed_end.
func (s *Sensors) Seed(ctx context.Context, sink core.Sink) error { return s.process.Seed(ctx, sink) }

// CanSeed reports whether the running processes can be listed with the caller's capabilities.
func (s *Sensors) CanSeed() error { return s.process.CanSeed() }

// Ask makes the sensors tell the reading of further files. It returns how many patterns were refused.
func (s *Sensors) Ask(i *pb.Interest) (refused int, err error) { return s.wanted.Ask(i) }

// Warnings lists what the user should know of the sensors, each a sentence with its remedy.
func (s *Sensors) Warnings() []string {
	if s.namesUnknown == nil {
		return nil
	}
	return []string{"paths of calls that take a name are as their callers wrote them, symbolic links and all: " + s.namesUnknown.Error()}
}

// Counters adds what the kernel side has made and lost.
func (s *Sensors) Counters(c *core.Counters) error {
	for _, class := range s.classes {
		k, err := s.set.Lanes().Counters(class)
		if err != nil {
			return err
		}
		missed := s.missed[class].Load()
		c.Made[class] += k.Made + missed
		for cause, n := range map[pb.LossCause]uint64{
			pb.LossCause_LOSS_CAUSE_RING_FULL:      k.LostRingFull,
			pb.LossCause_LOSS_CAUSE_SCRATCH:        k.LostScratch,
			pb.LossCause_LOSS_CAUSE_MAP_FULL:       k.LostMapFull,
			pb.LossCause_LOSS_CAUSE_THROTTLED:      k.LostThrottled,
			pb.LossCause_LOSS_CAUSE_PROGRAM_MISSED: missed,
			pb.LossCause_LOSS_CAUSE_ARGUMENTS:      k.CutArguments,
			pb.LossCause_LOSS_CAUSE_ENVIRONMENT:    k.CutEnvironment,
			pb.LossCause_LOSS_CAUSE_PATH:           k.CutPath,
			pb.LossCause_LOSS_CAUSE_READ_FAULT:     k.ReadFault,
		} {
			c.Lost[class][cause] += n
		}
	}
	return nil
}

// Attachments says of every program whether it runs in the kernel, and why not. It asks the kernel, which Counters, called
// with every batch, does not: what programs missed is as old as the last call.
func (s *Sensors) Attachments() []*pb.Attachment {
	var out []*pb.Attachment
	var missed [lane.Count]uint64
	for _, a := range s.set.Attachments() {
		missed[classOf(a.Name)] += a.Runs.Missed
		at := &pb.Attachment{
			Name: a.Name, Hook: a.Hook, Attached: a.Err == nil,
			RunCount: a.Runs.Count, RunTimeNs: uint64(a.Runs.Time), Missed: a.Runs.Missed,
		}
		if a.Err != nil {
			at.Reason = a.Err.Error()
		}
		out = append(out, at)
	}
	for class := range missed {
		s.missed[class].Store(missed[class])
	}
	return out
}

// classOf is the class that a program's missed runs are counted in: that of its sensor, whose name begins its own. What the
// table of system calls misses would most likely have been about files.
func classOf(program string) lane.Class {
	for _, c := range lane.Classes() {
		if name := c.String() + "_"; len(program) > len(name) && program[:len(name)] == name {
			return c
		}
	}
	return lane.File
}
