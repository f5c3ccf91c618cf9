package alert

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/vedette-edr/vedette/analyzer/state"
	"github.com/vedette-edr/vedette/analyzer/users"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/eventkey"
	"github.com/vedette-edr/vedette/proto/linuxabi"
)

// nobody is the login user where nobody has logged in.
const nobody = 1<<32 - 1

// describeProcess fills everything of the document that is about the process, its ancestors and its users.
func (b *Builder) describeProcess(doc *ecs.Alert, f Finding, cut *cutter) {
	p, ev := f.Process, f.Event
	program := programOf(f, p)
	doc.Process = b.process(f, p, "process", cut)
	doc.Process.Thread = &ecs.Thread{Name: cut.text("process.thread.name", p.Comm)}
	if ev.Actor != nil {
		doc.Process.Thread.ID = ev.Actor.Tid
	}
	v := &doc.Vedette
	v.ExecGeneration, v.CgroupID = p.Generation, p.CgroupID
	v.EntityIncomplete = program == nil
	if program != nil {
		b.describeProgram(doc, f, program, cut)
	}

	b.chain, v.AncestorsCount = b.tree.Ancestors(p, b.chain[:0], ecs.MaxAncestors)
	for i, a := range b.chain {
		if i == 0 {
			doc.Process.Parent = b.process(f, a, "process.parent", cut)
		}
		v.Ancestors = append(v.Ancestors, b.ancestor(f, a, cut))
	}
	if len(b.chain) == 0 && p.Parent.PID != 0 {
		doc.Process.Parent = &ecs.Process{EntityID: b.entity(f, p.Parent), PID: p.Parent.PID}
	}
	if len(b.chain) < v.AncestorsCount {
		cut.note("vedette.ancestors", uint64(v.AncestorsCount), uint64(len(b.chain)))
	}

	doc.User = &ecs.User{ID: decimal(p.UID), Name: name(b.users, p.UID)}
	if p.EUID != p.UID {
		doc.User.Effective = account(b.users, p.EUID)
	}
	if program != nil && program.Credentials.Known && program.Credentials.LoginUID != nobody {
		v.LoginUser = account(b.users, program.Credentials.LoginUID)
	}
}

// relate gathers the users of the document, whatever they are in it.
func (b *Builder) relate(doc *ecs.Alert) {
	var names []string
	add := func(accounts ...*ecs.Account) {
		for _, a := range accounts {
			if a != nil {
				names = append(names, a.Name)
			}
		}
	}
	if doc.User != nil {
		names = append(names, doc.User.Name)
		add(doc.User.Effective)
	}
	v := &doc.Vedette
	add(v.LoginUser)
	if v.Credential != nil && v.Credential.After != nil {
		add(v.Credential.After.RealUser, v.Credential.After.EffectiveUser, v.Credential.After.SavedUser)
	}
	if v.Session != nil {
		add(v.Session.User)
	}
	if v.Target != nil {
		add(v.Target.RealUser, v.Target.User)
	}
	if doc.File != nil {
		names = append(names, doc.File.Owner)
	}
	if v.Change != nil {
		add(v.Change.Old.Owner, v.Change.New.Owner)
	}
	doc.Related = &ecs.Related{User: distinct(names), Hosts: distinct([]string{doc.Host.Name, doc.Host.ID})}
}

// programOf gives what p ran, nil when that is not known.
func programOf(_ Finding, p *state.Process) *state.Program { return p.Program }

// describeProgram fills what only the acting process has: more than its ancestors are given.
func (b *Builder) describeProgram(doc *ecs.Alert, f Finding, program *state.Program, cut *cutter) {
	v := &doc.Vedette
	if program.Thread != 0 {
		doc.Process.Thread.ID = program.Thread
	}
	if c := program.Credentials; c.Known && c.Effective|c.Permitted != 0 {
		doc.Process.Thread.Capabilities = &ecs.ThreadCapabilities{Effective: linuxabi.Capabilities(c.Effective)}
		if c.Permitted != c.Effective {
			doc.Process.Thread.Capabilities.Permitted = linuxabi.Capabilities(c.Permitted)
		}
	}
	doc.Process.EnvVars = b.environment(program, cut)
	doc.Process.GroupLeader = b.leader(f, program.ProcessGroup)
	doc.Process.SessionLeader = b.leader(f, program.Session)

	v.Filename = cut.text("vedette.filename", program.Filename)
	v.Interpreter = cut.text("vedette.interpreter", program.Interpreter)
	v.RootDirectory = cut.text("vedette.root_directory", program.RootDirectory)
	v.TTY = cut.text("vedette.tty", program.TTY)
	v.PreviousName = cut.text("vedette.previous_name", program.PreviousComm)
	v.SecureExec = program.SecureExec
	v.AuditSession = program.Credentials.AuditSession
	if v.AuditSession == nobody {
		v.AuditSession = 0
	}
	if program.Image != "" {
		v.Executable = b.file(program.Image, program.ImageFile, "vedette.executable.path", cut)
	}
	if program.Script != "" {
		v.Script = b.file(program.Script, program.ScriptFile, "vedette.script.path", cut)
	}
	if n := program.Namespaces; n != (state.Namespaces{}) {
		v.Namespaces = &ecs.Namespaces{
			Mount: n.Mount, PID: n.PID, Network: n.Network, User: n.User, UTS: n.UTS, IPC: n.IPC, Cgroup: n.Cgroup, Time: n.Time,
		}
	}
}

