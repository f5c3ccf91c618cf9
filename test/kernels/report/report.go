// Package report is what a machine tells of the sensors on its kernel, and the table that several of them make.
package report

import (
	"fmt"
	"strings"
)

// Report is what one machine tells.
type Report struct {
	// Release is that of the kernel, as uname(2) gives it.
	Release  string    `json:"release"`
	Programs []Program `json:"programs"`
	Classes  []Class   `json:"classes"`
	Stages   []Stage   `json:"stages"`
	Skipped  []Skip    `json:"skipped"`
	Checks   int       `json:"checks"`
	Failed   int       `json:"failed"`
}

// Program is one eBPF program of the collector.
type Program struct {
	Name string `json:"name"`
	Hook string `json:"hook"`
	// Reason says why it is not attached; empty when it is.
	Reason string `json:"reason,omitempty"`
	// Runs while the collector ran, and those that the kernel left out.
	Runs   uint64 `json:"runs"`
	Missed uint64 `json:"missed"`
	// Verified is how many instructions the verifier walked; 0 when the program is not loaded.
	Verified uint32 `json:"verified"`
}

// Called reports whether other programs go on to this one. The kernel counts its runs, and their time, as those of the program
// that it hooked; hooks have the type of their program in front, "tp_btf/sys_enter", and these have not.
func (p *Program) Called() bool { return !strings.Contains(p.Hook, "/") }

// Skip is a test that was skipped, and what it said.
type Skip struct {
	Test   string `json:"test"`
	Reason string `json:"reason"`
}

// Class is what became of the events of one class.
type Class struct {
	Name string `json:"name"`
	Made uint64 `json:"made"`
	Lost uint64 `json:"lost"`
}

// Stage is a part of the run and what it took.
type Stage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// Series is the first two numbers of the release.
func (r *Report) Series() string {
	parts := strings.FieldsFunc(r.Release, func(c rune) bool { return c < '0' || c > '9' })
	if len(parts) < 2 {
		return r.Release
	}
	return parts[0] + "." + parts[1]
}

// Verified is what the verifier walked of each loaded program.
func (r *Report) Verified() map[string]uint32 {
	walked := map[string]uint32{}
	for _, p := range r.Programs {
		if p.Verified > 0 {
			walked[p.Name] = p.Verified
		}
	}
	return walked
}

// NewerKernel reports whether a text asks for a later kernel than the report's, by the words "needs Linux X.Y".
func (r *Report) NewerKernel(text string) bool {
	const words = "needs Linux "
	_, after, found := strings.Cut(text, words)
	if !found {
		return false
	}
	var want, have [2]int
	if n, _ := fmt.Sscanf(after, "%d.%d", &want[0], &want[1]); n != 2 {
		return false
	}
	if n, _ := fmt.Sscanf(r.Release, "%d.%d", &have[0], &have[1]); n != 2 {
		return false
	}
	return want[0] > have[0] || want[0] == have[0] && want[1] > have[1]
}
