package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"

	kernel "github.com/vedette-edr/vedette/bpf/process"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/collector/core"
	"github.com/vedette-edr/vedette/collector/linux/frame"
	pb "github.com/vedette-edr/vedette/proto"
)

// Seed adds a seed event for every living process, and a seed_end.
func (s *Sensor) Seed(ctx context.Context, sink core.Sink) error {
	r := seeding{
		decoder:   newDecoder(s.allow),
		sink:      sink,
		arguments: make([]byte, kernel.MaxAreaBytes),
		listed:    map[record.Key]struct{}{},
		parents:   map[record.Key]struct{}{},
	}
	if err := s.kernel.Seeds(ctx, r.add); err != nil {
		return err
	}
	r.addUnlistedParents()
	r.sink.Add(r.event(&pb.Event{Payload: &pb.Event_SeedEnd{SeedEnd: &r.end}}))
	sink.Flush()
	return nil
}

// CanSeed reports whether the running processes can be listed with the caller's capabilities.
func (s *Sensor) CanSeed() error { return s.kernel.CanSeed() }

type seeding struct {
	decoder   *Decoder
	sink      core.Sink
	arguments []byte
	listed    map[record.Key]struct{}
	parents   map[record.Key]struct{}
	end       pb.SeedEnd
}

func (r *seeding) add(rec []byte) error {
	ev, err := r.decoder.Decode(record.Seed, rec)
	if err != nil {
		return err
	}
	ev.Cpu = core.SeedCPU
	seed := ev.GetSeed()
	if seed == nil {
		return fmt.Errorf("%w: the iterator wrote something else than a seed", record.ErrMalformed)
	}
	seed.Arguments, err = readArguments(ev.Actor.Process, r.arguments)
	if err != nil {
		// It has ended since the kernel listed it; that it was there still explains its children.
		r.end.Vanished++
	}
	seed.ArgumentsSize = uint64(len(seed.Arguments))
	r.listed[keyOf(ev.Actor.Process)] = struct{}{}
	r.parents[keyOf(ev.Actor.Parent)] = struct{}{}
	r.sink.Add(ev)
	r.end.Processes++
	return nil
}

// addUnlistedParents stands in for parents that the kernel did not list, as hardened guests hide their init: the child
// names its key, procfs tells the little that it lets us read.
func (r *seeding) addUnlistedParents() {
	for key := range r.parents {
		if _, ok := r.listed[key]; ok || key.TGID == 0 {
			continue
		}
		seed := &pb.ProcessExec{}
		process := &pb.ProcessKey{Pid: key.TGID, StartTimeNs: key.StartTime}
		arguments, err := readArguments(process, r.arguments)
		if err != nil {
			r.end.Vanished++
			continue
		}
		seed.Arguments, seed.ArgumentsSize = arguments, uint64(len(arguments))
		dir := "/proc/" + strconv.FormatUint(uint64(key.TGID), 10)
		if path, err := os.Readlink(dir + "/exe"); err == nil {
			seed.Executable = &pb.File{Path: []byte(path), Source: pb.PathSource_PATH_SOURCE_LEXICAL}
		}
		comm, err := os.ReadFile(dir + "/comm")
		if err != nil {
			r.end.Vanished++
			continue
		}
		r.sink.Add(r.event(&pb.Event{
			Actor:   &pb.Actor{Process: process, Tid: key.TGID, Comm: bytes.TrimSpace(comm)},
			Payload: &pb.Event_Seed{Seed: seed},
		}))
		r.end.Processes++
	}
}

// event completes an event that no program of the kernel made.
func (r *seeding) event(ev *pb.Event) *pb.Event {
	ev.Class = pb.Class_CLASS_PROCESS
	ev.Cpu = core.SeedCPU
	ev.KernelTimeNs = uint64(frame.BootTime())
	ev.WallTimeNs = r.decoder.frame.Clock().At(ev.KernelTimeNs)
	return ev
}

func keyOf(k *pb.ProcessKey) record.Key {
	return record.Key{TGID: k.GetPid(), StartTime: k.GetStartTimeNs()}
}
