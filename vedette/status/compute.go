package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// Heartbeats are the last two of one component, oldest first; Before is nil when only one was seen.
type Heartbeats struct {
	Before, Last *pb.Health
}

// add takes a new heartbeat in. A component that has started anew has no heartbeat before it.
func (h *Heartbeats) add(m *pb.Health) {
	switch {
	case h.Last != nil && h.Last.Instance == m.Instance && h.Last.WallTimeNs < m.WallTimeNs:
		h.Before, h.Last = h.Last, m
	case h.Last == nil || h.Last.Instance != m.Instance:
		h.Before, h.Last = nil, m
	}
}

// seconds between the two heartbeats; 0 when there is only one.
func (h Heartbeats) seconds() float64 {
	if h.Before == nil {
		return 0
	}
	return time.Duration(h.Last.WallTimeNs - h.Before.WallTimeNs).Seconds()
}

// stale is how old a heartbeat may be; one is sent every second.
const stale = 5 * time.Second

// components in the order of the report.
func components() []string { return []string{subject.Bus, subject.Collector, subject.Analyzer} }

// Compute makes the report from the heartbeats by component.
func Compute(host string, beats map[string]Heartbeats, now time.Time) *Report {
	r := &Report{
		Host: host, Verdict: Well,
		Attachments: []Attachment{}, Classes: []Sum{}, Losses: []Loss{}, Peers: []Peer{}, Warnings: []string{},
	}
	for _, name := range components() {
		h := beats[name]
		if h.Last != nil && now.Sub(time.Unix(0, h.Last.WallTimeNs)) > stale {
			h.Last = nil
		}
		r.Components = append(r.Components, component(name, h, now))
		if h.Last == nil {
			r.Verdict = NotRunning
			r.warn("the %s sends no heartbeat; see its log, and start Vedette with: vedette up", name)
			continue
		}
		r.losses(name, h.Last)
	}
	collector, analyzer := beats[subject.Collector], beats[subject.Analyzer]
	r.attachments(collector.Last)
	r.sums(collector, analyzer)
	r.ruleset(analyzer.Last)
	r.identities()
	if s := collector.Last.GetSpool(); s != nil {
		r.Spool = &Spool{Bytes: s.Bytes, LimitBytes: s.LimitBytes, Batches: s.Batches, ResentBatches: s.ResentBatches}
	}
	if a := analyzer.Last.GetAlerts(); a != nil {
		r.Alerts = Alerts{Raised: a.Raised, Published: a.Published, Duplicates: a.Duplicates, Pending: a.Pending, Written: a.Written}
	}
	for _, p := range beats[subject.Bus].Last.GetPeers() {
		r.Peers = append(r.Peers, Peer{Role: p.Role, UID: p.Uid, PID: p.Pid, Refused: p.Refused})
	}
	for _, name := range components() {
		for _, w := range beats[name].Last.GetWarnings() {
			r.warn("%s: %s", name, w)
		}
	}
	if r.Verdict == Well && len(r.Warnings) > 0 {
		r.Verdict = Warned
	}
	return r
}

func (r *Report) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

func component(name string, h Heartbeats, now time.Time) Component {
	m := h.Last
	if m == nil {
		return Component{Name: name, Capabilities: []string{}}
	}
	res := m.GetResources()
	c := Component{
		Name: name, Running: true, Version: m.Version, PID: m.Pid,
		UID: res.GetUid(), Capabilities: capabilities(res.GetCapabilities()), NoNewPrivileges: res.GetNoNewPrivileges(),
		ResidentBytes: res.GetResidentBytes(), Threads: res.GetThreads(), OpenFiles: res.GetOpenFiles(),
		UptimeSeconds: int64(now.Sub(time.Unix(0, m.StartedWallTimeNs)).Seconds()),
	}
	if s := h.seconds(); s > 0 {
		used := float64(res.GetCpuTimeNs()) - float64(h.Before.GetResources().GetCpuTimeNs())
		c.CPUPercent = 100 * used / float64(time.Second) / s
	}
	return c
}

func (r *Report) attachments(m *pb.Health) {
	for _, a := range m.GetAttachments() {
		x := Attachment{Name: a.Name, Hook: a.Hook, Attached: a.Attached, Reason: a.Reason, Runs: a.RunCount, Missed: a.Missed}
		if a.RunCount > 0 {
			x.MeanNS = a.RunTimeNs / a.RunCount
		}
		r.Attachments = append(r.Attachments, x)
		if !a.Attached {
			r.warn("kernel program %s is not attached to %s: %s", a.Name, a.Hook, cmp.Or(a.Reason, "no reason given"))
		}
	}
	if m != nil && len(m.Attachments) == 0 {
		r.warn("no kernel program is attached, so nothing is seen; see the collector's log")
	}
}

// firstPart is the first cause that cuts a part off an event that is delivered; see LossCause.
const firstPart = pb.LossCause_LOSS_CAUSE_ARGUMENTS

func (r *Report) losses(component string, m *pb.Health) {
	for _, l := range m.Losses {
		if l.Count == 0 {
			continue
		}
		loss := Loss{
			Component: component, Class: subject.ClassToken(l.Class), Cause: causeName(l.Cause),
			Count: l.Count, Part: l.Cause >= firstPart,
		}
		r.Losses = append(r.Losses, loss)
		if !loss.Part {
			r.warn("%d %s events were lost in the %s: %s; %s", loss.Count, loss.Class, component, loss.Cause, remedy(l.Cause))
		}
	}
}

