package file

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/record"
)

func TestTheSumClosesAndWhatExceedsTheBudgetIsTold(t *testing.T) {
	o := observeWith(t, lane.Options{RingBytes: map[lane.Class]uint32{lane.File: 16 << 20}}, Options{Budget: 500})
	dir := tempDir(t)
	path := filepath.Join(dir, "f")
	var throttled []record.Throttle
	told, special := 0, 0
	read := func(kind record.Kind, rec []byte) {
		switch kind {
		case record.Throttled:
			r, _, err := record.View[record.Throttle](rec)
			must(t, err)
			throttled = append(throttled, *r)
		case record.File:
			r, _, err := Parse(rec)
			must(t, err)
			told++
			if r.Operation == Chmod && r.File.Mode&unix.S_ISUID != 0 && r.Actor.Process.TGID == uint32(os.Getpid()) {
				special++
			}
		}
	}
	for range 5000 {
		must(t, os.WriteFile(path, []byte("x"), 0o600))
		must(t, unix.Unlink(path))
	}
	o.Drain(t, read, func() bool { return false })
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, unix.Chmod(path, 0o4755))
	must(t, o.Set.Detach())
	o.Drain(t, read, func() bool { return false })

	c, err := o.Set.Lanes().Counters(lane.File)
	must(t, err)
	want(t, "made less lost", c.Made-c.Lost(), o.Read)
	if c.LostThrottled == 0 || len(throttled) == 0 || throttled[0].Class != uint32(lane.File) || throttled[0].Ended != 0 {
		t.Errorf("%d events were withheld and these records say so: %+v", c.LostThrottled, throttled)
	}
	want(t, "setuid bits told of in the flood", special, 1)
	if told == 0 {
		t.Error("nothing was told at all")
	}
}

// What matters on one object, done a thousand times, does not hide the same on another.
func TestWhatMattersHasAShareOfItsOwn(t *testing.T) {
	o := observeWith(t, lane.Options{}, Options{Budget: 10})
	dir := tempDir(t)
	often, once := filepath.Join(dir, "often"), filepath.Join(dir, "once")
	for _, path := range []string{often, once} {
		must(t, os.WriteFile(path, nil, 0o600))
	}
	for range 1000 {
		must(t, unix.Chmod(often, 0o4755))
	}
	must(t, unix.Chmod(once, 0o4755))
	told := map[string]int{}
	o.Drain(t, func(kind record.Kind, rec []byte) {
		if kind != record.File {
			return
		}
		r, texts, err := Parse(rec)
		must(t, err)
		if r.Operation == Chmod && r.File.Mode&unix.S_ISUID != 0 {
			told[string(texts[TextPath])]++
		}
	}, func() bool { return false })
	if n := told[often]; n < 100 || n >= 1000 {
		t.Errorf("of 1000 setuid bits set on one file %d were told, want a share of 100 for each second", n)
	}
	want(t, "setuid bits told of the other", told[once], 1)
}

func TestAFullRingIsCounted(t *testing.T) {
	o := observeWith(t, lane.Options{RingBytes: map[lane.Class]uint32{lane.File: 4096}}, Options{Budget: 1 << 40})
	path := filepath.Join(tempDir(t), "f")
	for range 100 {
		must(t, os.WriteFile(path, []byte("x"), 0o600))
	}
	must(t, o.Set.Detach())
	c, err := o.Set.Lanes().Counters(lane.File)
	must(t, err)
	if c.LostRingFull == 0 || c.LostRingFull >= c.Made {
		t.Errorf("%d of %d events are counted lost, want most but not all", c.LostRingFull, c.Made)
	}
}
