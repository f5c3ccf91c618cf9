package capture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/proto/capture"
	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/vedette/link"

	pb "github.com/vedette-edr/vedette/proto"
)

const (
	// maxWaiting bounds what may wait in this process while the disk is slow, in bytes; more is dropped and counted.
	maxWaiting = 256 << 20
	// tick is how often limits and progress are looked at.
	tick = 200 * time.Millisecond
	// askTimeout is how long the collector has to answer.
	askTimeout = 2 * time.Second
	// listPatience is how long the list of living processes may take to come.
	listPatience = 15 * time.Second
	// drainTime bounds how long the end waits for what has arrived already to be written.
	drainTime = 2 * time.Second
)

// session is one recording: what comes from the bus goes to the file until a limit is reached.
type session struct {
	screen   *screen
	duration time.Duration
	count    uint64

	conn *nats.Conn
	host string
	sub  *nats.Subscription

	recorder recorder
	end      capture.End
	trouble  bool

	// askAt is when the collector is to be asked for the list of processes; zero when it has been.
	askAt, listUntil time.Time
}

// subscribe listens to every event of the host: batches are numbered over all classes, so only who hears all sees a gap.
func (s *session) subscribe(l *link.Link) error {
	name := subject.AllEvents(l.Host)
	sub, err := l.Conn.SubscribeSync(name)
	if err == nil {
		err = sub.SetPendingLimits(-1, maxWaiting)
	}
	if err == nil {
		err = l.Conn.FlushTimeout(askTimeout)
	}
	if err == nil && errors.Is(l.Conn.LastError(), nats.ErrPermissionViolation) {
		err = l.Conn.LastError()
	}
	if err != nil {
		return link.Refused(fmt.Errorf("cannot subscribe to %q: %w", name, err))
	}
	s.conn, s.host, s.sub = l.Conn, l.Host, sub
	return nil
}

// record writes what arrives until a limit is reached or ctx ends, which is no error. The file stays the caller's.
func (s *session) record(ctx context.Context, to *file, header capture.Header, classes []pb.Class) error {
	out, err := capture.NewWriter(to, header)
	if err != nil {
		return err
	}
	s.recorder = recorder{out: out, classes: classes}
	began := time.Now()
	s.askAt = began
	for ctx.Err() == nil && !s.done(time.Now(), began) {
		s.ask(time.Now())
		s.screen.progress(s.recorder.live, out.Written(), time.Since(began))
		if err := s.next(tick); err != nil {
			return err
		}
	}
	if err := s.drain(); err != nil {
		return err
	}
	dropped, err := s.sub.Dropped()
	if err != nil {
		return fmt.Errorf("cannot tell what was dropped: %w", err)
	}
	s.end = s.recorder.summary(uint64(dropped))
	s.end.Stopped = time.Now().UTC()
	return out.End(s.end)
}

// done reports whether the recording is long enough. It is not before the list of processes has come, or comes no more.
func (s *session) done(now, began time.Time) bool {
	long := s.duration > 0 && now.Sub(began) >= s.duration
	many := s.count > 0 && s.recorder.live >= s.count
	return (long || many) && (s.recorder.end.Seeded || s.askAt.IsZero() && now.After(s.listUntil))
}

// next records the next message, if one comes in time.
func (s *session) next(wait time.Duration) error {
	m, err := s.sub.NextMsg(wait)
	switch {
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrSlowConsumer):
		// What was dropped shows in the numbers of the batches that follow, and in the end.
		return nil
	case err != nil:
		return fmt.Errorf("cannot read events: %w", err)
	}
	return s.recorder.take(m.Data)
}

// drain records what had arrived when the recording ended, unless a limit says that it is enough.
func (s *session) drain() error {
	for until := time.Now().Add(drainTime); time.Now().Before(until); {
		waiting, _, err := s.sub.Pending()
		if err != nil || waiting == 0 || s.count > 0 && s.recorder.live >= s.count {
			return nil //nolint:nilerr // a connection that is gone has nothing waiting
		}
		if err := s.next(tick); err != nil {
			return err
		}
	}
	return nil
}

// ask asks the collector, when it is time, to list the living processes.
func (s *session) ask(now time.Time) {
	if s.askAt.IsZero() || now.Before(s.askAt) {
		return
	}
	s.askAt, s.listUntil = time.Time{}, now
	m, err := s.conn.Request(subject.Control(s.host, subject.Seed), nil, askTimeout)
	var answer pb.SeedAnswer
	if err == nil {
		err = answer.UnmarshalVTUnsafe(m.Data)
	}
	switch {
	case err != nil:
		s.trouble = true
		s.screen.say(fmt.Sprintf("the collector does not list the running processes: %v; "+
			"is it running, and of this version? see: vedette status", err))
	case answer.WaitMs > 0:
		wait := time.Duration(answer.WaitMs) * time.Millisecond
		s.askAt = now.Add(wait)
		s.screen.say(fmt.Sprintf("the collector has just listed the running processes for somebody else and does so again in %s; "+
			"events are recorded meanwhile", wait.Round(time.Second/10)))
	default:
		s.listUntil = time.Now().Add(listPatience)
	}
}
