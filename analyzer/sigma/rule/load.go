package rule

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// Options of Load. The zero value has no placeholders.
type Options struct {
	// Placeholders are files that give values to %name% under the modifier expand: YAML mappings of a name to a value or a
	// list of values, in which `*` and `?` are wildcards. A name may have values in one place only.
	Placeholders []string
}

// Set is what Load read. Its rules and correlations are not changed after loading.
type Set struct {
	// Rules are in the order of their files, with the filters put in. Those of aggregations, which only feed a correlation,
	// are among them.
	Rules []*Rule
	// Correlations are those of correlation documents and of aggregations, in the order of their files.
	Correlations []*Correlation
	Filters      []*Filter
	// Refused and Skipped count documents; skipped are those whose own status is deprecated or unsupported.
	Refused, Skipped int
}

// Load reads the rules in every *.yml and *.yaml file under the directories, in the order of their paths. It leaves out
// *.test.yml files and names that begin with a dot, and does not follow links to directories. What is named itself may be a
// file of any name. A file that is met again is not read again.
//
// Each document that cannot be taken as written is left out and has a Problem. The error is for a directory that cannot be
// read; the rules of the others are then still in the set.
func Load(opts Options, dirs ...string) (*Set, []Problem, error) {
	l := newLoader()
	l.readPlaceholders(opts)
	var failed error
	for _, dir := range dirs {
		if err := l.walk(dir); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	l.readFiles()
	return l.finish(), l.problems, failed
}

// Parse reads the documents in data as Load does those of a file with that name.
func Parse(opts Options, name string, data []byte) (*Set, []Problem) {
	l := newLoader()
	l.readPlaceholders(opts)
	l.add(newReader(&l.placeholders).read(name, data))
	return l.finish(), l.problems
}

// loader gathers the documents of several files.
type loader struct {
	set          *Set
	problems     []Problem
	placeholders placeholders
	// steps are what the files have spent of their budgets, and mostSteps what they may.
	steps     atomic.Int64
	mostSteps int64
	// paths are the files to read, and seen all of them by absolute path.
	paths []string
	seen  map[string]bool
	// owner has the documents by id.
	owner map[string]*document
	// all are the documents that say something about an id or name; kept those in force, filters apart.
	all, kept, filters []*document
}

func newLoader() *loader {
	return &loader{
		set: &Set{}, mostSteps: mostSetSteps, seen: make(map[string]bool), owner: make(map[string]*document),
		placeholders: placeholders{values: make(map[string][]Pattern), places: make(map[string]Problem)},
	}
}

func (l *loader) readPlaceholders(opts Options) {
	for _, file := range opts.Placeholders {
		data, err := readRegular(file)
		if err != nil {
			l.refuse(unreadable(file, err))
		} else if p := l.placeholders.read(file, data); p != nil {
			l.refuse(*p)
		}
	}
}

func unreadable(path string, err error) Problem {
	return Problem{File: path, Line: 1, Column: 1, Message: err.Error(), Remedy: "make it a readable file of at most 16 MiB or remove it"}
}

// walk notes the files to read.
func (l *loader) walk(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("cannot read rule directory %q: %w", dir, err)
	}
	if !info.IsDir() {
		l.note(dir)
		return nil
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
			l.note(path)
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

func (l *loader) note(path string) {
	if absolute, err := filepath.Abs(path); err == nil {
		if l.seen[absolute] {
			return
		}
		l.seen[absolute] = true
	}
	l.paths = append(l.paths, path)
}

// mostSetSteps bounds what all files together may make of themselves; SigmaHQ's rules come to 200,000.
const mostSetSteps = 8 << 20

// largeFile is the size in bytes from which on files take turns, so that memory is that of one of them.
const largeFile = 1 << 20

// readFiles reads what walk noted, on all processors, and takes it in, in order.
func (l *loader) readFiles() {
	results := make([][]*document, len(l.paths))
	var next atomic.Int64
	var turn sync.Mutex
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 16, len(l.paths)) {
		workers.Go(func() {
			r := newReader(&l.placeholders)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(l.paths) {
					return
				}
				if l.steps.Load() > l.mostSteps {
					p := Problem{
						File: l.paths[i], Line: 1, Column: 1, Remedy: "load fewer rules",
						Message: fmt.Sprintf("the files before it have more than %d values and patterns", l.mostSteps),
					}
					results[i] = []*document{{meta: &Rule{File: l.paths[i]}, refused: &p}}
					continue
				}
				results[i] = r.readFile(l.paths[i], &turn)
				l.steps.Add(int64(mostSteps - r.budget.left))
			}
		})
	}
	workers.Wait()
	for i, found := range results {
		l.add(found)
		results[i] = nil
	}
}

func (r *reader) readFile(path string, turn *sync.Mutex) []*document {
	data, err := readRegular(path)
	if err != nil {
		p := unreadable(path, err)
		return []*document{{meta: &Rule{File: path}, refused: &p}}
	}
	if len(data) >= largeFile {
		turn.Lock()
		defer turn.Unlock()
	}
	return r.read(path, data)
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
	if info.Size() > largestFile {
		return nil, fmt.Errorf("cannot read rule file: larger than %d bytes", largestFile)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read rule file: %w", err)
	}
	defer file.Close()
	// The file may grow meanwhile.
	data := make([]byte, info.Size()+1)
	n, err := io.ReadFull(file, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot read rule file: %w", err)
	}
	if n > int(info.Size()) {
		return nil, errors.New("cannot read rule file: it changed while it was read")
	}
	return data[:n], nil
}

// add takes in the documents of one file.
func (l *loader) add(found []*document) {
	for _, d := range found {
		if d.refused != nil {
			l.refuse(*d.refused)
		} else if earlier := l.owner[d.meta.ID]; earlier != nil {
			p := Problem{
				File: d.meta.File, Line: d.meta.Line, Column: 1, RuleID: d.meta.ID,
				Message: fmt.Sprintf("the same id is in use by %q in %s:%d", earlier.meta.Title, earlier.meta.File, earlier.meta.Line),
				Remedy:  "give one of the two a new id with `uuidgen`",
			}
			d.refused = &p
			l.refuse(p)
		} else {
			l.owner[d.meta.ID] = d
			l.keep(d)
		}
		d.order = len(l.all)
		l.all = append(l.all, d)
	}
}

func (l *loader) keep(d *document) {
	l.problems = append(l.problems, d.warnings...)
	switch {
	case d.skipped:
		l.set.Skipped++
	case d.filter != nil:
		l.filters = append(l.filters, d)
		l.set.Filters = append(l.set.Filters, d.filter)
	default:
		l.kept = append(l.kept, d)
		l.set.Rules = append(l.set.Rules, d.rules...)
	}
}

func (l *loader) refuse(p Problem) {
	l.set.Refused++
	l.problems = append(l.problems, p)
}

// finish does what needs all documents.
func (l *loader) finish() *Set {
	l.applyFilters()
	l.resolveCorrelations()
	for _, d := range l.kept {
		if d.correlation != nil {
			l.set.Correlations = append(l.set.Correlations, d.correlation)
		}
	}
	return l.set
}
