package kernel

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
)

// What was made, by this process and every other, was read or is counted as lost.
func TestEveryRecordIsAccountedFor(t *testing.T) {
	o := observeAlone(t)
	const acts = 200
	all := o.all(t, func() {
		for range acts {
			if _, err := unix.AddKey("no-such-type", "x", nil, unix.KEY_SPEC_THREAD_KEYRING); err == nil {
				t.Fatal("there is such a type of key")
			}
		}
	})
	want(t, "records of the acts", len(all), acts)
	if err := o.Set.Detach(); err != nil {
		t.Fatal(err)
	}
	o.Drain(t, func(record.Kind, []byte) {}, func() bool { return false })
	c, err := o.Set.Lanes().Counters(lane.Kernel)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "read and lost", o.Read+c.Lost(), c.Made)
}
