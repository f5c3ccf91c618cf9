package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"
)

const (
	// largestFile bounds a file, in bytes; the largest of SigmaHQ has 60,000.
	largestFile = 16 << 20
	// mostNodes bounds the YAML nodes of a file: each costs some 250 bytes while the file is being read.
	mostNodes = 1 << 20
	// deepestNode bounds how far mappings and lists nest; a rule needs six.
	deepestNode = 100

	yamlRemedy = "mend the YAML at this place; text with : # { [ * & ! % @ ` needs quotes"
)

// limits are bounds for package yaml.
type limits struct{}

// CheckDepth implements yaml.LoaderLimitsPlugin.
func (limits) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > deepestNode {
		return fmt.Errorf("mappings and lists nest deeper than %d", deepestNode)
	}
	return nil
}

// CheckAlias implements yaml.LoaderLimitsPlugin. Nodes are read with their aliases still in them.
func (limits) CheckAlias(int, int) error { return nil }

// eachDocument calls do with the content of each YAML document of a file that is not empty, until do gives false. Documents
// before an error have been passed on.
func eachDocument(data []byte, do func(doc *yaml.Node) bool) error {
	if len(data) > largestFile {
		return &fault{line: 1, column: 1, message: fmt.Sprintf("the file is larger than %d bytes", largestFile), remedy: "split it into several files"}
	}
	if n := nodesAtMost(data); n > mostNodes {
		return &fault{line: 1, column: 1, message: fmt.Sprintf("the file may have %d YAML values, which are more than %d", n, mostNodes), remedy: "split it into several files"}
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(limits{}))
	if err != nil {
		return fmt.Errorf("BUG: cannot make a YAML loader: %w", err)
	}
	for {
		doc, err := nextDocument(loader)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			f := &fault{line: 1, column: 1, message: fmt.Sprintf("cannot read YAML: %v", err), remedy: yamlRemedy}
			if at, ok := errors.AsType[*yaml.LoadError](err); ok {
				f.line, f.column, f.message = max(at.Mark.Line, 1), max(at.Mark.Column, 1), "cannot read YAML: "+at.Message
			}
			return f
		}
		if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 && !isNull(doc.Content[0]) && !do(doc.Content[0]) {
			return nil
		}
	}
}

// nextDocument turns a panic of package yaml, which reports its own mistakes in that way, into an error: no file may stop
// the program.
func nextDocument(loader *yaml.Loader) (doc *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("package yaml gave up: %v", r)
		}
	}()
	doc = &yaml.Node{}
	return doc, loader.Load(doc)
}

// nodesAtMost is an upper bound of the YAML nodes in data: each but the first of a document follows one of these bytes.
func nodesAtMost(data []byte) int {
	n := 1
	for _, mark := range []byte("\n\r,[{:?") {
		n += bytes.Count(data, []byte{mark})
	}
	return n + bytes.Count(data, []byte("- ")) + bytes.Count(data, []byte("-\t"))
}

// budget bounds what one file may make of itself: aliases, global documents and placeholders multiply what it says.
type budget struct{ left int }

const (
	// mostSteps is the budget of a file: values, patterns made of them, copied YAML nodes, and documents.
	mostSteps = 1 << 20
	// documentSteps is what a document costs: even an empty one has a problem to tell.
	documentSteps = 16
)

func (b *budget) spend(n int, at *yaml.Node) error {
	if b.left -= n; b.left < 0 {
		return faultAt(at, "split the file, or write fewer aliases, placeholders and dashes",
			"the file makes more than %d values and patterns", mostSteps)
	}
	return nil
}

// resolveAliases puts what they stand for in place of the aliases below n. What an anchor marks is shared, not copied; the
// budget bounds how much of it is seen.
func resolveAliases(n *yaml.Node, b *budget) error { return resolve(n, b, 0) }

func resolve(n *yaml.Node, b *budget, depth int) error {
	if err := b.spend(1, n); err != nil {
		return err
	}
	if depth > deepestNode {
		return faultAt(n, "write the values out", "YAML aliases nest deeper than %d, or stand for themselves", deepestNode)
	}
	for i, child := range n.Content {
		if child.Kind == yaml.AliasNode {
			if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].ShortTag() == "!!merge" {
				return faultAt(n.Content[i-1], "write the values out", "YAML merge keys are not supported")
			}
			child = child.Alias
			n.Content[i] = child
		}
		if err := resolve(child, b, depth+1); err != nil {
			return err
		}
	}
	return nil
}
