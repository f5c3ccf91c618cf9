package evasion

import "testing"

// The end is a failing setns with three flags that nothing else gives together.
var identities = program{"evade_identity", "namespace_change operation=setns flags=0x4c000000 error=9"}

const (
	became      = "credential_change error=0 unexplained=false before.uid=0 operation="
	refused     = "credential_change error=1 unexplained=false operation="
	byProgram   = "credential_change operation=execve unexplained=false before.uid=1234 after.uid=1234"
	unshared    = "namespace_change operation=unshare error=0 flags={flags}"
	unexplained = "no credential_change unexplained=true"
)

var identityScenarios = []scenario{
	{"setuid", wants(became+"setuid after.uid=1234 after.euid=1234 after.suid=1234 after.fsuid=1234", unexplained)},
	{"setgid", wants(became+"setgid after.uid=0 before.gid=0 after.gid=2345 after.egid=2345 after.sgid=2345", unexplained)},
	{"setreuid", wants(became+"setreuid after.uid=0 after.euid=1234 after.suid=1234", unexplained)},
	{"setregid", wants(became+"setregid after.gid=2345 after.egid=2346", unexplained)},
	{"setresuid", wants(became+"setresuid after.uid=1234 after.euid=1235 after.suid=0", unexplained)},
	{"setresgid", wants(became+"setresgid after.gid=2345 after.egid=2346 after.sgid=2347", unexplained)},
	{"setfsuid", wants(became+"setfsuid after.uid=0 after.euid=0 after.fsuid=1234", unexplained)},
	{"setfsgid", wants(became+"setfsgid after.egid=0 after.fsgid=2345", unexplained)},
	{"setgroups", wants(became+"setgroups", unexplained)},
	{"back-to-root", wants("credential_change operation=setresuid before.euid=1234 after.euid=0 error=0", unexplained)},
	{"capset", wants(became+"capset before.capabilities.effective&0x2000 after.capabilities.effective!&0x2000", unexplained)},
	{"prctl-ambient", wants(became+"prctl before.capabilities.ambient!&0x2000 after.capabilities.ambient&0x2000", unexplained)},
	{"prctl-bounding", wants(became+"prctl before.capabilities.bounding&0x400000000 after.capabilities.bounding!&0x400000000", unexplained)},
	{"prctl-securebits", wants(became+"prctl before.securebits!&16 after.securebits&16", unexplained)},
	{"no-change", wants("no credential_change")},
	{"setuid-denied", wants(refused + "setuid after.uid=1234")},
	{"setresuid-denied", wants(refused + "setresuid after.uid=1234")},
	{"setgroups-denied", wants(refused + "setgroups")},
	{"capset-denied", wants(refused + "capset")},
	{"unshare-denied", wants("namespace_change operation=unshare flags=0x20000 error=1")},
	{"setns-denied", wants("namespace_change operation=setns flags=0x4000000 error=1")},
	{"setuid-int80", wants(became+"setuid after.uid=1234", unexplained)},
	{"setuid16-int80", wants(became+"setuid after.uid=1234", unexplained)},
	{"setresuid16-int80", wants(became+"setresuid after.uid=1234 after.euid=1235 after.suid=1236", unexplained)},
	{"setgroups16-int80", wants(became+"setgroups", unexplained)},
	{"unshare-int80", wants("namespace_change operation=unshare flags=0x4000000 error=0")},
	{"setuid-32", wants(became+"setuid after.uid=12345", unexplained)},
	{"setuid16-32", wants(became+"setuid after.uid=12345", unexplained)},
	{"setresuid16-32", wants(became+"setresuid after.uid=12345 after.euid=12346 after.suid=12347", unexplained)},
	{"setgroups16-32", wants(became+"setgroups", unexplained)},
	{"setuid-program", wants(byProgram+" before.euid=1234 after.euid=0", "exec executable.flags&128 secure_exec=true credentials.euid=0", unexplained)},
	{"setgid-program", wants(byProgram+" before.egid=0 after.egid=2345", "exec executable.flags&256 credentials.egid=2345", unexplained)},
	{"capable-program", wants(byProgram+" before.capabilities.effective=0 after.capabilities.effective=0x2000", unexplained)},
	{"unshare-mount", wants(unshared + " after.mount={after} before.mount!={after}")},
	{"unshare-uts", wants(unshared + " after.uts={after} before.uts!={after}")},
	{"unshare-ipc", wants(unshared + " after.ipc={after} before.ipc!={after}")},
	{"unshare-net", wants(unshared + " after.network={after} before.network!={after}")},
	{"unshare-cgroup", wants(unshared + " after.cgroup={after} before.cgroup!={after}")},
	{"unshare-pid", wants(unshared)},
	{"unshare-user", wants(unshared+" after.user={after} before.user!={after}", unexplained)},
	{"unshare-time", wants(unshared)},
	{"setns", wants("namespace_change operation=setns error=0 before.uts={before} after.uts={after}")},
	{"setns-pidfd", wants("namespace_change operation=setns error=0 flags=0xc000000 after.uts={after}")},
	{"clone-user", wants("namespace_change operation=clone flags&0x10000000 error=0")},
	{"clone3-user", wants("namespace_change operation=clone3 flags&0x50000000 error=0")},
	{"clone-user-int80", wants("namespace_change operation=clone flags&0x10000000 error=0")},
	{"loginuid", wants("login_session uid=1234 ended=false")},
	{"loginuid-through-root", wants("login_session uid=1234 ended=false")},
}

func TestIdentity(t *testing.T) { identities.run(t, identityScenarios) }
