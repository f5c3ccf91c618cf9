// Package access says who may do what on the bus, once, for the embedded server and for a stock nats-server alike.
//
// Every role has an account of its own, and what passes between two accounts is written down as an export and an import.
// Permissions alone would not do: a NATS client names the reply subject of its request freely, and whoever answers
// publishes there with the answerer's rights. In one common account an analyzer could so have the stream's own
// acknowledgement purge the stream, or an operator have an old alert arrive as an event. An import maps the reply subject,
// so an answer can land only in the account that asked.
package access

import (
	"fmt"
	"time"

	"github.com/vedette-edr/vedette/proto/subject"
)

// Role is what a connection is on the bus.
type Role string

// The roles. Bus is the server itself: it owns the alert stream. A reader sees alerts and nothing else.
const (
	Collector Role = "collector"
	Analyzer  Role = "analyzer"
	Operator  Role = "operator"
	Reader    Role = "reader"
	Bus       Role = "bus"
)

// Roles lists all roles.
func Roles() []Role { return []Role{Collector, Analyzer, Operator, Reader, Bus} }

// ParseRole returns the role that a configuration names.
func ParseRole(name string) (Role, error) {
	for _, r := range Roles() {
		if string(r) == name {
			return r, nil
		}
	}
	return "", fmt.Errorf("unknown role %q, it must be one of %v", name, Roles())
}

// Inbox is the prefix of the subjects on which a client of a role receives replies; clients set it with
// nats.CustomInboxPrefix, since the shared default is closed to all of them.
func Inbox(r Role) string { return "_INBOX_" + string(r) }

// Subjects of the JetStream API, for the alert stream alone.
const (
	streamInfo    = "$JS.API.STREAM.INFO." + subject.AlertStream
	streamCreate  = "$JS.API.STREAM.CREATE." + subject.AlertStream
	streamUpdate  = "$JS.API.STREAM.UPDATE." + subject.AlertStream
	directGet     = "$JS.API.DIRECT.GET." + subject.AlertStream
	directGetLast = directGet + ".>"

	// localInfo is what streamInfo is mapped to in accounts other than the stream's: in an account without JetStream
	// nats-server would answer the original as well, and first, that there is no stream. Permissions look at the mapped
	// subject.
	localInfo = "_ALERTS.INFO"
)

// responseTime is how long a collector may take to answer a request.
const responseTime = 5 * time.Second

// Permissions are the subjects that a role may use; what is not listed is refused.
type Permissions struct {
	Publish   []string
	Subscribe []string
	// Respond also lets the role publish one answer to each request it received.
	Respond bool
}

// PermissionsOf returns what a role may do on the bus of a host.
func PermissionsOf(r Role, host string) Permissions {
	inbox := Inbox(r) + ".>"
	switch r {
	case Collector:
		return Permissions{
			Publish:   []string{subject.AllEvents(host), subject.Health(host, subject.Collector)},
			Subscribe: []string{subject.AllControl(host)},
			Respond:   true,
		}
	case Analyzer:
		return Permissions{
			Publish: append(analyzerControl(host),
				subject.AllAlerts(host), subject.Health(host, subject.Analyzer), streamInfo, localInfo),
			Subscribe: []string{subject.AllEvents(host), inbox},
		}
	case Operator:
		return Permissions{
			// The one thing that an operator may ask of the collector: a list of the living processes, which starts no
			// other work and changes no position in the stream.
			Publish: []string{directGet, directGetLast, streamInfo, localInfo, subject.Control(host, subject.Seed)},
			Subscribe: []string{
				subject.AllEvents(host), subject.AllAlerts(host), subject.AllHealth(host), subject.AllControl(host), inbox,
			},
		}
	case Reader:
		return Permissions{
			Publish: []string{directGet, directGetLast},
			// The same subscription then works on a hub, where many hosts meet; here only one host's alerts are imported.
			Subscribe: []string{subject.AllAlerts(host), subject.AllAlerts("*"), inbox},
		}
	case Bus:
		return Permissions{
			Publish:   []string{subject.Health(host, subject.Bus), streamInfo, streamCreate, streamUpdate},
			Subscribe: []string{inbox},
		}
	}
	panic(fmt.Sprintf("BUG: role %q has no permissions", r))
}

