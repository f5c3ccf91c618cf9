/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* From a process id, a pidfd or a file of procfs to the process that it means, as the kernel finds it. */
#ifndef VEDETTE_PID_H
#define VEDETTE_PID_H

#include "core.h"
#include "record.h"
#include "scratch.h"

#define XARRAY_LEVELS 6 /* of 6 bits: more than an int has */

/* Bit 1 of an entry that is not data; node addresses lie above the kernel's own small values (xa_is_node). */
ALWAYS_INLINE bool is_node(__u64 entry)
{
	return (entry & 3) == 2 && entry > 4096;
}

/* What is stored at an index (xas_load), 0 when nothing is. */
ROUND __u64 xarray_load(__u64 entry, __u64 index)
{
	for (int i = 0; i < XARRAY_LEVELS; i++) {
		__u64 slots = bpf_core_field_size(((struct xa_node *)0)->slots) / sizeof(void *), at;
		struct xa_node *node;
		__u64 shift;

		if (!is_node(entry))
			return (entry & 3) == 0 && index == 0 ? entry : 0;
		node = (void *)(entry - 2);
		shift = BPF_CORE_READ(node, shift) & 63;
		at = index >> shift;
		if (at >= slots)
			return 0;
		index &= (1ULL << shift) - 1;
		if (bpf_probe_read_kernel(&entry, sizeof(entry),
					  (void *)node + bpf_core_field_offset(struct xa_node, slots) + at * sizeof(void *)))
			return 0;
		if (!shift)
			return (entry & 3) == 0 ? entry : 0;
	}
	return 0;
}

/* The innermost namespace that a process id is known in. */
ALWAYS_INLINE struct pid_namespace *namespace_of(struct pid *pid)
{
	struct pid_namespace *ns = NULL;
	__u32 level;

	if (!pid)
		return NULL;
	level = BPF_CORE_READ(pid, level);
	bpf_probe_read_kernel(&ns, sizeof(ns),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, ns));
	return ns;
}

/* What a number means to a task, NULL when nothing (find_vpid). */
ALWAYS_INLINE struct pid *pid_of_number(struct task_struct *task, __u32 number)
{
	struct pid_namespace *ns = namespace_of(BPF_CORE_READ(task, thread_pid));
	__u32 base;

	if (!ns)
		return NULL;
	base = BPF_CORE_READ(ns, idr.idr_base);
	if (number < base)
		return NULL;
	return (struct pid *)xarray_load((__u64)BPF_CORE_READ(ns, idr.idr_rt.xa_head), number - base);
}

/* The thread that has a process id, NULL when it is gone (pid_task). */
ALWAYS_INLINE struct task_struct *task_of_pid(struct pid *pid)
{
	struct hlist_node *node;

	if (!pid)
		return NULL;
	node = BPF_CORE_READ(pid, tasks[PIDTYPE_PID].first);
	if (!node)
		return NULL;
	return (void *)node - bpf_core_field_offset(struct task_struct, pid_links);
}

/* What a file of procfs is about, of /proc/PID and all below it; NULL for others. */
ALWAYS_INLINE struct pid *pid_of_procfs(struct inode *inode)
{
	struct proc_inode *p = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);

	if (!inode || BPF_CORE_READ(inode, i_sb, s_magic) != PROC_SUPER_MAGIC)
		return NULL;
	return BPF_CORE_READ(p, pid);
}

/* What a pidfd means, NULL when the file is none. pidfd_send_signal takes a directory of procfs too. */
ALWAYS_INLINE struct pid *pid_of_pidfd(struct file *file)
{
	const unsigned char *text;
	struct inode *inode;
	char name[9] = {};
	__u64 magic;

	if (!file)
		return NULL;
	inode = BPF_CORE_READ(file, f_inode);
	magic = BPF_CORE_READ(inode, i_sb, s_magic);
	/* A file system of its own since 6.9; before, one of the anonymous inodes, which differ by name. */
	if (magic == PID_FS_MAGIC)
		return BPF_CORE_READ(inode, i_private);
	if (magic == PROC_SUPER_MAGIC)
		return pid_of_procfs(inode);
	text = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	bpf_probe_read_kernel_str(name, sizeof(name), text);
	if (__builtin_memcmp(name, "[pidfd]", 8) != 0)
		return NULL;
	return BPF_CORE_READ(file, private_data);
}

/* The identity of the process of a task that is a plain address to the verifier; nothing of NULL. */
ALWAYS_INLINE void read_key(struct process_key *key, struct task_struct *task)
{
	key->tgid = 0;
	key->reserved = 0;
	key->start_time_ns = 0;
	if (!task)
		return;
	key->tgid = BPF_CORE_READ(task, tgid);
	key->start_time_ns = BPF_CORE_READ(task, group_leader, start_boottime);
}

#endif
