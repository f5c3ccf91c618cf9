/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What a name leads to. Calls such as unlink and chmod take a name and give nothing back that could be asked for its path, and a
 * name that is only joined to a directory can lie: /tmp/x/passwd is /etc/passwd when x is a symbolic link. So the walk of
 * fs/namei.c is done once more here, over the kernel's own cache of names (fs/dcache.c): every name that a call has just gone
 * along is in it. The cache is only read, without a lock; an entry counts only when its parent and the whole of its hash and
 * length agree, so a walk that goes wrong ends as unknown, not as another file. What the cache cannot answer is unknown: link
 * texts that are on disk only, file systems with names of their own making.
 */
#ifndef VEDETTE_LOOKUP_H
#define VEDETTE_LOOKUP_H

#include "lookup_link.h"
#include "lookup_step.h"

#define TRAILING_SLASHES 16

/* Goes along one component of the name; returns the result, 0 while there is more. */
ROUND __u32 lookup_round(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct dentry *child;
	struct inode *inode;
	struct name_walk *w;
	__u64 hash_length;
	__u32 length, at;
	__u8 *name, *end;
	bool last, slash;

	if (!s)
		return LOOKUP_UNKNOWN;
	w = &s->name_walk;
	at = w->at;
	if (at >= NAME_END)
		return LOOKUP_UNKNOWN;
	name = name_at(s, at);
	if (*name == 0)
		return LOOKUP_FOUND;
	if (*name == '/') {
		at++;
		w->at = at;
		if (at >= NAME_END)
			return LOOKUP_UNKNOWN;
		name = name_at(s, at);
		/* Another slash, or the end. */
		if (*name == '/' || *name == 0)
			return 0;
	}
	hash_length = lookup_hash(slot);
	length = hash_length >> 32;
	if (length == 0 || length > 255 || at + length >= NAME_END)
		return LOOKUP_UNKNOWN;
	w->at = at + length;
	/* Slashes at the end change nothing but that a link is followed. */
	end = name_at(s, at + length);
	slash = *end == '/';
	for (int i = 0; i < TRAILING_SLASHES && *end == '/'; i++)
		end++;
	last = *end == 0;
	if (length == 1 && name[0] == '.')
		return 0;
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		w->last_length = 0;
		return lookup_up(slot);
	}
	if (last) {
		w->parent = w->dentry;
		w->parent_mnt = w->mnt;
		w->last = at;
		w->last_length = length;
	}
	if (lookup_self(slot, length))
		return w->result;
	lookup_child(slot, hash_length);
	child = w->child;
	inode = child ? FIELD(dentry, child, d_inode) : NULL;
	if (!inode)
		return !last ? LOOKUP_UNKNOWN : child ? LOOKUP_NEGATIVE : LOOKUP_ABSENT;
	if ((FIELD(inode, inode, i_mode) & S_IFMT) == S_IFLNK && (!last || (w->flags & LOOKUP_FOLLOW) || slash)) {
		if (++w->links > MOST_LINKS)
			return LOOKUP_UNKNOWN;
		if (BPF_CORE_READ(inode, i_sb, s_magic) == PROC_SUPER_MAGIC && !BPF_CORE_READ(inode, i_link))
			return lookup_proc_link(slot, (__u64)child);
		return lookup_link(slot, (__u64)child);
	}
	w->dentry = child;
	return last ? LOOKUP_ENTERED | LOOKUP_FOUND : LOOKUP_ENTERED;
}

#define NAME_STEPS 32

/* Goes along some components of the name; returns the result, 0 while there is more. */
ROUND __u32 lookup_rounds(__u32 slot)
{
	__u32 result = 0, mounted;

	for (int i = 0; i < NAME_STEPS && !result; i++) {
		result = lookup_round(slot);
		if (!(result & LOOKUP_ENTERED))
			continue;
		/* Not a call of lookup_round: old kernels have little stack. */
		mounted = lookup_mounted(slot);
		result = mounted ? mounted : result & ~LOOKUP_ENTERED;
	}
	return result;
}

