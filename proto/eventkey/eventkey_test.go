package eventkey_test

import (
	"regexp"
	"testing"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/eventkey"
)

// Ids are stored by others (in a SIEM, in the duplicate window of a stream), so their values are part of the contract.
func TestIDsAreFrozen(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got id %q, want %q", got, want)
		}
	}
	f(eventkey.Entity("0123456789ab", "boot", &pb.ProcessKey{Pid: 1, StartTimeNs: 2}), "gbpuoed6b722u4gqbwmh")
	f(eventkey.Event("0123456789ab", 7, pb.Class_CLASS_PROCESS, 3, 4), "oflke7o3qsuisrqgp6k7")
	f(eventkey.Alert("rule", "event"), "vxkkuutflt7w7aeq33dl")
	f(eventkey.Entity("h", "b", nil), "")
}

func TestIDsHaveOneForm(t *testing.T) {
	form := regexp.MustCompile(`^[a-z2-7]{20}$`)
	for _, id := range []string{
		eventkey.EntityOf("", "", 0, 0),
		eventkey.EntityOf("h", "b", 1<<32-1, 1<<64-1),
		eventkey.Event("h", 1<<64-1, 18, 1<<32-1, 1<<64-1),
		eventkey.Alert(string(make([]byte, 4096)), ""),
	} {
		if !form.MatchString(id) {
			t.Errorf("id %q does not match %s", id, form)
		}
	}
}

func TestEveryPartCounts(t *testing.T) {
	seen := map[string]string{}
	f := func(what, id string) {
		t.Helper()
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s share the id %q", what, other, id)
		}
		seen[id] = what
	}
	f("base", eventkey.EntityOf("ab", "c", 1, 1))
	f("text moved between host and boot id", eventkey.EntityOf("a", "bc", 1, 1))
	f("other pid", eventkey.EntityOf("ab", "c", 2, 1))
	f("other start", eventkey.EntityOf("ab", "c", 1, 2))
	f("event", eventkey.Event("ab", 1, 1, 1, 1))
	f("event of another instance", eventkey.Event("ab", 2, 1, 1, 1))
	f("event of another class", eventkey.Event("ab", 1, 2, 1, 1))
	f("event of another cpu", eventkey.Event("ab", 1, 1, 2, 1))
	f("event of another sequence", eventkey.Event("ab", 1, 1, 1, 2))
	f("alert", eventkey.Alert("ab", "c"))
	f("alert with text moved", eventkey.Alert("a", "bc"))
}

func BenchmarkEntity(b *testing.B) {
	key := &pb.ProcessKey{Pid: 4242, StartTimeNs: 123456789012345}
	b.ReportAllocs()
	for b.Loop() {
		eventkey.Entity("0123456789ab", "2f1c7c1e-7b1d-4f6e-9d0e-0a5a7f0c2d1b", key)
	}
}
