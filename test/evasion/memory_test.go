package evasion

import "testing"

// The end is a mapping of a length that nothing else has.
var memories = program{"evade_memory", "memory_map region.length=0x5e5e000"}

const (
	mapped    = "memory_map region.address={address} region.length=0x23000"
	protected = "memory_protect region.address={address} region.length=0x23000 region.protection=5 old_protection=3"
	traced    = "process_trace target.pid={target} error=0"
	signaled  = "signal target.pid={target} number=28 error=0"
	wrote     = "process_memory target.pid={target} write=true address={address} length=4 error=0"
	noMapping = "no memory_map region.length=0x23000"
	noSignal  = "no signal"
	noProtect = "no memory_protect"
)

var memoryScenarios = []scenario{
	{"mmap-rwx", wants(mapped + " region.protection=7 region.flags&0x22")},
	{"mmap-rx-anonymous", wants(mapped + " region.protection=5")},
	{"mmap2-int80", wants("memory_map region.length=0x23000 region.protection=7")},
	// What is asked for is readable and writable; what the process gets can be executed too.
	{"mmap-read-implies-exec", wants(mapped + " region.protection&4")},
	{"shmat-exec", wants("memory_map region.address={address} region.protection&4")},
	{"shmat-int80", wants("memory_map region.address={address} region.protection&4")},
	{"mmap-memfd", wants(mapped + " region.protection=5 region.file.path=memfd:code")},
	{"mmap-deleted-file", wants(mapped + " region.protection=5 region.file.flags&1")},
	{"mmap-rwx-file", wants(mapped + " region.protection=7 region.file.path={file}")},
	{"mprotect-rx", wants(protected)},
	{"mprotect-rwx", wants("memory_protect region.address={address} region.protection=7 old_protection=3")},
	{"mprotect-read-implies-exec", wants("memory_protect region.address={address} region.protection&4")},
	{"pkey_mprotect", wants(protected)},
	{"mprotect-int80", wants(protected)},
	{"mprotect-stack", wants("memory_protect region.address={address} region.length=4096 region.protection=7")},
	{"mprotect-written-file", wants("memory_protect region.address={address} region.protection=5 old_protection=3")},
	{"mmap-old-32", wants("memory_map region.length=0x23000 region.protection=7")},
	{"mmap2-32", wants("memory_map region.length=0x23000 region.protection=7")},
	{"mprotect-32", wants("memory_protect region.length=0x23000 region.protection=5 old_protection=3")},
	{"no-mprotect-of-file", wants(noProtect, noMapping)},
	{"no-mmap-of-file", wants(noProtect, noMapping)},
	{"no-mprotect-of-data", wants(noProtect, noMapping)},
	{"no-signals-to-oneself", wants(noSignal)},
	{"ptrace-attach", wants(traced + " request=16")},
	{"ptrace-seize", wants(traced + " request=0x4206")},
	{"ptrace-poke", wants(traced+" request=4 address={address} data=0x1234567", traced+" request=5 address={address} data=0x7654321")},
	{"ptrace-registers", wants(traced+" request=13", traced+" request=0x4205", traced+" request=6")},
	{"ptrace-traceme", wants("process_trace target.pid={main} request=0 error=0")},
	{"ptrace-int80", wants(traced + " request=0x4206")},
	{"ptrace-32", wants(traced + " request=0x4206")},
	{"ptrace-denied", wants("process_trace target.pid={target} request=0x4206 error=1")},
	{"process_vm_writev", wants(wrote + " method=process_vm_writev")},
	{"process_vm_readv", wants("process_memory target.pid={target} write=false address={address} length=4 method=process_vm_readv error=0")},
	{"proc-mem", wants(wrote + " method=procfs")},
	{"proc-mem-seek", wants(wrote + " method=procfs")},
	{"proc-mem-vector", wants(wrote + " method=procfs")},
	{"pidfd_getfd", wants("handle_steal target.pid={target} descriptor={descriptor} error=0")},
	{"pidfd_getfd-failing", wants("handle_steal target.pid={target} descriptor=999 error=9")},
	{"kill", wants(signaled + " code=0")},
	{"kill-deadly", wants("signal target.pid={target} number=9 error=0 delivered=true")},
	{"tkill", wants(signaled + " code=-6")},
	{"tgkill", wants(signaled + " code=-6")},
	{"rt_sigqueueinfo", wants(signaled + " code=-1")},
	{"rt_tgsigqueueinfo", wants(signaled + " code=-1")},
	{"pidfd_send_signal", wants(signaled + " code=0")},
	{"killpg", wants("signal number=15 error=0 code=0 target=false", "signal target.pid={target} number=15 code=0 delivered=true")},
	{"kill-int80", wants(signaled)},
	{"kill-32", wants(signaled)},
	{"kill-denied", wants("signal target.pid={target} number=28 error=1 delivered=false")},
	{"signal-by-file", wants("signal target.pid={target} number=9 delivered=true")},
}

func TestMemoryAndOtherProcesses(t *testing.T) { memories.run(t, memoryScenarios) }
