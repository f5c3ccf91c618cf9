/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The kernel's own answer to what a name led to. Where its functions can be traced (fentry, which lockdown forbids), the checks that
 * security modules are asked (security_path_*, security/security.c) say what is about to be changed; then nothing has to be looked
 * up, and a name that changes under way deceives nobody.
 */
#ifndef VEDETTE_TRUTH_H
#define VEDETTE_TRUTH_H

#include "../include/lookup.h"
#include "tell.h"

struct true_name {
	struct dentry *after; /* what lies at the name when the call is done, if anything does */
	struct vfsmount *mnt;
	__u32 length;
	__u16 gone;
	__u16 flags; /* FLAG_PATH_UNRESOLVED, where the text is only the end */
	__u8 text[TEXT_MAX];
};

#define TRUE_NAMES 512

/* By thread, times two and one more for the second name. What the least recent lose is looked up. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TRUE_NAMES);
	__type(key, __u64);
	__type(value, struct true_name);
} true_names SEC(".maps");

/* Of a name_before: the kernel has told which of the true names it is, from 1. */
ALWAYS_INLINE struct true_name *find_truth(struct name_before *before)
{
	__u64 key = bpf_get_current_pid_tgid() << 1;

	if (!before->truth)
		return NULL;
	key |= before->truth - 1;
	return bpf_map_lookup_elem(&true_names, &key);
}

/* Appends a true name to a record, and what is there now; returns its length. */
ALWAYS_INLINE __u32 append_truth(struct scratch *s, struct true_name *t, struct file_identity *f)
{
	struct dentry *after = t->after;
	struct inode *inode = t->gone ? NULL : BPF_CORE_READ(after, d_inode);
	__u32 length = t->length & (TEXT_MAX - 1);
	__u64 at = s->at;

	if (inode) {
		s->lookup_result = LOOKUP_FOUND;
		return append_object(s, f, inode, t->mnt, after);
	}
	s->lookup_result = LOOKUP_ABSENT;
	OPAQUE(at);
	if (at >= TEXT_LIMIT)
		return 0;
	bpf_probe_read_kernel(&s->text[at], length, t->text);
	s->flags |= t->flags;
	s->at = at + length;
	return length;
}

#endif