#define MIX_STEPS 16

/* Goes on with mixing at a word of the name. */
ROUND __u64 lookup_mix_round(__u32 slot, __u32 from, __u64 mix)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u64 *words;

	if (!s)
		return 0;
	words = (__u64 *)name_at(s, NAME_START + from * 8);
	for (__u32 i = 0; i < MIX_STEPS && (from + i) * 8 < s->name_walk.length; i++)
		mix = (rotate_left(mix, 23) ^ words[i]) * GOLDEN_RATIO_64;
	return mix;
}

/* Mixes the name's bytes, so that two reads of it can be compared. What follows it within its last word is 0: see lookup_read. */
ROUND __u64 lookup_mix(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u64 mix = GOLDEN_RATIO_64;
	__u32 length;

	if (!s)
		return 0;
	length = s->name_walk.length;
	for (__u32 from = 0; from < TEXT_MAX / 8 && from * 8 < length; from += MIX_STEPS)
		mix = lookup_mix_round(slot, from, mix);
	return mix;
}

/* Reads the caller's string, or the kernel's copy of it. Returns false when it cannot be read. */
ALWAYS_INLINE bool lookup_read(struct scratch *s, const void *string, bool kernel)
{
	struct name_walk *w = &s->name_walk;
	__u64 end;
	long n;

	if (kernel)
		n = bpf_probe_read_kernel_str(&s->name[NAME_START], TEXT_MAX, string);
	else
		n = bpf_probe_read_user_str(&s->name[NAME_START], TEXT_MAX, string);

	end = n;
	OPAQUE(end);
	if (end > TEXT_MAX) {
		s->name[NAME_START] = 0;
		w->length = 0;
		w->hash = 0;
		return false;
	}
	/* Words are read whole. */
	*(__u64 *)&s->name[NAME_START + end] = 0;
	w->length = end ? end - 1 : 0;
	w->hash = lookup_mix(s->slot);
	return true;
}

/* Where the walk begins: the root, the working directory, or what a descriptor stands for. */
ALWAYS_INLINE bool lookup_begin(struct scratch *s, int descriptor)
{
	struct task_struct *task = current_task();
	struct name_walk *w = &s->name_walk;
	struct fs_struct *fs = FIELD(task_struct, task, fs);

	w->result = 0;
	w->links = 0;
	w->parent = NULL;
	w->parent_mnt = NULL;
	w->last_length = 0;
	w->at = NAME_START;
	w->root = FIELD(fs_struct, fs, root.dentry);
	w->root_mnt = FIELD(fs_struct, fs, root.mnt);
	if (s->name[NAME_START] == '/') {
		w->dentry = w->root;
		w->mnt = w->root_mnt;
	} else if (descriptor == AT_FDCWD) {
		w->dentry = FIELD(fs_struct, fs, pwd.dentry);
		w->mnt = FIELD(fs_struct, fs, pwd.mnt);
	} else {
		struct file *file = file_of_descriptor(task, descriptor);

		w->dentry = file ? FIELD(file, file, f_path.dentry) : NULL;
		w->mnt = file ? FIELD(file, file, f_path.mnt) : NULL;
	}
	return w->dentry && w->mnt;
}

#define NAME_ROUNDS 69 /* times NAME_STEPS: PATH_MAX / 2 components, and links */

/* Walks along the name that was read, from a directory; returns lookup_result, and the outcome is in s->name_walk. */
ROUND __u32 lookup(__u32 slot, int descriptor, __u32 flags)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u32 result = 0;

	if (!s)
		return LOOKUP_UNKNOWN;
	s->name_walk.flags = flags;
	if (!lookup_begin(s, descriptor))
		return LOOKUP_UNKNOWN;
	if (s->name[NAME_START] == 0)
		return flags & LOOKUP_EMPTY ? LOOKUP_FOUND : LOOKUP_UNKNOWN;
	for (int i = 0; i < NAME_ROUNDS && !result; i++)
		result = lookup_rounds(slot);
	return result ? result : LOOKUP_UNKNOWN;
}

#endif
