package main

import (
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/recording"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
)

// kind is what the log sources of a record depend on.
type kind struct {
	channel, provider string
	id                int
	// eventType is of records about registry keys alone.
	eventType string
}

const registryObject = 12

func (k kind) clone() kind {
	return kind{strings.Clone(k.channel), strings.Clone(k.provider), k.id, strings.Clone(k.eventType)}
}

// view is one of the ways in which rules see records of a kind: under their own names or, for rules about new processes, under
// those that these rules use.
type view struct {
	sources []rule.Logsource
	renamed bool
	program *engine.Program
}

// viewer finds the views of records.
type viewer struct {
	kinds map[kind][]view
	// program gives the program of log sources.
	program func([]rule.Logsource) *engine.Program
	// fields are what decoders have to be bound to: those of the rules, and more.
	fields    []string
	eventType int
	renamed   renamed
}

func newViewer(fields []string, program func([]rule.Logsource) *engine.Program) *viewer {
	v := &viewer{kinds: make(map[kind][]view), program: program, fields: slices.Clone(fields)}
	number := func(name string) int {
		n := slices.Index(v.fields, name)
		if n < 0 {
			n = len(v.fields)
			v.fields = append(v.fields, name)
		}
		return n
	}
	v.eventType = number("EventType")
	v.renamed = renamed{other: make([]int, len(fields)), level: slices.Index(fields, "IntegrityLevel")}
	for n := range fields {
		v.renamed.other[n] = n
	}
	for _, a := range taxonomy.Aliases("Security", "", 4688) {
		if n := slices.Index(fields, a.Field); n >= 0 {
			v.renamed.other[n] = number(a.Record)
		}
	}
	return v
}

// of gives the views of a record.
func (v *viewer) of(r *recording.Record) []view {
	k := kind{channel: r.Channel(), provider: r.Provider(), id: r.EventID()}
	if k.id == registryObject {
		k.eventType, _ = r.Field(v.eventType)
	}
	found, known := v.kinds[k]
	if !known {
		found = views(k)
		for i := range found {
			found[i].program = v.program(found[i].sources)
		}
		v.kinds[k.clone()] = found
	}
	return found
}

// event gives a record as a view shows it, until the next call.
func (v *viewer) event(ev engine.ListEvent, as view) engine.ListEvent {
	if !as.renamed {
		return ev
	}
	v.renamed.ListEvent = ev
	return &v.renamed
}

func views(k kind) []view {
	sources := taxonomy.WindowsSources(k.channel, k.provider, k.id)
	if k.id == registryObject && sources[0].Service == "sysmon" {
		sources = taxonomy.RegistrySources(k.eventType)
	}
	if len(taxonomy.Aliases(k.channel, k.provider, k.id)) == 0 {
		return []view{{sources: sources}}
	}
	own, category := view{}, view{renamed: true}
	for _, s := range sources {
		own.sources = append(own.sources, rule.Logsource{Product: s.Product, Service: s.Service})
		category.sources = append(category.sources, rule.Logsource{Product: s.Product, Category: s.Category})
	}
	return []view{own, category}
}

// renamed shows a record of the Security log about a new process under the names that rules about new processes use.
type renamed struct {
	engine.ListEvent
	// other is the number of the field that stands for each field.
	other []int
	// level is the field that has words in place of identifiers.
	level int
}

// Field implements engine.Event.
func (r *renamed) Field(n int) (string, bool) {
	value, ok := r.ListEvent.Field(r.other[n])
	if ok && n == r.level {
		value = taxonomy.IntegrityLevel(value)
	}
	return value, ok
}

// More implements engine.ListEvent.
func (r *renamed) More(n int) []string { return r.ListEvent.More(r.other[n]) }