func causeName(c pb.LossCause) string {
	name := strings.TrimPrefix(c.String(), "LOSS_CAUSE_")
	return strings.ReplaceAll(strings.ToLower(name), "_", " ")
}

func remedy(c pb.LossCause) string {
	switch c {
	case pb.LossCause_LOSS_CAUSE_RING_FULL:
		return "give the collector more CPU time or a larger ring in collector.conf"
	case pb.LossCause_LOSS_CAUSE_SPOOL_FULL:
		return "see whether the analyzer keeps up, or give the collector a larger spool in collector.conf"
	case pb.LossCause_LOSS_CAUSE_MAP_FULL, pb.LossCause_LOSS_CAUSE_SCRATCH:
		return "raise the limit of the sensor in collector.conf"
	case pb.LossCause_LOSS_CAUSE_MALFORMED, pb.LossCause_LOSS_CAUSE_DECODE:
		return "this is a fault of Vedette or a sign of tampering: look into the component's log"
	case pb.LossCause_LOSS_CAUSE_SHUTDOWN:
		return "the analyzer did not confirm them before the collector stopped"
	default:
		return "look into the component's log"
	}
}

func (r *Report) sums(collector, analyzer Heartbeats) {
	received := flowsByClass(analyzer.Last)
	receivedBefore := flowsByClass(analyzer.Before)
	before := flowsByClass(collector.Before)
	seconds := collector.seconds()
	total := Sum{Closes: true}
	for class, last := range flowsByClass(collector.Last) {
		s := sum(last, before[class], seconds)
		s.Class = subject.ClassToken(class)
		in := received[class]
		s.Received = in.GetReceived()
		// What is missing for one heartbeat may still be on its way.
		s.Unexplained = in.GetUnexplained()
		if analyzer.Before != nil {
			s.Unexplained = min(s.Unexplained, receivedBefore[class].GetUnexplained())
		}
		if !s.Closes {
			r.warn("the sum of %s events %s; report this as a fault of Vedette, with: vedette status --json", s.Class, s.verdict())
		}
		if s.Unexplained > 0 {
			r.warn("%d %s events did not reach the analyzer and nobody counted them as lost; report this with: vedette status --json", s.Unexplained, s.Class)
		}
		total.add(s)
		total.Closes = total.Closes && s.Closes
		r.Classes = append(r.Classes, s)
	}
	slices.SortFunc(r.Classes, func(a, b Sum) int { return cmp.Compare(a.Class, b.Class) })
	r.Sum = total
}

func flowsByClass(m *pb.Health) map[pb.Class]*pb.Flow {
	flows := make(map[pb.Class]*pb.Flow)
	for _, f := range m.GetFlows() {
		flows[f.Class] = f
	}
	return flows
}

// sum closes the account of one class. The counters of a heartbeat are read one after the other while events flow, so the
// account can only be checked between heartbeats: what was made by the one before must be accounted for by the last, and
// what was accounted for by the one before must have been made by the last.
func sum(last, before *pb.Flow, seconds float64) Sum {
	s := Sum{Made: last.Made, Delivered: last.Acknowledged, Pending: last.Pending, Lost: last.Lost}
	accounted := last.Acknowledged + last.Pending + last.Lost
	earliestMade, earliestAccounted := last.Made, accounted
	if before != nil {
		earliestMade, earliestAccounted = before.Made, before.Acknowledged+before.Pending+before.Lost
	}
	if seconds > 0 && before != nil {
		s.PerSecond = (float64(last.Made) - float64(before.Made)) / seconds
	}
	switch {
	case accounted < earliestMade:
		s.Difference = int64(earliestMade - accounted)
	case earliestAccounted > last.Made:
		s.Difference = -int64(earliestAccounted - last.Made)
	}
	if rest := int64(last.Made) - int64(accounted) - s.Difference; rest > 0 {
		s.InFlight = uint64(rest)
	}
	s.Closes = s.Difference == 0
	return s
}

func (r *Report) ruleset(m *pb.Health) {
	if m == nil {
		return
	}
	c := m.GetRules()
	r.Rules = &Rules{Loaded: c.GetLoaded(), Refused: c.GetRefused(), Skipped: c.GetSkipped(), Problems: c.GetProblems()}
	if r.Rules.Loaded == 0 {
		r.warn("no rule is loaded, so nothing can alert; name the directory of the rules with: vedette up --rules DIR")
	}
	if r.Rules.Refused > 0 {
		first := ""
		if len(r.Rules.Problems) > 0 {
			first = ", the first: " + r.Rules.Problems[0]
		}
		r.warn("%d rules were refused%s", r.Rules.Refused, first)
	}
}

// identities checks that those who need no rights have none.
func (r *Report) identities() {
	for _, c := range r.Components {
		if !c.Running || c.Name == subject.Collector {
			continue
		}
		if c.UID == 0 || len(c.Capabilities) > 0 {
			r.warn("the %s runs with rights that it must not have (uid %d, %s); start it through: vedette up", c.Name, c.UID,
				cmp.Or(strings.Join(c.Capabilities, " "), "no capabilities"))
		}
	}
}
