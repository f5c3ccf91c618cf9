// Package alert makes alerts of matches and brings them out: to the stream on the bus and to a file, each alert once,
// whatever ends in between.
package alert

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-edr/vedette/analyzer/attack"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/state"
	"github.com/vedette-edr/vedette/analyzer/users"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/eventkey"
	"github.com/vedette-edr/vedette/proto/subject"
)

// Alert is a finished alert on its way out.
type Alert struct {
	// ID is the same whenever the same rule meets the same event.
	ID string
	// Level is the last token of the alert's subject.
	Level string
	// Line is the document as one line of JSON, without the line end.
	Line []byte
}

// Finding is what a Builder makes an alert of.
type Finding struct {
	Match engine.Match
	// BootID and Instance say where the event came from.
	BootID   string
	Instance uint64
	Event    *pb.Event
	// Process is the one that acted, as the tree has it after the event.
	Process *state.Process
}

// BuilderOptions of a Builder. Fields that are zero get the value in brackets.
type BuilderOptions struct {
	// Host and Version go into every document.
	Host    ecs.Host
	Version string
	// MaxDocument [192 KiB] bounds a document in bytes: it has to fit in one message on the bus.
	MaxDocument int
	// Now is the clock [time.Now].
	Now func() time.Time
}

// Builder makes documents. It is not safe for concurrent use.
type Builder struct {
	tree          *state.Tree
	users, groups *users.Names
	opts          BuilderOptions
	chain         []*state.Process
}

