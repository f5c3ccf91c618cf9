package bus

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/bus/door"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.BootID, o.Version = "boot", "v1"
	b := start(t, o)
	operator := b.as(t, access.Operator)
	health := subscribe(t, operator, subject.Health(host, subject.Bus))
	h := nextHealth(t, health)
	if h.Host != host || h.BootId != "boot" || h.Version != "v1" || h.Component != "bus" || h.Pid != uint32(os.Getpid()) ||
		h.Instance == 0 || h.WallTimeNs < h.StartedWallTimeNs {
		t.Errorf("health %v", h)
	}
	r := h.Resources
	if r.ResidentBytes < 1<<20 || r.CpuTimeNs == 0 || r.Threads == 0 || r.OpenFiles == 0 || r.Uid != uint32(os.Getuid()) {
		t.Errorf("resources %v", r)
	}
	want := []*pb.Peer{{Role: "operator", Uid: uint32(os.Getuid()), Pid: uint32(os.Getpid())}}
	if diff := cmp.Diff(want, h.Peers, protocmp.Transform()); diff != "" {
		t.Errorf("peers (-want +got):\n%s", diff)
	}
	if len(h.Warnings) != 0 {
		t.Errorf("warnings %q", h.Warnings)
	}
	second := nextHealth(t, health)
	if apart := second.WallTimeNs - h.WallTimeNs; apart < 5e8 || apart > 5e9 {
		t.Errorf("health comes every %d ns", apart)
	}
}

func TestHealthWithoutAlertStream(t *testing.T) {
	t.Parallel()
	b := start(t, testOptions(t))
	if err := b.ns.DisableJetStream(); err != nil {
		t.Fatal(err)
	}
	health := subscribe(t, b.as(t, access.Operator), subject.Health(host, subject.Bus))
	if w := strings.Join(nextHealth(t, health).Warnings, "\n"); !strings.Contains(w, "the alert stream is off") {
		t.Errorf("warnings %q", w)
	}
}

// A role that tries what it may not do is an alarm, and the bus says who it was.
func TestViolationsAreReported(t *testing.T) {
	t.Parallel()
	b := start(t, testOptions(t))
	health := subscribe(t, b.as(t, access.Operator), subject.Health(host, subject.Bus))
	publish(t, b.as(t, access.Analyzer), subject.Events(host, pb.Class_CLASS_PROCESS), "forged")
	eventually(t, "the attempt is in the health of the bus", func() error {
		w := strings.Join(nextHealth(t, health).Warnings, "\n")
		if !strings.Contains(w, "1 times a client tried") || !strings.Contains(w, "analyzer") || !strings.Contains(w, "events.process") {
			return fmt.Errorf("warnings %q", w)
		}
		return nil
	})
}

func TestPeersAreInOrder(t *testing.T) {
	got := peers(
		[]door.Guest{{Role: access.Reader, UID: 5}, {Role: access.Analyzer, UID: 2, PID: 9}, {Role: access.Analyzer, UID: 2, PID: 8}},
		map[uint32]uint64{7: 3, 2: 1},
		map[uint32]access.Role{2: access.Analyzer},
	)
	want := []*pb.Peer{
		{Uid: 7, Refused: 3},
		{Role: "analyzer", Uid: 2, Refused: 1},
		{Role: "analyzer", Uid: 2, Pid: 8},
		{Role: "analyzer", Uid: 2, Pid: 9},
		{Role: "reader", Uid: 5},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
