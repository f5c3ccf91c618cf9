package fields

import (
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	pb "github.com/vedette-edr/vedette/proto"
)

// logRecord is the open part of a record of the Windows event log: the fields that it brings itself.
type logRecord struct {
	numbers map[string]int
	// values and more are by field number; those of another epoch are of an earlier record.
	values  []string
	further [][]string
	epochs  []uint64
	epoch   uint64
	fields  []*pb.Field

	// kind is the place in sources that the record shown has. kindOf leads there from what decides it.
	kind    int
	sources [][]rule.Logsource
	kindOf  map[logKey]int
}

// logKey is what the log sources of a record follow from.
type logKey struct {
	channel, provider string
	eventID           uint32
	eventType         string
}

// maxKeys bounds the memory of what sources records have: channels and providers are text from outside.
const maxKeys = 4096

func (l *logRecord) init() { l.kindOf = map[logKey]int{} }

func (l *logRecord) bind(names []string) {
	l.numbers = make(map[string]int, len(names))
	for n, name := range names {
		l.numbers[name] = n
	}
	l.values, l.further, l.epochs = make([]string, len(names)), make([][]string, len(names)), make([]uint64, len(names))
}

// take spreads the fields of the record over the numbers of those that rules read.
func (l *logRecord) take(v *View) {
	record := v.ev.GetEventLogRecord()
	l.epoch++
	l.fields = record.GetFields()
	eventType := ""
	for _, f := range l.fields {
		name := f.GetName()
		switch {
		case name == "":
			// Records of old providers have texts without names.
			name = "Data"
		case strings.Contains(name, " "):
			name = strings.ReplaceAll(name, " ", "")
		case name == "EventType":
			eventType = borrow(f.GetValue())
		}
		n, wanted := l.numbers[name]
		if !wanted {
			continue
		}
		if l.epochs[n] == l.epoch {
			l.further[n] = append(l.further[n], borrow(f.GetValue()))
			continue
		}
		l.epochs[n], l.values[n], l.further[n] = l.epoch, borrow(f.GetValue()), l.further[n][:0]
	}
	l.kind = l.kindFor(record, eventType)
}

func (l *logRecord) kindFor(record *pb.EventLogRecord, eventType string) int {
	key := logKey{channel: record.GetChannel(), provider: record.GetProvider(), eventID: record.GetEventId()}
	if key.eventID == 12 {
		key.eventType = eventType
	}
	if kind, ok := l.kindOf[key]; ok {
		return kind
	}
	sources := recordSources(record, eventType)
	kind := slices.IndexFunc(l.sources, func(s []rule.Logsource) bool { return slices.Equal(s, sources) })
	if kind < 0 {
		kind = len(l.sources)
		l.sources = append(l.sources, sources)
	}
	if len(l.kindOf) < maxKeys {
		key.channel, key.provider, key.eventType = strings.Clone(key.channel), strings.Clone(key.provider), strings.Clone(key.eventType)
		l.kindOf[key] = kind
	}
	return kind
}

// recordSources gives the log sources of a live record. Starts of processes in the security log are left to the service: the
// sensor tells of each already, and with more fields.
func recordSources(record *pb.EventLogRecord, eventType string) []rule.Logsource {
	service := taxonomy.WindowsService(record.GetChannel(), record.GetProvider())
	switch {
	case service == "security":
		return []rule.Logsource{{Product: taxonomy.Windows, Service: service}}
	case service == "sysmon" && record.GetEventId() == 12:
		return taxonomy.RegistrySources(eventType)
	}
	return taxonomy.WindowsSources(record.GetChannel(), record.GetProvider(), int(record.GetEventId()))
}

func (l *logRecord) field(n int) (string, bool) {
	if l.epochs[n] != l.epoch {
		return "", false
	}
	return l.values[n], true
}

func (l *logRecord) more(n int) []string {
	if l.epochs[n] != l.epoch {
		return nil
	}
	return l.further[n]
}

func (l *logRecord) appendValues(dst []string) []string {
	for _, f := range l.fields {
		if len(f.GetValue()) > 0 {
			dst = append(dst, borrow(f.GetValue()))
		}
	}
	return dst
}

// eventLog reads what every record of the event log has.
func eventLog() shape {
	return shape{fields: table{
		"Channel":       func(v *View) (string, bool) { return present(v.ev.GetEventLogRecord().GetChannel()) },
		"Provider_Name": func(v *View) (string, bool) { return present(v.ev.GetEventLogRecord().GetProvider()) },
		"EventID":       func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetEventLogRecord().GetEventId())) },
		"Level":         func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetEventLogRecord().GetLevel())) },
		"EventRecordID": func(v *View) (string, bool) { return v.decimal(v.ev.GetEventLogRecord().GetRecordId()) },
	}}
}
