package state

import (
	"strings"

	"github.com/vedette-edr/vedette/analyzer/script"
	pb "github.com/vedette-edr/vedette/proto"
)

// Types of files, as st_mode of stat(2) has them.
const (
	typeMask        = 0o170000
	pipeType        = 0o010000
	characterDevice = 0o020000
	regularType     = 0o100000
	socketType      = 0o140000
)

// fillNames works out what the program goes by beside the path of its executable, and what it was told to run. Arguments and
// paths are there.
func (t *Tree) fillNames(p *Program, exec *pb.ProcessExec) {
	p.Given = p.Filename
	if p.RootDirectory != "" || !isClean(p.Filename) {
		p.Given = t.absolute(p.Filename, p)
	}
	p.stdinMode, p.hasStdin = exec.GetStdin().GetMode(), exec.Stdin != nil
	p.stdin = t.names.intern(exec.GetStdin().GetPath())
	if p.Script != "" {
		p.ScriptPath, p.ScriptSource = p.Script, script.File
		return
	}
	run := script.Parse(p.Image, p)
	p.ScriptSource, p.inline = run.Source, run.Inline
	switch {
	case run.Script.IsSet():
		p.ScriptPath = t.absolute(p.part(run.Script), p)
	case run.Source != script.Stdin:
	case p.hasStdin && p.stdinMode&typeMask == regularType:
		p.ScriptPath = p.stdin
	case p.StandardInput() == terminal || !p.hasStdin && !run.Asked:
		// Somebody types, or nobody can say anything.
		p.ScriptSource = script.None
	}
}

// terminal is what StandardInput says of one.
const terminal = "terminal"

// StandardInput is what descriptor 0 was when the program began: the path of a file, or pipe, socket or terminal. It is empty
// when the descriptor was closed, and when the event did not say.
func (p *Program) StandardInput() string {
	switch p.stdinMode & typeMask {
	case pipeType:
		// One with a name in the file system has a path.
		if !strings.HasPrefix(p.stdin, "/") {
			return "pipe"
		}
	case socketType:
		return "socket"
	case characterDevice:
		for _, prefix := range [...]string{"/dev/pts/", "/dev/tty", "/dev/console", "/dev/hvc"} {
			if strings.HasPrefix(p.stdin, prefix) {
				return terminal
			}
		}
	}
	return p.stdin
}

// InlineScript is the text among the arguments that an interpreter was told to run; ok is false when there is none. Where
// several options had some, it reaches from the first to the last.
func (p *Program) InlineScript() (text string, ok bool) {
	if !p.inline.IsSet() || int(p.inline.Last) >= len(p.argumentEnds) {
		return "", false
	}
	return p.part(p.inline), true
}

func (p *Program) part(of script.Part) string {
	start := p.argumentEnds[of.First-1] + 1 + uint32(of.Offset)
	return p.CommandLine[start:p.argumentEnds[of.Last]]
}

// absolute gives a path as it is from the root of the mount namespace, without steps that lead nowhere: what stands before ..
// is left out, whether or not it is a symbolic link. It stays as it is when it is relative to a directory that is not known.
func (t *Tree) absolute(path string, p *Program) string {
	base := p.WorkingDirectory
	if strings.HasPrefix(path, "/") {
		base = p.RootDirectory
	}
	t.path = t.path[:0]
	if path != "" && strings.HasPrefix(base, "/") {
		t.path = append(append(t.path, base...), '/')
	}
	if t.path = append(t.path, path...); len(t.path) > 0 && t.path[0] == '/' {
		t.path = clean(t.path)
	}
	return t.names.intern(t.path)
}

// isClean reports whether a path is absolute and has no step that clean would leave out.
func isClean(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.Contains(path, "//") && !strings.Contains(path, "/./") && !strings.Contains(path, "/../") &&
		!strings.HasSuffix(path, "/.") && !strings.HasSuffix(path, "/..") && (len(path) == 1 || !strings.HasSuffix(path, "/"))
}

// clean shortens an absolute path in place.
func clean(path []byte) []byte {
	out := path[:0]
	for at := 0; at < len(path); {
		for at < len(path) && path[at] == '/' {
			at++
		}
		end := at
		for end < len(path) && path[end] != '/' {
			end++
		}
		switch step := path[at:end]; string(step) {
		case "", ".":
		case "..":
			for len(out) > 0 && out[len(out)-1] != '/' {
				out = out[:len(out)-1]
			}
			out = out[:max(0, len(out)-1)]
		default:
			out = append(append(out, '/'), step...)
		}
		at = end
	}
	if len(out) == 0 {
		return append(out, '/')
	}
	return out
}