// process gives what the acting process and its parent have alike.
func (b *Builder) process(f Finding, p *state.Process, field string, cut *cutter) *ecs.Process {
	out := &ecs.Process{
		EntityID: b.entity(f, p.Key), PID: p.Key.PID, VPID: p.NamespacePID, Name: cut.text(field+".name", p.Name()),
		User: account(b.users, p.EUID), RealUser: account(b.users, p.UID),
		Group: account(b.groups, p.EGID), RealGroup: account(b.groups, p.GID),
	}
	boot := f.Event.WallTimeNs - int64(f.Event.KernelTimeNs)
	if f.Event.WallTimeNs > 0 {
		out.Start = wallTime(boot + int64(p.Key.Start))
		if p.Exited {
			out.End = wallTime(boot + int64(p.ExitTime))
		}
	}
	program := programOf(f, p)
	if program == nil {
		return out
	}
	out.Executable = cut.text(field+".executable", program.Image)
	out.WorkingDirectory = cut.text(field+".working_directory", program.WorkingDirectory)
	interactive := program.TTY != ""
	out.Interactive = &interactive
	if c := program.Credentials; c.Known {
		out.SavedUser, out.SavedGroup = account(b.users, c.SUID), account(b.groups, c.SGID)
	}
	b.arguments(out, program, field, cut)
	return out
}

// arguments fills args and command_line. Both hold the same arguments, so that neither says more than the other.
func (b *Builder) arguments(out *ecs.Process, program *state.Program, field string, cut *cutter) {
	line := clip(program.CommandLine, cut.arguments)
	used := 0
	for i := range program.Arguments() {
		if used > len(line) || len(out.Args) == cut.members {
			break
		}
		arg := program.Argument(i)
		if used+len(arg) > len(line) {
			arg = line[used:]
		}
		used += len(arg) + 1
		out.Args = append(out.Args, ecs.Text(arg))
	}
	out.CommandLine = ecs.Text(line)
	out.ArgsCount = max(program.ArgumentCount, uint32(program.Arguments()))
	// The size counts a zero byte after each argument, the command line a space between each two.
	if size := max(program.ArgumentsSize, uint64(len(program.CommandLine))); size > uint64(len(line))+1 {
		cut.note(field+".command_line", size, uint64(len(line)))
	}
	if out.ArgsCount > uint32(len(out.Args)) {
		cut.note(field+".args", uint64(out.ArgsCount), uint64(len(out.Args)))
	}
}

func (b *Builder) environment(program *state.Program, cut *cutter) []string {
	var out []string
	used := 0
	for i := range program.Variables() {
		variable := program.Variable(i)
		if used += len(variable); used > cut.environment || len(out) == cut.members {
			cut.note("process.env_vars", uint64(program.Variables()), uint64(i))
			break
		}
		out = append(out, ecs.Text(variable))
	}
	return out
}

func (b *Builder) ancestor(f Finding, p *state.Process, cut *cutter) ecs.Ancestor {
	program := programOf(f, p)
	out := ecs.Ancestor{
		EntityID: b.entity(f, p.Key), PID: p.Key.PID, Name: cut.textTo("vedette.ancestors.name", p.Name(), cut.ancestor),
		User: name(b.users, p.UID), Ended: p.Exited, Incomplete: program == nil,
	}
	if program != nil {
		out.Executable = cut.textTo("vedette.ancestors.executable", program.Image, cut.ancestor)
		out.CommandLine = cut.textTo("vedette.ancestors.command_line", program.CommandLine, cut.ancestor)
	}
	return out
}

// leader finds the process that a bare process id of the event means.
func (b *Builder) leader(f Finding, pid uint32) *ecs.Leader {
	if pid == 0 {
		return nil
	}
	same := pid == f.Process.Key.PID
	out := &ecs.Leader{PID: pid, SameAsProcess: &same}
	if same {
		out.EntityID = b.entity(f, f.Process.Key)
	} else if p := b.tree.Current(pid, f.Event.KernelTimeNs); p != nil {
		out.EntityID = b.entity(f, p.Key)
	}
	return out
}

func (b *Builder) file(path string, info state.FileInfo, field string, cut *cutter) *ecs.File {
	out := &ecs.File{
		Path: cut.text(field, path), Device: info.Device, Inode: info.Inode, Size: info.Size, Flags: state.FlagWords(info.Flags),
	}
	if info.CtimeNS != 0 {
		out.Changed = wallTime(info.CtimeNS)
	}
	if info.Mode != 0 {
		out.Mode = fmt.Sprintf("%07o", info.Mode)
		out.Owner = account(b.users, info.UID)
	}
	return out
}

func (b *Builder) entity(f Finding, key state.Key) string {
	return eventkey.EntityOf(b.opts.Host.ID, f.BootID, key.PID, key.Start)
}

func account(names *users.Names, id uint32) *ecs.Account {
	return &ecs.Account{ID: decimal(id), Name: name(names, id)}
}

// name gives the empty string for a number without a name: the number itself is in the id.
func name(names *users.Names, id uint32) string {
	text, _ := names.Lookup(id)
	return ecs.Text(text)
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func distinct(in []string) []string {
	var out []string
	for _, s := range in {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
