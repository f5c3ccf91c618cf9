package identity

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

// known mirrors struct known_credentials of bpf/include/credentials.h.
type known struct {
	Owner, Digest          uint64
	LoginUID, AuditSession uint32
	Groups                 uint32
	ExecID, Call           uint16
}

// No exploit is at hand that writes credentials into the kernel's memory. The programs see no difference between credentials that
// changed under what is known and knowledge that changed under the credentials, so the test forges the latter: root may.
func (o *observer) forge(t *testing.T, tid uint32, change func(c *Credentials), also ...func(k *known)) (before Credentials) {
	t.Helper()
	key := tid % o.known.MaxEntries()
	var k known
	if err := o.known.Lookup(key, &k); err != nil {
		t.Fatal(err)
	}
	if k.Owner == 0 {
		t.Fatalf("thread %d is not among the known", tid)
	}
	if err := o.sets.Lookup(k.Digest, &before); err != nil {
		t.Fatalf("the credentials of thread %d are not remembered: %v", tid, err)
	}
	change(&before)
	k.Digest++
	for _, f := range also {
		f(&k)
	}
	if err := o.sets.Put(k.Digest, &before); err != nil {
		t.Fatal(err)
	}
	if err := o.known.Put(key, &k); err != nil {
		t.Fatal(err)
	}
	before.LoginUID, before.AuditSession = k.LoginUID, k.AuditSession
	return before
}

