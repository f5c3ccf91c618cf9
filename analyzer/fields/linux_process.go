package fields

import (
	"maps"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/script"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
)

// linuxShapes says how each record of Linux is read.
func linuxShapes() map[string]shape {
	all := map[string]shape{}
	for _, group := range []map[string]shape{
		linuxProcessShapes(), linuxFileShapes(), linuxNetworkShapes(), linuxMemoryShapes(), linuxKernelShapes(),
	} {
		maps.Copy(all, group)
	}
	splitFailures(all)
	for name, s := range all {
		all[name] = s.withAliases()
	}
	all["execve"].aliases["name"] = (*View).startedAs
	return all
}

// splitFailures lets calls that failed be seen as records of their own where the tables have such.
func splitFailures(all map[string]shape) {
	for _, record := range taxonomy.For(taxonomy.Linux).Records {
		name, isFailed := strings.CutSuffix(record.Name, taxonomy.Failed)
		s, known := all[name]
		if _, apart := all[record.Name]; !isFailed || !known || apart {
			continue
		}
		all[name] = s.only(func(v *View) bool { return v.subject.errno == 0 })
		all[record.Name] = s.only(func(v *View) bool { return v.subject.errno != 0 })
	}
}

func linuxProcessShapes() map[string]shape {
	failed := audited("execve", []string{"SYSCALL", "CWD", "PATH"})
	failed = failed.named(func(v *View) (string, bool) { return presentBytes(v.ev.GetExecFailed().GetFilename()) }, nil)
	return map[string]shape{
		"process_creation": {fields: with(linuxActor(), linuxStart())},
		"execve":           execve(),
		"execve_failed":    failed,
		"process_termination": {fields: with(linuxActor(), table{
			"ExitCode":   func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetExit().GetCode())) },
			"ExitSignal": func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetExit().GetSignal())) },
		})},
		"process_rename": {fields: with(linuxActor(), table{
			"PreviousName": func(v *View) (string, bool) { return presentBytes(v.ev.GetProcessRename().GetOldComm()) },
			"NewName":      func(v *View) (string, bool) { return presentBytes(v.ev.GetProcessRename().GetNewComm()) },
		})},
	}
}

// linuxStart reads what the start of a program tells besides its actor.
func linuxStart() table {
	return table{
		"CurrentDirectory": ofProgram(func(p *state.Program) (string, bool) { return present(p.WorkingDirectory) }),
		"PreviousName":     ofProgram(func(p *state.Program) (string, bool) { return present(p.PreviousComm) }),
		"Interpreter":      ofProgram(interpreter),
		"ScriptSource":     scriptSource,
		"InlineScript":     ofProgram((*state.Program).InlineScript),
		"StandardInput":    ofProgram(func(p *state.Program) (string, bool) { return present(p.StandardInput()) }),
		"RootDirectory":    ofProgram(func(p *state.Program) (string, bool) { return present(p.RootDirectory) }),
		"TTY":              ofProgram(func(p *state.Program) (string, bool) { return present(p.TTY) }),
		"Environment":      ofProgram(func(p *state.Program) (string, bool) { return present(p.Environment()) }),
		"ExecutableFlags":  ofProgram(executableFlags),
		"TerminalSessionId": ofCredentials(func(v *View, c *state.Credentials) (string, bool) {
			return v.decimal(uint64(c.AuditSession))
		}),
		"SessionLeaderId": func(v *View) (string, bool) {
			if v.program == nil {
				return "", false
			}
			return v.decimal(uint64(v.program.Session))
		},
		"CapabilitiesEffective": ofCredentials(func(v *View, c *state.Credentials) (string, bool) {
			return v.hexadecimal(c.Effective)
		}),
	}
}

// interpreter is what runs a script: as the script itself names it, or else the program.
func interpreter(p *state.Program) (string, bool) {
	switch {
	case p.Interpreter != "":
		return p.Interpreter, true
	case p.ScriptSource == script.None:
		return "", false
	}
	return present(p.Image)
}

