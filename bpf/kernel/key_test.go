package kernel

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestKeysAreTold(t *testing.T) {
	// A thread has a keyring of its own, which goes with it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	o := observe(t)
	const ring = unix.KEY_SPEC_THREAD_KEYRING
	var id int
	var err error
	s := o.of(t, func() { id, err = unix.AddKey("user", "loot", []byte("secret"), ring) })
	if err != nil {
		t.Fatal(err)
	}
	added := Record{Operation: AddKey, ID: uint32(id), Keyring: ring}
	texts := map[Text]string{TextName: "user", TextValue: "loot"}
	s.is(t, added, texts)

	s = o.of(t, func() { _, err = unix.AddKey("no-such-type", "x", nil, ring) })
	s.is(t, Record{Operation: AddKey, Keyring: ring, Error: number(err)}, map[Text]string{TextName: "no-such-type", TextValue: "x"})
	want(t, "errno", err, error(unix.ENODEV))

	var found int
	s = o.of(t, func() { found, err = unix.KeyctlSearch(ring, "user", "loot", 0) })
	if err != nil {
		t.Fatal(err)
	}
	want(t, "found", found, id)
	s.is(t, Record{Operation: Keyctl, Number: unix.KEYCTL_SEARCH, ID: uint32(id), Keyring: ring}, texts)

	s = o.of(t, func() { _, err = unix.RequestKey("user", "loot", "", 0) })
	if err != nil {
		t.Fatal(err)
	}
	s.is(t, Record{Operation: RequestKey, ID: uint32(id)}, texts)
	s = o.of(t, func() { _, err = unix.RequestKey("user", "vedette-no-such-key", "", 0) })
	s.is(t, Record{Operation: RequestKey, Error: number(err)}, map[Text]string{TextName: "user", TextValue: "vedette-no-such-key"})
	want(t, "failure", err != nil, true)

	for _, c := range []struct {
		operation, argument, second, third, fourth int
		keyring                                    int32
	}{
		{operation: unix.KEYCTL_DESCRIBE, argument: id},
		{operation: unix.KEYCTL_SETPERM, argument: id, second: 0x3f3f0000},
		{operation: unix.KEYCTL_LINK, argument: id, second: ring, keyring: ring},
		{operation: unix.KEYCTL_READ, argument: id},
		{operation: unix.KEYCTL_REVOKE, argument: id},
		{operation: unix.KEYCTL_UNLINK, argument: id, second: ring, keyring: ring},
		{operation: unix.KEYCTL_READ, argument: 1},
	} {
		s = o.of(t, func() {
			_, _, errno := unix.Syscall6(unix.SYS_KEYCTL, uintptr(c.operation), uintptr(c.argument), uintptr(c.second), uintptr(c.third), uintptr(c.fourth), 0)
			err = nil
			if errno != 0 {
				err = errno
			}
		})
		want(t, "success", err == nil, c.argument == id)
		s.is(t, Record{Operation: Keyctl, Number: uint32(c.operation), ID: uint32(c.argument), Keyring: c.keyring, Error: number(err)}, nil)
	}

	o.none(t, func() {
		if _, err := unix.KeyctlGetKeyringID(ring, false); err != nil {
			t.Fatal(err)
		}
	})
}
