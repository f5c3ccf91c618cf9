// Package subject spells the NATS subjects, streams and headers of Vedette. No other package builds one by hand, so
// permissions and publishers cannot drift apart.
package subject

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	pb "github.com/vedette-edr/vedette/proto"
)

const root = "vedette.v1"

// AlertStream is the JetStream stream that keeps alerts.
const AlertStream = "ALERTS"

// Components that publish health.
const (
	Collector = "collector"
	Analyzer  = "analyzer"
	Bus       = "bus"
)

// Verbs of the control subjects.
const (
	Ack      = "ack"
	Resume   = "resume"
	Seed     = "seed"
	Fetch    = "fetch"
	Interest = "interest"
)

var severities = [...]string{"informational", "low", "medium", "high", "critical"}

// Severities lists the last token of the alert subjects, mildest first.
func Severities() []string { return append([]string(nil), severities[:]...) }

// ValidHost reports whether host can stand as the host token of a subject: 1 to 64 letters, digits, '-' or '_'.
func ValidHost(host string) error {
	if host == "" || len(host) > 64 {
		return fmt.Errorf("host id %q must have 1 to 64 characters", host)
	}
	for _, r := range host {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return fmt.Errorf("host id %q may hold only letters, digits, '-' and '_', not %q", host, r)
		}
	}
	return nil
}

// Events is where a collector publishes batches of one class.
func Events(host string, class pb.Class) string {
	return root + "." + host + ".events." + ClassToken(class)
}

// AllEvents matches every class of a host; host "*" matches every host.
func AllEvents(host string) string { return root + "." + host + ".events.>" }

// Alerts is where the analyzer publishes alerts of one severity.
func Alerts(host, severity string) string { return root + "." + host + ".alerts." + severity }

// AllAlerts matches every severity of a host; host "*" matches every host.
func AllAlerts(host string) string { return root + "." + host + ".alerts.>" }

// Health is where a component publishes its state every second.
func Health(host, component string) string { return root + "." + host + ".health." + component }

// AllHealth matches every component of a host; host "*" matches every host.
func AllHealth(host string) string { return root + "." + host + ".health.>" }

// Control is where the collector listens for a verb.
func Control(host, verb string) string { return root + "." + host + ".control." + verb }

// AllControl matches every verb of a host.
func AllControl(host string) string { return root + "." + host + ".control.>" }

// ClassToken is the last token of an events subject: the class name in lower case.
func ClassToken(class pb.Class) string {
	return strings.ToLower(strings.TrimPrefix(class.String(), "CLASS_"))
}

// ParseClass is the class that ClassToken gives this name for. The error lists the names.
func ParseClass(token string) (pb.Class, error) {
	var names []string
	for _, n := range slices.Sorted(maps.Keys(pb.Class_name)) {
		class := pb.Class(n)
		if class == pb.Class_CLASS_UNSPECIFIED {
			continue
		}
		if ClassToken(class) == token {
			return class, nil
		}
		names = append(names, ClassToken(class))
	}
	return 0, fmt.Errorf("unknown class %q; the classes are %s", token, strings.Join(names, ", "))
}
