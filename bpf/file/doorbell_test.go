package file

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cilium/ebpf/ringbuf"

	"github.com/vedette-edr/vedette/bpf/lane"
)

// What is done to files waits for a reader that looks by itself soon, unless the ring fills meanwhile.
func TestAFileEventRingsForWhoWantsAnything(t *testing.T) {
	o := observeWith(t, lane.Options{RingBytes: map[lane.Class]uint32{lane.File: 256 << 10}}, Options{Budget: 1 << 40})
	lanes := o.Set.Lanes()
	doorbell, err := ringbuf.NewReader(lanes.Doorbell())
	must(t, err)
	defer doorbell.Close()
	path := filepath.Join(tempDir(t), "f")
	write := func() { must(t, os.WriteFile(path, []byte("x"), 0o600)) }
	rings := func(wait time.Duration) bool {
		t.Helper()
		var rec ringbuf.Record
		doorbell.SetDeadline(time.Now().Add(wait))
		err := doorbell.ReadInto(&rec)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		return err == nil
	}

	must(t, lanes.Sleeps(lane.WantsAnything))
	write()
	want(t, "rings for who wants anything", rings(20*time.Second), true)
	write()
	want(t, "rings again for who is awake", rings(50*time.Millisecond), false)

	o.drain(t, func() bool { return false })
	must(t, lanes.Sleeps(lane.WantsHurry))
	write()
	want(t, "rings for who waits for what hurries", rings(50*time.Millisecond), false)
	for range 200 {
		write()
	}
	want(t, "rings when the ring fills", rings(20*time.Second), true)
}
