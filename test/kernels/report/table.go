package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Column is a report under a heading.
type Column struct {
	Heading string
	*Report
}

// Write writes kernel x program, kernel x class and what each machine took. A program's cell is how often it ran ("called"
// where the kernel does not count that), or a number in brackets that stands for the reason why it is not attached, listed
// below.
func Write(out io.Writer, columns []Column) error {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	line := func(first string, cell func(c Column) string) {
		cells := []string{first}
		for _, c := range columns {
			cells = append(cells, cell(c))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	var notes []string
	line("runs of each program", func(c Column) string { return c.Heading })
	for _, name := range names(columns, func(r *Report) []string { return programNames(r.Programs) }) {
		line("  "+name, func(c Column) string {
			i := slices.IndexFunc(c.Programs, func(p Program) bool { return p.Name == name })
			if i < 0 {
				return "-"
			}
			if reason := c.Programs[i].Reason; reason != "" {
				if !slices.Contains(notes, reason) {
					notes = append(notes, reason)
				}
				return fmt.Sprintf("[%d]", slices.Index(notes, reason)+1)
			}
			if c.Programs[i].Called() {
				return "called"
			}
			return fmt.Sprint(c.Programs[i].Runs)
		})
	}
	line("attached", func(c Column) string {
		n := 0
		for _, p := range c.Programs {
			if p.Reason == "" {
				n++
			}
		}
		return fmt.Sprintf("%d of %d", n, len(c.Programs))
	})
	line("instructions verified", func(c Column) string {
		sum := uint64(0)
		for _, p := range c.Programs {
			sum += uint64(p.Verified)
		}
		return fmt.Sprint(sum)
	})
	line("events of each class", func(Column) string { return "" })
	for _, name := range names(columns, func(r *Report) []string { return classNames(r.Classes) }) {
		line("  "+name, func(c Column) string {
			i := slices.IndexFunc(c.Classes, func(one Class) bool { return one.Name == name })
			if i < 0 {
				return "0"
			}
			if lost := c.Classes[i].Lost; lost > 0 {
				return fmt.Sprintf("%d, lost %d", c.Classes[i].Made, lost)
			}
			return fmt.Sprint(c.Classes[i].Made)
		})
	}
	line("checks", func(c Column) string { return fmt.Sprint(c.Checks) })
	line("  failed", func(c Column) string { return fmt.Sprint(c.Failed) })
	line("  skipped", func(c Column) string { return fmt.Sprint(len(c.Skipped)) })
	line("seconds", func(Column) string { return "" })
	for _, name := range stageNames(columns) {
		line("  "+name, func(c Column) string {
			for _, s := range c.Stages {
				if s.Name == name {
					return fmt.Sprintf("%.0f", s.Seconds)
				}
			}
			return "-"
		})
	}
	line("kernel", func(c Column) string { return c.Release })
	if err := w.Flush(); err != nil {
		return err
	}
	for row := range strings.Lines(table.String()) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(row, " \n")); err != nil {
			return err
		}
	}
	for i, note := range notes {
		if _, err := fmt.Fprintf(out, "[%d] %s\n", i+1, clipped(note)); err != nil {
			return err
		}
	}
	return nil
}

// clipped shortens a reason, which may be half a log of the verifier.
func clipped(reason string) string {
	const longest = 200
	if len(reason) <= longest {
		return reason
	}
	return reason[:longest] + " ..."
}

// names collects what any of the reports names, in order of the alphabet.
func names(columns []Column, of func(*Report) []string) []string {
	seen := map[string]bool{}
	for _, c := range columns {
		for _, name := range of(c.Report) {
			seen[name] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func programNames(programs []Program) []string {
	var all []string
	for _, p := range programs {
		all = append(all, p.Name)
	}
	return all
}

func classNames(classes []Class) []string {
	var all []string
	for _, c := range classes {
		all = append(all, c.Name)
	}
	return all
}

// stageNames keeps the order in which the stages came.
func stageNames(columns []Column) []string {
	var all []string
	for _, c := range columns {
		for _, s := range c.Stages {
			if !slices.Contains(all, s.Name) {
				all = append(all, s.Name)
			}
		}
	}
	return all
}
