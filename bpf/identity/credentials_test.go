package identity

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCallsThatChangeCredentials(t *testing.T) {
	o := observe(t)
	f := func(act, name string, change func(c *Credentials)) {
		t.Helper()
		r := o.one(t, act)
		isCredentials(t, act, &r, name, 0)
		after := r.Before
		change(&after)
		if r.After != after {
			t.Errorf("%s makes\n%+v of\n%+v, want\n%+v", act, r.After, r.Before, after)
		}
	}
	capless := func(c *Credentials) { c.CapEffective, c.CapPermitted = 0, 0 }
	f("setuid", "setuid", func(c *Credentials) { c.UID, c.EUID, c.SUID, c.FSUID = 1234, 1234, 1234, 1234; capless(c) })
	f("setgid", "setgid", func(c *Credentials) { c.GID, c.EGID, c.SGID, c.FSGID = 4321, 4321, 4321, 4321 })
	f("setreuid", "setreuid", func(c *Credentials) { c.UID, c.EUID, c.SUID, c.FSUID = 1, 2, 2, 2; capless(c) })
	f("setregid", "setregid", func(c *Credentials) { c.GID, c.EGID, c.SGID, c.FSGID = 3, 4, 4, 4 })
	f("setresuid", "setresuid", func(c *Credentials) { c.EUID, c.SUID, c.FSUID, c.CapEffective = 5, 6, 5, 0 })
	f("setresgid", "setresgid", func(c *Credentials) { c.GID, c.EGID, c.SGID, c.FSGID = 7, 8, 9, 8 })
	f("setfsuid", "setfsuid", func(c *Credentials) {
		c.FSUID = 10
		// What concerns files goes with it (capabilities(7)).
		c.CapEffective &^= 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH | 1<<unix.CAP_FOWNER |
			1<<unix.CAP_FSETID | 1<<unix.CAP_LINUX_IMMUTABLE | 1<<unix.CAP_MKNOD | 1<<unix.CAP_MAC_OVERRIDE
	})
	f("setfsgid", "setfsgid", func(c *Credentials) { c.FSGID = 11 })
	f("setgroups", "setgroups", func(*Credentials) {})
	f("capset", "capset", func(c *Credentials) {
		c.CapEffective = 1<<capNetRaw | 1<<capSysPtrace
		c.CapPermitted = c.CapEffective
	})
	f("drop", "prctl", func(c *Credentials) { c.CapBounding &^= 1 << capNetRaw })
	f("keepcaps", "prctl", func(c *Credentials) { c.Securebits |= 1 << 4 })
	f("securebits", "prctl", func(c *Credentials) { c.Securebits |= 1 << 5 })
}

// isCredentials checks all of a record but the credentials themselves.
func isCredentials(t *testing.T, act string, r *Record, name string, errno unix.Errno) {
	t.Helper()
	want(t, "operation of "+act, r.Operation, CredentialsChanged)
	want(t, "call of "+act, call(r), name)
	want(t, "error of "+act, r.Error, int32(errno))
	want(t, "namespaces of "+act, r.NamespacesBefore == Namespaces{} && r.NamespacesAfter == Namespaces{}, true)
	want(t, "flags of "+act, r.Flags, 0)
}

func TestWhatIsKnownIsWhatTheThreadWas(t *testing.T) {
	o := observe(t)
	r := o.one(t, "setgroups")
	c := r.Before
	var ruid, euid, suid, rgid, egid, sgid int
	ruid, euid, suid = unix.Getresuid()
	rgid, egid, sgid = unix.Getresgid()
	want(t, "user ids", [3]uint32{c.UID, c.EUID, c.SUID}, [3]uint32{uint32(ruid), uint32(euid), uint32(suid)})
	want(t, "group ids", [3]uint32{c.GID, c.EGID, c.SGID}, [3]uint32{uint32(rgid), uint32(egid), uint32(sgid)})
	status := ownStatus(t)
	want(t, "inheritable capabilities", c.CapInheritable, status["CapInh"])
	want(t, "permitted capabilities", c.CapPermitted, status["CapPrm"])
	want(t, "effective capabilities", c.CapEffective, status["CapEff"])
	want(t, "bounding capabilities", c.CapBounding, status["CapBnd"])
	want(t, "ambient capabilities", c.CapAmbient, status["CapAmb"])
	want(t, "user namespace", c.UserNS, ownNamespace(t, "user"))
	want(t, "login", c.LoginUID, ownLogin(t, "loginuid"))
	want(t, "audit session", c.AuditSession, ownLogin(t, "sessionid"))
}

