//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
// What is done to files. A call that gives a descriptor is asked for the file behind it; a call that takes a name is followed
// along the kernel's own cache of names.

#include "change.h"
#include "mount.h"
#include "open.h"
#include "request.h"
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
		tell_failed_open(&a, -ret, 0, NULL);
	} else {
		file = file_of_descriptor(current_task(), ret);
		if (file)
			tell_open(file, &a, NULL);
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

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(file_request, struct io_kiocb *request)
{
	preemption_off();
	request_submitted(request);
	preemption_on();
	return 0;
}

// The same to 6.2.
SEC("tp_btf/io_uring_submit_sqe")
int file_request_sqe(__u64 *ctx)
{
	preemption_off();
	request_submitted(submitted_request(ctx));
	preemption_on();
	return 0;
}

// Three programs for completions, because one would take the verifier too long.
SEC("tp_btf/io_uring_complete")
int file_request_change(__u64 *ctx)
{
	struct io_kiocb *request = (void *)ctx[1];
	__u32 opcode = request ? BPF_CORE_READ(request, opcode) : 0;

	if (!IS_REQUEST(opcode, CHANGING_REQUESTS))
		return 0;
	preemption_off();
	request_completed(request, false, RESULT_OF_REQUEST(request, ctx));
	preemption_on();
	return 0;
}

SEC("tp_btf/io_uring_complete")
int file_request_open(__u64 *ctx)
{
	struct io_kiocb *request = (void *)ctx[1];
	__u32 opcode = request ? BPF_CORE_READ(request, opcode) : 0;

	if (!IS_REQUEST(opcode, OPENING_REQUESTS))
		return 0;
	preemption_off();
	request_completed(request, true, RESULT_OF_REQUEST(request, ctx));
	preemption_on();
	return 0;
}

SEC("tp_btf/io_uring_complete")
int file_request_write(__u64 *ctx)
{
	struct io_kiocb *request = (void *)ctx[1];
	__u32 opcode = request ? BPF_CORE_READ(request, opcode) : 0;
	struct file *file;

	if (!IS_REQUEST(opcode, WRITING_REQUESTS) && opcode != IORING_OP_BIND)
		return 0;
	preemption_off();
	file = BPF_CORE_READ(request, file);
	if (opcode != IORING_OP_BIND)
		request_wrote(request, opcode, RESULT_OF_REQUEST(request, ctx));
	else if (file && RESULT_OF_REQUEST(request, ctx) == 0)
		tell_bind(file, CALL_BIND);
	preemption_on();
	return 0;
}
