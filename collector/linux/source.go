package linux

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/loader"
	"github.com/vedette-edr/vedette/collector/core"
	"github.com/vedette-edr/vedette/collector/linux/privilege"
	"github.com/vedette-edr/vedette/collector/linux/sensors"
	pb "github.com/vedette-edr/vedette/proto"
)

// ErrNoSensor says that the collector would be blind.
var ErrNoSensor = errors.New("no program could be attached")

// source is what core knows of the platform.
type source struct {
	sensors *sensors.Sensors
	log     zerolog.Logger
}

var _ core.Source = (*source)(nil)

// require fails when nothing at all could be attached, and logs what could not.
func (s *source) require() error {
	attached := 0
	var reasons []error
	for _, a := range s.sensors.Attachments() {
		if a.Attached {
			attached++
			continue
		}
		reasons = append(reasons, fmt.Errorf("%s: %s", a.Name, a.Reason))
		s.log.Warn().Str("program", a.Name).Str("hook", a.Hook).Str("reason", a.Reason).Msg("not attached; its events will be missing")
	}
	if attached == 0 {
		return errors.Join(append([]error{ErrNoSensor}, reasons...)...)
	}
	return nil
}

// neededCapabilities tries what the collector does after its start without any; only an old kernel wants CAP_BPF for it.
func (s *source) neededCapabilities() privilege.Set {
	if err := privilege.Without(0, s.sensors.CanSeed); err != nil {
		if errors.Is(err, loader.ErrNotAttached) {
			return 0
		}
		s.log.Info().Err(err).Msg("keeping CAP_BPF: this kernel wants it to list processes")
		return privilege.Of(unix.CAP_BPF, unix.CAP_PERFMON)
	}
	return 0
}

// Counters implements core.Source.
func (s *source) Counters() core.Counters {
	var c core.Counters
	if err := s.sensors.Counters(&c); err != nil {
		s.log.Error().Err(err).Msg("cannot read the sensors' counters")
	}
	return c
}

// Seed implements core.Source.
func (s *source) Seed(ctx context.Context, sink core.Sink) error { return s.sensors.Seed(ctx, sink) }

// Attachments implements core.Source.
func (s *source) Attachments() []*pb.Attachment { return s.sensors.Attachments() }

// Warnings implements core.Source.
func (s *source) Warnings() []string {
	out := s.sensors.Warnings()
	for _, a := range s.sensors.Attachments() {
		if !a.Attached {
			out = append(out, "program "+a.Name+" is not attached, its events are missing: "+a.Reason)
		}
	}
	return out
}

// Ask implements core.Source.
func (s *source) Ask(i *pb.Interest) error {
	refused, err := s.sensors.Ask(i)
	if err != nil {
		return err
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d paths that the analyzer wants the reading of cannot be watched", refused, len(i.ReadPaths))
	}
	return nil
}
