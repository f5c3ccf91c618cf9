package fields

import "github.com/vedette-edr/vedette/analyzer/state"

// withAliases adds the further values that the fields of programs go by; taxonomy.Aliased names the same fields.
func (s shape) withAliases() shape {
	s.aliases = map[string]lister{}
	for name, program := range map[string]func(v *View) *state.Program{
		"Image":            func(v *View) *state.Program { return v.program },
		"SourceImage":      func(v *View) *state.Program { return v.program },
		"exe":              func(v *View) *state.Program { return v.program },
		"ParentImage":      func(v *View) *state.Program { return v.programOf(v.parentProcess()) },
		"GrandParentImage": func(v *View) *state.Program { return v.programOf(v.grandParent()) },
		"TargetImage":      func(v *View) *state.Program { return v.programOf(v.tree.Process(keyOf(v.subject.target))) },
	} {
		if s.fields[name] != nil {
			s.aliases[name] = func(v *View) []string { return v.alsoCalled(program(v)) }
		}
	}
	return s
}

// alsoCalled gives the paths that a program goes by beside that of its executable: as its caller gave it, and of a script its
// own.
func (v *View) alsoCalled(p *state.Program) []string {
	v.list = v.list[:0]
	if p == nil {
		return nil
	}
	if p.Given != "" && p.Given != p.Image {
		v.list = append(v.list, p.Given)
	}
	if p.Script != "" && p.Script != p.Given {
		v.list = append(v.list, p.Script)
	}
	return v.list
}

// startedAs gives the path that a program was started by, where a PATH record of its start has another.
func (v *View) startedAs() []string {
	p := v.program
	if p == nil || p.Given == p.Image || p.Given == p.Script {
		return nil
	}
	return v.one(p.Given)
}
