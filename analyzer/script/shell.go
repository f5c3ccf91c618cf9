package script

import "strings"

// shell reads the options of a shell: sh(1) of POSIX, and what the others add to it. Once -c is among them, the first argument
// that is no option is the text to run, and else it is a script.
func (p *parser) shell(name string) {
	command, stdin := false, false
options:
	for p.next < p.args.Arguments() {
		arg := p.args.Argument(p.next)
		if len(arg) < 2 || arg[0] != '-' && arg[0] != '+' {
			if arg == "-" {
				p.next++
			}
			break
		}
		p.next++
		switch {
		case arg == "--":
			break options
		case strings.HasPrefix(arg, "--"):
			p.longShell(arg[2:])
		case name == "bash" && listed("rcfile init-file norc noprofile posix login restricted verbose noediting", arg[1:]):
			p.longShell(arg[1:])
		default:
			c, s := p.cluster(name, arg)
			command, stdin = command || c, stdin || s
		}
	}
	n, ok := p.take()
	switch {
	case command && ok:
		p.code(n, 0)
	case command:
		p.idle = true
	case stdin:
		p.run.Asked = true
	case ok:
		p.script(n, 0)
	}
}

// longShell passes over a long option; some have their value in the next argument.
func (p *parser) longShell(name string) {
	switch name {
	case "rcfile", "init-file", "emulate":
		p.take()
	case "version", "help":
		p.idle = true
	}
}

// cluster reads letters behind a - or +. Of these c, s, o and O say something here.
func (p *parser) cluster(name, arg string) (command, stdin bool) {
	for i := 1; i < len(arg); i++ {
		switch c := arg[i]; {
		case arg[0] == '-' && c == 'c':
			command = true
		case arg[0] == '-' && c == 's':
			stdin = true
		case name == "zsh" && c == 'o':
			// Its name stands behind it or in the next argument.
			if i+1 == len(arg) {
				p.take()
			}
			return command, stdin
		case c == 'o', c == 'O' && name == "bash":
			p.take()
		}
	}
	return command, stdin
}

// powershell reads the parameters of pwsh, which may be in any case and cut short. The first argument without one is a script.
func (p *parser) powershell() {
	for n, ok := p.take(); ok; n, ok = p.take() {
		arg := p.args.Argument(n)
		if len(arg) < 2 || arg[0] != '-' {
			p.script(n, 0)
			return
		}
		switch name := strings.TrimPrefix(arg[1:], "-"); {
		case cutShort(name, "command", "c"), cutShort(name, "commandwithargs", "cwa"), cutShort(name, "encodedcommand", "e"),
			strings.EqualFold(name, "ec"):
			if first, ok := p.take(); ok {
				p.rest(first)
			}
			return
		case cutShort(name, "file", "f"):
			if n, ok := p.take(); ok {
				p.script(n, 0)
			}
			return
		case cutShort(name, "version", "v"), cutShort(name, "help", "h"), name == "?":
			p.idle = true
		case cutShort(name, "executionpolicy", "ex"), strings.EqualFold(name, "ep"), cutShort(name, "configurationname", "config"),
			cutShort(name, "configurationfile", "configurationf"), cutShort(name, "custompipename", "cus"),
			cutShort(name, "inputformat", "inp"), cutShort(name, "outputformat", "o"), strings.EqualFold(name, "of"),
			cutShort(name, "workingdirectory", "wo"), strings.EqualFold(name, "wd"), cutShort(name, "windowstyle", "w"),
			cutShort(name, "settingsfile", "settings"), cutShort(name, "encodedarguments", "encodeda"), strings.EqualFold(name, "if"):
			p.take()
		}
	}
}

// rest takes all arguments from the first one on for the text to run.
func (p *parser) rest(first int) {
	if p.args.Argument(first) == "-" {
		p.run.Asked = true
		return
	}
	p.code(first, 0)
	p.code(p.args.Arguments()-1, 0)
}

// cutShort reports whether name is the whole name in any case, or the beginning of it with at least the shortest.
func cutShort(name, whole, shortest string) bool {
	return len(name) >= len(shortest) && len(name) <= len(whole) && strings.EqualFold(whole[:len(name)], name)
}
