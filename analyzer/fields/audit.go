package fields

import (
	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
)

// auditActor reads the acting process and the outcome of its system call, in the words of the audit daemon.
func auditActor(syscall accessor) table {
	return table{
		"SYSCALL": syscall,
		"success": func(v *View) (string, bool) {
			if v.subject.errno != 0 {
				return "no", true
			}
			return "yes", true
		},
		"exit": func(v *View) (string, bool) {
			errno := int64(v.subject.errno)
			return v.signed(-max(errno, -errno))
		},
		"exe":  (*View).image,
		"comm": (*View).comm,
		"pid":  (*View).pid,
		"ppid": (*View).parentPID,
		"uid":  (*View).uid,
		"euid": func(v *View) (string, bool) { _, id, _, _, ok := v.ids(); return v.idText(id, ok) },
		"gid":  func(v *View) (string, bool) { _, _, id, _, ok := v.ids(); return v.idText(id, ok) },
		"egid": func(v *View) (string, bool) { _, _, _, id, ok := v.ids(); return v.idText(id, ok) },
		"suid": ofCredentials(func(v *View, c *state.Credentials) (string, bool) { return v.decimal(uint64(c.SUID)) }),
		"sgid": ofCredentials(func(v *View, c *state.Credentials) (string, bool) { return v.decimal(uint64(c.SGID)) }),
		"auid": ofCredentials(func(v *View, c *state.Credentials) (string, bool) { return v.decimal(uint64(c.LoginUID)) }),
		"ses":  ofCredentials(func(v *View, c *state.Credentials) (string, bool) { return v.decimal(uint64(c.AuditSession)) }),
		"tty":  ofProgram(func(p *state.Program) (string, bool) { return present(p.TTY) }),
	}
}

func (v *View) idText(id uint32, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	return v.decimal(uint64(id))
}

func (v *View) comm() (string, bool) {
	if comm := v.ev.GetActor().GetComm(); len(comm) > 0 {
		return borrow(comm), true
	}
	if v.process == nil {
		return "", false
	}
	return present(v.process.Comm)
}

// auditFile reads what a PATH record says of a file.
func auditFile(pick func(v *View) *pb.File) table {
	known := func(read func(v *View, f *pb.File) (string, bool)) accessor {
		return func(v *View) (string, bool) {
			// A file that could not be looked at has no type.
			if f := pick(v); f != nil && f.Mode != 0 {
				return read(v, f)
			}
			return "", false
		}
	}
	return table{
		"name": func(v *View) (string, bool) {
			if f := pick(v); f != nil {
				return path(f)
			}
			return "", false
		},
		"inode": func(v *View) (string, bool) { return v.decimal(pick(v).GetInode()) },
		"mode":  known(func(v *View, f *pb.File) (string, bool) { return v.octal(f.Mode) }),
		"ouid":  known(func(v *View, f *pb.File) (string, bool) { return v.decimal(uint64(f.Uid)) }),
		"ogid":  known(func(v *View, f *pb.File) (string, bool) { return v.decimal(uint64(f.Gid)) }),
	}
}

// file is the one that the event is about.
func (v *View) file() *pb.File { return v.subject.file }

// words makes the field type of a record that stands for several of the audit daemon's.
func words(first string, more ...string) (accessor, lister) {
	return constant(first), func(*View) []string { return more }
}

// audited puts the table of a record of the audit daemon into a shape: the process and its system call, the words of the
// field type, and the rest.
func audited(syscall string, types []string, tables ...table) shape {
	first, more := words(types[0], types[1:]...)
	all := with(append([]table{auditActor(constant(syscall)), {"type": first}}, tables...)...)
	return shape{fields: all, lists: map[string]lister{"type": more}}
}

// called makes the system call of a shape one that the event names.
func (s shape) called(syscall accessor) shape {
	s.fields["SYSCALL"] = syscall
	return s
}

// named makes the field name of a shape, and its further values.
func (s shape) named(first accessor, more lister) shape {
	s.fields["name"] = first
	if more != nil {
		s.lists["name"] = more
	}
	return s
}

// typed makes the field nametype say one word, or several.
func (s shape) typed(first string, more ...string) shape {
	s.fields["nametype"] = constant(first)
	if len(more) > 0 {
		s.lists["nametype"] = func(*View) []string { return more }
	}
	return s
}

// only makes an event show as the shape when a condition holds.
func (s shape) only(when func(v *View) bool) shape {
	s.when = when
	return s
}
