/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What one process does to another by ptrace, process_vm_readv, process_vm_writev and pidfd_getfd. Never withheld. */
#ifndef VEDETTE_OTHER_H
#define VEDETTE_OTHER_H

#include "../include/call.h"
#include "../include/memory_record.h"

/* include/uapi/linux/ptrace.h, arch/x86/include/uapi/asm/ptrace-abi.h */
enum trace_request {
	TRACE_ME = 0,
	TRACE_POKE_TEXT = 4,
	TRACE_POKE_DATA = 5,
	TRACE_POKE_USER = 6,
	TRACE_SET_REGISTERS = 13,
	TRACE_SET_FP_REGISTERS = 15,
	TRACE_ATTACH = 16,
	TRACE_SET_FPX_REGISTERS = 19,
	TRACE_SET_REGISTER_SET = 0x4205,
	TRACE_SEIZE = 0x4206,
};

ALWAYS_INLINE bool is_watched_request(__u64 request)
{
	switch (request) {
	case TRACE_ME:
	case TRACE_POKE_TEXT:
	case TRACE_POKE_DATA:
	case TRACE_POKE_USER:
	case TRACE_SET_REGISTERS:
	case TRACE_SET_FP_REGISTERS:
	case TRACE_ATTACH:
	case TRACE_SET_FPX_REGISTERS:
	case TRACE_SET_REGISTER_SET:
	case TRACE_SEIZE:
		return true;
	}
	return false;
}

ALWAYS_INLINE __s32 errno_of(long ret)
{
	return ret < 0 ? -ret : 0;
}

ALWAYS_INLINE bool is_own(struct process_key *key)
{
	return key->tgid == bpf_get_current_pid_tgid() >> 32;
}

ALWAYS_INLINE void trace_exit(struct pt_regs *regs, long ret)
{
	struct task_struct *task = current_task();
	struct call_arguments a;
	struct memory_record *r;
	struct scratch *s;

	read_call(&a, regs);
	if (!is_watched_request(a.a0))
		return;
	s = begin_memory(MEMORY_TRACE);
	if (!s)
		return;
	r = RECORD(s, memory_record);
	if (a.a0 == TRACE_ME)
		read_key(&r->target, BPF_CORE_READ(task, real_parent));
	else
		read_key(&r->target, task_of_pid(pid_of_number(task, a.a1)));
	r->number = a.a0;
	r->address = a.a2;
	r->length = a.a3;
	/* Of PEEK a result may look like an error; the requests here return 0. */
	r->error = errno_of(ret);
	SUBMIT_MEMORY(s);
}

#define REGIONS 8

/* The first of the regions that a call names, and the length of at most REGIONS of them. */
ALWAYS_INLINE void read_regions(struct scratch *s, struct memory_record *r, __u64 list, __u64 count, bool narrow)
{
	for (__u64 i = 0; i < REGIONS && i < count; i++) {
		__u64 wide[2] = {};
		__u32 half[2] = {};
		long failed;

		if (narrow) {
			failed = bpf_probe_read_user(half, sizeof(half), (void *)(list + i * sizeof(half)));
			wide[0] = half[0];
			wide[1] = half[1];
		} else {
			failed = bpf_probe_read_user(wide, sizeof(wide), (void *)(list + i * sizeof(wide)));
		}
		if (failed) {
			s->flags |= FLAG_READ_FAULT;
			return;
		}
		if (i == 0)
			r->address = wide[0];
		r->length += wide[1];
	}
}

ALWAYS_INLINE void access_exit(struct pt_regs *regs, long ret)
{
	struct task_struct *task = current_task();
	struct process_key target;
	struct call_arguments a;
	struct memory_record *r;
	struct scratch *s;

	read_call(&a, regs);
	read_key(&target, task_of_pid(pid_of_number(task, a.a0)));
	/* Programs look at their own memory so, to be spared a fault. */
	if (is_own(&target))
		return;
	s = begin_memory(a.call == CALL_PROCESS_VM_WRITEV ? MEMORY_WRITE : MEMORY_READ);
	if (!s)
		return;
	r = RECORD(s, memory_record);
	r->target = target;
	read_regions(s, r, a.a3, a.a4, a.compat || (regs->orig_ax & X32_BIT));
	r->error = errno_of(ret);
	/* What was moved is the kernel's word; what was asked for is the caller's. */
	if (ret >= 0)
		r->length = ret;
	SUBMIT_MEMORY(s);
}

ALWAYS_INLINE void handle_exit(struct pt_regs *regs, long ret)
{
	struct task_struct *task = current_task();
	struct process_key target;
	struct call_arguments a;
	struct memory_record *r;
	struct scratch *s;

	read_call(&a, regs);
	read_key(&target, task_of_pid(pid_of_pidfd(file_of_descriptor(task, a.a0))));
	if (is_own(&target))
		return;
	s = begin_memory(MEMORY_HANDLE);
	if (!s)
		return;
	r = RECORD(s, memory_record);
	r->target = target;
	r->number = a.a1;
	r->error = errno_of(ret);
	SUBMIT_MEMORY(s);
}

#endif
