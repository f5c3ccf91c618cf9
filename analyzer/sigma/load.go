package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	// largestFile bounds a rule file, in bytes; the largest of SigmaHQ has 60,000.
	largestFile = 1 << 20
	// idleViews bounds how many goroutines can match at a time without allocating.
	idleViews = 16
)

// Load reads the rules in every *.yml and *.yaml file under the directories, in the order of their paths. It leaves out
// *.test.yml files and names that begin with a dot, and does not follow links to directories.
//
// Each rule that cannot be run as written is left out and has a Problem. The error is for a directory that cannot be
// read; the rules of the others are then still in the set.
func Load(dirs ...string) (*Ruleset, []Problem, error) {
	l := newLoader()
	var failed error
	for _, dir := range dirs {
		if err := l.walk(dir); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return l.finish(), l.problems, failed
}

// loader gathers the rules of several files.
type loader struct {
	rules    Ruleset
	parser   parser
	problems []Problem
	// seen has the files already read, by absolute path, and owner the rules, by id.
	seen  map[string]bool
	owner map[string]*Rule
}

func newLoader() *loader {
	return &loader{
		parser: parser{numbers: make(map[string]int)},
		seen:   make(map[string]bool),
		owner:  make(map[string]*Rule),
	}
}

func (l *loader) finish() *Ruleset {
	rs := l.rules
	rs.fields = l.parser.fields
	rs.idle = make(chan *view, idleViews)
	return &rs
}

func (l *loader) walk(dir string) error {
	if info, err := os.Stat(dir); err != nil {
		return fmt.Errorf("cannot read rule directory %q: %w", dir, err)
	} else if !info.IsDir() {
		return fmt.Errorf("cannot read rule directory %q: not a directory", dir)
	}
	return fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		path := filepath.Join(dir, name)
		switch {
		case err != nil:
			return fmt.Errorf("cannot read rule directory %q: %w", path, err)
		case name != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && isRuleFile(name):
			l.readFile(path)
		}
		return nil
	})
}

func isRuleFile(name string) bool {
	stem, found := strings.CutSuffix(name, ".yml")
	if !found {
		stem, found = strings.CutSuffix(name, ".yaml")
	}
	return found && !strings.HasSuffix(stem, ".test")
}

func (l *loader) readFile(path string) {
	if absolute, err := filepath.Abs(path); err == nil {
		if l.seen[absolute] {
			return
		}
		l.seen[absolute] = true
	}
	data, err := readRegular(path)
	if err != nil {
		l.refuse(Problem{File: path, Message: err.Error(), Remedy: "make it a readable file of at most 1 MiB or remove it"})
		return
	}
	l.readDocuments(path, data)
}

func readRegular(path string) ([]byte, error) {
	// Opening a pipe would wait for a writer.
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read rule file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("cannot read rule file: not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read rule file: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, largestFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read rule file: %w", err)
	}
	if len(data) > largestFile {
		return nil, fmt.Errorf("cannot read rule file: larger than %d bytes", largestFile)
	}
	return data, nil
}

// readDocuments takes in every document of one file.
func (l *loader) readDocuments(path string, data []byte) {
	const remedy = "mend the YAML at this place; text with : # { [ * & ! % @ ` needs quotes"
	documents, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		l.refuse(Problem{File: path, Message: fmt.Sprintf("cannot read YAML: %v", err), Remedy: remedy})
		return
	}
	found := false
	for {
		var doc yaml.Node
		err := documents.Load(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			p := Problem{File: path, Message: fmt.Sprintf("cannot read YAML: %v", err), Remedy: remedy}
			if at, ok := errors.AsType[*yaml.LoadError](err); ok {
				p.Line, p.Column, p.Message = at.Mark.Line, at.Mark.Column, "cannot read YAML: "+at.Message
			}
			l.refuse(p)
			return
		}
		if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 || isNull(doc.Content[0]) {
			continue
		}
		found = true
		l.addDocument(path, doc.Content[0])
	}
	if !found {
		l.refuse(Problem{File: path, Line: 1, Column: 1, Message: "the file holds no rule", Remedy: "write a rule in it or remove it"})
	}
}

func (l *loader) addDocument(path string, doc *yaml.Node) {
	rule, warnings, err := l.parser.parse(doc)
	rule.File = path
	if err != nil {
		l.refuse(problemOf(rule, err))
		return
	}
	if earlier := l.owner[rule.ID]; earlier != nil {
		l.refuse(Problem{
			File: path, Line: rule.Line, Column: doc.Column, RuleID: rule.ID,
			Message: fmt.Sprintf("the same id is in use by %q in %s:%d", earlier.Title, earlier.File, earlier.Line),
			Remedy:  "give one of the two a new id with `uuidgen`",
		})
		return
	}
	l.owner[rule.ID] = rule
	if rule.Status == "deprecated" || rule.Status == "unsupported" {
		l.rules.skipped++
		return
	}
	for _, warning := range warnings {
		p := problemOf(rule, warning)
		p.Warning = true
		l.problems = append(l.problems, p)
	}
	l.rules.add(rule)
}

func (l *loader) refuse(p Problem) {
	l.rules.refused++
	l.problems = append(l.problems, p)
}

func problemOf(rule *Rule, err error) Problem {
	p := Problem{File: rule.File, Line: rule.Line, Column: 1, RuleID: rule.ID, Message: err.Error()}
	if f, ok := errors.AsType[*fault](err); ok {
		p.Line, p.Column, p.Message, p.Remedy = f.line, f.column, f.message, f.remedy
	}
	return p
}
