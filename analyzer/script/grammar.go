package script

import "strings"

// grammar is what there is to know of an interpreter's options. Long names are words with spaces between them.
type grammar struct {
	// code are letters whose value is text to run, and script those whose value is the path of a script. The value of value
	// says nothing. It stands behind the letter or in the next argument.
	code, script, value string
	// rest are letters that take what stands behind them, if anything does.
	rest string
	// printed is a letter that takes the next argument as text to run only when nothing stands behind it.
	printed byte
	// ends are letters, of the above or not, behind whose value no option of the interpreter stands any more.
	ends string
	// idle are letters for something else than running: a version, a module.
	idle string

	longCode, longScript, longValue string
	// words are long names behind a single dash, with a value in the next argument.
	words string

	// operand is what the first argument is that is no option.
	operand Source
	// codeAndScript says that it is a script even where an option has text to run.
	codeAndScript bool
}

// grammarOf gives the options of an interpreter. They are from the manual pages of CPython 3.13, Perl 5.40, Ruby 3.3, Node.js
// 22, PHP 8.3, Lua 5.4, LuaJIT 2.1, gawk 5.3, mawk 1.3, Tcl 8.6, Expect 5.45 and fish 3.7.
func grammarOf(name string) (g grammar, ok bool) {
	switch name {
	case "python", "pypy":
		return grammar{
			code: "c", value: "mWXQ", ends: "cm", idle: "mVh?", longValue: "check-hash-based-pycs", operand: File,
		}, true
	case "perl":
		return grammar{code: "eE", value: "I", rest: "CDFmMxVdi", idle: "vVh?", operand: File}, true
	case "ruby":
		return grammar{
			code: "e", value: "CEIrX", rest: "0FiKTWx", idle: "vh", operand: File,
			longValue: "enable disable encoding external-encoding internal-encoding",
		}, true
	case "node", "nodejs":
		return grammar{
			code: "e", printed: 'p', value: "rC", idle: "vh", operand: File, longCode: "eval print",
			longValue: "require import loader experimental-loader conditions title input-type icu-data-dir openssl-config env-file " +
				"redirect-warnings diagnostic-dir test-name-pattern test-reporter watch-path",
		}, true
	case "php":
		return grammar{
			code: "rBRE", script: "fF", value: "cdztST", idle: "vimhS", operand: File,
			longCode: "run process-begin process-code process-end", longScript: "file process-file",
			longValue: "define php-ini zend-extension docroot server timing",
		}, true
	case "lua":
		return grammar{code: "e", value: "l", idle: "v", operand: File, codeAndScript: true}, true
	case "luajit":
		return grammar{code: "e", value: "lj", rest: "OW", ends: "b", idle: "vb", operand: File, codeAndScript: true}, true
	case "awk", "gawk", "mawk", "nawk", "original-awk":
		return grammar{
			code: "e", script: "fE", value: "FvilW", rest: "dDLop", ends: "E", idle: "VhC", operand: Inline,
			longCode: "source", longScript: "file exec", longValue: "field-separator assign include load",
		}, true
	case "tclsh", "wish":
		return grammar{words: "encoding", operand: File}, true
	case "expect":
		return grammar{code: "c", script: "fb", value: "D", idle: "v", operand: File, codeAndScript: true}, true
	case "fish":
		return grammar{
			code: "c", value: "CdofD", idle: "vh", operand: File, longCode: "command",
			longValue: "init-command features debug debug-output profile profile-startup",
		}, true
	}
	return grammar{}, false
}

// options reads arguments up to the first that is no option, and that one.
func (p *parser) options(g *grammar) {
	for p.next < p.args.Arguments() {
		arg := p.args.Argument(p.next)
		if len(arg) < 2 || arg[0] != '-' {
			break
		}
		p.next++
		switch {
		case arg == "--":
			p.operand(g)
			return
		case strings.HasPrefix(arg, "--"):
			p.long(g, arg)
		case listed(g.words, arg[1:]):
			p.take()
		default:
			if p.letters(g, arg) {
				return
			}
		}
	}
	p.operand(g)
}

// long reads an option with a long name, whose value stands behind a = or in the next argument.
func (p *parser) long(g *grammar, arg string) {
	n, offset := p.next-1, len(arg)
	name, _, attached := strings.Cut(arg[2:], "=")
	if attached {
		offset = 2 + len(name) + 1
	}
	known := listed(g.longCode, name) || listed(g.longScript, name) || listed(g.longValue, name)
	if known && !attached {
		var ok bool
		if n, ok = p.take(); !ok {
			return
		}
		offset = 0
	}
	switch {
	case listed(g.longCode, name):
		p.code(n, offset)
	case listed(g.longScript, name):
		p.script(n, offset)
	case strings.HasPrefix(name, "help"), name == "version":
		p.idle = true
	}
}

// letters reads the letters behind a dash, and reports whether the options end with them.
func (p *parser) letters(g *grammar, arg string) (ended bool) {
	has := func(set string, c byte) bool { return strings.IndexByte(set, c) >= 0 }
	n := p.next - 1
	for i := 1; i < len(arg); i++ {
		c := arg[i]
		p.idle = p.idle || has(g.idle, c)
		isCode := has(g.code, c) || c == g.printed && i+1 == len(arg)
		switch {
		case isCode || has(g.script, c) || has(g.value, c):
			argument, offset, ok := p.value(n, i)
			switch {
			case ok && isCode:
				p.code(argument, offset)
			case ok && has(g.script, c):
				p.script(argument, offset)
			}
			return has(g.ends, c)
		case has(g.ends, c):
			return true
		case has(g.rest, c):
			return false
		}
	}
	return false
}

// operand reads the first argument that is no option.
func (p *parser) operand(g *grammar) {
	hasText := p.run.Inline.IsSet() || p.run.Script.IsSet() || p.run.Asked
	if hasText && !(g.codeAndScript && !p.run.Script.IsSet()) {
		return
	}
	n, ok := p.take()
	switch {
	case !ok && g.operand == Inline:
		p.idle = true
	case !ok:
	case g.operand == Inline:
		p.code(n, 0)
	default:
		p.script(n, 0)
	}
}