func TestCallsThatChangeNothingAreAbsent(t *testing.T) {
	o := observe(t)
	r := o.one(t, "same")
	isCredentials(t, "the first setgroups", &r, "setgroups", 0)
}

func TestRefusedCalls(t *testing.T) {
	o := observe(t)
	all := o.act(t, "refused")
	type tried struct {
		call  string
		flags uint64
		errno unix.Errno
	}
	wanted := []tried{
		{"setresuid", 0, 0},
		{"setuid", 0, unix.EPERM},
		{"setresgid", 0, unix.EPERM},
		{"setgroups", 0, unix.EPERM},
		{"capset", 0, unix.EPERM},
		{"prctl", 0, unix.EPERM},
		{"unshare", unix.CLONE_NEWNET, unix.EPERM},
		{"setns", unix.CLONE_NEWUTS, unix.EINVAL},
		{"clone", unix.CLONE_NEWUTS, unix.EPERM},
		{"clone3", unix.CLONE_NEWIPC, unix.EPERM},
	}
	if len(all) != len(wanted) {
		t.Fatalf("%d records came, want %d: %+v", len(all), len(wanted), all)
	}
	for i, r := range all {
		want(t, "call", tried{call(&r), r.Flags, unix.Errno(r.Error)}, wanted[i])
		if r.Error == 0 {
			continue
		}
		want(t, "user who tried "+wanted[i].call, r.Actor.UID, 1234)
		if r.Operation == NamespacesChanged {
			want(t, "namespaces after "+wanted[i].call, r.NamespacesAfter, r.NamespacesBefore)
			want(t, "own uts namespace", r.NamespacesAfter.UTS, ownNamespace(t, "uts"))
			continue
		}
		want(t, "credentials after "+wanted[i].call, r.After, r.Before)
		want(t, "user of the credentials", r.After.UID, 1234)
	}
}

// copyOfSelf is this program as another file, of an owner and with a mode.
func copyOfSelf(t *testing.T, uid, gid int, mode uint32) string {
	t.Helper()
	whole, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// Whoever acts is not the one who made the directories.
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "program")
	if err := os.WriteFile(path, whole, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	if err := unix.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExecThatGivesOtherIds(t *testing.T) {
	o := observe(t)
	f := func(what string, uid, gid int, mode uint32, change func(c *Credentials)) {
		t.Helper()
		t.Setenv(programVariable, copyOfSelf(t, uid, gid, mode))
		all := o.act(t, "become another by exec")
		if len(all) != 2 {
			t.Fatalf("%s makes %d records, want setresuid and execve: %+v", what, len(all), all)
		}
		isCredentials(t, what, &all[1], "execve", 0)
		want(t, "credentials before "+what, all[1].Before, all[0].After)
		after := all[1].Before
		change(&after)
		if all[1].After != after {
			t.Errorf("%s makes\n%+v of\n%+v, want\n%+v", what, all[1].After, all[1].Before, after)
		}
	}
	f("a program that is setuid root", 0, 0, 0o4755, func(c *Credentials) {
		c.EUID, c.SUID, c.FSUID = 0, 0, 0
		c.CapPermitted, c.CapEffective = c.CapBounding, c.CapBounding
	})
	f("a program that is setuid and setgid", 77, 88, 0o6755, func(c *Credentials) {
		c.EUID, c.SUID, c.FSUID, c.EGID, c.SGID, c.FSGID = 77, 77, 77, 88, 88, 88
	})
}

func TestExecByRootRegainsCapabilities(t *testing.T) {
	o := observe(t)
	all := o.act(t, "regain by exec")
	if len(all) != 2 {
		t.Fatalf("%d records came, want capset and execve: %+v", len(all), all)
	}
	isCredentials(t, "exec", &all[1], "execve", 0)
	want(t, "permitted before", all[1].Before.CapPermitted, 1<<capNetRaw)
	want(t, "permitted after", all[1].After.CapPermitted, all[1].After.CapBounding)
}

func TestOrdinaryExecIsAbsent(t *testing.T) {
	o := observe(t)
	r := o.one(t, "exec after")
	want(t, "call", call(&r), "setresuid")
}

// A thread that executes takes over the id of its leader, and what is known of it goes along.
func TestExecByAThread(t *testing.T) {
	o := observe(t)
	r := o.one(t, "exec from a thread")
	isCredentials(t, "the thread", &r, "setgroups", 0)
	want(t, "the thread leads", r.Actor.TID == r.Actor.Process.TGID, false)
}