// NewBuilder makes documents about processes of tree.
func NewBuilder(tree *state.Tree, users, groups *users.Names, opts BuilderOptions) *Builder {
	if opts.MaxDocument == 0 {
		opts.MaxDocument = 192 << 10
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Builder{tree: tree, users: users, groups: groups, opts: opts}
}

// maxReason bounds event.reason, in bytes.
const maxReason = 1024

// Build makes the alert of a finding. Texts that are too long are cut, and cut further until the document fits; the
// document says what was cut.
func (b *Builder) Build(f Finding) (Alert, error) {
	for allowed := largest(); ; allowed = allowed.smaller() {
		doc := b.document(f, allowed)
		line, err := ecs.Encode(doc)
		if err != nil {
			return Alert{}, err
		}
		if len(line) <= b.opts.MaxDocument {
			return Alert{ID: doc.Event.ID, Level: doc.Vedette.Level, Line: line}, nil
		}
		if allowed.exhausted() {
			return Alert{}, fmt.Errorf("BUG: alert %q of rule %q has %d bytes with every text cut, the limit is %d",
				doc.Event.ID, doc.Rule.ID, len(line), b.opts.MaxDocument)
		}
	}
}

func (b *Builder) document(f Finding, allowed limits) *ecs.Alert {
	ev, found := f.Event, f.Match.Rule
	cut := &cutter{limits: allowed}
	eventID := eventkey.Event(b.opts.Host.ID, f.Instance, ev.Class, ev.Cpu, ev.Sequence)
	level := ecs.Level(found.Level)
	now := b.opts.Now()
	doc := &ecs.Alert{
		Timestamp: now.UTC(),
		ECS:       ecs.ECS{Version: ecs.Version},
		Tags:      cut.list("tags", found.Tags),
		Event: ecs.Event{
			ID: eventkey.Alert(found.ID, eventID), Kind: "alert", Severity: ecs.Severity(level), Sequence: ev.Sequence,
			Created: now.UTC(), Dataset: "vedette.alert", Module: "vedette", Provider: "kernel",
		},
		Rule:   describeRule(found, cut),
		Threat: attack.Threat(found.Tags[:min(len(found.Tags), cut.members)]),
		Host:   b.opts.Host,
		Agent:  ecs.Agent{ID: b.opts.Host.ID, Type: "vedette", Version: b.opts.Version, Name: b.opts.Host.Name},
		Vedette: ecs.Vedette{
			Level: level, RuleStatus: cut.text("vedette.rule_status", found.Status), RuleFile: cut.text("vedette.rule_file", found.File),
			RuleReferences: cut.list("vedette.rule_references", found.References),
			FalsePositives: cut.list("vedette.false_positives", found.FalsePositives),
			Matched:        matched(f.Match.Fields, cut),
			Collector: ecs.Origin{
				EventID: eventID, Instance: strconv.FormatUint(f.Instance, 10), BootID: f.BootID,
				Class: subject.ClassToken(ev.Class), CPU: ev.Cpu, Sequence: ev.Sequence,
			},
		},
	}
	if ev.WallTimeNs > 0 {
		doc.Timestamp = wallTime(ev.WallTimeNs)
		doc.Vedette.LatencyNS = max(0, now.UnixNano()-ev.WallTimeNs)
	}
	if f.Process != nil {
		b.describeProcess(doc, f, cut)
	}
	b.describeEvent(doc, f, cut)
	b.relate(doc)
	doc.Event.Reason = reason(doc)
	doc.Message = message(doc)
	doc.Vedette.Truncated = cut.made
	return doc
}

func describeRule(r *rule.Rule, cut *cutter) ecs.Rule {
	out := ecs.Rule{
		ID: r.ID, Name: cut.text("rule.name", r.Title), Description: cut.text("rule.description", r.Description),
		License: cut.text("rule.license", r.License), Ruleset: "sigma", Version: cut.text("rule.version", r.Modified),
		Category: cut.text("rule.category", r.Logsource.Category),
	}
	if out.Version == "" {
		out.Version = cut.text("rule.version", r.Date)
	}
	if len(r.References) > 0 {
		out.Reference = cut.text("rule.reference", r.References[0])
	}
	for author := range strings.SplitSeq(r.Author, ",") {
		if author = strings.TrimSpace(author); author != "" {
			out.Author = append(out.Author, author)
		}
	}
	out.Author = cut.list("rule.author", out.Author)
	return out
}

func matched(fields []engine.MatchedField, cut *cutter) []ecs.Matched {
	kept := min(len(fields), cut.members)
	out := make([]ecs.Matched, 0, kept)
	for _, m := range fields[:kept] {
		out = append(out, ecs.Matched{
			Field: m.Field, Value: cut.text("vedette.matched.value", m.Value), Pattern: cut.text("vedette.matched.pattern", m.Pattern),
		})
	}
	if kept < len(fields) {
		cut.note("vedette.matched", uint64(len(fields)), uint64(kept))
	}
	return out
}

// reason says what in the event the rule found, for people who see the alert in a list.
func reason(doc *ecs.Alert) string {
	var parts []string
	for _, m := range doc.Vedette.Matched {
		switch {
		case m.Field == "":
			parts = append(parts, "keyword "+strconv.Quote(m.Pattern))
		case m.Pattern == "":
			parts = append(parts, m.Field)
		default:
			parts = append(parts, m.Field+" matches "+strconv.Quote(m.Pattern))
		}
	}
	if len(parts) == 0 {
		return doc.Vedette.Summary
	}
	return clip(strings.Join(parts, ", "), maxReason)
}

// message is the alert in one sentence: what happened, by what, and as whom.
func message(doc *ecs.Alert) string {
	var text strings.Builder
	text.WriteString(doc.Rule.Name)
	p := doc.Process
	switch {
	case doc.Vedette.Summary != "":
		text.WriteString(": " + doc.Vedette.Summary)
		if p != nil && p.Name != "" {
			text.WriteString(" by " + clip(p.Name, 64))
			if p.Parent != nil && p.Parent.Name != "" {
				text.WriteString(" (" + clip(p.Parent.Name, 64) + ")")
			}
		}
	case p != nil:
		what := p.CommandLine
		if what == "" {
			what = p.Executable
		}
		text.WriteString(": " + clip(what, 256))
		if p.Parent != nil && p.Parent.Name != "" {
			text.WriteString(" started by " + clip(p.Parent.Name, 64))
		}
	}
	if doc.User != nil && doc.User.Name != "" {
		text.WriteString(" as " + doc.User.Name)
	}
	return text.String()
}

func wallTime(ns int64) time.Time { return time.Unix(0, ns).UTC() }
