package bare

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/encoding/protowire"

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
	var instance, taken atomic.Uint64
	events, err := nc.Subscribe(subject.AllEvents(Host), func(m *nats.Msg) {
		// Before one that was lost on the way nothing can be taken: it is sent again, and all behind it.
		if of, number, err := batchOf(m.Data); err == nil && number == taken.Load()+1 {
			instance.Store(of)
			taken.Store(number)
		}
	})
	if err != nil {
		return fmt.Errorf("cannot listen to events: %w", err)
	}
	s.acknowledging = make(chan struct{})
	go func() {
		defer close(s.acknowledging)
		for told := uint64(0); !nc.IsClosed(); time.Sleep(acknowledgePause) {
			ack := pb.Ack{Instance: instance.Load(), Number: taken.Load()}
			if ack.Number == told {
				continue
			}
			if data, err := ack.MarshalVT(); err == nil && nc.Publish(subject.Control(Host, subject.Ack), data) == nil {
				told = ack.Number
			}
		}
	}()
	return errors.Join(events.SetPendingLimits(-1, -1), nc.FlushWithContext(ctx))
}

// acknowledgePause is well below the time after which a collector sends again, and long for an emulated machine, to which every
// message is work.
const acknowledgePause = 200 * time.Millisecond

// Fields of EventBatch (proto/batch.proto).
const instanceField, numberField = 3, 5

// batchOf reads of a batch whose it is. Its events are not looked at: decoding them is much work for an emulated machine.
func batchOf(data []byte) (instance, number uint64, err error) {
	for len(data) > 0 && (instance == 0 || number == 0) {
		field, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return 0, 0, protowire.ParseError(n)
		}
		data = data[n:]
		switch field {
		case instanceField:
			instance, n = protowire.ConsumeFixed64(data)
		case numberField:
			number, n = protowire.ConsumeVarint(data)
		default:
			n = protowire.ConsumeFieldValue(field, kind, data)
		}
		if n < 0 {
			return 0, 0, protowire.ParseError(n)
		}
		data = data[n:]
	}
	return instance, number, nil
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
