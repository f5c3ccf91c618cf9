package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/proto/subject"
)

// stream publishes alerts and waits for the stream to confirm each one. Whatever is not confirmed is sent again under the
// same message id, and the stream drops what it has already.
type stream struct {
	nc     *nats.Conn
	outbox *Outbox
	inbox  string
	acks   chan *nats.Msg
	wake   chan struct{}

	mu       sync.Mutex
	incoming []*item

	// The rest belongs to run. sent is in the order of the numbers.
	waiting, sent []*item
	failingSince  time.Time
}

func newStream(nc *nats.Conn, o *Outbox) *stream {
	return &stream{
		nc: nc, outbox: o, inbox: nc.NewInbox(), acks: make(chan *nats.Msg, o.opts.InFlight), wake: make(chan struct{}, 1),
	}
}

// subscribe makes the stream hear answers until ctx ends.
func (s *stream) subscribe(ctx context.Context) error {
	sub, err := s.nc.Subscribe(s.inbox+".*", func(m *nats.Msg) {
		select {
		case s.acks <- m:
		case <-ctx.Done():
		}
	})
	if err != nil {
		return fmt.Errorf("cannot subscribe %q: %w", s.inbox, err)
	}
	// It can fail only when the connection is closed, and then there is nothing left to undo.
	context.AfterFunc(ctx, func() { _ = sub.Unsubscribe() })
	return nil
}

func (s *stream) add(it *item) {
	s.mu.Lock()
	s.incoming = append(s.incoming, it)
	s.mu.Unlock()
	s.poke()
}

// poke makes run look at what there is to do.
func (s *stream) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *stream) run(ctx context.Context) {
	connected := s.nc.StatusChanged(nats.CONNECTED)
	defer s.nc.RemoveStatusListener(connected)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.send(time.Now())
		s.giveUp(time.Now())
		if len(s.waiting)+len(s.sent) > 0 {
			timer.Reset(s.outbox.opts.RetryEvery / 4)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case m := <-s.acks:
			s.answered(m)
		case <-connected:
			for _, it := range s.sent {
				it.sentAt = time.Time{}
			}
		case <-timer.C:
		}
	}
}

// send publishes what is new and what was not answered in time.
func (s *stream) send(now time.Time) {
	s.mu.Lock()
	s.waiting = append(s.waiting, s.incoming...)
	s.incoming = s.incoming[:0]
	s.mu.Unlock()
	if !s.nc.IsConnected() {
		return
	}
	for _, it := range s.sent {
		if now.Sub(it.sentAt) < s.outbox.opts.RetryEvery {
			continue
		}
		if !it.sentAt.IsZero() && s.failingSince.IsZero() {
			s.failed(now, errors.New("the stream does not answer"))
		}
		if s.publish(now, it) != nil {
			return
		}
	}
	for len(s.waiting) > 0 && len(s.sent) < s.outbox.opts.InFlight {
		it := s.waiting[0]
		switch err := s.publish(now, it); {
		case errors.Is(err, nats.ErrMaxPayload):
			s.tooLarge(it)
		case err != nil:
			return
		default:
			s.sent = append(s.sent, it)
		}
		s.waiting[0] = nil
		s.waiting = s.waiting[1:]
	}
}

// tooLarge lets go of a document that the bus will never take.
func (s *stream) tooLarge(it *item) {
	s.outbox.opts.Log.Error().Str("alert", it.ID).Int("bytes", len(it.Line)).Int64("limit", s.nc.MaxPayload()).
		Msg("an alert is larger than the bus takes; it is in the file alone; raise max_payload of the bus")
	s.outbox.update(func(c *Counts) {
		it.published = true
		c.StreamLost++
	})
}

func (s *stream) publish(now time.Time, it *item) error {
	m := nats.NewMsg(subject.Alerts(s.outbox.opts.Host, it.Level))
	m.Reply = s.inbox + "." + strconv.FormatUint(it.number, 10)
	m.Header.Set(nats.MsgIdHdr, it.ID)
	m.Data = it.Line
	err := s.nc.PublishMsg(m)
	if err != nil {
		s.failed(now, err)
		return err
	}
	it.sentAt = now
	return nil
}

// pubAck is the answer of a JetStream stream.
type pubAck struct {
	Stream    string `json:"stream"`
	Sequence  uint64 `json:"seq"`
	Duplicate bool   `json:"duplicate"`
	Error     *struct {
		Code        int    `json:"code"`
		Description string `json:"description"`
	} `json:"error"`
}

func (s *stream) answered(m *nats.Msg) {
	number, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, s.inbox+"."), 10, 64)
	if err != nil {
		return
	}
	at := -1
	for i, it := range s.sent {
		if it.number == number {
			at = i
			break
		}
	}
	if at < 0 {
		return
	}
	it := s.sent[at]
	duplicate, err := readAnswer(m)
	if err != nil {
		s.failed(time.Now(), err)
		return
	}
	s.sent = append(s.sent[:at], s.sent[at+1:]...)
	s.recovered()
	s.outbox.update(func(c *Counts) {
		it.published = true
		if duplicate {
			c.Duplicates++
		} else {
			c.Published++
		}
	})
}

func readAnswer(m *nats.Msg) (duplicate bool, err error) {
	if status := m.Header.Get("Status"); status != "" {
		return false, fmt.Errorf("no stream takes %q (status %s)", subject.AlertStream, status)
	}
	var a pubAck
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return false, fmt.Errorf("cannot read the answer of the stream: %w", err)
	}
	if a.Error != nil {
		return false, fmt.Errorf("the stream refuses: %s (%d)", a.Error.Description, a.Error.Code)
	}
	if a.Stream == "" {
		return false, fmt.Errorf("the answer %q is not of a stream", m.Data)
	}
	return a.Duplicate, nil
}

// failed notes that an alert did not get through. The first failure of a row is logged.
func (s *stream) failed(now time.Time, err error) {
	if s.failingSince.IsZero() {
		s.failingSince = now
		s.outbox.opts.Log.Warn().Err(err).Msg("alerts do not reach the stream; they are kept and sent again")
	}
	s.outbox.update(func(c *Counts) { c.StreamError = "alerts do not reach the stream: " + err.Error() })
}

func (s *stream) recovered() {
	if s.failingSince.IsZero() {
		return
	}
	s.failingSince = time.Time{}
	s.outbox.opts.Log.Info().Msg("alerts reach the stream again")
	s.outbox.update(func(c *Counts) { c.StreamError = "" })
}

// giveUp lets go of a quarter of the alerts that the file has, when the stream has refused for long and there is no room
// left: an analyzer that stands still detects nothing.
func (s *stream) giveUp(now time.Time) {
	if s.failingSince.IsZero() || now.Sub(s.failingSince) < s.outbox.opts.GiveUpAfter || !s.nc.IsConnected() || !s.outbox.isFull() {
		return
	}
	lost := 0
	s.outbox.update(func(c *Counts) {
		drop := func(items []*item) []*item {
			kept := items[:0]
			for _, it := range items {
				if it.written && s.outbox.file != nil && lost < max(1, s.outbox.opts.MaxPending/4) {
					it.published = true
					lost++
					continue
				}
				kept = append(kept, it)
			}
			return kept
		}
		s.sent = drop(s.sent)
		s.waiting = drop(s.waiting)
		c.StreamLost += uint64(lost)
	})
	if lost > 0 {
		s.outbox.opts.Log.Error().Int("alerts", lost).Msg("alerts are in the file alone: the stream does not take them")
	}
}
