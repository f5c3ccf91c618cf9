package evasion

import "testing"

var execs = program{"evade_exec", "exit actor.process.pid={main} code=0"}

const executed = "exec executable.path={executable} executable.source=PATH_SOURCE_KERNEL"

var execScenarios = []scenario{
	{"fexecve", wants(executed)},
	{"execveat-empty-path", wants(executed + " arguments=innocent%00started")},
	{"execveat-directory", wants(executed)},
	{"memfd", wants("exec executable.path={executable} executable.flags&2")},
	{"memfd-proc", wants("exec executable.path={executable} executable.flags&2")},
	{"deleted", wants(executed + " executable.flags&1")},
	{"symlink", wants(executed)},
	{"script-through-symlink", wants(executed + " script.path={script} interpreter={executable}")},
	{"overlay-lower", wants(executed + " executable.flags!&16")},
	{"overlay-upper", wants(executed + " executable.flags&16")},
	{"chroot", wants(executed + " root_directory={directory} filename=/payload")},
	{"bind-mount", wants(executed)},
	{"thread", wants(executed + " calling_thread={thread}")},
	{"int80", wants(executed + " arguments=innocent%00started")},
	{"program-32", wants(executed)},
	{"vfork", wants(executed)},
	{"clone3", wants(executed)},
	{"sibling", wants(executed+" actor.parent.pid={main}",
		"fork child.pid={pid} parent.pid={main} actor.process.pid={maker}")},
	{"pid-namespace", wants(executed + " actor.namespace_pid=1")},
	{"shell", wants("exec arguments=sh%00-c%00:%20started;%20exit%200")},
	// What type of file descriptor 0 is: pipe, regular file, socket.
	{"stdin-pipe", wants(executed + " stdin.mode&0x1000 stdin.mode!&0xe000")},
	{"stdin-file", wants(executed + " stdin.mode&0x8000 stdin.mode!&0x7000 stdin.path={commands}")},
	{"stdin-socket", wants(executed + " stdin.mode&0xc000 stdin.mode!&0x3000")},
	{"stdin-closed", wants(executed + " stdin=false")},
}

func TestExec(t *testing.T) { execs.run(t, execScenarios) }
