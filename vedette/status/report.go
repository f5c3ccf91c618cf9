// Package status says how a running Vedette is: who runs with which rights, what attached, what was lost, and whether the
// sum of events closes.
package status

import (
	"fmt"

	"github.com/vedette-edr/vedette/vedette/exit"
)

// Report is the state of one host's Vedette at one moment. Its JSON form is the same structure.
type Report struct {
	Host    string `json:"host"`
	Verdict string `json:"verdict"`
	// Components in the order bus, collector, analyzer; one that is not running has Running false.
	Components  []Component  `json:"components"`
	Attachments []Attachment `json:"attachments"`
	// Classes has a line for each class that was seen, Sum is all of them together.
	Classes []Sum  `json:"classes"`
	Sum     Sum    `json:"sum"`
	Losses  []Loss `json:"losses"`
	Spool   *Spool `json:"spool,omitempty"`
	Rules   *Rules `json:"rules,omitempty"`
	Alerts  Alerts `json:"alerts"`
	Peers   []Peer `json:"peers"`
	// Warnings are what the user should know now, each a sentence with its remedy.
	Warnings []string `json:"warnings"`
}

// Verdicts.
const (
	Well       = "ok"
	Warned     = "warning"
	NotRunning = "not running"
)

// ExitCode is the verdict as the command's exit code.
func (r *Report) ExitCode() int {
	switch r.Verdict {
	case Well:
		return exit.OK
	case Warned:
		return exit.Warning
	default:
		return exit.Refused
	}
}

// Component is one process.
type Component struct {
	Name    string `json:"name"`
	Running bool   `json:"running"`
	Version string `json:"version,omitempty"`
	PID     uint32 `json:"pid,omitempty"`
	UID     uint32 `json:"uid"`
	// Capabilities are the effective ones by name.
	Capabilities    []string `json:"capabilities"`
	NoNewPrivileges bool     `json:"no_new_privileges"`
	ResidentBytes   uint64   `json:"resident_bytes,omitempty"`
	// CPUPercent is of one core, over the time between two heartbeats.
	CPUPercent    float64 `json:"cpu_percent"`
	UptimeSeconds int64   `json:"uptime_seconds,omitempty"`
	Threads       uint32  `json:"threads,omitempty"`
	OpenFiles     uint32  `json:"open_files,omitempty"`
}

// Attachment is one kernel program.
type Attachment struct {
	Name     string `json:"name"`
	Hook     string `json:"hook"`
	Attached bool   `json:"attached"`
	Reason   string `json:"reason,omitempty"`
	Runs     uint64 `json:"runs"`
	// MeanNS is the mean time of a run in nanoseconds; 0 when the kernel does not count it.
	MeanNS uint64 `json:"mean_ns"`
	Missed uint64 `json:"missed"`
}

// Sum is the account of the events of one class: made = delivered + pending + lost + in flight. Delivered are those that
// the analyzer confirmed.
type Sum struct {
	Class     string `json:"class,omitempty"`
	Made      uint64 `json:"made"`
	Delivered uint64 `json:"delivered"`
	Pending   uint64 `json:"pending"`
	Lost      uint64 `json:"lost"`
	// InFlight was made after the heartbeat before the last: it is on its way from the kernel to a batch.
	InFlight uint64 `json:"in_flight"`
	// Difference is what nobody accounts for: positive when events are missing, negative when more were accounted for
	// than made. The sum closes when it is 0.
	Difference int64 `json:"difference"`
	Closes     bool  `json:"closes"`
	// PerSecond is how many were made between two heartbeats.
	PerSecond float64 `json:"per_second"`
	// Received and Unexplained are the analyzer's own count.
	Received    uint64 `json:"received"`
	Unexplained uint64 `json:"unexplained"`
}

// Loss is what was given up of one class for one cause. Part is set where only a part of a delivered event was cut off.
type Loss struct {
	Component string `json:"component"`
	Class     string `json:"class"`
	Cause     string `json:"cause"`
	Count     uint64 `json:"count"`
	Part      bool   `json:"part"`
}

// Spool is what the collector keeps until the analyzer confirms it.
type Spool struct {
	Bytes         uint64 `json:"bytes"`
	LimitBytes    uint64 `json:"limit_bytes"`
	Batches       uint64 `json:"batches"`
	ResentBatches uint64 `json:"resent_batches"`
}

// Rules in force in the analyzer.
type Rules struct {
	Loaded   uint32   `json:"loaded"`
	Refused  uint32   `json:"refused"`
	Skipped  uint32   `json:"skipped"`
	Problems []string `json:"problems,omitempty"`
}

// Alerts of the analyzer since its start.
type Alerts struct {
	Raised     uint64 `json:"raised"`
	Published  uint64 `json:"published"`
	Duplicates uint64 `json:"duplicates"`
	Pending    uint64 `json:"pending"`
	Written    uint64 `json:"written"`
}

// Peer is one connection to the bus, or the sum of those that were refused.
type Peer struct {
	Role    string `json:"role"`
	UID     uint32 `json:"uid"`
	PID     uint32 `json:"pid,omitempty"`
	Refused uint64 `json:"refused,omitempty"`
}

func (s *Sum) add(o Sum) {
	s.Made += o.Made
	s.Delivered += o.Delivered
	s.Pending += o.Pending
	s.Lost += o.Lost
	s.InFlight += o.InFlight
	s.Difference += o.Difference
	s.PerSecond += o.PerSecond
	s.Received += o.Received
	s.Unexplained += o.Unexplained
}

// verdict words the outcome of a sum.
func (s *Sum) verdict() string {
	switch {
	case s.Closes:
		return "closes"
	case s.Difference > 0:
		return fmt.Sprintf("does not close: %d missing", s.Difference)
	case s.Difference < 0:
		return fmt.Sprintf("does not close: %d too many", -s.Difference)
	default:
		return "does not close in every class"
	}
}
