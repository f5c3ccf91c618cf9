// Package script says what an interpreter was told to run: a script, text among its arguments, or what it reads from descriptor
// 0. It reads the options of the interpreters that Linux hosts have, as far as they decide which argument is which.
package script

import "strings"

// Source is where what an interpreter runs comes from.
type Source uint8

// The sources. None stands for a program that is no interpreter, and for one that was given nothing to run.
const (
	None Source = iota
	File
	Inline
	Stdin
)

// String gives none, file, inline or stdin.
func (s Source) String() string {
	switch s {
	case File:
		return "file"
	case Inline:
		return "inline"
	case Stdin:
		return "stdin"
	}
	return "none"
}

// Arguments are those of a program; the first is its own name.
type Arguments interface {
	Arguments() int
	// Argument gives argument i, which is not below 0 and below Arguments.
	Argument(i int) string
}

// Part is a part of the arguments: from byte Offset of argument First to the end of argument Last. The zero Part is none:
// argument 0 is never one.
type Part struct{ First, Offset, Last int32 }

// IsSet reports whether there is such a part.
func (p Part) IsSet() bool { return p.First > 0 }

// Run is what an interpreter was told to run.
type Run struct {
	Source Source
	// Script is the path of a script as the caller wrote it. There may be one beside inline text, which comes first then.
	Script Part
	// Inline is the text; where several options have some, it reaches from the first to the last.
	Inline Part
	// Asked says that descriptor 0 was asked for, and is not merely what is left.
	Asked bool
}

// Parse reads the arguments of a program by the name of its executable: the last part of image, or, of a program with many
// names such as busybox, of its first argument. It keeps nothing and allocates nothing.
func Parse(image string, args Arguments) Run {
	p := parser{args: args, next: 1}
	name := interpreter(image)
	if name == "busybox" || name == "toybox" {
		name = p.applet(name)
	}
	switch name {
	case "sh", "dash", "ash", "bash", "rbash", "zsh", "ksh", "mksh", "lksh", "rksh", "yash", "posh", "hush", "csh", "tcsh", "ion":
		p.shell(name)
	case "pwsh":
		p.powershell()
	default:
		g, ok := grammarOf(name)
		if !ok {
			return Run{}
		}
		p.options(&g)
	}
	return p.finish()
}

// interpreter gives the name of a program without directories and version.
func interpreter(path string) string {
	name := path[strings.LastIndexByte(path, '/')+1:]
	if digit := strings.IndexAny(name, "0123456789"); digit > 0 {
		name = name[:digit]
	}
	name = strings.TrimSuffix(strings.TrimRight(name, "-"), "-static")
	return strings.TrimPrefix(name, "-")
}

// parser goes through the arguments.
type parser struct {
	args Arguments
	// next is the argument to be read next.
	next int
	run  Run
	// idle says that the interpreter was asked for something else than to run, such as its version.
	idle bool
}

// applet gives the name that a program with many names goes by, which may be its first argument.
func (p *parser) applet(program string) string {
	if p.args.Arguments() == 0 {
		return ""
	}
	name := interpreter(p.args.Argument(0))
	if name == program && p.args.Arguments() > 1 {
		p.next = 2
		name = interpreter(p.args.Argument(1))
	}
	return name
}

// take gives the number of the next argument.
func (p *parser) take() (n int, ok bool) {
	if p.next >= p.args.Arguments() {
		return 0, false
	}
	p.next++
	return p.next - 1, true
}

// code notes that text to run stands from an offset of argument n on.
func (p *parser) code(n, offset int) {
	if !p.run.Inline.IsSet() {
		p.run.Inline = Part{First: int32(n), Offset: int32(offset)}
	}
	p.run.Inline.Last = int32(n)
}

// script notes that a path of a script does; the first one counts. Names of descriptor 0 are not paths of a script.
func (p *parser) script(n, offset int) {
	switch p.args.Argument(n)[offset:] {
	case "-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0":
		p.run.Asked = true
		return
	}
	if !p.run.Script.IsSet() {
		p.run.Script = Part{First: int32(n), Offset: int32(offset), Last: int32(n)}
	}
}

// value gives where the value of an option is that stands at byte at of argument n: behind it, or in the next argument.
func (p *parser) value(n, at int) (argument, offset int, ok bool) {
	if at+1 < len(p.args.Argument(n)) {
		return n, at + 1, true
	}
	argument, ok = p.take()
	return argument, 0, ok
}

func (p *parser) finish() Run {
	switch r := &p.run; {
	case r.Inline.IsSet():
		r.Source = Inline
	case r.Script.IsSet():
		r.Source = File
	case r.Asked || !p.idle:
		r.Source = Stdin
	}
	return p.run
}

// listed reports whether a list of words with spaces between them has the word.
func listed(list, word string) bool {
	for list != "" {
		var one string
		if one, list, _ = strings.Cut(list, " "); one == word {
			return true
		}
	}
	return false
}