func scriptSource(v *View) (string, bool) {
	if v.program == nil {
		return script.None.String(), true
	}
	return v.program.ScriptSource.String(), true
}

func executableFlags(p *state.Program) (string, bool) {
	if p.ImageFile.Flags == 0 {
		return "", false
	}
	return present(strings.Join(state.FlagWords(p.ImageFile.Flags), " "))
}

// execve is a start as the audit daemon would report it.
func execve() shape {
	s := audited("execve", []string{"EXECVE", "SYSCALL", "CWD", "PATH", "PROCTITLE"}, auditFile(named), table{
		"cwd":       ofProgram(func(p *state.Program) (string, bool) { return present(p.WorkingDirectory) }),
		"proctitle": (*View).commandLine,
		"argc": func(v *View) (string, bool) {
			if v.program == nil {
				return "", false
			}
			return v.decimal(uint64(v.program.ArgumentCount))
		},
	})
	s.argument = func(v *View, n int) (string, bool) {
		if v.program == nil || n >= v.program.Arguments() {
			return "", false
		}
		return v.program.Argument(n), true
	}
	// A program that was started by an open file has the name of the descriptor.
	s = s.called(ofProgram(func(p *state.Program) (string, bool) {
		if strings.HasPrefix(p.Filename, "/dev/fd/") {
			return "execveat", true
		}
		return "execve", true
	}))
	return s.typed("NORMAL").named(
		ofProgram(func(p *state.Program) (string, bool) {
			if p.Script != "" {
				return p.Script, true
			}
			return present(p.Image)
		}),
		func(v *View) []string {
			if v.program == nil || v.program.Script == "" {
				return nil
			}
			return v.one(v.program.Image)
		},
	)
}

// named is the file whose start was asked for: of a script not the interpreter.
func named(v *View) *pb.File {
	if script := v.ev.GetExec().GetScript(); len(script.GetPath()) > 0 {
		return script
	}
	return v.subject.file
}

// one makes a list of one text.
func (v *View) one(text string) []string {
	if text == "" {
		return nil
	}
	v.list = append(v.list[:0], text)
	return v.list
}

// targetOf reads the process that is acted upon, from the tree.
func targetOf() table {
	program := func(read func(p *state.Program) (string, bool)) accessor {
		return func(v *View) (string, bool) {
			if p := v.programOf(v.tree.Process(keyOf(v.subject.target))); p != nil {
				return read(p)
			}
			return "", false
		}
	}
	guid := func(v *View) (string, bool) { return v.entity(keyOf(v.subject.target)) }
	return table{
		"TargetProcessId":   func(v *View) (string, bool) { return v.pidOf(keyOf(v.subject.target)) },
		"TargetProcessGuid": guid,
		"TargetProcessGUID": guid,
		"TargetImage":       program(func(p *state.Program) (string, bool) { return present(p.Image) }),
		"TargetCommandLine": program(func(p *state.Program) (string, bool) { return p.CommandLine, true }),
		"TargetUser": func(v *View) (string, bool) {
			p := v.tree.Process(keyOf(v.subject.target))
			if v.programOf(p) == nil {
				return "", false
			}
			return v.users.Name(p.UID), true
		},
	}
}

// sourceOf repeats the actor under the names that Sysmon has where two processes are involved.
func sourceOf() table {
	return table{
		"SourceProcessId":   (*View).pid,
		"SourceProcessGuid": (*View).guid,
		"SourceProcessGUID": (*View).guid,
		"SourceUser":        (*View).userName,
		"SourceImage":       (*View).image,
		"SourceCommandLine": (*View).commandLine,
	}
}

// ofFile reads the file that the event is about.
func ofFile(read func(f *pb.File) (string, bool)) accessor {
	return func(v *View) (string, bool) {
		if v.subject.file == nil {
			return "", false
		}
		return read(v.subject.file)
	}
}

func path(f *pb.File) (string, bool) {
	if len(f.Path) == 0 {
		return presentBytes(f.DevicePath)
	}
	return borrow(f.Path), true
}
