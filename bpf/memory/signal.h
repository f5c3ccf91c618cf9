/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Signals to other processes. A call that names one process or thread is one event, made at its exit; what signal_generate says
 * in between goes into it. A call that names many is an event without a target, and each process that it reaches is an event of
 * its own, made by signal_generate. So are signals that come by no call of the kill family. Absent are signals to oneself,
 * SIGCHLD, number 0, timers, and what the kernel sends by itself unless it kills: its notices (SIGIO, SIGURG, SIGWINCH, keys of a
 * terminal) are often sent from an interrupt, which has no actor.
 */
#ifndef VEDETTE_SIGNAL_H
#define VEDETTE_SIGNAL_H

#include "../include/call.h"
#include "../include/memory_record.h"

/* include/uapi/asm-generic/{signal,siginfo}.h, include/linux/sched/signal.h, include/uapi/linux/pidfd.h */
#define SIGKILL 9
#define SIGCHLD 17
#define SI_USER 0
#define SI_TKILL -6
#define SI_TIMER -2
#define SI_ASYNCIO -4
#define SI_SIGIO -5
#define SI_KERNEL 0x80
#define SEND_SIG_PRIV 1
#define PIDFD_SELF_THREAD -10000
#define PIDFD_SELF_THREAD_GROUP -10001
#define PIDFD_SIGNAL_PROCESS_GROUP 4

/* include/trace/events/signal.h */
#define TRACE_SIGNAL_DELIVERED 0
#define TRACE_SIGNAL_LOSE_INFO 4

/* A call of the kill family, from its entry to its exit. */
struct kill {
	struct process_key target;
	__s32 number;
	__s32 code;
	__u32 single;    /* the call names one process or thread */
	__u32 delivered; /* to that, or of many to one at least */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct kill);
} kills SEC(".maps");

/* The caller's process id as the caller knows it. */
ALWAYS_INLINE __s32 own_number(struct task_struct *task)
{
	__u32 number = 0, ns = 0;

	own_namespace(BPF_CORE_READ(task, group_leader, thread_pid), &number, &ns);
	return number;
}

/* The si_code that the caller brings along (siginfo_t has it after two numbers). */
ALWAYS_INLINE __s32 code_of(__u64 info)
{
	__s32 code = SI_USER;

	if (info)
		bpf_probe_read_user(&code, sizeof(code), (void *)(info + 2 * sizeof(code)));
	return code;
}

ALWAYS_INLINE void kill_enter(struct pt_regs *regs)
{
	struct task_struct *task = current_task();
	__u64 thread = bpf_get_current_pid_tgid();
	struct call_arguments a;
	struct kill k = {.single = 1};
	struct pid *pid = NULL;
	__s32 process, target;

	read_call(&a, regs);
	/* The number of the process where the call tells it, and of what is signalled. */
	process = target = a.a0;
	k.number = a.a1;
	switch (a.call) {
	case CALL_TKILL:
		process = 0;
		k.code = SI_TKILL;
		break;
	case CALL_TGKILL:
		target = a.a1;
		k.number = a.a2;
		k.code = SI_TKILL;
		break;
	case CALL_RT_TGSIGQUEUEINFO:
		target = a.a1;
		k.number = a.a2;
		break;
	case CALL_PIDFD_SEND_SIGNAL:
		process = 0;
		break;
	default:
		break;
	}
	if (k.number == 0 || k.number == SIGCHLD)
		return;
	if (a.call == CALL_PIDFD_SEND_SIGNAL) {
		if (target == PIDFD_SELF_THREAD || target == PIDFD_SELF_THREAD_GROUP)
			return;
		k.code = code_of(a.a2);
		k.single = !(a.a3 & PIDFD_SIGNAL_PROCESS_GROUP);
		if (k.single)
			pid = pid_of_pidfd(file_of_descriptor(task, target));
	} else {
		/* Runtimes signal their own threads all the time. */
		if (process > 0 && process == own_number(task))
			return;
		if (a.call == CALL_RT_SIGQUEUEINFO)
			k.code = code_of(a.a2);
		if (a.call == CALL_RT_TGSIGQUEUEINFO)
			k.code = code_of(a.a3);
		k.single = a.call != CALL_KILL || target > 0;
		if (target > 0)
			pid = pid_of_number(task, target);
	}
	read_key(&k.target, task_of_pid(pid));
	if (k.target.tgid == thread >> 32)
		return;
	if (bpf_map_update_elem(&kills, &thread, &k, BPF_ANY)) {
		struct cpu_counters *c = counters_of(CLASS_MEMORY, bpf_get_smp_processor_id());

		if (c) {
			count_made(c);
			COUNT(c->lost_map_full);
		}
	}
}

ALWAYS_INLINE void tell_signal(struct process_key *target, __s32 number, __s32 code, bool delivered, __s32 error)
{
	struct scratch *s = begin_memory(MEMORY_SIGNAL);
	struct memory_record *r;

	if (!s)
		return;
	r = RECORD(s, memory_record);
	r->target = *target;
	r->number = number;
	r->code = code;
	r->delivered = delivered;
	r->error = error;
	SUBMIT_MEMORY(s);
}

ALWAYS_INLINE void kill_exit(long ret)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct kill *found, k;

	found = bpf_map_lookup_elem(&kills, &thread);
	if (!found)
		return;
	k = *found;
	bpf_map_delete_elem(&kills, &thread);
	tell_signal(&k.target, k.number, k.code, k.delivered, ret < 0 ? -ret : 0);
}

/* Whether a signal that no call of the kill family names is worth telling of. */
ALWAYS_INLINE bool is_sent(__s32 number, bool by_kernel, __s32 code)
{
	if (number == SIGKILL)
		return true;
	return !by_kernel && code <= 0 && code != SI_TIMER && code != SI_ASYNCIO && code != SI_SIGIO;
}

ALWAYS_INLINE void signal_generated(__s32 number, struct kernel_siginfo *info, struct task_struct *task, __s32 result)
{
	__u64 thread = bpf_get_current_pid_tgid();
	bool delivered = result == TRACE_SIGNAL_DELIVERED || result == TRACE_SIGNAL_LOSE_INFO, by_kernel = false;
	struct process_key target;
	__s32 code = SI_USER;
	struct kill *k;

	if (number == SIGCHLD || task->tgid == thread >> 32)
		return;
	/* 0 stands for the acting process, 1 for the kernel (SEND_SIG_NOINFO, SEND_SIG_PRIV). */
	if ((__u64)info == SEND_SIG_PRIV) {
		by_kernel = true;
		code = SI_KERNEL;
	} else if (info) {
		bpf_probe_read_kernel(&code, sizeof(code),
				      (void *)info + bpf_core_field_offset(struct kernel_siginfo, si_code));
	}
	fill_key(&target, task);
	k = bpf_map_lookup_elem(&kills, &thread);
	/* An interrupt may send something else in the middle of the call. */
	if (k && k->number == number && !by_kernel) {
		if (!k->single) {
			k->delivered |= delivered;
		} else if (k->target.tgid == target.tgid || !k->target.tgid) {
			k->target = target;
			k->code = code;
			k->delivered = delivered;
			return;
		}
	}
	/* What is ignored, or pending already, has no effect. */
	if (delivered && is_sent(number, by_kernel, code))
		tell_signal(&target, number, code, delivered, 0);
}

#endif
