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

ALWAYS_INLINE void fill_actor(struct actor *a, struct task_struct *task)
{
	const struct cred *cred = task->cred;
	struct nsproxy *ns = task->nsproxy;

	fill_key(&a->process, task);
	fill_key(&a->parent, task->real_parent);
	a->cgroup_id = cgroup_id(task);
	a->tid = task->pid;
	a->uid = cred->uid.val;
	a->euid = cred->euid.val;
	a->gid = cred->gid.val;
	a->egid = cred->egid.val;
	/* A task that has left its namespaces (exit) has no nsproxy. */
	a->mount_namespace = ns ? BPF_CORE_READ(ns, mnt_ns, ns.inum) : 0;
	a->pid_namespace = 0;
	a->namespace_pid = 0;
	own_namespace(task, &a->namespace_pid, &a->pid_namespace);
	bpf_probe_read_kernel(a->comm, sizeof(a->comm), task->comm);
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
