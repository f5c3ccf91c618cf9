package kernel

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Commands of bpf(2).
const (
	commandMapCreate     = 0
	commandProgLoad      = 5
	commandObjPin        = 6
	commandObjGet        = 7
	commandProgAttach    = 8
	commandProgDetach    = 9
	commandProgByID      = 13
	commandMapByID       = 14
	commandRawTracepoint = 17
	commandMapFreeze     = 22
	commandLinkCreate    = 28
	commandLinkByID      = 30
)

// killer is a program that could send signals. It never does: it would have to run one nanosecond after the machine was
// started, its signal is 0, and nothing fires the tracepoint that the tests fasten it to while they run.
func killer() *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{
		Name: "killer", Type: ebpf.RawTracepoint, License: "GPL",
		Instructions: asm.Instructions{
			asm.FnKtimeGetNs.Call(),
			asm.JNE.Imm(asm.R0, 1, "end"),
			asm.Mov.Imm(asm.R1, 0),
			asm.FnSendSignal.Call(),
			asm.Mov.Imm(asm.R0, 0).WithSymbol("end"),
			asm.Return(),
		},
	}
}

// quietTracepoint fires when a process changes how readily it is killed for memory.
const quietTracepoint = "oom_score_adj_update"

func load(t *testing.T, spec *ebpf.ProgramSpec) *ebpf.Program {
	t.Helper()
	p, err := ebpf.NewProgram(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// commanded keeps the records of one command; the library tries out what the kernel has before it does what it was asked.
func commanded(all []*seen, command uint32) []*seen {
	var some []*seen
	for _, s := range all {
		if s.Operation == BPF && s.Number == command {
			some = append(some, s)
		}
	}
	return some
}

func last(t *testing.T, all []*seen, command uint32) *seen {
	t.Helper()
	some := commanded(all, command)
	if len(some) == 0 {
		t.Fatalf("no record of command %d", command)
	}
	return some[len(some)-1]
}

func TestProgramIsTold(t *testing.T) {
	o := observe(t)
	var p *ebpf.Program
	all := o.all(t, func() { p = load(t, killer()) })
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	loaded := Record{
		Operation: BPF, Number: commandProgLoad, ID: uint32(id), ProgramType: uint32(ebpf.RawTracepoint), Instructions: 6,
		Tag: tagOf(t, info.Tag), Helpers: [4]uint64{1 << asm.FnKtimeGetNs, 1 << (asm.FnSendSignal - 64)},
	}
	last(t, all, commandProgLoad).is(t, loaded, map[Text]string{TextName: "killer"})

	var l link.Link
	all = o.all(t, func() {
		l, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: quietTracepoint, Program: p})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	reached := loaded
	reached.Helpers = [4]uint64{}
	reached.Number = commandRawTracepoint
	last(t, all, commandRawTracepoint).is(t, reached, map[Text]string{TextName: "killer", TextValue: quietTracepoint})

	linkInfo, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	all = o.all(t, func() {
		again, err := link.NewFromID(linkInfo.ID)
		if err != nil {
			t.Fatal(err)
		}
		again.Close()
	})
	reached.Number = commandLinkByID
	last(t, all, commandLinkByID).is(t, reached, map[Text]string{TextName: "killer", TextValue: quietTracepoint})

	all = o.all(t, func() {
		again, err := ebpf.NewProgramFromID(id)
		if err != nil {
			t.Fatal(err)
		}
		again.Close()
	})
	reached.Number = commandProgByID
	last(t, all, commandProgByID).is(t, reached, map[Text]string{TextName: "killer"})
	all = o.all(t, func() {
		if _, err := ebpf.NewProgramFromID(1 << 30); err == nil {
			t.Fatal("there is such a program")
		}
	})
	last(t, all, commandProgByID).is(t, Record{Operation: BPF, Number: commandProgByID, ID: 1 << 30, Error: int32(unix.ENOENT)}, nil)
}

func tagOf(t *testing.T, text string) (tag [8]byte) {
	t.Helper()
	if n, err := hex.Decode(tag[:], []byte(text)); n != len(tag) || err != nil {
		t.Fatalf("tag %q: %v", text, err)
	}
	return tag
}

func TestRefusedProgramIsTold(t *testing.T) {
	o := observe(t)
	spec := killer()
	spec.Name = "broken"
	// Ends without a result.
	spec.Instructions = asm.Instructions{
		asm.FnKtimeGetNs.Call(), asm.Mov.Imm(asm.R1, 0), asm.FnSendSignal.Call(), asm.Mov.Reg(asm.R0, asm.R9), asm.Return(),
	}
	var err error
	all := o.all(t, func() { _, err = ebpf.NewProgram(spec) })
	errno, ok := errors.AsType[unix.Errno](err)
	if !ok {
		t.Fatalf("the program was not refused: %v", err)
	}
	last(t, all, commandProgLoad).is(t, Record{
		Operation: BPF, Number: commandProgLoad, ProgramType: uint32(ebpf.RawTracepoint), Instructions: 5, Error: int32(errno),
		Helpers: [4]uint64{1 << asm.FnKtimeGetNs, 1 << (asm.FnSendSignal - 64)},
	}, map[Text]string{TextName: "broken"})
}

// A program of 5,000 instructions, which calls a helper at its end.
func TestLongProgramIsReadToItsEnd(t *testing.T) {
	o := observe(t)
	spec := killer()
	spec.Instructions = nil
	for range 5000 {
		spec.Instructions = append(spec.Instructions, asm.Mov.Imm(asm.R1, 0))
	}
	spec.Instructions = append(spec.Instructions, asm.FnSendSignal.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return())
	all := o.all(t, func() { load(t, spec) })
	s := last(t, all, commandProgLoad)
	want(t, "helpers", s.Helpers, [4]uint64{0, 1 << (asm.FnSendSignal - 64)})
	want(t, "instructions", s.Instructions, 5003)
	want(t, "flags", s.Header.Flags, 0)
}

func TestMapIsTold(t *testing.T) {
	o := observe(t)
	var m *ebpf.Map
	var err error
	all := o.all(t, func() {
		m, err = ebpf.NewMap(&ebpf.MapSpec{Name: "loot", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 3})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	r := Record{Operation: BPF, Number: commandMapCreate, MapType: uint32(ebpf.Array), ID: uint32(id)}
	texts := map[Text]string{TextName: "loot"}
	last(t, all, commandMapCreate).is(t, r, texts)

	s := o.of(t, func() {
		again, err := ebpf.NewMapFromID(id)
		if err != nil {
			t.Fatal(err)
		}
		again.Close()
	})
	r.Number = commandMapByID
	s.is(t, r, texts)

	s = o.of(t, func() {
		if err := m.Freeze(); err != nil {
			t.Fatal(err)
		}
	})
	r.Number = commandMapFreeze
	s.is(t, r, texts)

	o.none(t, func() {
		var value uint64
		if err := m.Lookup(uint32(0), &value); err != nil {
			t.Fatal(err)
		}
		if err := m.Put(uint32(0), value); err == nil {
			t.Fatal("a frozen map was written")
		}
	})

	dir := t.TempDir()
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	pin := filepath.Join(dir, "pinned")
	texts[TextValue] = pin
	s = o.of(t, func() {
		if err := m.Pin(pin); err != nil {
			t.Fatal(err)
		}
	})
	r.Number = commandObjPin
	s.is(t, r, texts)
	s = o.of(t, func() {
		again, err := ebpf.LoadPinnedMap(pin, nil)
		if err != nil {
			t.Fatal(err)
		}
		again.Close()
	})
	r.Number = commandObjGet
	s.is(t, r, texts)
}

func TestProgramOnACgroupIsTold(t *testing.T) {
	root := cgroupRoot(t)
	dir := filepath.Join(root, "vedette-test")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	}()
	group, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	spec := &ebpf.ProgramSpec{
		Name: "filter", Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()},
	}
	p := load(t, spec)
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	o := observe(t)
	r := Record{
		Operation: BPF, ID: uint32(id), ProgramType: uint32(ebpf.CGroupSKB), AttachType: uint32(ebpf.AttachCGroupInetEgress),
		Instructions: 2, Tag: tagOf(t, info.Tag),
	}
	texts := map[Text]string{TextName: "filter", TextValue: dir}
	attach := func(command uintptr) *seen {
		t.Helper()
		return o.of(t, func() {
			argument := [4]uint32{uint32(group.Fd()), uint32(p.FD()), uint32(ebpf.AttachCGroupInetEgress)}
			if _, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(unsafe.Pointer(&argument)), unsafe.Sizeof(argument)); errno != 0 {
				t.Fatal(errno)
			}
		})
	}
	r.Number = commandProgAttach
	attach(commandProgAttach).is(t, r, texts)
	r.Number = commandProgDetach
	attach(commandProgDetach).is(t, r, texts)

	var l link.Link
	all := o.all(t, func() {
		l, err = link.AttachCgroup(link.CgroupOptions{Path: dir, Attach: ebpf.AttachCGroupInetEgress, Program: p})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r.Number = commandLinkCreate
	last(t, all, commandLinkCreate).is(t, r, texts)
}

// cgroupRoot is where the second version of cgroups is mounted; in a bare guest the test mounts it.
func cgroupRoot(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir
		}
	}
	dir := t.TempDir()
	if err := unix.Mount("cgroup2", dir, "cgroup2", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}
