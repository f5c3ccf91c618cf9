package core

import (
	"fmt"
	"os"
	"slices"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// publishHealth sends one Health message; without a session it is let go, the next one says it all again.
func (c *Collector) publishHealth(g *gauge) {
	data, err := c.health(g).MarshalVT()
	if err == nil {
		err = c.link.Publish(subject.Health(c.opts.Host, subject.Collector), data)
	}
	if err != nil {
		c.log.Debug().Err(err).Msg("health message not sent")
	}
}

func (c *Collector) health(g *gauge) *pb.Health {
	// The kernel's counters come last: an event that is made meanwhile shows as not yet read, never as read but not made.
	flows := c.flows()
	kernel, losses := c.ledger.snapshot()
	for class, f := range flows {
		f.Made += kernel.Made[class]
	}
	for _, loss := range losses {
		if loss.Cause < firstPartCause {
			flows[loss.Class].Lost += loss.Count
		}
	}
	st := c.spool.Stats()
	return &pb.Health{
		Host: c.opts.Host, BootId: c.opts.BootID, Component: subject.Collector, Instance: c.opts.Instance,
		Version: c.opts.Version, Pid: uint32(os.Getpid()),
		WallTimeNs: c.opts.Now().UnixNano(), StartedWallTimeNs: c.started.UnixNano(),
		Attachments: c.source.Attachments(),
		Flows: slices.DeleteFunc(flows, func(f *pb.Flow) bool {
			return f.Made == 0 && f.Read == 0 && f.Lost == 0
		}),
		Losses:    losses,
		Resources: g.read(),
		Spool: &pb.Spool{
			Bytes: uint64(st.Bytes), LimitBytes: uint64(st.Limit), Batches: st.Batches,
			OldestNumber: st.Oldest, NewestNumber: st.Newest, ResentBatches: st.Resent,
		},
		Warnings: slices.Concat(c.source.Warnings(), c.warnings(losses)),
	}
}

// flows returns one entry for each class, at its index, without what the kernel counts. A class cannot change its batch
// between the two looks at it.
func (c *Collector) flows() []*pb.Flow {
	flows := make([]*pb.Flow, classes)
	for i := range c.lanes {
		l := &c.lanes[i]
		l.mu.Lock()
		kept := c.spool.Flow(l.class)
		flows[i] = &pb.Flow{
			Class: l.class, Made: l.seeded, Read: l.read, Published: kept.Published,
			Acknowledged: kept.Acknowledged, Pending: kept.Pending + uint64(l.events),
		}
		l.mu.Unlock()
	}
	return flows
}

// warnings says in sentences what went wrong since the start and what to do.
func (c *Collector) warnings(losses []*pb.Loss) []string {
	var full, oversized uint64
	for _, loss := range losses {
		switch loss.Cause {
		case pb.LossCause_LOSS_CAUSE_SPOOL_FULL:
			full += loss.Count
		case pb.LossCause_LOSS_CAUSE_OVERSIZED:
			oversized += loss.Count
		}
	}
	var list []string
	warn := func(n uint64, format string) {
		if n > 0 {
			list = append(list, fmt.Sprintf(format, n))
		}
	}
	warn(full, "%d events were given up because the spool was full; check that the bus and the analyzer run, or raise the spool's limit")
	warn(oversized, "%d events were too large to send")
	warn(c.refusedSize.Load(), "%d batches were larger than the bus takes; raise its max_payload to 1 MiB")
	warn(c.refusedControl.Load(), "%d control messages made no sense; check that the analyzer has the collector's version")
	warn(c.link.Refused(), "the bus refused %d actions of the collector; check its log and the permissions of the role collector")
	warn(c.seedFailures.Load(), "%d times the living processes could not be listed for the analyzer; see the collector's log")
	return list
}
