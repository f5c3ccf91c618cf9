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
int ON_EXIT(file_open, struct pt_regs *regs, long ret)
{
	struct call_arguments a;
	struct file *file;

	read_call(&a, regs);
	if (ret < 0) {
		tell_failed_open(&a, -ret, 0, NULL);
	} else {
		file = file_of_descriptor(current_task(), ret);
		if (file)
			tell_open(file, &a, NULL);
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(file_write, struct pt_regs *regs, long ret)
{
	write_exit(regs, ret);
	return 0;
}

SEC("tp_btf/sys_enter")
int ON_ENTER(file_close, struct pt_regs *regs)
{
	close_enter(regs);
	return 0;
}

SEC("tp_btf/sys_enter")
int ON_ENTER(file_change_enter, struct pt_regs *regs)
{
	change_enter(regs);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(file_change, struct pt_regs *regs, long ret)
{
	change_exit(regs, ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(file_mount, struct pt_regs *regs, long ret)
{
	mount_exit(regs, ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(file_bind, struct pt_regs *regs, long ret)
{
	bind_exit(regs, ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(file_memfd, struct pt_regs *regs, long ret)
{
	memfd_exit(regs, ret);
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

// What is about to be done, by the word of the kernel, where its functions can be traced.

SEC("fentry/security_path_unlink")
int BPF_PROG(file_true_unlink, const struct path *directory, struct dentry *dentry)
{
	preemption_off();
	keep_truth(directory, dentry, dentry, true, 0);
	preemption_on();
	return 0;
}

SEC("fentry/security_path_rmdir")
int BPF_PROG(file_true_rmdir, const struct path *directory, struct dentry *dentry)
{
	preemption_off();
	keep_truth(directory, dentry, dentry, true, 0);
	preemption_on();
	return 0;
}

SEC("fentry/security_path_mkdir")
int BPF_PROG(file_true_mkdir, const struct path *directory, struct dentry *dentry)
{
	preemption_off();
	keep_truth(directory, dentry, dentry, false, 0);
	preemption_on();
	return 0;
}

SEC("fentry/security_path_mknod")
int BPF_PROG(file_true_mknod, const struct path *directory, struct dentry *dentry)
{
	preemption_off();
	keep_truth(directory, dentry, dentry, false, 0);
	preemption_on();
	return 0;
}

SEC("fentry/security_path_symlink")
int BPF_PROG(file_true_symlink, const struct path *directory, struct dentry *dentry)
{
	preemption_off();
	keep_truth(directory, dentry, dentry, false, 0);
	preemption_on();
	return 0;
}

SEC("fentry/security_path_link")
int BPF_PROG(file_true_link, struct dentry *old, const struct path *directory, struct dentry *dentry)
{
	preemption_off();
	/* A link stays within a mount. */
	keep_truth(directory, old, old, false, 0);
	keep_truth(directory, dentry, dentry, false, 1);
	preemption_on();
	return 0;
}

SEC("fentry/security_path_rename")
int BPF_PROG(file_true_rename, const struct path *from, struct dentry *old, const struct path *to, struct dentry *dentry,
	     unsigned int flags)
{
	preemption_off();
	keep_truth(from, old, dentry, !(flags & RENAME_EXCHANGE), 0);
	keep_truth(to, dentry, old, false, 1);
	preemption_on();
	return 0;
}

SEC("fentry/security_path_chmod")
int BPF_PROG(file_true_chmod, const struct path *path)
{
	preemption_off();
	keep_truth(path, BPF_CORE_READ(path, dentry), BPF_CORE_READ(path, dentry), false, 0);
	preemption_on();
	return 0;
}

SEC("fentry/security_path_chown")
int BPF_PROG(file_true_chown, const struct path *path)
{
	preemption_off();
	keep_truth(path, BPF_CORE_READ(path, dentry), BPF_CORE_READ(path, dentry), false, 0);
	preemption_on();
	return 0;
}

SEC("fentry/security_path_truncate")
int BPF_PROG(file_true_truncate, const struct path *path)
{
	preemption_off();
	keep_truth(path, BPF_CORE_READ(path, dentry), BPF_CORE_READ(path, dentry), false, 0);
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
