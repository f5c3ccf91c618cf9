package playback

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/recording"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
)

// recorded plays a Windows event log, or JSON.
type recorded struct {
	path     string
	in       *recording.Reader
	fallback rule.Logsource
	record   *recording.Record
	// shown is what record is by its channel and number, and renamed the record under other names.
	shown   *kind
	renamed renamed
	// Numbers of fields that are read whether or not a rule does.
	computer, recordID, eventType int

	kinds map[kindKey]*kind
	// numbered is how many numbers View.Kind has had.
	numbered int
}

// kindKey is what decides about the log sources of a Windows record.
type kindKey struct {
	channel, provider string
	eventID           int
	// eventType tells apart what a record of Sysmon's about registry keys is of.
	eventType string
}

// kind is the views that records of one key have.
type kind struct{ views []kindView }

type kindView struct {
	number  int
	sources []rule.Logsource
	renamed bool
}

// maxKinds bounds how many keys are remembered.
const maxKinds = 1 << 14

const (
	sysmonChannel  = "Microsoft-Windows-Sysmon/Operational"
	registryObject = 12
)

func openRecord(path, format string, opts Options) (*recorded, error) {
	var as recording.Format
	switch format {
	case "", Auto:
	case EVTX:
		as = recording.EVTX
	case JSON:
		as = recording.JSON
	default:
		return nil, fmt.Errorf("unknown format %q; it is %s, %s, %s or %s", format, Auto, EVTX, JSON, Capture)
	}
	in, err := recording.Open(path, as)
	if err != nil {
		return nil, err
	}
	r := &recorded{path: path, in: in, fallback: opts.Logsource, kinds: map[kindKey]*kind{}}
	names := slices.Clone(opts.Fields)
	number := func(name string) int {
		if n := slices.Index(names, name); n >= 0 {
			return n
		}
		names = append(names, name)
		return len(names) - 1
	}
	r.computer, r.recordID, r.eventType = number("Computer"), number("EventRecordID"), number("EventType")
	r.renamed = newRenamed(opts.Fields, number)
	in.Bind(names)
	return r, nil
}

// Close implements Recording.
func (r *recorded) Close() error { return r.in.Close() }

// Next implements Recording.
func (r *recorded) Next() (views int, err error) {
	if r.record, err = r.in.Next(); err != nil {
		return 0, err
	}
	r.shown = r.kind()
	return len(r.shown.views), nil
}

// View implements Recording.
func (r *recorded) View(i int) View {
	v := r.shown.views[i]
	shown := View{ListEvent: r.record, Sources: v.sources, Kind: v.number}
	if v.renamed {
		r.renamed.Record = r.record
		shown.ListEvent = &r.renamed
	}
	return shown
}

// kind gives the views of the record.
func (r *recorded) kind() *kind {
	key := kindKey{channel: r.record.Channel(), provider: r.record.Provider(), eventID: r.record.EventID()}
	if key.eventID == registryObject {
		key.eventType, _ = r.record.Field(r.eventType)
	}
	if known, ok := r.kinds[key]; ok {
		return known
	}
	k := r.newKind(key)
	if len(r.kinds) == maxKinds {
		for i := range k.views {
			k.views[i].number = -1
		}
		return k
	}
	// What the record gives is valid only until the next one.
	key.channel, key.provider = strings.Clone(key.channel), strings.Clone(key.provider)
	key.eventType = strings.Clone(key.eventType)
	r.kinds[key] = k
	return k
}

func (r *recorded) newKind(key kindKey) *kind {
	views := []kindView{{sources: r.sources(key)}}
	if len(taxonomy.Aliases(key.channel, key.provider, key.eventID)) > 0 {
		views = asCategory(views[0].sources)
	}
	for i := range views {
		views[i].number = r.numbered
		r.numbered++
	}
	return &kind{views}
}

// asCategory takes apart what rules of the record's service see, under its own names, and what those of its category do.
func asCategory(sources []rule.Logsource) []kindView {
	var own, category kindView
	for _, s := range sources {
		own.sources = append(own.sources, rule.Logsource{Product: s.Product, Service: s.Service})
		category.sources = append(category.sources, rule.Logsource{Product: s.Product, Category: s.Category})
	}
	category.renamed = true
	return []kindView{own, category}
}

func (r *recorded) sources(key kindKey) []rule.Logsource {
	switch {
	case key.channel == "" && key.provider == "" && r.fallback != rule.Logsource{}:
		return []rule.Logsource{r.fallback}
	case key.channel == "" && key.provider == "":
		return nil
	case key.eventID == registryObject && taxonomy.WindowsService(key.channel, key.provider) == taxonomy.WindowsService(sysmonChannel, ""):
		return taxonomy.RegistrySources(key.eventType)
	}
	return taxonomy.WindowsSources(key.channel, key.provider, key.eventID)
}

// Position implements Recording.
func (r *recorded) Position() int64 { return r.record.Position().Record }

// Names implements Recording.
func (r *recorded) Names() []string {
	var names []string
	for name := range r.record.Values() {
		names = append(names, strings.Clone(name))
	}
	return names
}

// Origin implements Recording.
func (r *recorded) Origin() Origin {
	at := r.record.Position()
	host, _ := r.record.Field(r.computer)
	o := Origin{File: at.File, Position: at.Record, Line: at.Line, Time: r.record.Time(), Host: strings.Clone(host)}
	if !r.record.Windows() {
		o.ID = fmt.Sprintf("%s/%d", at.File, at.Record)
		return o
	}
	recordID, _ := r.record.Field(r.recordID)
	o.Windows = &Windows{
		Channel: strings.Clone(r.record.Channel()), Provider: strings.Clone(r.record.Provider()), EventID: r.record.EventID(),
		RecordID: strings.Clone(recordID),
	}
	// The number that the log gave the record is the same in every export of it. It begins anew when the log is cleared, so the
	// time belongs to it, which exports cut to seconds, microseconds or 100 ns.
	o.ID = strings.Join([]string{host, o.Windows.Channel, recordID, strconv.FormatInt(o.Time.Unix(), 10)}, "/")
	if recordID == "" {
		o.ID = fmt.Sprintf("%s/%s/%d", o.ID, at.File, at.Record)
	}
	return o
}

// renamed shows a record of the Security log about a new process under the names that rules about new processes use.
type renamed struct {
	*recording.Record
	// other is the number of the field that stands for each field, or -1.
	other []int
	// level is the field that has words in place of identifiers.
	level int
}

// newRenamed takes the fields that the events are bound to, and how to number more of them.
func newRenamed(fields []string, number func(string) int) renamed {
	r := renamed{other: make([]int, len(fields)), level: slices.Index(fields, "IntegrityLevel")}
	for n := range r.other {
		r.other[n] = -1
	}
	for _, a := range taxonomy.Aliases("Security", "", 4688) {
		if n := slices.Index(fields, a.Field); n >= 0 {
			r.other[n] = number(a.Record)
		}
	}
	return r
}

// Field implements engine.Event.
func (r *renamed) Field(n int) (string, bool) {
	if r.other[n] < 0 {
		return r.Record.Field(n)
	}
	value, ok := r.Record.Field(r.other[n])
	if ok && n == r.level {
		value = taxonomy.IntegrityLevel(value)
	}
	return value, ok
}

// More implements engine.ListEvent.
func (r *renamed) More(n int) []string {
	if r.other[n] < 0 {
		return r.Record.More(n)
	}
	return r.Record.More(r.other[n])
}
