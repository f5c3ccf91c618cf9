package alertlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/proto/subject"
)

// directGet reads messages without a consumer, so a reader leaves nothing behind in the server (NATS ADR-31).
const directGet = "$JS.API.DIRECT.GET." + subject.AlertStream

// request is the body of a direct get.
type request struct {
	Sequence      uint64     `json:"seq,omitempty"`
	StartTime     *time.Time `json:"start_time,omitempty"`
	LastBySubject string     `json:"last_by_subj,omitempty"`
	Batch         int        `json:"batch,omitempty"`
	MaxBytes      int        `json:"max_bytes,omitempty"`
}

// errUnanswered is wrapped when the stream gave no answer or broke off.
var errUnanswered = errors.New("the alert stream does not answer")

// Statuses of an answer without a message.
const (
	statusEndOfBatch   = "204"
	statusNotFound     = "404"
	statusNoResponders = "503"
)

// request calls each for every message of the answer; more reports whether the stream holds further ones.
func (r *reader) request(ctx context.Context, req request, each func(Record) error) (more bool, err error) {
	body, err := json.Marshal(req)
	if err != nil {
		return false, fmt.Errorf("BUG: cannot encode a stream request: %w", err)
	}
	inbox := r.nc.NewRespInbox()
	sub, err := r.nc.SubscribeSync(inbox)
	if err != nil {
		return false, fmt.Errorf("cannot ask the alert stream: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := r.nc.PublishRequest(directGet, inbox, body); err != nil {
		return false, fmt.Errorf("cannot ask the alert stream: %w", err)
	}
	for {
		msg, err := nextMessage(ctx, sub, r.timeout)
		if err != nil {
			return false, err
		}
		switch status := msg.Header.Get("Status"); status {
		case "":
		case statusEndOfBatch:
			pending, err := strconv.ParseUint(msg.Header.Get("Nats-Num-Pending"), 10, 64)
			return err == nil && pending > 0, nil
		case statusNotFound:
			return false, nil
		case statusNoResponders:
			return false, fmt.Errorf("%w: this bus has no stream %s", errUnanswered, subject.AlertStream)
		default:
			return false, fmt.Errorf("the alert stream refused a request: %s %s", status, msg.Header.Get("Description"))
		}
		rec, err := record(msg)
		if err != nil {
			return false, err
		}
		if err := each(rec); err != nil {
			return false, err
		}
		if req.Batch == 0 {
			return false, nil
		}
	}
}

func nextMessage(ctx context.Context, sub *nats.Subscription, timeout time.Duration) (*nats.Msg, error) {
	limit, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	msg, err := sub.NextMsgWithContext(limit)
	switch {
	case err == nil:
		return msg, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w within %v", errUnanswered, timeout)
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("%w: this bus has no stream %s", errUnanswered, subject.AlertStream)
	default:
		return nil, fmt.Errorf("cannot read the alert stream: %w", err)
	}
}

func record(msg *nats.Msg) (Record, error) {
	text := msg.Header.Get(nats.JSSequence)
	sequence, err := strconv.ParseUint(text, 10, 64)
	if err != nil || sequence == 0 {
		return Record{}, fmt.Errorf("the alert stream answered with the sequence %q", text)
	}
	rec := Record{Sequence: sequence, ID: msg.Header.Get(nats.MsgIdHdr), Data: msg.Data}
	if rec.Time, err = time.Parse(time.RFC3339Nano, msg.Header.Get(nats.JSTimeStamp)); err != nil {
		return Record{}, fmt.Errorf("the alert stream answered with a bad time in sequence %d: %w", sequence, err)
	}
	return rec, nil
}
