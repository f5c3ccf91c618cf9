package identity

import (
	"errors"
	"os"
	"testing"
)

// canLogIn skips where logins are not recorded or this process has one: then it cannot be given another.
func canLogIn(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/loginuid"); errors.Is(err, os.ErrNotExist) {
		t.Skip("this kernel has no audit system: no /proc/self/loginuid")
	}
	if ownLogin(t, "loginuid") != ^uint32(0) {
		t.Skip("this process has a login already")
	}
}

func TestALoginAndItsEnd(t *testing.T) {
	canLogIn(t)
	o := observe(t)
	all := o.act(t, "login")
	if len(all) != 3 {
		t.Fatalf("%d records came, want login, setgroups and logout: %+v", len(all), all)
	}
	in, out := &all[0], &all[2]
	want(t, "first", in.Operation, Login)
	want(t, "call", in.Call, 0)
	want(t, "user", in.After.LoginUID, 1234)
	want(t, "login before", in.Before.LoginUID, ^uint32(0))
	want(t, "a session has a number", in.After.AuditSession != 0 && in.After.AuditSession != ^uint32(0), true)
	want(t, "second", call(&all[1]), "setgroups")
	want(t, "login of who calls", all[1].After.LoginUID, 1234)
	want(t, "third", out.Operation, Logout)
	want(t, "user who leaves", out.Before.LoginUID, 1234)
	want(t, "session that ends", out.Before.AuditSession, in.After.AuditSession)
}

// A child has the login of its parent and is not the end of it.
func TestALoginThatIsGivenUp(t *testing.T) {
	canLogIn(t)
	o := observe(t)
	all := o.act(t, "login and logout")
	var operations []Operation
	for _, r := range all {
		want(t, "process", r.Actor.Process.TGID, all[0].Actor.Process.TGID)
		operations = append(operations, r.Operation)
	}
	if len(all) != 3 || operations[0] != Login || operations[1] != Logout || call(&all[2]) != "setgroups" {
		t.Fatalf("%v came, want login, logout and setgroups: %+v", operations, all)
	}
	want(t, "session that ends", all[1].Before.AuditSession, all[0].After.AuditSession)
}
