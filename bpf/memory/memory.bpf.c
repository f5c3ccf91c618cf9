//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
// Memory that is made executable although no file of the system stands behind it, and what one process does to another: traces
// it, writes its memory, takes its descriptors, signals it. What loaders do with files is left out.

#include "map.h"
#include "other.h"
#include "signal.h"

char LICENSE[] SEC("license") = "GPL";

// Only what a map, a function or a variable mentions is described in the object; Go's test of the layout needs these.
const struct memory_record *const volatile layout_memory = NULL;

SEC("tp_btf/sys_exit")
int ON_EXIT(memory_map, struct pt_regs *regs, long ret)
{
	map_exit(regs, ret);
	return 0;
}

SEC("tp_btf/sys_enter")
int ON_ENTER(memory_protect_enter, struct pt_regs *regs)
{
	protect_enter(regs);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(memory_protect, struct pt_regs *regs, long ret)
{
	protect_exit(regs, ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(memory_trace, struct pt_regs *regs, long ret)
{
	trace_exit(regs, ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(memory_access, struct pt_regs *regs, long ret)
{
	access_exit(regs, ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(memory_handle, struct pt_regs *regs, long ret)
{
	handle_exit(regs, ret);
	return 0;
}

SEC("tp_btf/sys_enter")
int ON_ENTER(memory_kill_enter, struct pt_regs *regs)
{
	kill_enter(regs);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(memory_kill, struct pt_regs *regs, long ret)
{
	kill_exit(ret);
	return 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(memory_signal, int sig, struct kernel_siginfo *info, struct task_struct *task, int group, int result)
{
	preemption_off();
	signal_generated(sig, info, task, result);
	preemption_on();
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(memory_exit, struct task_struct *task)
{
	__u64 thread = bpf_get_current_pid_tgid();

	preemption_off();
	/* What a run that the kernel skipped has left behind. */
	bpf_map_delete_elem(&protects, &thread);
	bpf_map_delete_elem(&kills, &thread);
	throttle_exit(&ring_memory, CLASS_MEMORY, task);
	preemption_on();
	return 0;
}
