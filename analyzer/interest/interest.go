// Package interest derives from rules what a collector has to report beyond what it reports anyway: which files' reading
// matters, and whether openings that failed do.
package interest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	pb "github.com/vedette-edr/vedette/proto"
)

// Bounds of what is asked of a collector: one message on the bus has to hold it, and each opening is held against it.
const (
	maxPaths = 1024
	maxPath  = 1024
)

// What is said of rules that do not get all that they ask for.
const (
	everyOpening = "asks for every opening of a file, and sees those of files that something else asks for; name files with " +
		"file.read_paths of the collector, or write out the last or the last but one part of a path in the rule"
	tooMany = "asks for the reading of more files than can be asked for, with those of the rules before it; name them with " +
		"file.read_paths of the collector"
)

// Interest is what rules ask for.
type Interest struct {
	// ReadPaths are absolute paths in which * stands for any bytes but a slash and ** for any bytes, in alphabetical order. The
	// last or the last but one part of each is written out, which is what a collector finds it by.
	ReadPaths []string
	// FailedOpens says that a rule looks at openings that failed for another reason than that they were denied.
	FailedOpens bool
	// Problems name the rules that do not get all that they ask for.
	Problems []Problem
}

// Problem is a rule that does not get all that it asks for.
type Problem struct {
	Rule *rule.Rule
	// Text says why, and what to do.
	Text string
}

// String says on one line which rule it is about, and what.
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: warning: rule %q (%s) %s", p.Rule.File, p.Rule.Line, p.Rule.Title, p.Rule.ID, p.Text)
}

// Message gives the interest as it goes to a collector.
func (i Interest) Message() *pb.Interest {
	m := &pb.Interest{FailedOpens: i.FailedOpens}
	for _, path := range i.ReadPaths {
		m.ReadPaths = append(m.ReadPaths, []byte(path))
	}
	return m
}

// Of derives the interest of rules for Linux.
func Of(rules []*rule.Rule) Interest {
	platform := taxonomy.For(taxonomy.Linux)
	d := deriver{
		read: platform.Record("file_access"), written: platform.Record("file_event"),
		failed: otherwiseFailed(platform.Record("file_open_failed")),
	}
	var out Interest
	for _, r := range rules {
		out.FailedOpens = out.FailedOpens || d.wantsFailures(r)
		if !d.read.Covers(r.Logsource) || !holds(d.read, r.Condition, false) || !aboutReading(r) {
			continue
		}
		paths, bounded := d.paths(r.Condition, false)
		switch {
		case !bounded && (r.Logsource.Category != "" || d.namesPath(r.Condition, false)):
			out.Problems = append(out.Problems, Problem{r, everyOpening})
		case !bounded:
		case len(out.ReadPaths)+len(paths) > maxPaths:
			out.Problems = append(out.Problems, Problem{r, tooMany})
		default:
			out.ReadPaths = append(out.ReadPaths, paths...)
			slices.Sort(out.ReadPaths)
			out.ReadPaths = slices.Compact(out.ReadPaths)
		}
	}
	return out
}

// aboutReading reports whether a rule means the reading of files as well as the writing. A rule for the audit daemon does not say:
// what it gets is decided by the watches of the daemon, which are for writing alone with most files, or every shell that reads
// its profile would be a finding. There the deed that the rule is tagged with tells, and a rule without a tag gets both.
func aboutReading(r *rule.Rule) bool {
	if r.Logsource.Category != "" {
		return true
	}
	tagged := false
	for _, tag := range r.Tags {
		name, ok := strings.CutPrefix(strings.ToLower(tag), "attack.")
		if !ok {
			continue
		}
		tagged = true
		technique, _, _ := strings.Cut(name, ".")
		switch technique {
		case "discovery", "t1003", "t1005", "t1039", "t1114", "t1539", "t1552", "t1555":
			return true
		}
	}
	return !tagged
}

// deriver looks at conditions with the records of openings in mind.
type deriver struct {
	read, written, failed *taxonomy.Record
}

