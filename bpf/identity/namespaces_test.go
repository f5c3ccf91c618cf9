package identity

import (
	"testing"

	"golang.org/x/sys/unix"
)

// isNamespaces checks a record, of which only the namespaces that belong to the flags may differ.
func isNamespaces(t *testing.T, act string, r *Record, name string, flags uint64) {
	t.Helper()
	want(t, "operation of "+act, r.Operation, NamespacesChanged)
	want(t, "call of "+act, call(r), name)
	want(t, "error of "+act, r.Error, 0)
	want(t, "flags of "+act, r.Flags, flags)
	want(t, "credentials of "+act, r.Before == Credentials{} && r.After == Credentials{}, true)
	f := func(what string, flag uint64, before, after uint32) {
		t.Helper()
		want(t, act+" changes the namespace "+what, before != after, flags&flag != 0)
		want(t, act+" tells the namespace "+what, before != 0 && after != 0, true)
	}
	f("mount", unix.CLONE_NEWNS, r.NamespacesBefore.Mount, r.NamespacesAfter.Mount)
	f("pid", unix.CLONE_NEWPID, r.NamespacesBefore.PID, r.NamespacesAfter.PID)
	f("network", unix.CLONE_NEWNET, r.NamespacesBefore.Network, r.NamespacesAfter.Network)
	f("user", unix.CLONE_NEWUSER, r.NamespacesBefore.User, r.NamespacesAfter.User)
	f("uts", unix.CLONE_NEWUTS, r.NamespacesBefore.UTS, r.NamespacesAfter.UTS)
	f("ipc", unix.CLONE_NEWIPC, r.NamespacesBefore.IPC, r.NamespacesAfter.IPC)
	f("cgroup", unix.CLONE_NEWCGROUP, r.NamespacesBefore.Cgroup, r.NamespacesAfter.Cgroup)
	f("time", unix.CLONE_NEWTIME, r.NamespacesBefore.Time, r.NamespacesAfter.Time)
}

func own(t *testing.T) Namespaces {
	t.Helper()
	return Namespaces{
		Mount: ownNamespace(t, "mnt"), PID: ownNamespace(t, "pid"), Network: ownNamespace(t, "net"), User: ownNamespace(t, "user"),
		UTS: ownNamespace(t, "uts"), IPC: ownNamespace(t, "ipc"), Cgroup: ownNamespace(t, "cgroup"), Time: ownNamespace(t, "time"),
	}
}

func TestNamespaces(t *testing.T) {
	o := observe(t)
	f := func(act, call string, flags uint64) {
		t.Helper()
		r := o.one(t, act)
		isNamespaces(t, act, &r, call, flags)
		want(t, "namespaces before "+act, r.NamespacesBefore, own(t))
	}
	f("uts and ipc", "unshare", unix.CLONE_NEWUTS|unix.CLONE_NEWIPC)
	f("pid", "unshare", unix.CLONE_NEWPID)
	f("mount", "unshare", unix.CLONE_NEWNS|unix.CLONE_NEWCGROUP)
	f("clone", "clone", unix.CLONE_NEWUTS|unix.CLONE_NEWPID)
	f("clone3", "clone3", unix.CLONE_NEWUSER|unix.CLONE_NEWNET|unix.CLONE_NEWTIME)
}

func TestThereAndBackAgain(t *testing.T) {
	o := observe(t)
	all := o.act(t, "net")
	if len(all) != 2 {
		t.Fatalf("%d records came, want unshare and setns: %+v", len(all), all)
	}
	isNamespaces(t, "unshare", &all[0], "unshare", unix.CLONE_NEWNET)
	// The call names no flag: it takes what the descriptor is.
	isNamespaces(t, "setns", &all[1], "setns", unix.CLONE_NEWNET)
	want(t, "namespaces before setns", all[1].NamespacesBefore, all[0].NamespacesAfter)
	want(t, "namespaces after setns", all[1].NamespacesAfter, own(t))
}

// Whoever enters a user namespace has all capabilities there, which the call explains also when the thread ends.
func TestAUserNamespaceIsNotUnexplained(t *testing.T) {
	o := observe(t)
	r := o.one(t, "user")
	isNamespaces(t, "unshare", &r, "unshare", unix.CLONE_NEWUSER)
}