// toldAct starts an act that says which thread it is in; the returned function lets it go on and waits for its end.
func toldAct(t *testing.T, name string) (cmd *exec.Cmd, tid uint32, goOn func()) {
	t.Helper()
	cmd = actor(t, name)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(line), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, uint32(n), func() {
		t.Helper()
		if _, err := in.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// forged forges what is known of a thread before it acts, and returns what its process is said to have done then.
func (o *observer) forged(t *testing.T, act string, change func(c *Credentials), also ...func(k *known)) (
	all []Record, tid uint32, before Credentials,
) {
	t.Helper()
	all = o.unmissed(t, func() []Record {
		cmd, thread, goOn := toldAct(t, act)
		tid, before = thread, o.forge(t, thread, change, also...)
		goOn()
		return o.of(t, cmd.Process.Pid)
	})
	return all, tid, before
}

func TestChangesThatNoCallExplains(t *testing.T) {
	o := observe(t)
	f := func(act string, change func(c *Credentials), others int) {
		t.Helper()
		all, tid, before := o.forged(t, act, change)
		if len(all) != 1+others {
			t.Fatalf("%s makes %d records, want %d: %+v", act, len(all), 1+others, all)
		}
		r := &all[0]
		isCredentials(t, act, r, "", 0)
		want(t, "thread of "+act, r.Actor.TID, tid)
		want(t, "credentials before "+act, r.Before, before)
		want(t, "user after "+act, r.After.EUID, 0)
		change(&r.After)
		want(t, "credentials after "+act+", changed alike", r.After, before)
	}
	user := func(c *Credentials) { c.UID, c.EUID, c.SUID, c.FSUID = 1234, 1234, 1234, 1234 }
	capability := func(c *Credentials) { c.CapEffective &^= 1 << capSysPtrace }
	f("told, then setgroups", user, 1)
	f("told, then setgroups", capability, 1)
	f("told, then fork", user, 0)
	f("told, then fork", capability, 0)
	f("told, then exec", user, 0)
	f("told, then exec", capability, 0)
	f("told, then exit", user, 0)
	f("told, then exit", func(c *Credentials) { c.UserNS++ }, 0)
	f("told, then failed exec", user, 0)
}

// Where the kernel did not run a program (it never does on a CPU where it runs already), the call or exec is an explanation all
// the same.
func TestWhatTheKernelDidNotShowIsNotUnexplained(t *testing.T) {
	o := observe(t)
	f := func(what string, change func(c *Credentials), missed func(k *known), calls ...string) {
		t.Helper()
		var told []string
		all, _, _ := o.forged(t, "told, then exit", change, missed)
		for _, r := range all {
			told = append(told, call(&r))
		}
		if !slices.Equal(told, calls) {
			t.Errorf("%s is told as %q, want %q", what, told, calls)
		}
	}
	during := func(name string) func(k *known) {
		return func(k *known) { k.Call = uint16(slices.Index(syscalls.Names(), name)) }
	}
	exec := func(k *known) { k.ExecID++ }
	was := func(c *Credentials) { c.EUID = 1234 }
	had := func(c *Credentials) { c.CapInheritable = 1 << capNetRaw }
	f("a missed exit of setuid", was, during("setuid"), "setuid")
	f("a missed exit of setns", had, during("setns"))
	f("a missed exec that gives", was, exec, "execve")
	f("a missed exec that takes", had, exec)
}

func TestAPartialSensorDrawsNoConclusions(t *testing.T) {
	o := observeAlone(t)
	if err := o.state.Put(stateWatch, watchCalls); err != nil {
		t.Fatal(err)
	}
	all, _, _ := o.forged(t, "told, then exit", func(c *Credentials) { c.UID = 1234 })
	if len(all) != 0 {
		t.Errorf("a sensor without all of its programs tells %+v, want nothing", all)
	}
}

// Programs that change credentials in earnest, each its own way. What the machine does not have is left out and logged.
func TestRealProgramsAreExplained(t *testing.T) {
	o := observe(t)
	for _, line := range [][]string{
		{"su", "nobody", "-s", "/bin/sh", "-c", "id"},
		{"sudo", "-n", "-u", "nobody", "id"},
		{"setpriv", "--reuid=1234", "--clear-groups", "id"},
		{"runuser", "-u", "nobody", "id"},
		{"unshare", "-Ur", "id"},
		{"unshare", "-m", "-p", "-f", "id"},
		{"capsh", "--drop=cap_net_raw", "--", "-c", "id"},
		{"chroot", "--userspec=1234:1234", "/", "/bin/sh", "-c", "id"},
		{"ping", "-c1", "127.0.0.1"},
		{"newgrp", "nogroup"},
		{"bwrap", "--unshare-all", "--ro-bind", "/", "/", "id"},
		{"login", "--help"},
		{"/bin/sh", "-c", "(sleep 0.01 & exec id) | cat"},
		{"start-stop-daemon", "--start", "--chuid", "nobody", "--exec", "/bin/true"},
	} {
		cmd := exec.Command(line[0], line[1:]...)
		cmd.Stdin = strings.NewReader("")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		if errors.Is(err, exec.ErrNotFound) {
			t.Logf("%s is not installed", line[0])
			continue
		}
		o.drain(t)
		t.Logf("%v: %v, %d records", line, err, len(o.seen))
		for _, r := range o.seen {
			if r.Operation == CredentialsChanged && r.Call == 0 {
				t.Errorf("%v is said to have changed credentials unexplained: %+v", line, r)
			}
		}
		o.seen = nil
	}
}

func TestThreadsThatEndAreForgotten(t *testing.T) {
	o := observe(t)
	slot := func(tid int) (k known) {
		t.Helper()
		if err := o.known.Lookup(uint32(tid)%o.known.MaxEntries(), &k); err != nil {
			t.Fatal(err)
		}
		return k
	}
	owners := map[int]uint64{}
	o.unmissed(t, func() []Record {
		clear(owners)
		cmd, _, goOn := toldAct(t, "told, then exit")
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil {
				t.Fatal(err)
			}
			owners[tid] = slot(tid).Owner
		}
		goOn()
		return o.of(t, cmd.Process.Pid)
	})
	want(t, "there are threads", len(owners) > 1, true)
	for tid, owner := range owners {
		if owner == 0 {
			t.Errorf("thread %d was not known", tid)
		} else if slot(tid).Owner == owner {
			t.Errorf("thread %d has ended and is still known", tid)
		}
	}
}

func TestEveryEventIsAccountedFor(t *testing.T) {
	o := observeAlone(t)
	before := o.Read
	for range 20 {
		o.act(t, "refused")
	}
	if err := o.Set.Detach(); err != nil {
		t.Fatal(err)
	}
	o.Drain(t, func(record.Kind, []byte) {}, func() bool { return false })
	c, err := o.Set.Lanes().Counters(lane.Identity)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "made less lost", c.Made-c.Lost(), o.Read)
	want(t, "at least 200 were read", o.Read-before >= 200, true)
	want(t, "lost", c.Lost(), 0)
}
