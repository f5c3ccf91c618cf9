package identity

import (
	"testing"
)

func TestCallsThatChangeCredentials(t *testing.T) {
	o := observe(t)
	f := func(act, name string, change func(c *Credentials)) {
		t.Helper()
		r := o.one(t, act)
		want(t, "operation of "+act, r.Operation, CredentialsChanged)
		want(t, "call of "+act, call(&r), name)
		want(t, "error of "+act, r.Error, 0)
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
}
