package rule

import (
	"bytes"
	"errors"
	"strings"

	"go.yaml.in/yaml/v4"
)

// reader reads one file at a time. It is used by one goroutine.
type reader struct {
	placeholders *placeholders
	texts        map[string]string
	// chains are the chains of modifiers met so far.
	chains map[string]*modifiers

	// What follows is of the file at hand.
	name   string
	budget budget
	// ids are those of its rules so far, and copies counts the ones that had to differ.
	ids    map[string]bool
	copies int
	// expanded counts placeholders.
	expanded int
	warnings []Problem
	found    []*document
}

// document is what one document of a file says.
type document struct {
	// meta has its id, name, title and place: that of the rule, filter or correlation.
	meta *Rule
	// rules are a detection rule, or what an aggregation counts.
	rules       []*Rule
	correlation *Correlation
	filter      *Filter
	// places are where correlation.Rules or filter.Rules stand.
	places []*fault
	// skipped is set by status, refused by an error.
	skipped bool
	refused *Problem
	// order counts the documents of all files.
	order    int
	warnings []Problem
}

func newReader(p *placeholders) *reader {
	return &reader{placeholders: p, texts: make(map[string]string), chains: make(map[string]*modifiers)}
}

// intern gives a text that equal texts share: names of fields and authors stand in thousands of rules. It is no part of a
// file's text, which would stay in memory with it.
func (r *reader) intern(s string) string {
	if known, ok := r.texts[s]; ok {
		return known
	}
	s = strings.Clone(s)
	// Hostile files could fill memory with texts that stand once.
	if len(s) <= 200 && len(r.texts) < 1<<16 {
		r.texts[s] = s
	}
	return s
}

// read gives the documents of a file in their order.
func (r *reader) read(name string, data []byte) []*document {
	r.name, r.budget, r.ids, r.copies, r.found = name, budget{mostSteps}, make(map[string]bool), 0, nil
	parts := collection{budget: &r.budget}
	hasAliases := bytes.IndexByte(data, '&') >= 0
	err := eachDocument(data, func(doc *yaml.Node) bool {
		r.warnings = nil
		meta := &Rule{File: name, Line: doc.Line}
		complete, inherited, err := r.complete(&parts, doc, hasAliases)
		if err != nil {
			r.refuse(meta, err)
		} else if complete != nil {
			r.readDocument(meta, complete, inherited)
		}
		return r.budget.left >= 0
	})
	switch {
	case err != nil:
		r.warnings = nil
		r.refuse(&Rule{File: name, Line: 1}, err)
	case len(r.found) == 0:
		r.refuse(&Rule{File: name}, &fault{line: 1, column: 1, message: "the file holds no rule", remedy: "write a rule in it or remove it"})
	}
	return r.found
}

func (r *reader) complete(parts *collection, doc *yaml.Node, hasAliases bool) (complete *yaml.Node, inherited bool, err error) {
	if err := r.budget.spend(documentSteps, doc); err != nil {
		return nil, false, err
	}
	if hasAliases {
		if err := resolveAliases(doc, &r.budget); err != nil {
			return nil, false, err
		}
	}
	return parts.rule(doc)
}

func (r *reader) refuse(meta *Rule, err error) {
	p := problemOf(meta, err)
	r.found = append(r.found, &document{meta: meta, refused: &p})
}

func (r *reader) warn(err error) {
	// The rule may not know its id yet.
	r.warnings = append(r.warnings, problemOf(&Rule{File: r.name}, err))
}

func problemOf(meta *Rule, err error) Problem {
	p := Problem{File: meta.File, Line: meta.Line, Column: 1, RuleID: meta.ID, Message: err.Error(), Remedy: "report this"}
	if f, ok := errors.AsType[*fault](err); ok {
		p.Line, p.Column, p.Message, p.Remedy = f.line, f.column, f.message, f.remedy
	}
	return p
}

// readDocument reads a rule, a filter or a correlation.
func (r *reader) readDocument(meta *Rule, doc *yaml.Node, inherited bool) {
	d := &document{meta: meta}
	err := r.fill(d, doc, inherited)
	switch {
	case meta.Status == "deprecated" || meta.Status == "unsupported":
		// Such rules often are unfinished: that is no news.
		r.found = append(r.found, &document{meta: meta, skipped: true})
	case err != nil:
		r.refuse(meta, err)
	default:
		for _, w := range r.warnings {
			w.RuleID, w.Warning = meta.ID, true
			d.warnings = append(d.warnings, w)
		}
		r.found = append(r.found, d)
	}
}

func (r *reader) fill(d *document, doc *yaml.Node, inherited bool) error {
	others, err := r.describe(d.meta, doc, inherited)
	if err != nil {
		return err
	}
	var parts struct{ logsource, detection, filter, correlation, generate *entry }
	for i := range others {
		switch e := &others[i]; e.name {
		case "logsource":
			parts.logsource = e
		case "detection":
			parts.detection = e
		case "filter":
			parts.filter = e
		case "correlation":
			parts.correlation = e
		case "generate":
			parts.generate = e
		case "taxonomy":
			if e.value.Value != "sigma" {
				r.warn(faultAt(e.value, "use the names of fields and log sources of Sigma's own taxonomy", "taxonomy %q is read as if it were sigma", e.value.Value))
			}
		}
	}
	switch {
	case parts.correlation != nil && parts.filter != nil:
		return faultAt(parts.filter.key, "write two documents", "the document is a correlation and a filter")
	case parts.correlation != nil && parts.detection != nil:
		return faultAt(parts.detection.key, "write two documents, with --- between them", "the document is a correlation and a detection")
	case parts.filter != nil && parts.detection != nil:
		return faultAt(parts.detection.key, "write two documents, with --- between them", "the document is a filter and a detection")
	case parts.correlation != nil:
		return r.readCorrelation(d, *parts.correlation, parts.generate)
	case parts.logsource == nil:
		return faultAt(doc, "add `logsource:` with category, product or service", "the rule has no logsource")
	}
	if d.meta.Logsource, err = r.logsource(*parts.logsource); err != nil {
		return err
	}
	switch {
	case parts.filter != nil:
		return r.readFilter(d, *parts.filter)
	case parts.detection == nil:
		return faultAt(doc, "add `detection:` with a selection and a condition", "the rule has no detection")
	}
	return r.readDetection(d, *parts.detection)
}