// otherwiseFailed makes of the record of openings that failed one of those that were not just denied, which EPERM and EACCES
// say.
func otherwiseFailed(failed *taxonomy.Record) *taxonomy.Record {
	const denied, notPermitted, highest = 13, 1, 133
	var exits []string
	for errno := 1; errno <= highest; errno++ {
		if errno != denied && errno != notPermitted {
			exits = append(exits, strconv.Itoa(-errno))
		}
	}
	other := *failed
	other.Fields = slices.Clone(failed.Fields)
	for i := range other.Fields {
		if other.Fields[i].Name == "exit" {
			other.Fields[i].Values = exits
		}
	}
	return &other
}

// wantsFailures reports whether a rule is about openings that failed, and not only about those that were denied.
func (d *deriver) wantsFailures(r *rule.Rule) bool {
	if !d.failed.Covers(r.Logsource) || !holds(d.failed, r.Condition, false) {
		return false
	}
	// A rule that a success can satisfy as well is not about failures.
	for _, succeeded := range []*taxonomy.Record{d.read, d.written} {
		if succeeded.Covers(r.Logsource) && holds(succeeded, r.Condition, false) {
			return false
		}
	}
	return true
}

// holds reports whether a condition can hold on a record, or, if negative is set, its opposite.
func holds(record *taxonomy.Record, e rule.Expr, negative bool) bool {
	can, cannot := record.Outcome(e)
	if negative {
		return cannot
	}
	return can
}

// isPath reports whether a field is the path of the file that is opened.
func isPath(field string) bool {
	return field == "TargetFilename" || field == "FileName" || field == "name"
}

// paths gives paths of which the file has one whenever the condition holds, or, if negative is set, does not. There is no such
// set where bounded is false; an empty one means that it cannot hold.
func (d *deriver) paths(e rule.Expr, negative bool) (paths []string, bounded bool) {
	if !holds(d.read, e, negative) {
		return nil, true
	}
	switch e := e.(type) {
	case rule.And:
		return d.join(e, negative, !negative)
	case rule.Or:
		return d.join(e, negative, negative)
	case rule.Not:
		return d.paths(e.Of, !negative)
	case *rule.Selection:
		return d.paths(e.Body, negative)
	case *rule.Item:
		if e.Negated != negative || !isPath(e.Field) {
			return nil, false
		}
		return itemPaths(e)
	}
	return nil, false
}

// join gives the paths of a condition all of whose parts have to hold, or any of them.
func (d *deriver) join(parts []rule.Expr, negative, all bool) (paths []string, bounded bool) {
	each := make([]bound, 0, len(parts))
	for _, part := range parts {
		paths, ok := d.paths(part, negative)
		each = append(each, bound{paths, ok})
	}
	if all {
		return fewest(each)
	}
	return together(each)
}

// bound is what paths gave.
type bound struct {
	paths []string
	ok    bool
}

// fewest gives the smallest set: each of them is enough.
func fewest(each []bound) (paths []string, bounded bool) {
	for _, b := range each {
		if b.ok && (!bounded || len(b.paths) < len(paths)) {
			paths, bounded = b.paths, true
		}
	}
	return paths, bounded
}

// together gives all sets in one, if there is one of each.
func together(each []bound) (paths []string, bounded bool) {
	for _, b := range each {
		if !b.ok {
			return nil, false
		}
		paths = append(paths, b.paths...)
	}
	return paths, true
}

func itemPaths(item *rule.Item) (paths []string, bounded bool) {
	each := make([]bound, 0, len(item.Values))
	for _, value := range item.Values {
		paths, ok := testPaths(value.Test)
		each = append(each, bound{paths, ok})
	}
	if item.All {
		return fewest(each)
	}
	return together(each)
}

// namesPath reports whether a condition asks for paths anywhere where they are to be matched.
func (d *deriver) namesPath(e rule.Expr, negative bool) bool {
	if !holds(d.read, e, negative) {
		return false
	}
	part := func(part rule.Expr) bool { return d.namesPath(part, negative) }
	switch e := e.(type) {
	case rule.And:
		return slices.ContainsFunc(e, part)
	case rule.Or:
		return slices.ContainsFunc(e, part)
	case rule.Not:
		return d.namesPath(e.Of, !negative)
	case *rule.Selection:
		return d.namesPath(e.Body, negative)
	case *rule.Item:
		return e.Negated == negative && isPath(e.Field)
	}
	return false
}
