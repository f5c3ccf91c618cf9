//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
// What is done to files. A call that gives a descriptor is asked for the file behind it; a call that takes a name is followed
// along the kernel's own cache of names.

#include "change.h"
#include "mount.h"
#include "open.h"
#include "written.h"

char LICENSE[] SEC("license") = "GPL";

// Only what a map, a function or a variable mentions is described in the object; Go's test of the layout needs these.
const struct file_record *const volatile layout_file = NULL;

SEC("tp_btf/sys_exit")
int BPF_PROG(file_open, struct pt_regs *regs, long ret)
{
	struct call_arguments a;
	struct file *file;

	preemption_off();
	read_call(&a, regs);
	if (ret < 0) {
		tell_failed_open(&a, -ret);
	} else {
		file = file_of_descriptor(current_task(), ret);
		if (file)
			tell_open(file, &a);
	}
	preemption_on();
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_write, struct pt_regs *regs, long ret)
{
	preemption_off();
	write_exit(regs, ret);
	preemption_on();
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(file_close, struct pt_regs *regs, long id)
{
	preemption_off();
	close_enter(regs);
	preemption_on();
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(file_change_enter, struct pt_regs *regs, long id)
{
	preemption_off();
	change_enter(regs);
	preemption_on();
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_change, struct pt_regs *regs, long ret)
{
	preemption_off();
	change_exit(regs, ret);
	preemption_on();
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_mount, struct pt_regs *regs, long ret)
{
	preemption_off();
	mount_exit(regs, ret);
	preemption_on();
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_bind, struct pt_regs *regs, long ret)
{
	preemption_off();
	bind_exit(regs, ret);
	preemption_on();
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_memfd, struct pt_regs *regs, long ret)
{
	preemption_off();
	memfd_exit(regs, ret);
	preemption_on();
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(file_exec, struct task_struct *task)
{
	preemption_off();
	close_at_exec(task);
	preemption_on();
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(file_exit, struct task_struct *task)
{
	__u64 thread = bpf_get_current_pid_tgid();

	preemption_off();
	/* A thread that was killed within a call. */
	bpf_map_delete_elem(&pending_calls, &thread);
	close_at_exit(task);
	throttle_exit(&ring_file, CLASS_FILE, task);
	preemption_on();
	return 0;
}
