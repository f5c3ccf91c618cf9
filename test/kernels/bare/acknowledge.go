package bare

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"syscall"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/peercred"
	"github.com/vedette-edr/vedette/proto/subject"
)

// acknowledge takes every batch as the analyzer does, which is not there: without it the collector would send what nobody took
// again and again, and then nothing new.
func (s *System) acknowledge(ctx context.Context) error {
	dialer := analyzer{&peercred.Dialer{Path: s.socket, WantUIDs: []uint32{busUser}}}
	nc, err := nats.Connect("nats://vedette", nats.SetCustomDialer(dialer), nats.SkipHostLookup(),
		nats.CustomInboxPrefix("_INBOX_analyzer"), nats.Timeout(startTimeout))
	if err != nil {
		return fmt.Errorf("cannot connect to the bus as the analyzer: %w", err)
	}
	s.analyzer = nc
	next := uint64(1)
	events, err := nc.Subscribe(subject.AllEvents(Host), func(m *nats.Msg) {
		b := &pb.EventBatch{}
		// One that was lost on the way is sent again, and all behind it.
		if err := b.UnmarshalVTUnsafe(m.Data); err != nil || b.Number > next {
			return
		}
		next = max(next, b.Number+1)
		ack := pb.Ack{Instance: b.Instance, Number: next - 1}
		if data, err := ack.MarshalVT(); err == nil {
			_ = nc.Publish(subject.Control(Host, subject.Ack), data)
		}
	})
	if err != nil {
		return fmt.Errorf("cannot listen to events: %w", err)
	}
	return errors.Join(events.SetPendingLimits(-1, -1), nc.FlushWithContext(ctx))
}

// analyzer connects as the user that the analyzer runs as.
type analyzer struct{ *peercred.Dialer }

// Dial implements nats.CustomDialer. Who connects is who the calling thread is; that thread then ends with its goroutine.
func (a analyzer) Dial(network, address string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		for _, call := range []struct{ number, id uintptr }{{syscall.SYS_SETRESGID, group}, {syscall.SYS_SETRESUID, analyzerUser}} {
			if _, _, errno := syscall.RawSyscall(call.number, call.id, call.id, call.id); errno != 0 {
				err = fmt.Errorf("cannot become the analyzer's user: %w", errno)
				return
			}
		}
		conn, err = a.Dialer.Dial(network, address)
	}()
	<-done
	return conn, err
}
