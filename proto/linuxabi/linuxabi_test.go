package linuxabi_test

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/proto/linuxabi"
)

func TestNames(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(linuxabi.Errno(0), "")
	f(linuxabi.Errno(1), "EPERM")
	f(linuxabi.Errno(13), "EACCES")
	f(linuxabi.Errno(41), "41")
	f(linuxabi.Errno(133), "EHWPOISON")
	f(linuxabi.Errno(512), "512")
	f(linuxabi.Errno(-1), "-1")
	f(linuxabi.Signal(0), "0")
	f(linuxabi.Signal(9), "SIGKILL")
	f(linuxabi.Signal(31), "SIGSYS")
	f(linuxabi.Signal(32), "SIGRTMIN")
	f(linuxabi.Signal(64), "SIGRTMIN+32")
	f(linuxabi.Signal(65), "65")
	f(linuxabi.SignalCode(0), "user")
	f(linuxabi.SignalCode(0x80), "kernel")
	f(linuxabi.SignalCode(-6), "tkill")
	f(linuxabi.SignalCode(3), "3")
	f(linuxabi.TraceRequest(0), "PTRACE_TRACEME")
	f(linuxabi.TraceRequest(16), "PTRACE_ATTACH")
	f(linuxabi.TraceRequest(0x4205), "PTRACE_SETREGSET")
	f(linuxabi.TraceRequest(0x4206), "PTRACE_SEIZE")
	f(linuxabi.TraceRequest(0x4212), "PTRACE_SET_SYSCALL_INFO")
	f(linuxabi.TraceRequest(0x4213), "16915")
	f(linuxabi.TraceRequest(18), "18")
	f(linuxabi.Protection(7), "rwx")
	f(linuxabi.Protection(5), "r-x")
	f(linuxabi.Protection(0), "---")
	f(linuxabi.OpenAccess(0), "read")
	f(linuxabi.OpenAccess(0o101), "write")
	f(linuxabi.OpenAccess(2), "read and write")
	f(linuxabi.OpenAccess(3), "ioctl")
	f(linuxabi.OpenAccess(0o10000000), "path")
	f(linuxabi.Permissions(0o104755), "4755")
	f(linuxabi.Permissions(0o100004), "0004")
	f(linuxabi.FileType(0o100644), "regular")
	f(linuxabi.FileType(0o140000), "socket")
	f(linuxabi.FileType(0o644), "")
	f(linuxabi.FileType(0o150000), "0150000")
	f(linuxabi.Device(2049), "8:1")
	f(linuxabi.Device(1<<20|1<<8|5), "1:261")
	f(linuxabi.Device(0xfd00), "253:0")
	f(linuxabi.KeyOperation(1), "join_session_keyring")
	f(linuxabi.KeyOperation(32), "watch_key")
	f(linuxabi.KeyOperation(33), "33")
	f(linuxabi.Keyring(-3), "session")
	f(linuxabi.Keyring(77), "77")
	f(linuxabi.BPFCommand(linuxabi.BPFProgramLoad), "prog_load")
	f(linuxabi.BPFCommand(linuxabi.BPFProgramAttach), "prog_attach")
	f(linuxabi.BPFCommand(linuxabi.BPFProgramDetach), "prog_detach")
	f(linuxabi.BPFCommand(linuxabi.BPFRawTracepointOpen), "raw_tracepoint_open")
	f(linuxabi.BPFCommand(linuxabi.BPFLinkCreate), "link_create")
	f(linuxabi.BPFCommand(linuxabi.BPFLinkDetach), "link_detach")
	f(linuxabi.BPFCommand(1000), "1000")
	f(linuxabi.BPFProgramType(2), "kprobe")
	f(linuxabi.BPFProgramType(32), "netfilter")
	f(linuxabi.BPFMapType(1), "hash")
	f(linuxabi.BPFMapType(27), "ringbuf")
	f(linuxabi.BPFMapType(33), "arena")
	f(linuxabi.BPFAttachType(24), "trace_fentry")
	f(linuxabi.BPFAttachType(46), "tcx_ingress")
	f(linuxabi.BPFHelper(36), "probe_write_user")
	f(linuxabi.BPFHelper(1), "1")
	f(linuxabi.IoUringOpcode(18), "openat")
	f(linuxabi.IoUringOpcode(36), "unlinkat")
	f(linuxabi.IoUringOpcode(62), "pipe")
	f(linuxabi.PerfType(2), "tracepoint")
	f(linuxabi.PerfType(9), "9")
	f(linuxabi.SocketType(1|0o2000000), "stream")
	f(linuxabi.SocketType(10), "packet")
	f(linuxabi.Transport(6), "tcp")
	f(linuxabi.Transport(255), "255")
}

