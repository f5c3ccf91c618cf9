package capture

import (
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/proto/capture"

	pb "github.com/vedette-edr/vedette/proto"
)

// firstPartCause is where the causes begin that concern parts of events which were delivered.
const firstPartCause = pb.LossCause_LOSS_CAUSE_ARGUMENTS

// recorder writes batches as they come, each once, and keeps account of what is missing.
type recorder struct {
	out *capture.Writer
	// classes to record; empty for all.
	classes []pb.Class
	end     capture.End
	// live counts the events that are no seeds.
	live  uint64
	flows map[uint64]*flow
	// listed counts the seeds since the last end of a list of processes.
	listed uint32
}

// flow is what comes of one run of the collector.
type flow struct {
	next uint64
	// missing are numbers below next that have not come, as ranges in rising order.
	missing []span
	lost    uint64
	// causes are the counters of loss of the first batch, and of the latest.
	first, latest map[cause]uint64
}

type span struct{ from, to uint64 }

type cause struct {
	class pb.Class
	cause pb.LossCause
}

// maxSpans bounds how many gaps are remembered in case that they are filled; what is in older ones is lost for good.
const maxSpans = 1024

// take records one encoded batch. The error is that of the file.
func (r *recorder) take(data []byte) error {
	var b pb.EventBatch
	if b.UnmarshalVTUnsafe(data) != nil || b.Instance == 0 || b.Number == 0 {
		r.end.Lost.Unreadable++
		return r.out.Loss(capture.Loss{Unreadable: 1})
	}
	fresh, gap := r.flowOf(&b).arrived(b.Number)
	if !fresh {
		return nil
	}
	if gap > 0 {
		if err := r.out.Loss(capture.Loss{Batches: gap}); err != nil {
			return err
		}
	}
	r.flows[b.Instance].account(b.Losses)
	if len(r.classes) > 0 && !slices.Contains(r.classes, b.Class) {
		return nil
	}
	if err := r.out.Batch(data); err != nil {
		return err
	}
	r.end.Batches++
	r.end.Events += uint64(len(b.Events))
	for _, ev := range b.Events {
		r.count(ev)
	}
	return nil
}

func (r *recorder) count(ev *pb.Event) {
	switch payload := ev.Payload.(type) {
	case *pb.Event_Seed:
		r.listed++
		r.end.Processes++
	case *pb.Event_SeedEnd:
		// A list of which only the end was heard does not count.
		if r.listed == payload.SeedEnd.GetProcesses() {
			r.end.Seeded = true
		}
		r.listed = 0
	default:
		r.live++
	}
}

// flowOf gives the flow that the batch is from. The first one may have begun long before the recording; a later one cannot.
func (r *recorder) flowOf(b *pb.EventBatch) *flow {
	if known, ok := r.flows[b.Instance]; ok {
		return known
	}
	begun := &flow{next: 1, first: map[cause]uint64{}, latest: map[cause]uint64{}}
	if len(r.flows) == 0 {
		begun.next = b.Number
		begun.first = counters(b.Losses)
	}
	if r.flows == nil {
		r.flows = map[uint64]*flow{}
	}
	r.flows[b.Instance] = begun
	return begun
}

// arrived takes the number of a batch. It reports whether it is here for the first time, and how many are missing before it.
func (f *flow) arrived(number uint64) (fresh bool, gap uint64) {
	if number < f.next {
		return f.fill(number), 0
	}
	if gap = number - f.next; gap > 0 {
		f.missing = append(f.missing, span{f.next, number - 1})
		if len(f.missing) > maxSpans {
			f.lost += f.missing[0].to - f.missing[0].from + 1
			f.missing = f.missing[1:]
		}
	}
	f.next = number + 1
	return true, gap
}

// fill takes a number out of the missing ones, and reports whether it was among them.
func (f *flow) fill(number uint64) bool {
	i := slices.IndexFunc(f.missing, func(s span) bool { return s.from <= number && number <= s.to })
	if i < 0 {
		return false
	}
	var left []span
	if s := f.missing[i]; s.from < number {
		left = append(left, span{s.from, number - 1})
	}
	if s := f.missing[i]; number < s.to {
		left = append(left, span{number + 1, s.to})
	}
	f.missing = slices.Replace(f.missing, i, i+1, left...)
	return true
}

func (f *flow) account(losses []*pb.Loss) {
	for at, n := range counters(losses) {
		f.latest[at] = max(f.latest[at], n)
	}
}

// counters of whole events.
func counters(losses []*pb.Loss) map[cause]uint64 {
	all := map[cause]uint64{}
	for _, l := range losses {
		if l.Cause < firstPartCause {
			all[cause{l.Class, l.Cause}] = l.Count
		}
	}
	return all
}

// summary is the end of the recording as far as it has come. dropped is how many messages this process could not take: those
// after the last batch show in no number.
func (r *recorder) summary(dropped uint64) capture.End {
	end := r.end
	end.LostAtSource = map[string]uint64{}
	for _, f := range r.flows {
		end.Lost.Batches += f.lost
		for _, s := range f.missing {
			end.Lost.Batches += s.to - s.from + 1
		}
		for at, n := range f.latest {
			if lost := n - min(n, f.first[at]); lost > 0 {
				end.LostAtSource[causeName(at.cause)] += lost
			}
		}
	}
	end.Lost.Batches = max(end.Lost.Batches, dropped)
	return end
}

func causeName(c pb.LossCause) string {
	return strings.ToLower(strings.TrimPrefix(c.String(), "LOSS_CAUSE_"))
}
