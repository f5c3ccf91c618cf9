package evasion

import "testing"

// The end is a failing request for a map of a type that does not exist.
var kernels = program{"evade_kernel", "bpf_operation command=0 map_type=3822"}

const (
	parameter = "sysctl_write name=kernel/domainname new_value=evasion error=0"
	request   = "io_uring created=false ring_creator.pid={pid} opcode="
	// The thread that polls a ring is one of its creator's since 5.12, and the kernel's own before.
	polled = " actor.process.pid>=0"
)

var kernelScenarios = []scenario{
	{"init_module", wants("module_load from_memory=true parameters=a=b error={error}")},
	{"finit_module", wants("module_load from_memory=false file.path={file} parameters=a=b error={error}")},
	{"finit_module-memfd", wants("module_load from_memory=false file.path=memfd:code file.flags&2 error={error}")},
	{"delete_module", wants("module_unload name=evasion_none error={error}")},
	{"delete_module-int80", wants("module_unload name=evasion_none error={error}")},
	{"bpf-program", wants("bpf_operation command=5 program_type=1 name=evasion id!=0 error=0")},
	{"bpf-program-int80", wants("bpf_operation command=5 program_type=1 name=evasion id!=0 error=0")},
	{"bpf-program-denied", wants("bpf_operation command=5 program_type=2 error={error}")},
	{"bpf-program-refused", wants("bpf_operation command=5 program_type=1 id=0 error={error}")},
	{"bpf-map", wants("bpf_operation command=0 map_type=2 name=evasion error=0")},
	{"bpf-map-int80", wants("bpf_operation command=0 map_type=2 name=evasion error=0")},
	{"bpf-raw-tracepoint", wants("bpf_operation command=17 target=sys_enter error=0")},
	{"bpf-attach", wants("bpf_operation command=8 attach_type=0 error=0")},
	{"perf_event_open", wants("perf_event_open type=1 config=0 with_program=false error=0")},
	{"perf_event_open-int80", wants("perf_event_open type=1 config=0 error=0")},
	{"perf-program", wants("perf_event_open with_program=true")},
	{"kexec_load", wants("kexec error={error}")},
	{"kexec_file_load", wants("kexec error={error}")},
	{"sysctl", wants(parameter)},
	{"sysctl-through-root", wants(parameter)},
	{"sysctl-dots", wants(parameter)},
	{"sysctl-pwrite", wants(parameter)},
	{"sysctl-writev", wants(parameter)},
	{"sysctl-int80", wants(parameter)},
	{"sysctl-ring", wants("sysctl_write name=kernel/domainname")},
	{"sysctl-sendfile", wants("sysctl_write name=kernel/domainname")},
	{"sysctl-splice", wants("sysctl_write name=kernel/domainname")},
	{"sysctl-other-proc", wants(parameter)},
	{"sysctl-bind-mount", wants(parameter)},
	{"add_key", wants("key_operation call=add_key type=user description=evasion%20key serial={serial} error=0")},
	{"add_key-int80", wants("key_operation call=add_key type=user description=evasion%20key serial={serial} error=0")},
	{"request_key", wants("key_operation call=request_key type=user description=evasion%20none error={error}")},
	{"keyctl", wants("key_operation call=keyctl operation=11 serial={serial} error=0")},
	{"io_uring_setup", wants("io_uring created=true entries=8 setup_flags=0 error=0")},
	{"io_uring_setup-sqpoll", wants("io_uring created=true entries=8 setup_flags=2 error=0")},
	{"io_uring_setup-int80", wants("io_uring created=true entries=8 error=0")},
	{"ring-openat", wants(request + "18 path={first}")},
	{"ring-openat2", wants(request + "28 path={first}")},
	{"ring-renameat", wants(request + "35 path={first} second_path={second}")},
	{"ring-unlinkat", wants(request + "36 path={first}")},
	{"ring-mkdirat", wants(request + "37 path={second}")},
	{"ring-symlinkat", wants(request + "38 path={first} second_path={second}")},
	{"ring-linkat", wants(request + "39 path={first} second_path={second}")},
	{"ring-connect", wants(request + "16 remote.address=%7F%00%00%01 remote.port=4321")},
	{"sqpoll-openat", wants(request + "18 path={first}" + polled)},
	{"sqpoll-openat2", wants(request + "28 path={first}" + polled)},
	{"sqpoll-renameat", wants(request + "35 path={first} second_path={second}" + polled)},
	{"sqpoll-unlinkat", wants(request + "36 path={first}" + polled)},
	{"sqpoll-mkdirat", wants(request + "37 path={second}" + polled)},
	{"sqpoll-symlinkat", wants(request + "38 path={first} second_path={second}" + polled)},
	{"sqpoll-linkat", wants(request + "39 path={first} second_path={second}" + polled)},
	{"sqpoll-connect", wants(request + "16 remote.address=%7F%00%00%01 remote.port=4321" + polled)},
}

func TestKernel(t *testing.T) { kernels.run(t, kernelScenarios) }
