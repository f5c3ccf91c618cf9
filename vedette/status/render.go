package status

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vedette-edr/vedette/vedette/term"
)

// Render gives the report as text for a person. What components say of themselves is escaped.
func Render(r *Report, p term.Palette) string {
	var b strings.Builder
	b.WriteString("vedette on host " + p.Cyan(term.Escape(r.Host)) + ": " + verdict(r.Verdict, p) + "\n\n")
	componentTable(r, p).write(&b)
	if len(r.Classes) > 0 {
		b.WriteByte('\n')
		sumTable(r, p).write(&b)
		s := r.Sum
		fmt.Fprintf(&b, "made %d = delivered %d + pending %d + lost %d + in flight %d: %s\n",
			s.Made, s.Delivered, s.Pending, s.Lost, s.InFlight, closing(&s, p))
	}
	b.WriteByte('\n')
	facts(r, p).write(&b)
	if len(r.Warnings) > 0 {
		b.WriteByte('\n')
	}
	for _, w := range r.Warnings {
		b.WriteString(p.Yellow("! ") + term.Escape(w) + "\n")
	}
	return b.String()
}

func verdict(v string, p term.Palette) string {
	switch v {
	case Well:
		return p.Green(v)
	case Warned:
		return p.Yellow(v)
	default:
		return p.Red(v)
	}
}

func closing(s *Sum, p term.Palette) string {
	if s.Closes {
		return p.Green(s.verdict())
	}
	return p.Red(s.verdict())
}

func componentTable(r *Report, p term.Palette) *table {
	t := &table{}
	t.row(p.Dim, "component", "state", "pid", "uid", "memory", "cpu", "up", "rights")
	for _, c := range r.Components {
		if !c.Running {
			t.row(p.Red, c.Name, "not running")
			continue
		}
		rights := "none"
		if len(c.Capabilities) > 0 {
			rights = strings.Join(c.Capabilities, " ")
		}
		t.row(nil, c.Name, "running", strconv.Itoa(int(c.PID)), strconv.Itoa(int(c.UID)), size(c.ResidentBytes),
			fmt.Sprintf("%.1f %%", c.CPUPercent), duration(c.UptimeSeconds), rights)
	}
	return t
}

func sumTable(r *Report, p term.Palette) *table {
	t := &table{}
	t.row(p.Dim, "events", "made", "per second", "delivered", "pending", "lost", "in flight", "sum")
	for _, s := range r.Classes {
		paint := func(s string) string { return s }
		if !s.Closes || s.Lost > 0 || s.Unexplained > 0 {
			paint = p.Yellow
		}
		t.row(paint, s.Class, number(s.Made), fmt.Sprintf("%.1f", s.PerSecond), number(s.Delivered), number(s.Pending),
			number(s.Lost), number(s.InFlight), s.verdict())
	}
	return t
}

func facts(r *Report, p term.Palette) *table {
	t := &table{}
	attached := 0
	for _, a := range r.Attachments {
		if a.Attached {
			attached++
		}
	}
	t.row(nil, "programs", fmt.Sprintf("%d of %d attached", attached, len(r.Attachments)))
	for _, a := range r.Attachments {
		if !a.Attached {
			t.row(p.Yellow, "", term.Escape(a.Name+" on "+a.Hook+": "+a.Reason))
		}
	}
	if len(r.Losses) == 0 {
		t.row(nil, "losses", "none")
	}
	for i, l := range r.Losses {
		title, what := "", "events"
		if i == 0 {
			title = "losses"
		}
		if l.Part {
			what = "events with a part cut off"
		}
		t.row(nil, title, fmt.Sprintf("%d %s %s in the %s: %s", l.Count, l.Class, what, l.Component, l.Cause))
	}
	if s := r.Spool; s != nil {
		t.row(nil, "spool", fmt.Sprintf("%s of %s in %d batches, %d sent again", size(s.Bytes), size(s.LimitBytes), s.Batches, s.ResentBatches))
	}
	if x := r.Rules; x != nil {
		t.row(nil, "rules", fmt.Sprintf("%d loaded, %d refused, %d skipped", x.Loaded, x.Refused, x.Skipped))
		for _, problem := range x.Problems {
			t.row(p.Yellow, "", term.Escape(problem))
		}
	}
	a := r.Alerts
	t.row(nil, "alerts", fmt.Sprintf("%d raised, %d published, %d repeated, %d pending, %d written", a.Raised, a.Published, a.Duplicates, a.Pending, a.Written))
	for i, x := range r.Peers {
		title := ""
		if i == 0 {
			title = "peers"
		}
		text := fmt.Sprintf("%s (uid %d)", term.Escape(x.Role), x.UID)
		if x.PID != 0 {
			text = fmt.Sprintf("%s (uid %d, pid %d)", term.Escape(x.Role), x.UID, x.PID)
		}
		if x.Refused > 0 {
			text += fmt.Sprintf(", %d times refused", x.Refused)
		}
		t.row(nil, title, text)
	}
	return t
}

// table aligns columns. Colour goes around a whole row, after the widths are known.
type table struct {
	rows []tableRow
}

type tableRow struct {
	paint func(string) string
	cells []string
}

func (t *table) row(paint func(string) string, cells ...string) {
	t.rows = append(t.rows, tableRow{paint, cells})
}

func (t *table) write(b *strings.Builder) {
	var widths []int
	for _, r := range t.rows {
		for i, c := range r.cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	for _, r := range t.rows {
		var line strings.Builder
		for i, c := range r.cells {
			line.WriteString(c)
			if i < len(r.cells)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+2))
			}
		}
		text := line.String()
		if r.paint != nil {
			text = r.paint(text)
		}
		b.WriteString(text + "\n")
	}
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }

func size(n uint64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d B", n)
	}
}

func duration(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d/time.Hour%24)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d/time.Minute%60)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d/time.Second%60)
	default:
		return fmt.Sprintf("%ds", seconds)
	}
}
