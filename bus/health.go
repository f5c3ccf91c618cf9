package bus

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/bus/door"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

func (b *bus) publishHealth() {
	h := &pb.Health{
		Host:              b.opts.Host,
		BootId:            b.opts.BootID,
		Component:         subject.Bus,
		Instance:          uint64(b.started.UnixNano()),
		Version:           b.opts.Version,
		Pid:               uint32(os.Getpid()),
		WallTimeNs:        time.Now().UnixNano(),
		StartedWallTimeNs: b.started.UnixNano(),
		Resources:         resources(),
		Peers:             peers(b.door.Guests(), b.door.Refused(), b.opts.UIDs),
		Warnings:          b.warnings(),
	}
	body, err := h.MarshalVT()
	if err == nil {
		err = b.nc.Publish(subject.Health(b.opts.Host, subject.Bus), body)
	}
	if err != nil {
		b.log.Error().Err(err).Msg("cannot publish health")
	}
}

func (b *bus) warnings() []string {
	b.readersMu.Lock()
	w := slices.Clone(b.readerWarnings)
	b.readersMu.Unlock()
	if !b.ns.JetStreamEnabled() {
		w = append(w, fmt.Sprintf("the alert stream is off, readers get no history: free space in %q and restart the bus", b.opts.StoreDir))
	}
	if n := b.ns.NumSlowConsumers(); n > 0 {
		w = append(w, fmt.Sprintf("%d times a client took its messages too slowly and was disconnected", n))
	}
	if n, last := b.nsLog.violated(); n > 0 {
		w = append(w, fmt.Sprintf("%d times a client tried what its role may not do, look at what runs as that user; last: %s", n, last))
	}
	return w
}

// peers lists each connection, and each user that was turned away with how often. A user whose role is not known has none.
func peers(guests []door.Guest, refused map[uint32]uint64, roles map[uint32]access.Role) []*pb.Peer {
	var all []*pb.Peer
	for _, g := range guests {
		all = append(all, &pb.Peer{Role: string(g.Role), Uid: g.UID, Pid: uint32(g.PID)})
	}
	for uid, n := range refused {
		all = append(all, &pb.Peer{Role: string(roles[uid]), Uid: uid, Refused: n})
	}
	slices.SortFunc(all, func(x, y *pb.Peer) int {
		return cmp.Or(cmp.Compare(x.Role, y.Role), cmp.Compare(x.Uid, y.Uid), cmp.Compare(x.Pid, y.Pid), cmp.Compare(x.Refused, y.Refused))
	})
	return all
}
