/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What is mapped at an address of the acting process. The kernel's trees are walked here rather than by bpf_find_vma, which came
 * with 5.17 and gives up when another thread holds the lock: a process could see to that. Without the lock another thread can
 * change an area while we look, so what a walk gives is what was there a moment ago.
 */
#ifndef VEDETTE_AREA_H
#define VEDETTE_AREA_H

#include "../include/call.h"
#include "../include/pid.h"
#include "../include/scratch.h"

#define MAPLE_LEVELS 8
#define MAPLE_PIVOTS 15
#define MAPLE_ARANGE 3 /* maple_arange_64: inner nodes that know their gaps too; types 0 and 1 are leaves */
#define RB_LEVELS 40   /* twice the logarithm of the areas that a process may have, 65530 unless root has raised it */

ALWAYS_INLINE __u64 maple_type(__u64 entry)
{
	return entry >> 3 & 15;
}

/* 1 when a < b: the borrow of a - b. The verifier of 6.1 walks both ways of every comparison, 2 to the number of pivots. */
ALWAYS_INLINE __u64 is_less(__u64 a, __u64 b)
{
	return ((~a & b) | ((~a | b) & (a - b))) >> 63;
}

/* The entry of a node that covers an address (mtree_range_walk in lib/maple_tree.c). */
ROUND __u64 maple_step(__u64 entry, __u64 address)
{
	void *node = (void *)(entry & ~255ULL);
	__u64 pivot[MAPLE_PIVOTS] = {};
	__u64 slots, at = 0;
	__u64 end = MAPLE_PIVOTS;

	if (!bpf_core_type_exists(struct maple_tree))
		return 0;
	if (maple_type(entry) == MAPLE_ARANGE) {
		struct maple_arange_64 *m = node;

		bpf_probe_read_kernel(pivot, 9 * sizeof(pivot[0]), node + bpf_core_field_offset(struct maple_arange_64, pivot));
		end = BPF_CORE_READ(m, meta.end);
		slots = bpf_core_field_offset(struct maple_arange_64, slot);
	} else {
		struct maple_range_64 *m = node;

		bpf_probe_read_kernel(pivot, sizeof(pivot), node + bpf_core_field_offset(struct maple_range_64, pivot));
		/* The last slot holds where the data ends unless it is needed itself, which the last pivot tells. */
		if (!pivot[MAPLE_PIVOTS - 1])
			end = BPF_CORE_READ(m, meta.end);
		slots = bpf_core_field_offset(struct maple_range_64, slot);
	}
#pragma unroll
	for (int i = 0; i < MAPLE_PIVOTS; i++)
		at += is_less(i, end) & is_less(pivot[i], address);
	entry = 0;
	bpf_probe_read_kernel(&entry, sizeof(entry), node + slots + at * sizeof(void *));
	return entry;
}

ALWAYS_INLINE __u64 maple_find(__u64 entry, __u64 address)
{
	/* A tree of one entry has no node. */
	if (!is_node(entry))
		return 0;
	for (int i = 0; i < MAPLE_LEVELS; i++) {
		bool leaf = maple_type(entry) < 2;

		if (!entry)
			return 0;
		entry = maple_step(entry, address);
		if (leaf)
			return (entry & 3) == 0 ? entry : 0;
	}
	return 0;
}

ALWAYS_INLINE __u64 rb_find(struct rb_node *node, __u64 address)
{
	__u64 found = 0;

	for (int i = 0; i < RB_LEVELS && node; i++) {
		__u64 at = (__u64)node - bpf_core_field_offset(struct vm_area_struct___v60, vm_rb);
		struct vm_area_struct *vma = (void *)at;

		if (BPF_CORE_READ(vma, vm_end) > address) {
			found = at;
			node = BPF_CORE_READ(node, rb_left);
		} else {
			node = BPF_CORE_READ(node, rb_right);
		}
	}
	return found;
}

/* The area of the acting process that holds an address, 0 when none does. */
ROUND __u64 find_area(__u64 address)
{
	struct task_struct *task = current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct mm_struct___v60 *v60 = (void *)mm;
	struct vm_area_struct *vma = NULL;

	if (!mm)
		return 0;
	if (bpf_core_field_exists(mm->mm_mt))
		vma = (void *)maple_find((__u64)BPF_CORE_READ(mm, mm_mt.ma_root), address);
	else if (bpf_core_field_exists(v60->mm_rb))
		vma = (void *)rb_find(BPF_CORE_READ(v60, mm_rb.rb_node), address);
	if (!vma || BPF_CORE_READ(vma, vm_start) > address || BPF_CORE_READ(vma, vm_end) <= address)
		return 0;
	return (__u64)vma;
}

/* An area, as far as it matters. */
struct area {
	__u64 end;
	struct file *file;
	__u32 protection; /* VM_READ, VM_WRITE and VM_EXEC are the bits of PROT_* */
	bool known;
	bool dirty;   /* of a file mapped privately: pages of its own have taken the place of the file's */
	bool unnamed; /* the file has no name any more, or never had one: memfd */
};

/* Whether a file is the kernel's own way to share memory that is mapped from no file (shmem_zero_setup, hugetlb_file_setup). */
ALWAYS_INLINE bool is_anonymous_file(struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	const unsigned char *text;
	char name[9] = {};

	if (BPF_CORE_READ(dentry, d_parent) != dentry)
		return false;
	text = BPF_CORE_READ(dentry, d_name.name);
	bpf_probe_read_kernel_str(name, sizeof(name), text);
	return __builtin_memcmp(name, "dev/zero", 8) == 0 || __builtin_memcmp(name, "anon_hug", 8) == 0;
}

ALWAYS_INLINE bool is_unnamed(struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

	if (!BPF_CORE_READ(file, f_inode, i_nlink))
		return true;
	return BPF_CORE_READ(dentry, d_parent) != dentry && !BPF_CORE_READ(dentry, d_hash.pprev);
}

ALWAYS_INLINE void read_area(struct area *a, __u64 address)
{
	struct vm_area_struct *vma = (void *)find_area(address);

	__builtin_memset(a, 0, sizeof(*a));
	if (!vma)
		return;
	a->known = true;
	a->end = BPF_CORE_READ(vma, vm_end);
	a->protection = BPF_CORE_READ(vma, vm_flags) & (VM_READ | VM_WRITE | VM_EXEC);
	a->file = BPF_CORE_READ(vma, vm_file);
	if (a->file && is_anonymous_file(a->file))
		a->file = NULL;
	if (!a->file)
		return;
	a->dirty = BPF_CORE_READ(vma, anon_vma) != NULL;
	a->unnamed = is_unnamed(a->file);
}

#endif
