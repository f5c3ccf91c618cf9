package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/vedette-edr/vedette/bpf/lane"
)

func TestAnExecRingsForTheReaderThatSleeps(t *testing.T) {
	o := observeAlone(t, lane.Options{})
	lanes := o.Set.Lanes()
	doorbell, err := ringbuf.NewReader(lanes.Doorbell())
	if err != nil {
		t.Fatal(err)
	}
	defer doorbell.Close()
	var rec ringbuf.Record
	for _, wants := range []lane.Wants{lane.WantsAnything, lane.WantsHurry, lane.WantsAnything} {
		o.drain(t, func() bool { return false })
		if err := lanes.Sleeps(wants); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		time.AfterFunc(50*time.Millisecond, func() { _ = exec.Command("/bin/true").Run() })
		doorbell.SetDeadline(began.Add(20 * time.Second))
		if err := doorbell.ReadInto(&rec); err != nil {
			t.Fatal(err)
		}
		if slept := time.Since(began); slept > 10*time.Second {
			t.Errorf("the reader slept for %s, want to be woken by the exec", slept)
		}
	}
}

func TestEveryEventIsAccountedFor(t *testing.T) {
	o := observeAlone(t, lane.Options{})
	before := o.counters(t)
	var done atomic.Bool
	go func() {
		for range 300 {
			_ = exec.Command("/bin/true").Run()
		}
		done.Store(true)
	}()
	o.drain(t, func() bool { return !done.Load() })
	if err := o.Set.Detach(); err != nil {
		t.Fatal(err)
	}
	o.drain(t, func() bool { return false })
	c := o.counters(t)
	if c.Made < 900 {
		t.Errorf("%d events were made, want at least 900 for 300 processes", c.Made)
	}
	want(t, "made less lost", c.Made-c.Lost(), o.Read)
	want(t, "made before", before.Made <= c.Made, true)
}

func TestAFullRingIsCounted(t *testing.T) {
	o := observeAlone(t, lane.Options{RingBytes: map[lane.Class]uint32{lane.Process: 4096}})
	for range 20 {
		if err := exec.Command("/bin/true").Run(); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Set.Detach(); err != nil {
		t.Fatal(err)
	}
	c := o.counters(t)
	if c.LostRingFull == 0 || c.LostRingFull >= c.Made {
		t.Errorf("%d of %d events are counted lost, want most but not all", c.LostRingFull, c.Made)
	}
}

func TestSeedsListEveryProcess(t *testing.T) {
	o := observeAlone(t, lane.Options{})
	cmd := exec.Command("/bin/sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	pid := uint32(cmd.Process.Pid)
	o.drain(t, func() bool { return o.execs[pid] == nil })

	listed := map[uint32]bool{}
	err := o.sensor.Seeds(context.Background(), func(rec []byte) error {
		e, texts, err := ParseExec(rec)
		if err != nil {
			return err
		}
		listed[e.Actor.Process.TGID] = true
		if e.Actor.Process.TGID == pid {
			want(t, "executable", string(texts[TextExecutable]), o.execs[pid].texts[TextExecutable])
			want(t, "start time", e.Actor.Process.StartTime, o.execs[pid].Actor.Process.StartTime)
			want(t, "parent", e.Actor.Parent.TGID, uint32(os.Getpid()))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "the child is listed", listed[pid], true)
	want(t, "this process is listed", listed[uint32(os.Getpid())], true)
	// Some machines hide their first process even from root.
	if _, err := os.Readlink("/proc/1/exe"); !errors.Is(err, os.ErrPermission) {
		want(t, "the first process is listed", listed[1], true)
	}
}

func TestCountersAreFrozen(t *testing.T) {
	o := observeAlone(t, lane.Options{})
	m := o.Set.Lanes().Maps()["counters"]
	value := make([]byte, m.ValueSize())
	if err := m.Update(uint32(0), value, ebpf.UpdateAny); err == nil {
		t.Error("root could overwrite the counters, want a refusal: they are frozen")
	}
}
