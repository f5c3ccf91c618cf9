package alerts

import (
	"fmt"
	"strings"
	"time"

	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/vedette/term"
)

const (
	// longestCommand and longestName bound untrusted text on the screen, in characters.
	longestCommand = 400
	longestName    = 120
	// shownAncestors is how far the parent chain is shown.
	shownAncestors = 6
)

// Format gives the alert as a few lines for a person, the last with its end. Text in it that an attacker may have shaped is
// escaped.
func Format(a *ecs.Alert, p term.Palette, zone *time.Location) string {
	var b strings.Builder
	level := term.Clip(strings.ToUpper(firstOf(a.Vedette.Level, "unknown")), 16)
	fmt.Fprintf(&b, "%s %s %s", p.Dim(a.Timestamp.In(zone).Format("Jan _2 15:04:05.000")),
		p.Level(a.Vedette.Level, level), p.Bold(term.Clip(firstOf(a.Rule.Name, a.Rule.ID), longestName)))
	if ids := techniques(a.Threat); len(ids) > 0 {
		b.WriteString(" " + p.Cyan(term.Clip(strings.Join(ids, " "), longestName)))
	}
	b.WriteByte('\n')
	line := func(title, text string) {
		if text != "" {
			b.WriteString("  " + p.Dim(fmt.Sprintf("%-8s", title)) + " " + text + "\n")
		}
	}
	if a.Vedette.Summary != "" {
		line(title(a), p.Bold(term.Clip(a.Vedette.Summary, longestCommand)))
	}
	if x := a.Process; x != nil {
		command := term.Clip(firstOf(x.CommandLine, x.Executable, x.Name), longestCommand)
		if a.Vedette.Summary == "" {
			command = p.Bold(command)
		}
		line("command", command)
		line("process", program(a, p))
	}
	line("user", user(a.User))
	line("parents", chain(a, p))
	line("alert", p.Dim(term.Clip(a.Event.ID, longestName)))
	return b.String()
}

// title says what the summary of an alert is about, in the words of the other lines.
func title(a *ecs.Alert) string {
	v := &a.Vedette
	switch {
	case v.Target != nil:
		return "target"
	case v.Memory != nil:
		return "memory"
	case v.Credential != nil, v.Namespace != nil, v.Session != nil:
		return "identity"
	case v.Kernel != nil:
		return "kernel"
	case v.Mount != nil:
		return "mount"
	case v.Socket != nil:
		return "socket"
	case a.File != nil:
		return "file"
	}
	return "event"
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// techniques lists the ATT&CK ids, the finer ones in place of those they belong to.
func techniques(t *ecs.Threat) []string {
	if t == nil || t.Technique == nil {
		return nil
	}
	var fine []string
	if s := t.Technique.Subtechnique; s != nil {
		fine = s.ID
	}
	var ids []string
	for _, id := range t.Technique.ID {
		covered := false
		for _, f := range fine {
			covered = covered || strings.HasPrefix(f, id+".")
		}
		if !covered {
			ids = append(ids, id)
		}
	}
	return append(ids, fine...)
}

func program(a *ecs.Alert, p term.Palette) string {
	text := p.Cyan(term.Clip(firstOf(a.Process.Executable, a.Process.Name), longestName))
	if s := a.Vedette.Script; s != nil && s.Path != "" {
		text += " script " + p.Cyan(term.Clip(s.Path, longestName))
	}
	return text + fmt.Sprintf(" (pid %d)", a.Process.PID)
}

func user(u *ecs.User) string {
	if u == nil {
		return ""
	}
	text := term.Clip(firstOf(u.Name, u.ID), longestName)
	if e := u.Effective; e != nil {
		text += " acting as " + term.Clip(firstOf(e.Name, e.ID), longestName)
	}
	return text
}

func chain(a *ecs.Alert, p term.Palette) string {
	var links []string
	for i, x := range a.Vedette.Ancestors {
		if i == shownAncestors {
			break
		}
		name := term.Clip(firstOf(x.Name, x.Executable, "?"), longestName)
		links = append(links, fmt.Sprintf("%s (%d)", name, x.PID))
	}
	if len(links) == 0 && a.Process != nil && a.Process.Parent != nil {
		x := a.Process.Parent
		links = append(links, fmt.Sprintf("%s (%d)", term.Clip(firstOf(x.Name, x.Executable, "?"), longestName), x.PID))
	}
	text := strings.Join(links, p.Dim(" < "))
	if more := max(a.Vedette.AncestorsCount, len(a.Vedette.Ancestors)) - shownAncestors; more > 0 {
		text += p.Dim(fmt.Sprintf(" < %d more", more))
	}
	return text
}