// analyzerControl lists the verbs that position the stream of events; they are the analyzer's alone.
func analyzerControl(host string) []string {
	var all []string
	for _, verb := range []string{subject.Ack, subject.Resume, subject.Fetch, subject.Interest} {
		all = append(all, subject.Control(host, verb))
	}
	return all
}

// Names of the accounts; every reader has its own.
const (
	collectorAccount = "COLLECTOR"
	analyzerAccount  = "ANALYZER"
	operatorAccount  = "OPERATOR"
	busAccount       = "BUS"
)

// account is one isolated space of subjects with its single user.
type account struct {
	Name string
	User Login
	Permissions
	JetStream bool
	Exports   []export
	Imports   []imported
}

// export offers a subject to other accounts: to listen on it, or, as a service, to send to it.
type export struct {
	Kind    string // "stream" or "service"
	Subject string
	To      []string
	// Many allows a service several answers to one request.
	Many bool
}

type imported struct {
	Kind    string
	Subject string
	From    string
	// As is the subject under which a service stands in the importing account, where Subject is mapped to it. Empty: the
	// same.
	As string
}

// Login is how one user of the server proves itself: by Password, or by Nkey, the public key, where it is set.
type Login struct {
	User     string
	Password string
	Nkey     string
}

// Logins are the users of a server. Readers has one for each reader that may be connected at a time.
type Logins struct {
	Collector, Analyzer, Operator, Bus Login
	Readers                            []Login
}

// accounts is the whole design of who hears whom. Imports are derived from the exports, so the two cannot differ.
func accounts(host string, l Logins) []account {
	readers := make([]string, len(l.Readers))
	for i := range readers {
		readers[i] = fmt.Sprintf("READER_%d", i+1)
	}
	alertReaders := append([]string{operatorAccount}, readers...)

	all := []account{
		{
			Name: collectorAccount, User: l.Collector, Permissions: PermissionsOf(Collector, host),
			Exports: append(each(analyzerControl(host), service, analyzerAccount),
				stream(subject.AllEvents(host), analyzerAccount, operatorAccount),
				stream(subject.Health(host, subject.Collector), operatorAccount),
				service(subject.Control(host, subject.Seed), operatorAccount),
			),
		},
		{
			Name: analyzerAccount, User: l.Analyzer, Permissions: PermissionsOf(Analyzer, host),
			Exports: []export{
				stream(subject.Health(host, subject.Analyzer), operatorAccount),
				stream(subject.AllControl(host), operatorAccount),
				// From here and not from the stream's account: nats-server does not hand a message that came in through a
				// service import on to a stream import.
				stream(subject.AllAlerts(host), alertReaders...),
			},
		},
		{
			Name: busAccount, User: l.Bus, Permissions: PermissionsOf(Bus, host), JetStream: true,
			Exports: []export{
				stream(subject.Health(host, subject.Bus), operatorAccount),
				service(subject.AllAlerts(host), analyzerAccount),
				service(streamInfo, analyzerAccount, operatorAccount),
				services(directGet, alertReaders...),
				services(directGetLast, alertReaders...),
			},
		},
		{Name: operatorAccount, User: l.Operator, Permissions: PermissionsOf(Operator, host)},
	}
	for i, name := range readers {
		all = append(all, account{Name: name, User: l.Readers[i], Permissions: PermissionsOf(Reader, host)})
	}
	for i := range all {
		all[i].Imports = importsOf(all[i].Name, all)
	}
	return all
}

func stream(subject string, to ...string) export {
	return export{Kind: "stream", Subject: subject, To: to}
}

func service(subject string, to ...string) export {
	return export{Kind: "service", Subject: subject, To: to}
}

// each makes one export of a kind of every subject.
func each(subjects []string, kind func(string, ...string) export, to string) []export {
	all := make([]export, len(subjects))
	for i, s := range subjects {
		all[i] = kind(s, to)
	}
	return all
}

func services(subject string, to ...string) export {
	return export{Kind: "service", Subject: subject, To: to, Many: true}
}

func importsOf(name string, all []account) []imported {
	var found []imported
	for _, a := range all {
		for _, e := range a.Exports {
			for _, to := range e.To {
				if to == name {
					found = append(found, imported{Kind: e.Kind, Subject: e.Subject, From: a.Name, As: standsFor(e.Subject)})
				}
			}
		}
	}
	return found
}

// standsFor is the subject under which a service is imported, empty for its own.
func standsFor(service string) string {
	if service == streamInfo {
		return localInfo
	}
	return ""
}
