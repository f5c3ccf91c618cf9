package fields

import (
	"maps"

	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/eventkey"
)

// noLogin is the login uid of a process that belongs to nobody's login.
const noLogin = 1<<32 - 1

type table = map[string]accessor

// with puts tables together; a later one counts more.
func with(tables ...table) table {
	all := table{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

func constant(text string) accessor { return func(*View) (string, bool) { return text, true } }

// actor reads what every event tells of the process that acted, on either platform.
func actor() table {
	return table{
		"UtcTime":           func(v *View) (string, bool) { return v.moment(v.ev.GetWallTimeNs()) },
		"ProcessId":         (*View).pid,
		"ProcessGuid":       (*View).guid,
		"Image":             (*View).image,
		"CommandLine":       (*View).commandLine,
		"ImageAsGiven":      ofProgram(func(p *state.Program) (string, bool) { return present(p.Filename) }),
		"ScriptPath":        ofProgram(func(p *state.Program) (string, bool) { return present(p.ScriptPath) }),
		"ParentProcessId":   (*View).parentPID,
		"ParentProcessGuid": (*View).parentGUID,
		"ParentImage":       ofParent(func(p *state.Program) (string, bool) { return present(p.Image) }),
		"ParentCommandLine": ofParent(func(p *state.Program) (string, bool) { return p.CommandLine, true }),
		"GrandParentImage":  (*View).grandParentImage,
	}
}

// linuxActor adds the user, by the numbers that Linux has.
func linuxActor() table {
	return with(actor(), table{
		"User":          (*View).userName,
		"EffectiveUser": (*View).effectiveUser,
		"LogonId":       (*View).uid,
		"LoginUser":     loginUser(),
		"ParentUser":    (*View).parentUser,
	})
}

// ofProgram reads what the acting process runs.
func ofProgram(read func(p *state.Program) (string, bool)) accessor {
	return func(v *View) (string, bool) {
		if v.program == nil {
			return "", false
		}
		return read(v.program)
	}
}

// ofParent reads what the parent of the acting process runs.
func ofParent(read func(p *state.Program) (string, bool)) accessor {
	return func(v *View) (string, bool) {
		if program := v.programOf(v.parentProcess()); program != nil {
			return read(program)
		}
		return "", false
	}
}

// ofCredentials reads the credentials that the program of the acting process started with.
func ofCredentials(read func(v *View, c *state.Credentials) (string, bool)) accessor {
	return func(v *View) (string, bool) {
		if v.program == nil || !v.program.Credentials.Known {
			return "", false
		}
		return read(v, &v.program.Credentials)
	}
}

func (v *View) parentProcess() *state.Process {
	if !v.parentKnown {
		v.parentKnown = true
		if v.process != nil {
			v.parent = v.tree.ParentOf(v.process)
		}
	}
	return v.parent
}

// key names the acting process as the event does; zero when it names none.
func (v *View) key() state.Key { return keyOf(v.ev.GetActor().GetProcess()) }

func keyOf(k *pb.ProcessKey) state.Key {
	return state.Key{PID: k.GetPid(), Start: k.GetStartTimeNs()}
}

func (v *View) entity(key state.Key) (string, bool) {
	if key.PID == 0 {
		return "", false
	}
	return eventkey.EntityOf(v.host, v.bootID, key.PID, key.Start), true
}

func (v *View) pidOf(key state.Key) (string, bool) {
	if key.PID == 0 {
		return "", false
	}
	return v.decimal(uint64(key.PID))
}

func (v *View) pid() (string, bool) { return v.pidOf(v.key()) }

func (v *View) guid() (string, bool) { return v.entity(v.key()) }

func (v *View) image() (string, bool) {
	if v.program == nil {
		return "", false
	}
	return present(v.program.Image)
}

func (v *View) commandLine() (string, bool) {
	if v.program == nil {
		return "", false
	}
	return v.program.CommandLine, true
}

// programOf gives what a process ran at the time of the event; nil when that, or the process, is not known.
func (v *View) programOf(p *state.Process) *state.Program {
	if p == nil {
		return nil
	}
	return p.ProgramAt(v.ev.GetKernelTimeNs())
}

// parentKey prefers what the tree knows: the process that the actor was born to, whoever has taken it over since.
func (v *View) parentKey() state.Key {
	if v.process != nil {
		return v.process.Parent
	}
	return keyOf(v.ev.GetActor().GetParent())
}

func (v *View) parentPID() (string, bool) { return v.pidOf(v.parentKey()) }

func (v *View) parentGUID() (string, bool) { return v.entity(v.parentKey()) }

func (v *View) grandParentImage() (string, bool) {
	program := v.programOf(v.grandParent())
	if program == nil {
		return "", false
	}
	return present(program.Image)
}

func (v *View) grandParent() *state.Process {
	if parent := v.parentProcess(); parent != nil {
		return v.tree.ParentOf(parent)
	}
	return nil
}

// ids gives the user and group ids of the acting process.
func (v *View) ids() (uid, euid, gid, egid uint32, ok bool) {
	// A start changes them; of anything else the event itself says as whom it was done.
	if p := v.process; p != nil && v.ev.GetExec() != nil {
		return p.UID, p.EUID, p.GID, p.EGID, true
	}
	if a := v.ev.GetActor(); a != nil {
		return a.Uid, a.Euid, a.Gid, a.Egid, true
	}
	return 0, 0, 0, 0, false
}

func (v *View) userName() (string, bool) {
	uid, _, _, _, ok := v.ids()
	if !ok {
		return "", false
	}
	return v.users.Name(uid), true
}

func (v *View) effectiveUser() (string, bool) {
	_, euid, _, _, ok := v.ids()
	if !ok {
		return "", false
	}
	return v.users.Name(euid), true
}

func (v *View) uid() (string, bool) {
	uid, _, _, _, ok := v.ids()
	if !ok {
		return "", false
	}
	return v.decimal(uint64(uid))
}

// loginUser is who logged in, whoever the process runs as by now.
func loginUser() accessor {
	return ofCredentials(func(v *View, c *state.Credentials) (string, bool) {
		if c.LoginUID == noLogin {
			return "", false
		}
		return v.users.Name(c.LoginUID), true
	})
}

func (v *View) parentUser() (string, bool) {
	// A parent that is only known by its number has no user yet.
	parent := v.parentProcess()
	if v.programOf(parent) == nil {
		return "", false
	}
	return v.users.Name(parent.UID), true
}
