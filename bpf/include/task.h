/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The task that acts, as every record names it. */
#ifndef VEDETTE_TASK_H
#define VEDETTE_TASK_H

#include "core.h"
#include "record.h"

ALWAYS_INLINE void fill_key(struct process_key *key, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	key->tgid = task->tgid;
	key->start_time_ns = leader->start_boottime;
	key->reserved = 0;
}

ALWAYS_INLINE __u64 cgroup_id(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

#define DIRECT(...) (___arrow(__VA_ARGS__))

/* READ is DIRECT where the verifier knows the task, and BPF_CORE_READ where it is a plain address to it. */
#define FILL_ACTOR(a, task, READ)                                                                         \
	do {                                                                                              \
		struct pid *pid_ = READ(task, thread_pid);                                                \
		(a)->process.tgid = READ(task, tgid);                                                     \
		(a)->process.start_time_ns = READ(task, group_leader, start_boottime);                    \
		(a)->process.reserved = 0;                                                                \
		(a)->parent.tgid = READ(task, real_parent, tgid);                                         \
		(a)->parent.start_time_ns = READ(task, real_parent, group_leader, start_boottime);        \
		(a)->parent.reserved = 0;                                                                 \
		(a)->cgroup_id = READ(task, cgroups, dfl_cgrp, kn, id);                                   \
		(a)->tid = READ(task, pid);                                                               \
		(a)->uid = READ(task, cred, uid.val);                                                     \
		(a)->euid = READ(task, cred, euid.val);                                                   \
		(a)->gid = READ(task, cred, gid.val);                                                     \
		(a)->egid = READ(task, cred, egid.val);                                                   \
		/* A task that has left its namespaces (exit) has no nsproxy: reads through it give 0. */ \
		(a)->mount_namespace = READ(task, nsproxy, mnt_ns, ns.inum);                              \
		(a)->pid_namespace = 0;                                                                   \
		(a)->namespace_pid = 0;                                                                   \
		own_namespace(pid_, &(a)->namespace_pid, &(a)->pid_namespace);                            \
		bpf_probe_read_kernel((a)->comm, sizeof((a)->comm), (task)->comm);                        \
	} while (0)

ALWAYS_INLINE void fill_actor(struct actor *a, struct task_struct *task)
{
	FILL_ACTOR(a, task, DIRECT);
}

/* The acting task. */
ALWAYS_INLINE void fill_current_actor(struct actor *a)
{
	struct task_struct *task;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		task = bpf_get_current_task_btf();
		FILL_ACTOR(a, task, DIRECT);
	} else {
		task = (struct task_struct *)bpf_get_current_task();
		FILL_ACTOR(a, task, BPF_CORE_READ);
	}
}

ALWAYS_INLINE void fill_header(struct record_header *h, __u16 kind, __u32 cpu, __u64 sequence, struct task_struct *task)
{
	h->sequence = sequence;
	h->time_ns = bpf_ktime_get_boot_ns();
	h->cpu = cpu;
	h->kind = kind;
	h->flags = 0;
	fill_actor(&h->actor, task);
}

#endif
