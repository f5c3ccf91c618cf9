package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/proto/subject"
)

// duplicateWindow is how far back the stream recognises an alert that is published again, by its Nats-Msg-Id.
const duplicateWindow = 10 * time.Minute

// EnsureStream creates the alert stream, or brings its limits up to date. Stored alerts can be neither deleted nor purged
// through NATS; they leave by age and size alone.
//
// nc must have the rights of the role Bus: its own in-process connection in the embedded server, the nkey of that role
// at a stock server. It must use the inbox prefix access.Inbox(access.Bus).
func EnsureStream(ctx context.Context, nc *nats.Conn, maxAge time.Duration, maxBytes int64) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("cannot use JetStream: %w", err)
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:        subject.AlertStream,
		Description: "Vedette alerts",
		Subjects:    []string{subject.AllAlerts("*")},
		Storage:     jetstream.FileStorage,
		MaxAge:      maxAge,
		MaxBytes:    maxBytes,
		MaxMsgSize:  access.MaxPayload,
		Discard:     jetstream.DiscardOld,
		Duplicates:  duplicateWindow,
		AllowDirect: true,
		DenyDelete:  true,
		DenyPurge:   true,
	})
	if err != nil {
		return fmt.Errorf("cannot create the stream %s: %w", subject.AlertStream, err)
	}
	return nil
}
