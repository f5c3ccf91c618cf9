package kernel

import (
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

func perfEvent(attr *unix.PerfEventAttr) (int, error) {
	attr.Size = uint32(unsafe.Sizeof(*attr))
	return unix.PerfEventOpen(attr, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
}

func TestPerfEventIsTold(t *testing.T) {
	p := load(t, &ebpf.ProgramSpec{
		Name: "sampler", Type: ebpf.PerfEvent, License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	o := observe(t)
	var fd int
	var err error
	s := o.of(t, func() {
		fd, err = perfEvent(&unix.PerfEventAttr{
			Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Sample: 1 << 40, Bits: unix.PerfBitDisabled,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	r := Record{Operation: Perf, Number: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK}
	s.is(t, r, nil)

	s = o.of(t, func() {
		if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, p.FD()); err != nil {
			t.Fatal(err)
		}
	})
	r.WithProgram = 1
	s.is(t, r, nil)

	s = o.of(t, func() { err = unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, -1) })
	r.Error = number(err)
	want(t, "failure", err != nil, true)
	s.is(t, r, nil)

	s = o.of(t, func() { _, err = perfEvent(&unix.PerfEventAttr{Type: 9999, Config: 7}) })
	if err == nil {
		t.Fatal("there is a perf event of that type")
	}
	s.is(t, Record{Operation: Perf, Number: 9999, Config: 7, Error: number(err)}, nil)
}

func TestOtherIoctlsAreNotTold(t *testing.T) {
	o := observe(t)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	o.none(t, func() {
		// A pipe does not know the command; the same on no descriptor at all.
		for _, fd := range []int{pipe[0], -1} {
			if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, 0); err == nil {
				t.Fatal("it took a program")
			}
		}
		if _, err := unix.IoctlGetInt(pipe[0], unix.TIOCINQ); err != nil {
			t.Fatal(err)
		}
	})
}
