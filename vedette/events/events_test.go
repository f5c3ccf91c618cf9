package events

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "github.com/vedette-edr/vedette/proto"
)

func sample() *pb.Event {
	return &pb.Event{
		Actor: &pb.Actor{Process: &pb.ProcessKey{Pid: 42}, Parent: &pb.ProcessKey{Pid: 41}, Uid: 1000, Comm: []byte("curl")},
		Payload: &pb.Event_Exec{Exec: &pb.ProcessExec{
			Executable: &pb.File{Path: []byte("/usr/bin/curl")}, Arguments: []byte("curl\x00-s\x00http://x/\x00"),
		}},
	}
}

func TestFilter(t *testing.T) {
	fork := &pb.Event{Actor: sample().Actor, Payload: &pb.Event_Fork{Fork: &pb.ProcessFork{}}}
	f := func(filter string, kinds string, exec, forked bool) {
		t.Helper()
		conditions, err := parseFilter(split(filter))
		if err != nil {
			t.Fatal(err)
		}
		s := selection{kinds: split(kinds), filter: conditions}
		if err := checkKinds(s.kinds); err != nil {
			t.Fatal(err)
		}
		if got := s.takes(sample()); got != exec {
			t.Errorf("%s %s takes the exec: %v", filter, kinds, got)
		}
		if got := s.takes(fork); got != forked {
			t.Errorf("%s %s takes the fork: %v", filter, kinds, got)
		}
	}
	f("", "", true, true)
	f("", "exec", true, false)
	f("", "fork,exit", false, true)
	f("pid=42", "", true, true)
	f("pid=43", "", false, false)
	f("ppid=41,uid=1000", "", true, true)
	f("uid=0", "", false, false)
	f("comm=cu*", "", true, true)
	f("image=*/curl", "", true, false)
	f("image=*/wget", "", false, false)
	f("args=*http://*", "", true, false)
	f("pid=42,image=*/wget", "", false, false)

	nobody := &pb.Event{Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{}}}
	for _, filter := range []string{"pid=0", "uid=0", "comm=*", "image=*"} {
		conditions, err := parseFilter(split(filter))
		if err != nil {
			t.Fatal(err)
		}
		if (selection{filter: conditions}).takes(nobody) {
			t.Errorf("%s takes an event without an actor", filter)
		}
	}
}

func TestAScriptIsAnImageToo(t *testing.T) {
	ev := sample()
	ev.GetExec().Script = &pb.File{Path: []byte("/opt/job.py")}
	c, err := parseFilter([]string{"image=/opt/*"})
	if err != nil || !c[0].holds(ev) {
		t.Errorf("the script is not found: %v", err)
	}
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func TestBadSelections(t *testing.T) {
	f := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	filter := func(s string) error { _, err := parseFilter([]string{s}); return err }
	f(filter("pid"), "key=value")
	f(filter("pid="), "key=value")
	f(filter("pid=x"), "number")
	f(filter("pid=-1"), "number")
	f(filter("name=x"), "the keys are pid")
	f(checkKinds([]string{"exec", "execve"}), `"execve"`)
	_, err := classes([]string{"processes"})
	f(err, "process, kernel")
	_, err = classes([]string{"unspecified"})
	f(err, "unknown class")
	_, err = classes([]string{"PROCESS"})
	f(err, "unknown class")
	got, err := classes([]string{"process", "dns"})
	if diff := cmp.Diff([]pb.Class{pb.Class_CLASS_PROCESS, pb.Class_CLASS_DNS}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// After a reconnection the collector sends again what was not confirmed.
func TestBatchesThatAreSentAgainAreShownOnce(t *testing.T) {
	var got []uint64
	var troubles []string
	f := follower{
		each:    func(_ *pb.Event, b *pb.EventBatch) error { got = append(got, b.Instance*100+b.Number); return nil },
		trouble: func(text string) { troubles = append(troubles, text) },
	}
	send := func(instance, number uint64) {
		t.Helper()
		b := &pb.EventBatch{Instance: instance, Number: number, Events: []*pb.Event{sample()}}
		data, err := b.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		if err := f.batch(data); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []uint64{1, 2, 3, 2, 3, 4} {
		send(1, n)
	}
	send(2, 1)
	if diff := cmp.Diff([]uint64{101, 102, 103, 104, 201}, got); diff != "" {
		t.Error(diff)
	}
	if err := f.batch([]byte("no batch at all")); err != nil || len(troubles) != 1 {
		t.Errorf("a broken batch gives %v and %v", err, troubles)
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("pid=42")
	f.Add("image=*?*")
	f.Fuzz(func(t *testing.T, text string) {
		conditions, err := parseFilter([]string{text})
		if err != nil {
			return
		}
		(selection{filter: conditions}).takes(sample())
	})
}