func TestFlags(t *testing.T) {
	f := func(got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(linuxabi.Capabilities(0))
	f(linuxabi.Capabilities(1<<21|1<<40|1<<63), "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE", "63")
	f(linuxabi.Namespaces(0x10000000|0x20000|17), "mount", "user")
	f(linuxabi.Namespaces(0x7e020080), "mount", "pid", "network", "user", "uts", "ipc", "cgroup", "time")
	f(linuxabi.MapFlags(0x22), "private", "anonymous")
	f(linuxabi.MapFlags(1<<28|1), "shared", "0x10000000")
	f(linuxabi.MapFlags(4), "0x4")
	f(linuxabi.MemfdFlags(3), "cloexec", "allow_sealing")
	f(linuxabi.OpenChanges(0o1000|0o2000), "truncate", "append")
	f(linuxabi.MountFlags(4096|16384), "bind", "rec")
	f(linuxabi.UnmountFlags(2), "detach")
	f(linuxabi.IoUringSetup(1<<1|1<<31), "sqpoll", "0x80000000")
	if !linuxabi.OpenWrites(0o101) || !linuxabi.OpenWrites(2) || linuxabi.OpenWrites(0) || linuxabi.OpenWrites(0o10000001) {
		t.Error("OpenWrites is wrong about an open for writing")
	}
}

// Any number that a caller of the kernel can pass gives one safe word, and numbers that differ give names that differ.
func TestEveryNumberHasOneWord(t *testing.T) {
	shape := regexp.MustCompile(`^[A-Za-z0-9_+-]+$`)
	for kind, name := range map[string]func(uint32) string{
		"errno": func(n uint32) string { return linuxabi.Errno(int32(n)) }, "signal": linuxabi.Signal,
		"ptrace": linuxabi.TraceRequest, "key": linuxabi.KeyOperation, "command": linuxabi.BPFCommand,
		"program": linuxabi.BPFProgramType, "map": linuxabi.BPFMapType, "attach": linuxabi.BPFAttachType, "helper": linuxabi.BPFHelper,
		"opcode": linuxabi.IoUringOpcode, "perf": linuxabi.PerfType, "transport": linuxabi.Transport,
		"code":    func(n uint32) string { return linuxabi.SignalCode(int32(n)) },
		"keyring": func(n uint32) string { return linuxabi.Keyring(int32(n)) },
	} {
		seen := map[string]uint32{}
		numbers := []uint32{1 << 31, math.MaxUint32, 0x4200, 0x4212}
		for n := range uint32(300) {
			numbers = append(numbers, n)
		}
		for _, n := range numbers {
			word := name(n)
			if word == "" && kind == "errno" && n == 0 {
				continue
			}
			if !shape.MatchString(word) {
				t.Errorf("%s %d is called %q", kind, n, word)
			}
			if other, ok := seen[word]; ok {
				t.Errorf("%s %d and %d are both called %q", kind, other, n, word)
			}
			seen[word] = n
		}
	}
}

func TestFlagsHideNoBit(t *testing.T) {
	for kind, words := range map[string]func(uint64) []string{
		"map": func(n uint64) []string { return linuxabi.MapFlags(uint32(n)) }, "mount": linuxabi.MountFlags,
		"memfd": func(n uint64) []string { return linuxabi.MemfdFlags(uint32(n)) }, "unmount": linuxabi.UnmountFlags,
		"ring": func(n uint64) []string { return linuxabi.IoUringSetup(uint32(n)) }, "capability": linuxabi.Capabilities,
	} {
		seen := map[string]bool{}
		for n := range 32 {
			got := words(1 << n)
			if len(got) != 1 || seen[got[0]] || strings.TrimSpace(got[0]) == "" {
				t.Errorf("%s flag %d is called %q", kind, n, got)
				continue
			}
			seen[got[0]] = true
		}
	}
}
